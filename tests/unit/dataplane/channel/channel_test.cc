// Both ends of the channel in one process, over a socket in a directory of the test's own.
#include "dataplane/channel/channel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "common/file.h"
#include "common/framed_socket.h"
#include "common/unix_socket.h"
#include "control/channel/flows.h"
#include "control/channel/trace.h"
#include "control/cli/trace_file.h"
#include "control/publish/publisher.h"
#include "schema/channel_generated.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"
#include "tests/unit/dataplane/channel/fake_host.h"

namespace sluice::channel {
namespace {

using test::eventually;

constexpr const char* kPolicy = R"(
services:
  - {name: orders, address: 10.77.0.2:8080, protocol: http, mode: enforce}
)";
constexpr const char* kOtherPolicy = R"(
services:
  - {name: orders, address: 10.77.0.2:8080, protocol: http, mode: observe}
)";

class ChannelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto pair = rules::generate_keypair();
    ASSERT_TRUE(pair);
    public_key_ = pair->public_key;
    seed_.assign(pair->private_key.seed().begin(), pair->private_key.seed().end());
    start_control();
  }

  void start_control() {
    std::array<std::uint8_t, rules::kKeyBytes> seed;
    std::copy(seed_.begin(), seed_.end(), seed.begin());
    auto store = control::PolicyStore::open(dir_.file("policies.db"));
    ASSERT_TRUE(store);
    control_.emplace(rules::PackSource(dir_.path()), rules::KeyPair{rules::PrivateKey(seed), public_key_},
                     std::move(*store));
    ASSERT_TRUE(control_->listen(socket()));
  }

  std::unique_ptr<Channel> start_data_plane(FakeHost& host, const std::string& bundle = "bundle") {
    auto channel = Channel::start(
        {socket(), dir_.file(bundle), {public_key_.begin(), public_key_.end()}, 2, 1'700'000'000 * kSecond}, host);
    EXPECT_TRUE(channel);
    return std::move(*channel);
  }

  [[nodiscard]] bool is_connected() const { return control_->channel_status().data_plane.has_value(); }
  [[nodiscard]] std::string socket() const { return dir_.file("channel.sock"); }

  test::TempDir dir_;
  rules::PublicKey public_key_{};
  std::vector<std::uint8_t> seed_;
  std::optional<control::Publisher> control_;
};

TEST_F(ChannelTest, APushedPolicyRunsIsKeptAndAnsweredFor) {
  FakeHost host;
  const auto channel = start_data_plane(host);
  ASSERT_TRUE(eventually([&] { return is_connected(); }));
  const auto pushed = control_->push(kPolicy, "p.yaml", "test");
  ASSERT_TRUE(pushed) << pushed.error().error.message();
  EXPECT_EQ(pushed->state, control::PolicyState::running);
  EXPECT_EQ(host.version, pushed->version);
  EXPECT_EQ(control_->channel_status().data_plane->policy_version, pushed->version);
  EXPECT_EQ(control_->channel_status().data_plane->workers, 2U);
  struct stat status = {};
  ASSERT_EQ(::stat(dir_.file("bundle").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);

  const auto next = control_->push(kOtherPolicy, "p.yaml", "test");
  ASSERT_TRUE(next);
  EXPECT_GT(next->version, pushed->version);
  EXPECT_EQ(host.version, next->version);
}

TEST_F(ChannelTest, ARestartComesBackWithTheLastGoodPolicyWithoutControl) {
  FakeHost host;
  {
    const auto channel = start_data_plane(host);
    ASSERT_TRUE(eventually([&] { return is_connected(); }));
    ASSERT_TRUE(control_->push(kPolicy, "p.yaml", "test"));
  }
  control_.reset();
  FakeHost restarted;
  const auto channel = start_data_plane(restarted);
  EXPECT_EQ(restarted.version, host.version);
}

TEST_F(ChannelTest, WithoutADataPlaneAPolicyWaitsAndIsPushedAtConnect) {
  const auto pushed = control_->push(kPolicy, "p.yaml", "test");
  ASSERT_TRUE(pushed);
  EXPECT_EQ(pushed->state, control::PolicyState::pending);
  FakeHost host;
  const auto channel = start_data_plane(host);
  EXPECT_TRUE(eventually([&] { return host.version == pushed->version; }));
  EXPECT_TRUE(eventually([&] { return (**control_->current()).state == control::PolicyState::running; }));
}

TEST_F(ChannelTest, ControlThatIsBackTakesUpAgainAndDoesNotPushWhatRuns) {
  FakeHost host;
  const auto channel = start_data_plane(host);
  ASSERT_TRUE(eventually([&] { return is_connected(); }));
  ASSERT_TRUE(control_->push(kPolicy, "p.yaml", "test"));
  control_.reset();
  start_control();
  ASSERT_TRUE(eventually([&] { return is_connected(); }));
  const auto pushed = control_->push(kOtherPolicy, "p.yaml", "test");
  ASSERT_TRUE(pushed);
  EXPECT_EQ(pushed->state, control::PolicyState::running);
  EXPECT_EQ(host.applied, 2);
}

TEST_F(ChannelTest, ARefusedPolicyLeavesTheOldOneRunningAndKept) {
  FakeHost host;
  const auto channel = start_data_plane(host);
  ASSERT_TRUE(eventually([&] { return is_connected(); }));
  const auto good = control_->push(kPolicy, "p.yaml", "test");
  ASSERT_TRUE(good);
  const auto kept = read_file(dir_.file("bundle"), 1 << 20);
  host.refuse = true;
  const auto refused = control_->push(kOtherPolicy, "p.yaml", "test");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error.code, ErrorCode::io_failed);
  EXPECT_EQ(refused.error().error.detail, "no worker answers");
  EXPECT_EQ(host.version, good->version);
  EXPECT_EQ(*read_file(dir_.file("bundle"), 1 << 20), *kept);
  EXPECT_EQ((**control_->current()).version, good->version);
  host.refuse = false;
  const auto next = control_->push(kOtherPolicy, "p.yaml", "test");
  ASSERT_TRUE(next);
  EXPECT_GT(next->version, good->version + 1);  // a refused version is not used again
}

TEST_F(ChannelTest, ABundleOfAnotherKeyIsRefused) {
  public_key_[0] ^= 1;
  FakeHost host;
  const auto channel = start_data_plane(host);
  ASSERT_TRUE(eventually([&] { return is_connected(); }));
  const auto refused = control_->push(kPolicy, "p.yaml", "test");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error.code, ErrorCode::bundle_bad_signature);
  EXPECT_EQ(host.applied, 0);
  EXPECT_EQ(read_file(dir_.file("bundle"), 1 << 20).error().code, ErrorCode::not_found);
}

