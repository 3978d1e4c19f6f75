// Sinks against programs that are slow, fail or talk too much, a webhook that is down, and a socket that is not there.
#include "control/sinks/sinks.h"

#include <gmock/gmock.h>
#include <httplib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <cstring>
#include <future>

#include "common/file.h"
#include "control/sinks/alerting.h"
#include "control/sinks/command.h"
#include "control/sinks/syslog.h"
#include "tests/support/wait.h"
#include "tests/unit/control/approvals/desk_fixture.h"

namespace sluice::control {
namespace {

using sluice::test::eventually;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kSecret = "a secret of enough bytes";

Alert sample(const std::string& principal = "ci") {
  return {.id = 7,
          .rule = "runaway",
          .severity = AlertSeverity::critical,
          .summary = "stop <it>",
          .key = {AlertPer::principal, "orders", principal},
          .measure = "requests",
          .unit = AlertUnit::per_second,
          .value = 512,
          .above = 100,
          .principals = {principal},
          .sessions = {0xa1},
          .order = 3,
          .action = "paused for 15m by order 3",
          .tell = {"sink"},
          .raised = test::kNoon};
}

class CommandTest : public ::testing::Test {
 protected:
  // A program that does that.
  CommandSink program(const std::string& does, DurationNs timeout = 30 * kSecond) {
    const std::string path = dir_.file("program");
    EXPECT_TRUE(replace_file(path, as_bytes("#!/bin/sh\n" + does + "\n"), 0700));
    return {.argv = {path, "one word", "$(id)"}, .timeout = timeout};
  }
  std::string written() {
    const auto bytes = read_file(dir_.file("out"), 1 << 20);
    return bytes ? std::string(as_text(*bytes)) : "";
  }

