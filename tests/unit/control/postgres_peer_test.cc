// The connection to the server of a replay, where that server stops speaking.
#include "control/replay/postgres_peer.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <future>
#include <thread>

#include "common/fd.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/control/loopback.h"

namespace sluice::control {
namespace {

// Takes one connection, says so many of the answers that a client waits for one after the other, and no more; with
// `again` that again and again, once it has said them.
class MuteServer {
 public:
  explicit MuteServer(std::vector<std::string> answers, std::string again = "") {
    thread_ = std::jthread([this, answers = std::move(answers), again = std::move(again)] {
      const Fd peer = listener_.accept();
      std::array<char, 1024> heard{};
      for (std::size_t i = 0; ::recv(peer.get(), heard.data(), heard.size(), 0) > 0; ++i) {
        if (i < answers.size()) (void)!::send(peer.get(), answers[i].data(), answers[i].size(), MSG_NOSIGNAL);
        while (i >= answers.size() && !again.empty() &&
               ::send(peer.get(), again.data(), again.size(), MSG_NOSIGNAL) > 0)
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
  }
  [[nodiscard]] const Target& target() const { return listener_.target(); }

 private:
  test::Loopback listener_;
  std::jthread thread_;
};

#ifdef SYS_poll
constexpr long kPoll = SYS_poll;
#else
constexpr long kPoll = SYS_ppoll;
#endif
const std::string kNoTls = "N";
const std::string kAsksForPassword("R\0\0\0\x08\0\0\0\x03", 9);
const std::string kNotice("N\0\0\0\x05\0", 6);
const std::string kDone("C\0\0\0\x0dSELECT 0\0Z\0\0\0\x05I", 20);
const std::string kReady("R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I", 15);

Result<PostgresPeer> connect(const MuteServer& server, const std::atomic<bool>& stopping) {
  PostgresTarget target;
  target.host = "localhost";
  target.user = "ann";
  target.database = "shop";
  return PostgresPeer::connect({.address = server.target(), .target = target, .passfile = "", .timeout_seconds = 1},
                               stopping);
}

TEST(PostgresPeer, GivesUpOnAServerThatNeverSpeaks) {
  const std::atomic<bool> stopping{false};
  const MuteServer server({});
  const auto peer = connect(server, stopping);
  ASSERT_FALSE(peer);
  EXPECT_EQ(peer.error().detail, "the server says nothing for 1 s");
}

TEST(PostgresPeer, GivesUpOnAServerThatNeverComesToAnEnd) {
  const std::atomic<bool> stopping{false};
  const MuteServer server({kNoTls, kReady}, kNotice);
  auto peer = connect(server, stopping);
  ASSERT_TRUE(peer) << peer.error().detail;
  peer->be_patient(600, 1);
  ASSERT_TRUE(peer->query("select 1"));
  const auto result = peer->next();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().detail, "the server is not done after 1 s");
}

TEST(PostgresPeer, ConnectingEndsWhenControlStops) {
  const std::atomic<bool> stopping{true};
  const MuteServer server({});
  const auto peer = connect(server, stopping);
  ASSERT_FALSE(peer);
  EXPECT_EQ(peer.error().detail, "control stops");
}

TEST(PostgresPeer, KeepsNoNotifications) {
  constexpr std::size_t kCount = 20'000;
  const std::string one = std::string("A\0\0\x03\xeb\0\0\0\1n\0", 11) + std::string(992, 'x') + std::string(1, 0);
  std::string answer;
  for (std::size_t i = 0; i < kCount; ++i) answer += one;
  const std::atomic<bool> stopping{false};
  const MuteServer server({kNoTls, kReady, answer + kDone});
  auto peer = connect(server, stopping);
  ASSERT_TRUE(peer) << peer.error().detail;
  peer->be_patient(60);
  ASSERT_TRUE(peer->query("select 1"));
  const std::size_t before = ::mallinfo2().uordblks;
  auto result = peer->next();
  ASSERT_TRUE(result) << result.error().detail;
  ASSERT_NE(*result, nullptr);
  result = peer->next();
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_LT(::mallinfo2().uordblks, before + answer.size() / 10);
}

TEST(PostgresPeer, GivesUpOnAServerThatDoesNotAnswerAStatement) {
  const std::atomic<bool> stopping{false};
  const MuteServer server({kNoTls, kReady});
  auto peer = connect(server, stopping);
  ASSERT_TRUE(peer) << peer.error().detail;
  ASSERT_TRUE(peer->query("select 1"));
  const auto result = peer->next();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().detail, "the server says nothing for 1 s");
}

TEST(PostgresPeer, KeepsNoMessageWithoutEnd) {
  const std::atomic<bool> stopping{false};
  const std::string columns = std::string("T\0\0\0\x1a\0\1n", 8) + std::string(19, '\0');
  const std::string row_of_512_mib("D\x20\0\0\0\0\1\x1f\xff\xff\xf6", 11);
  const MuteServer server({kNoTls, kReady}, columns + row_of_512_mib + std::string(4'000'000, 'x'));
  auto peer = connect(server, stopping);
  ASSERT_TRUE(peer) << peer.error().detail;
  peer->be_patient(60);
  ASSERT_TRUE(peer->query("select 1"));
  const auto result = peer->next();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().detail, "the server sends a message of more than 64 MiB");
}

TEST(PostgresPeer, TakesNoPasswordFromAFileThatWasNotNamed) {
  const std::atomic<bool> stopping{false};
  const sluice::test::TempDir dir;
  std::ofstream(dir.file("pgpass")) << "*:*:*:*:s3cret\n";
  ASSERT_EQ(::chmod(dir.file("pgpass").c_str(), 0600), 0);
  ASSERT_EQ(::setenv("PGPASSFILE", dir.file("pgpass").c_str(), 1), 0);
  const MuteServer server({kNoTls, kAsksForPassword, kReady});
  const auto peer = connect(server, stopping);
  ::unsetenv("PGPASSFILE");
  ASSERT_FALSE(peer);
  EXPECT_NE(peer.error().detail.find("no password supplied"), std::string::npos) << peer.error().detail;
}

// The thread is in poll(), as the kernel sees it.
bool waits_for_socket(::pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/syscall");
  long call = -1;
  return file >> call && (call == SYS_ppoll || call == kPoll);
}

TEST(PostgresPeer, AWaitEndsWhenControlStops) {
  std::atomic<bool> stopping{false};
  const MuteServer server({kNoTls, kReady});
  auto peer = connect(server, stopping);
  ASSERT_TRUE(peer) << peer.error().detail;
  peer->be_patient(600);
  ASSERT_TRUE(peer->query("select 1"));
  Result<PgResult> result;
  {
    std::promise<::pid_t> began;
    const std::jthread client([&] {
      began.set_value(::gettid());
      result = peer->next();
    });
    const ::pid_t thread = began.get_future().get();
    while (!waits_for_socket(thread)) std::this_thread::yield();
    stopping = true;
  }
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().detail, "control stops");
}

TEST(PostgresPeer, ReadsNoFurtherWhenControlStops) {
  std::atomic<bool> stopping{false};
  const MuteServer server({kNoTls, kReady, kDone});
  auto peer = connect(server, stopping);
  ASSERT_TRUE(peer) << peer.error().detail;
  ASSERT_TRUE(peer->query("select 1"));
  ASSERT_TRUE(peer->next());
  stopping = true;
  EXPECT_FALSE(peer->next()) << "though all of it is there";
}

}  // namespace
}  // namespace sluice::control