TEST_F(ChannelTest, ABundleThatWasSpoiledOnDiskIsRefusedAtStart) {
  ASSERT_TRUE(replace_file(dir_.file("bundle"), as_bytes("spoiled"), 0600));
  FakeHost host;
  const auto channel = start_data_plane(host);
  EXPECT_EQ(host.applied, 0);
  ASSERT_TRUE(eventually([&] { return is_connected(); }));
  EXPECT_TRUE(control_->push(kPolicy, "p.yaml", "test"));
}

TEST_F(ChannelTest, CountersAndEventsArrive) {
  FakeHost host;
  host.waiting_events = 1000;  // more than go at once
  const auto channel = start_data_plane(host);
  ASSERT_TRUE(eventually([&] { return control_->channel_status().events == 1000; }));
  ASSERT_TRUE(eventually([&] { return control_->channel_status().counters.has_value(); }));
  const control::Counters counters = *control_->channel_status().counters;
  ASSERT_EQ(counters.services.size(), 1U);
  EXPECT_EQ(counters.services[0].service, "orders");
  EXPECT_EQ(counters.services[0].errors, 5U);
  ASSERT_EQ(counters.rules.size(), 1U);
  EXPECT_EQ(counters.rules[0].value, 7U);
  ASSERT_EQ(counters.limits.size(), 1U);
  const auto& limit = counters.limits[0];
  EXPECT_EQ(limit.limit, "orders/few");
  EXPECT_EQ(std::tuple(limit.passed, limit.denied, limit.throttled, limit.observed), std::tuple(5U, 4U, 3U, 2U));
  EXPECT_EQ(counters.drops[0].name, "udp_refused");
  ASSERT_EQ(counters.callers.size(), 1U);
  const auto& caller = counters.callers[0];
  EXPECT_EQ(caller.service + "/" + caller.principal, "orders/ci");
  EXPECT_EQ(caller.source, 10U);
  EXPECT_EQ(std::tuple(caller.requests, caller.responses, caller.errors, caller.denied), std::tuple(9U, 8U, 7U, 6U));
  EXPECT_EQ(std::tuple(caller.request_bytes, caller.response_bytes, caller.waited_ns), std::tuple(5U, 4U, 3U));
  EXPECT_EQ(caller.waits[0], 2U);
}