  sluice::test::TempDir dir_;
  CommandRunner runner_;
};

TEST_F(CommandTest, ItGetsItsWordsAsTheyStandAndTheAlertOnItsInput) {
  const auto done = runner_.run(
      program("printf '%s|' \"$1\" \"$2\" > " + dir_.file("out") + "; cat >> " + dir_.file("out")), "{\"alert\": 1}\n");
  EXPECT_TRUE(done) << done.error().message();
  EXPECT_EQ(written(), "one word|$(id)|{\"alert\": 1}\n");
}

TEST_F(CommandTest, ItHasNothingElseOfOurs) {
  ::setenv("SLUICE_TEST_SECRET", "hidden", 1);
  const Fd ours(::open("/dev/null", O_RDONLY));  // not closed on exec
  const auto done = runner_.run(program("{ env; ls /proc/self/fd; pwd; } > " + dir_.file("out")), "");
  EXPECT_TRUE(done);
  EXPECT_THAT(written(), HasSubstr("LANG=C.UTF-8"));
  EXPECT_EQ(written().find("hidden"), std::string::npos);
  EXPECT_EQ(written().find("\n" + std::to_string(ours.get()) + "\n"), std::string::npos) << written();
  EXPECT_TRUE(written().ends_with("\n/\n"));
}

TEST_F(CommandTest, OneThatFailsIsSaidWithWhatItPrinted) {
  const auto done = runner_.run(program("echo no pager here >&2; exit 3"), "x");
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().detail, HasSubstr("ended with status 3, and says: no pager here"));
  EXPECT_THAT(runner_.run(program("kill -9 $$"), "x").error().detail, HasSubstr("ended by signal 9"));
  EXPECT_THAT(runner_.run({.argv = {"/no/such/program"}}, "x").error().detail, HasSubstr("/no/such/program"));
}

TEST_F(CommandTest, OneThatOthersMayWriteIsNotRun) {
  const CommandSink command = program("echo ran > " + dir_.file("out"));
  ASSERT_EQ(::chmod(command.argv.front().c_str(), 0777), 0);
  EXPECT_EQ(runner_.run(command, "x").error().code, ErrorCode::not_permitted);
  EXPECT_FALSE(read_file(dir_.file("out"), 10));
  ASSERT_EQ(::chmod(command.argv.front().c_str(), 0755), 0);
  EXPECT_TRUE(runner_.run(command, "x"));
}

TEST_F(CommandTest, OneThatIsSlowIsKilledWithWhatItStarted) {
  const auto begin = std::chrono::steady_clock::now();
  const auto done =
      runner_.run(program("sleep 600 & echo $! > " + dir_.file("out") + "; wait", 300 * kMillisecond), "x");
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().detail, HasSubstr("took too long"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  const pid_t child = std::stoi(written());
  EXPECT_TRUE(eventually([&] {
    const auto state = read_file("/proc/" + std::to_string(child) + "/stat", 4096);  // gone, or a zombie
    return !state || as_text(*state).find(") Z ") != std::string_view::npos;
  }));
}

TEST_F(CommandTest, OneThatPrintsMuchAndReadsNothingEnds) {
  const std::string input(4 << 20, 'x');  // more than a pipe holds
  EXPECT_TRUE(runner_.run(program("head -c 8000000 /dev/zero; exit 0"), input));
  const auto failed = runner_.run(program("head -c 8000000 /dev/zero | tr '\\0' y; exit 1"), input);
  ASSERT_FALSE(failed);
  EXPECT_LT(failed.error().detail.size(), 2 * CommandRunner::kShownBytes);
}

TEST_F(CommandTest, StoppingEndsWhatRuns) {
  auto done = std::async(std::launch::async, [&] { return runner_.run(program("sleep 600", 600 * kSecond), "x"); });
  runner_.stop();
  EXPECT_FALSE(done.get());
}

TEST(Syslog, AMessageIsAsRfc5424HasIt) {
  const AlertEvent event{.sequence = 1, .is_raised = true, .alert = sample("a\"b]c\\d\ne")};
  const std::string text = syslog_message(event, 3, "gate way", 4711);
  EXPECT_EQ(text,
            "<26>1 2026-11-21T12:00:00.000000Z gate_way sluice-control 4711 alert_raised [alert@32473 id=\"7\" "
            "name=\"runaway\" severity=\"critical\" service=\"orders\" principal=\"a\\\"b\\]c\\\\d?e\" "
            "session=\"00000000000000a1\" order=\"3\"] runaway: requests of a\"b]c\\d?e at orders: 512/s, above "
            "100/s; paused for 15m by order 3");
  AlertEvent over = event;
  over.is_raised = false;
  over.alert = sample();
  over.alert.cleared = test::kNoon + 61 * kSecond + 5 * kMicrosecond;
  over.alert.cleared_value = 12;
  EXPECT_THAT(syslog_message(over, 16, "", 1), StartsWith("<133>1 2026-11-21T12:01:01.000005Z - sluice-control 1 "));
  EXPECT_THAT(syslog_message(over, 16, "", 1), HasSubstr("] runaway: requests of ci at orders: 12/s again"));
  over.alert.principals.assign(100, std::string(60, 'x'));
  EXPECT_LE(syslog_message(over, 16, "", 1).size(), kMaxSyslogBytes);
}

TEST(Syslog, GoesToTheSocketOrSaysThatItIsNotThere) {
  const sluice::test::TempDir dir;
  const std::string path = dir.file("log");
  EXPECT_THAT(send_syslog(path, "x").error().detail, HasSubstr(path));
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_TRUE(send_syslog(path, "<1>1 hello"));
  std::array<char, 64> got{};
  EXPECT_EQ(::recv(socket.get(), got.data(), got.size(), 0), 10);
  EXPECT_STREQ(got.data(), "<1>1 hello");
}

// Serves until it is gone.
class Receiver {
 public:
  explicit Receiver(httplib::Server::Handler handler) {
    server_.Post("/hook", std::move(handler));
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~Receiver() {
    server_.stop();
    thread_.join();
  }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

class SinksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto approvals = Approvals::open(
        dir_.file("approvals.db"), [] { return Result<ApprovalTerms>(ApprovalTerms{}); }, [] { return test::kNoon; });
    ASSERT_TRUE(approvals);
    approvals_ = std::move(*approvals);
    store_ = AlertStore::open(dir_.file("alerts.db")).value();
    auto alerts = Alerts::open(dir_.file("alerts.db"), *approvals_, {});
    ASSERT_TRUE(alerts);
    alerts_ = std::move(*alerts);
    ASSERT_TRUE(alerts_->sink_cursor("sink"));  // it knows nothing of what came before
    ASSERT_TRUE(replace_file(dir_.file("secret"), as_bytes(std::string_view(kSecret)), 0600));
  }
  // As the thread of alerts does.
  AlertId raise(const std::vector<std::string>& tell = {"sink"}) {
    Alert alert = sample("<ci>");
    alert.tell = tell;
    return store_->raise(alert).value_or(0);
  }
  void start(const SinkConfig& config, Sinks::Pace pace = {.first = kMillisecond, .last = 2 * kMillisecond}) {
    alerts_->set_file({.sinks = {config}, .rules = {}}, "alerts.yaml");
    auto sinks = make_sinks({config});
    ASSERT_TRUE(sinks) << sinks.error().message();
    sinks_ = std::make_unique<Sinks>(*alerts_, pace);
    sinks_->set(std::move(*sinks));
  }
  SinkConfig webhook(const std::string& url, bool is_chat = false) {
    return {.name = "sink", .to = WebhookSink{url, dir_.file("secret"), is_chat}};
  }
  SinkStatus status() { return alerts_->status().sinks.at(0); }

  sluice::test::TempDir dir_;
  std::unique_ptr<Approvals> approvals_;
  std::unique_ptr<AlertStore> store_;
  std::unique_ptr<Alerts> alerts_;
  std::unique_ptr<Sinks> sinks_;
};

TEST_F(SinksTest, AWebhookGetsEachEventOnceInOrderAndSigned) {
  std::mutex mutex;
  std::vector<std::string> got;
  const Receiver receiver([&](const httplib::Request& request, httplib::Response&) {
    const std::lock_guard lock(mutex);
    const std::uint64_t timestamp = std::stoull(request.get_header_value("X-Sluice-Timestamp"));
    EXPECT_EQ(request.get_header_value("X-Sluice-Signature"), delivery_signature(kSecret, timestamp, request.body));
    const auto json = nlohmann::json::parse(request.body);
    got.push_back(json["event"].get<std::string>() + " " + json["alert"]["principals"][0].get<std::string>() + " " +
                  json["alert"]["sessions"][0].get<std::string>());
  });
  start(webhook(receiver.url()));
  const AlertId id = raise();
  raise({"another"});
  ASSERT_TRUE(store_->clear(id, test::kNoon + kSecond, 3, false));
  EXPECT_TRUE(eventually([&] { return alerts_->sink_cursor("sink").value() == 3; }));
  sinks_.reset();
  start(webhook(receiver.url()));
  raise();
  EXPECT_TRUE(eventually([&] { return alerts_->sink_cursor("sink").value() == 4; }));
  EXPECT_EQ(got, (std::vector<std::string>{"alert_raised <ci> 00000000000000a1", "alert_cleared <ci> 00000000000000a1",
                                           "alert_raised <ci> 00000000000000a1"}));
}

TEST_F(SinksTest, AWebhookThatIsDownIsToldLaterAlsoAfterARestart) {
  std::atomic<int> refused{0}, taken{0};
  {
    const Receiver failing([&](const httplib::Request&, httplib::Response& response) {
      ++refused;
      response.status = 500;
    });
    start(webhook(failing.url()), {.first = kMillisecond, .last = kMillisecond, .attempts = 100'000});
    raise();
    ASSERT_TRUE(eventually([&] { return refused >= 3 && !status().problem.empty(); }));
    EXPECT_EQ(status().problem, "it answers with status 500");
    sinks_.reset();
  }
  const Receiver receiver([&](const httplib::Request&, httplib::Response&) { ++taken; });
  start(webhook(receiver.url()));
  EXPECT_TRUE(eventually([&] { return taken == 1 && status().told == 1 && status().problem.empty(); }));
}

TEST_F(SinksTest, AttemptsAreBoundedAndWhatIsGivenUpIsCounted) {
  std::atomic<int> asked{0};
  const Receiver failing([&](const httplib::Request&, httplib::Response& response) {
    ++asked;
    response.status = 500;
  });
  start(webhook(failing.url()), {.first = kMillisecond, .last = kMillisecond, .attempts = 3});
  raise();
  raise();
  EXPECT_TRUE(eventually([&] { return status().given_up == 2; }));
  EXPECT_EQ(asked, 6);
}

// What was forgotten before a sink came back is told it by number, once, and before what comes.
TEST_F(SinksTest, WhatIsForgottenBeforeItWasToldIsSaid) {
  const AlertId first = raise();
  const AlertId other = raise({"another"});
  ASSERT_TRUE(store_->clear(first, test::kNoon + kSecond, 3, false));
  ASSERT_TRUE(store_->clear(other, test::kNoon + kSecond, 3, false));
  auto database = Database::open(dir_.file("alerts.db"));
  ASSERT_TRUE(database);
  ASSERT_TRUE(database->run(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT INTO alerts"
      "(rule, per, service, name, raised, cleared, detail) SELECT 'x', 0, 'orders', 'ci', 1, 2, '{}' FROM n"));
  const AlertId last = raise();
  ASSERT_TRUE(store_->clear(last, test::kNoon + kSecond, 3, false));
  ASSERT_FALSE(store_->alert(first).value());
  std::mutex mutex;
  std::vector<std::string> got;
  std::atomic<bool> is_up{false};
  const Receiver receiver([&](const httplib::Request& request, httplib::Response& response) {
    const std::lock_guard lock(mutex);
    if (!is_up) return void(response.status = 500);
    const auto json = nlohmann::json::parse(request.body);
    got.push_back(json["event"].get<std::string>() + (json.contains("lost") ? " " + json["lost"].dump() : ""));
  });
  start(webhook(receiver.url()), {.first = kMillisecond, .last = kMillisecond, .attempts = 100'000});
  EXPECT_TRUE(eventually([&] { return !status().problem.empty(); }));
  EXPECT_EQ(status().lost, 2U) << "of its own";
  is_up = true;
  EXPECT_TRUE(eventually([&] { return status().told == 2; }));
  EXPECT_EQ(status().lost, 2U);
  const std::lock_guard lock(mutex);
  EXPECT_EQ(got, (std::vector<std::string>{"events_lost 2", "alert_raised", "alert_cleared"}));
}

TEST_F(SinksTest, WhatWasGivenUpIsSaidWhenTheSinkIsBack) {
  std::mutex mutex;
  std::vector<std::string> got;
  std::atomic<bool> is_up{false};
  const Receiver receiver([&](const httplib::Request& request, httplib::Response& response) {
    const std::lock_guard lock(mutex);
    if (!is_up) return void(response.status = 500);
    got.push_back(nlohmann::json::parse(request.body)["text"].get<std::string>());
  });
  start(webhook(receiver.url()), {.first = kMillisecond, .last = kMillisecond, .attempts = 2});
  raise();
  raise();
  EXPECT_TRUE(eventually([&] { return status().given_up == 2; }));
  is_up = true;  // and nothing else happens
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return !got.empty();
  }));
  EXPECT_THAT(got.at(0), HasSubstr("2 events of alerts were not told"));
  EXPECT_EQ(status().lost, 2U);
}

TEST_F(SinksTest, WhatWasSaidOfWhatIsLostIsNotSaidAgainWhereThatCannotBeKept) {
  std::mutex mutex;
  std::vector<std::string> got;
  std::atomic<bool> is_up{false};
  const Receiver receiver([&](const httplib::Request& request, httplib::Response& response) {
    const std::lock_guard lock(mutex);
    if (!is_up) return void(response.status = 500);
    const auto json = nlohmann::json::parse(request.body);
    got.push_back(json["event"].get<std::string>() + (json.contains("lost") ? " " + json["lost"].dump() : ""));
  });
  start(webhook(receiver.url()), {.first = kMillisecond, .last = kMillisecond, .attempts = 2});
  raise();
  raise();
  ASSERT_TRUE(eventually([&] { return store_->lost("sink")->count == 2; }));
  auto other = Database::open(dir_.file("alerts.db"));
  ASSERT_TRUE(other);
  ASSERT_TRUE(other->run("CREATE TRIGGER full BEFORE UPDATE ON lost BEGIN SELECT RAISE(ABORT, 'full'); END"));
  is_up = true;
  raise();
  EXPECT_TRUE(eventually([&] { return status().told == 1; }));
  raise();
  EXPECT_TRUE(eventually([&] { return status().told == 2; }));
  EXPECT_EQ(status().lost, 2U);
  ASSERT_TRUE(other->run("DROP TRIGGER full"));
  EXPECT_TRUE(eventually([&] { return store_->lost("sink")->count == 0; }));
  raise();
  EXPECT_TRUE(eventually([&] { return status().told == 3; }));
  EXPECT_EQ(status().lost, 2U);
  const std::lock_guard lock(mutex);
  EXPECT_EQ(got, (std::vector<std::string>{"events_lost 2", "alert_raised", "alert_raised", "alert_raised"}));
}

TEST_F(SinksTest, AChatGetsATextWithoutMarkupOfOthers) {
  Webhook chat;
  chat.is_chat = true;
  const AlertEvent event{.sequence = 1, .is_raised = true, .alert = sample("<!channel>")};
  const auto json = nlohmann::json::parse(webhook_body(chat, event, test::kNoon));
  EXPECT_EQ(json["text"],
            ":warning: *Alert* runaway: requests of &lt;!channel&gt; at orders: 512/s, above 100/s\nstop &lt;it&gt;\n"
            "principal &lt;!channel&gt;\nsessions 00000000000000a1\npaused for 15m by order 3\n`sluice alerts show 7`");
}

TEST_F(SinksTest, ACommandThatFailsIsRunAgain) {
  const std::string path = dir_.file("program"), out = dir_.file("out");
  ASSERT_TRUE(replace_file(path, as_bytes("#!/bin/sh\ncat >> " + out + "\n[ $(wc -l < " + out + ") -ge 3 ]\n"), 0700));
  start({.name = "sink", .to = CommandSink{.argv = {path}}});
  raise();
  EXPECT_TRUE(eventually([&] { return status().told == 1; }));
  EXPECT_THAT(std::string(as_text(read_file(out, 1 << 20).value())), StartsWith("{\"event\":\"alert_raised\""));
}

TEST_F(SinksTest, WhatCannotWorkIsRefusedBeforeItIsUsed) {
  EXPECT_THAT(make_sinks({{"pager", CommandSink{.argv = {"/no/such/program"}}}}).error().detail,
              HasSubstr("sink pager: /no/such/program"));
  const std::string path = dir_.file("program");
  ASSERT_TRUE(replace_file(path, as_bytes("#!/bin/sh\n"), 0700));
  EXPECT_TRUE(make_sinks({{"pager", CommandSink{.argv = {path}}}}));
  ASSERT_EQ(::chmod(path.c_str(), 0722), 0);
  EXPECT_EQ(make_sinks({{"pager", CommandSink{.argv = {path}}}}).error().code, ErrorCode::not_permitted);
  ASSERT_EQ(::chmod(dir_.file("secret").c_str(), 0644), 0);
  EXPECT_THAT(make_sinks({webhook("https://x/y")}).error().detail, HasSubstr("make it 0600"));
  EXPECT_THAT(make_sinks({webhook("https://:80/y")}).error().detail, HasSubstr("must look like"));
}

TEST_F(SinksTest, AFileThatIsWrongIsNotTakenAndTheOneBeforeStays) {
  auto channel = ChannelServer::start(dir_.file("channel.sock"), {});
  auto index = Index::open(dir_.file("index.db"), dir_.path());
  ASSERT_TRUE(channel && index);
  const std::string file = dir_.file("alerts.yaml");
  const auto write = [&](std::string_view text) { ASSERT_TRUE(replace_file(file, as_bytes(text), 0644)); };
  const auto begin = [&] { return Alerting::start(file, dir_.file("other.db"), **channel, *approvals_, **index); };
  write("alerts: [{name: a}]\n");
  EXPECT_THAT(begin().error().message(), HasSubstr("alerts.yaml:1:10: "));
  write("alerts:\n  - {name: one, per: principal, measure: requests, above: 1/s}\n");
  auto alerting = begin();
  ASSERT_TRUE(alerting) << alerting.error().message();
  write("alerts:\n  - {name: two, per: principal, measure: requests, above: 1}\n");
  (*alerting)->reload();
  EXPECT_EQ((*alerting)->alerts().status().rules.at(0).first.name, "one");
  EXPECT_THAT((*alerting)->alerts().status().refused, HasSubstr("alerts.yaml:2:"));
  write("alerts:\n  - {name: two, per: principal, measure: requests, above: 1/s}\n");
  (*alerting)->reload();
  EXPECT_EQ((*alerting)->alerts().status().rules.at(0).first.name, "two");
  EXPECT_EQ((*alerting)->alerts().status().refused, "");
}

}  // namespace
}  // namespace sluice::control