TEST_F(ChannelTest, AReportOfManyRulesComesWhole) {
  FakeHost host;
  host.rules = 16'000;
  const auto channel = start_data_plane(host);
  ASSERT_TRUE(eventually([&] { return control_->channel_status().counters.has_value(); }));
  const control::Counters counters = *control_->channel_status().counters;
  ASSERT_EQ(counters.rules.size(), 16'000U);
  EXPECT_EQ(counters.rules[15'999].name, "local/rule-15999");
  EXPECT_EQ(counters.limits.size(), 1U);
}

TEST_F(ChannelTest, AQuestionForFlowsIsCarriedWholeAndItsAnswerComesInParts) {
  FakeHost host;
  const auto channel = start_data_plane(host);
  ASSERT_TRUE(eventually([&] { return is_connected(); }));
  control::FlowQuery query;
  query.limit = 1000;
  query.session = 7;
  query.service = "orders";
  query.principal = std::string(100, 'p');  // longer than the data plane keeps names
  query.client = *control::parse_endpoint("10.77.0.0/24:4000", "client");
  query.server = *control::parse_endpoint(":8080", "server");
  query.states = *control::parse_states("established,close_wait");
  query.min_age_ns = 5;
  query.min_bytes = 6;
  const auto encode = [&](std::uint64_t id) { return control::encode_flows_request(id, query); };
  const auto answer = control_->channel().ask(encode, 10 * kSecond);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(host.asked.session, 7U);
  EXPECT_STREQ(host.asked.service, "orders");
  EXPECT_EQ(std::string(host.asked.principal), std::string(session::kFlowNameBytes - 1, 'p'));
  EXPECT_EQ(host.asked.client.address, IpAddress(0x0a4d0000));
  EXPECT_EQ(host.asked.client.bits, 120);
  EXPECT_EQ(host.asked.client_port, 4000);
  EXPECT_EQ(host.asked.server.bits, 0);
  EXPECT_EQ(host.asked.server_port, 8080);
  EXPECT_EQ(host.asked.states, 1U << 2 | 1U << 5);
  EXPECT_EQ(host.asked.min_age_ns, 5U);
  EXPECT_EQ(host.asked.min_bytes, 6U);
  EXPECT_GT(answer->size(), 10U);
  std::uint64_t next = 1000;
  for (const control::MessageBytes& message : *answer) {
    const auto* part = schema::channel::GetSizePrefixedEnvelope(message.data())->message_as_Flows();
    ASSERT_NE(part, nullptr);
    for (const auto* flow : *part->flows()) EXPECT_EQ(flow->session(), next++);
    EXPECT_EQ(part->last(), &message == &answer->back());
  }
  EXPECT_EQ(next, 2000U);
}

TEST_F(ChannelTest, AQuestionThatIsNotAnsweredEndsInWordsAndTheNextIsAnswered) {
  const auto encode = [](std::uint64_t id) { return control::encode_flows_request(id, {}); };
  EXPECT_EQ(control_->channel().ask(encode, kSecond).error().code, ErrorCode::channel_closed);
  FakeHost host;
  host.never_ends = true;
  auto channel = start_data_plane(host);
  ASSERT_TRUE(eventually([&] { return is_connected(); }));
  EXPECT_EQ(control_->channel().ask(encode, 100 * kMillisecond).error().code, ErrorCode::channel_timeout);
  host.never_ends = false;
  EXPECT_TRUE(control_->channel().ask(encode, 10 * kSecond));
  host.never_ends = true;
  std::thread leaving([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    channel.reset();
  });
  EXPECT_EQ(control_->channel().ask(encode, 30 * kSecond).error().code, ErrorCode::channel_closed);
  leaving.join();
}

TEST_F(ChannelTest, ATraceComesWholeInParts) {
  FakeHost host;
  const auto channel = start_data_plane(host);
  ASSERT_TRUE(eventually([&] { return is_connected(); }));
  const auto answer = control_->channel().ask(control::encode_trace_request, 10 * kSecond);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_GT(answer->size(), 3U);
  const auto file = cli::read_trace(control::trace_file(*answer));
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_EQ(file->entries.size(), 20'000U);
  EXPECT_EQ(file->overwritten, 30'000U);
  for (std::uint64_t i = 0; i < 20'000; ++i) ASSERT_EQ(file->entries[i].record.time_ns, i);
}

TEST_F(ChannelTest, EndsAndStatesAreReadOrRefusedInWords) {
  for (const char* bad : {"10.77.0", "10.77.0.2:", "10.77.0.2:0", "10.77.0.2:65536", "10.77.0.2/33", "10.77.0.2/", "x",
                          "[2001:db8::2", "[2001:db8::2]:", "[2001:db8::2]:65536", "2001:db8::/129", "2001:db8", "[]"})
    EXPECT_EQ(control::parse_endpoint(bad, "client").error().code, ErrorCode::bad_argument) << bad;
  EXPECT_EQ(control::parse_endpoint("10.1.2.3/8", "client")->address, IpAddress(0x0a000000U));
  EXPECT_EQ(control::parse_endpoint("0.0.0.0/0", "client")->bits, kIpv4PrefixBits);
  EXPECT_EQ(control::parse_endpoint("", "client")->bits, 0);
  for (const char* text : {"2001:db8::2", "[2001:db8::2]", "[2001:db8::2]:80", "[2001:db8::2/128]:80"}) {
    const auto end = control::parse_endpoint(text, "client");
    ASSERT_TRUE(end) << text;
    EXPECT_EQ(end->address, *parse_address("2001:db8::2")) << text;
    EXPECT_EQ(end->bits, 128) << text;
  }
  EXPECT_EQ(control::parse_endpoint("[2001:db8::2]:80", "client")->port, 80);
  EXPECT_EQ(control::parse_endpoint("2001:db8::2/32", "client")->address, *parse_address("2001:db8::"));
  EXPECT_EQ(*control::parse_states(""), 0U);
  const auto unknown = control::parse_states("established,open");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().detail.find("fin_wait_1"), std::string::npos);
}

TEST_F(ChannelTest, AQuestionForIpv6ArrivesAsOne) {
  FakeHost host;
  const auto channel = start_data_plane(host);
  ASSERT_TRUE(eventually([&] { return is_connected(); }));
  control::FlowQuery query;
  query.client = *control::parse_endpoint("2001:db8::/32", "client");
  query.server = *control::parse_endpoint("[2001:db8::2]:80", "server");
  const auto encode = [&](std::uint64_t id) { return control::encode_flows_request(id, query); };
  ASSERT_TRUE(control_->channel().ask(encode, 10 * kSecond));
  EXPECT_TRUE(host.asked.client.has(*parse_address("2001:db8:1::7")));
  EXPECT_FALSE(host.asked.client.has(*parse_address("2001:db9::")));
  EXPECT_FALSE(host.asked.client.has(0x0a000001));
  EXPECT_TRUE(host.asked.server.has(*parse_address("2001:db8::2")));
  EXPECT_FALSE(host.asked.server.has(*parse_address("2001:db8::3")));
  EXPECT_EQ(host.asked.server_port, 80);
}

// A data plane made by hand: says what it likes and reads what control answers.
class RawPeer {
 public:
  explicit RawPeer(const std::string& path) {
    auto fd = connect_unix(path);
    EXPECT_TRUE(fd);
    if (fd) socket_.emplace(std::move(*fd));
  }
  void hello(std::uint16_t version) {
    flatbuffers::FlatBufferBuilder builder;
    const auto hello = schema::channel::CreateHelloDirect(builder, version, "raw", "5.4.0");
    schema::channel::FinishSizePrefixedEnvelopeBuffer(
        builder, schema::channel::CreateEnvelope(builder, schema::channel::Message::Hello, hello.Union()));
    send({builder.GetBufferPointer(), builder.GetSize()});
  }
  void send(Bytes bytes) {
    EXPECT_TRUE(socket_->queue(bytes));
    EXPECT_TRUE(socket_->flush());
  }
  // Control's hello; its error is "closed" when it ended the connection without one.
  std::pair<ErrorCode, std::string> answer() {
    std::vector<std::uint8_t> message;
    bool closed = false;
    EXPECT_TRUE(eventually([&] {
      closed = !socket_->receive();
      if (auto next = socket_->next(); next && *next) message = **next;
      return closed || !message.empty();
    }));
    if (message.empty()) return {ErrorCode::channel_closed, ""};
    const auto* hello = schema::channel::GetSizePrefixedEnvelope(message.data())->message_as_ControlHello();
    return {static_cast<ErrorCode>(hello->error()), hello->detail()->str()};
  }

 private:
  std::optional<FramedSocket> socket_;
};

TEST_F(ChannelTest, ASecondDataPlaneIsRefusedInWordsAndTheFirstStays) {
  FakeHost host;
  const auto channel = start_data_plane(host);
  ASSERT_TRUE(eventually([&] { return is_connected(); }));
  RawPeer second(socket());
  second.hello(1);
  const auto [error, detail] = second.answer();
  EXPECT_EQ(error, ErrorCode::already_running);
  EXPECT_NE(detail.find(std::to_string(::getpid())), std::string::npos) << detail;
  EXPECT_TRUE(control_->push(kPolicy, "p.yaml", "test"));
  EXPECT_EQ(host.applied, 1);
}

TEST_F(ChannelTest, AnotherChannelVersionIsRefusedWithBothVersions) {
  RawPeer peer(socket());
  peer.hello(9);
  const auto [error, detail] = peer.answer();
  EXPECT_EQ(error, ErrorCode::channel_bad_version);
  EXPECT_NE(detail.find('9'), std::string::npos);
  EXPECT_NE(detail.find('1'), std::string::npos);
  EXPECT_FALSE(is_connected());
}

TEST_F(ChannelTest, WhatIsNoMessageEndsTheConnectionAndNothingElse) {
  const std::vector<std::uint8_t> junk = {12, 0, 0, 0, 255, 255, 255, 255, 1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<std::uint8_t> huge = {255, 255, 255, 127};
  for (const auto& bytes : {junk, huge}) {
    RawPeer peer(socket());
    peer.send(bytes);
    EXPECT_EQ(peer.answer().first, ErrorCode::channel_closed);
  }
  FakeHost host;
  const auto channel = start_data_plane(host);
  EXPECT_TRUE(eventually([&] { return is_connected(); }));
}

TEST_F(ChannelTest, ASecondControlOnTheSocketIsRefused) {
  const auto second = control::ChannelServer::start(socket(), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::already_running);
}

}  // namespace
}  // namespace sluice::channel
