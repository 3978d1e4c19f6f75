// Webhooks against a server on loopback that is down, slow, or lies.
#include "control/webhooks/webhooks.h"

#include <httplib.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <future>

#include "common/file.h"
#include "tests/support/wait.h"
#include "tests/unit/control/approvals/desk_fixture.h"

namespace sluice::control {
namespace {

using sluice::test::eventually;
using test::opened;

constexpr const char* kSecret = "a secret of enough bytes";

// Serves until it is gone; the handler sees every request.
class Receiver {
 public:
  using Handler = std::function<void(const httplib::Request&, httplib::Response&)>;
  explicit Receiver(Handler handler) {
    server_.Post("/hook", std::move(handler));
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~Receiver() {
    server_.stop();
    thread_.join();
  }
  [[nodiscard]] int port() const { return port_; }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

class WebhooksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto approvals = Approvals::open(
        dir_.file("approvals.db"), [this] { return Result<ApprovalTerms>(terms_); }, [] { return test::kNoon; });
    ASSERT_TRUE(approvals);
    approvals_ = std::move(*approvals);
    auto channel = ChannelServer::start(dir_.file("channel.sock"), {approvals_.get()});
    ASSERT_TRUE(channel);
    channel_ = std::move(*channel);
    approvals_->start(*channel_);
    terms_.services["orders"] = {};
  }
  void TearDown() override { approvals_->stop(); }
  void start(int port, bool may_decide = true, bool is_chat = false) {
    Webhook webhook;
    webhook.name = "chat";
    webhook.server = "http://127.0.0.1:" + std::to_string(port);
    webhook.path = "/hook";
    webhook.secret = kSecret;
    webhook.is_chat = is_chat;
    webhook.may_decide = may_decide;
    webhook.groups = {"bots"};
    (void)approvals_->webhook_cursor("chat");  // it knows nothing of what came before
    webhooks_ = std::make_unique<Webhooks>(std::vector{webhook}, *approvals_,
                                           Webhooks::Pace{.first = kMillisecond, .last = 4 * kMillisecond});
  }
  void hold(HoldId id) { approvals_->on_hold(opened(id)); }
  [[nodiscard]] HoldState state(HoldId id) const {
    const auto found = approvals_->hold(id);
    return found ? found->hold.state : HoldState::lost;
  }
  static std::string said(const httplib::Request& request) {
    const auto json = nlohmann::json::parse(request.body);
    return json["event"].get<std::string>() + " " + json["hold"]["id"].get<std::string>().substr(14);
  }
  static void decide(const httplib::Request& request, httplib::Response& response, const std::string& body) {
    const std::string signature = request.get_header_value("X-Sluice-Signature");
    response.set_header("X-Sluice-Signature", answer_signature(kSecret, signature, body));
    response.set_content(body, "application/json");
  }

  sluice::test::TempDir dir_;
  ApprovalTerms terms_;
  std::unique_ptr<Approvals> approvals_;
  std::unique_ptr<ChannelServer> channel_;
  std::unique_ptr<Webhooks> webhooks_;
};

TEST_F(WebhooksTest, EachChangeComesInOrderAndSigned) {
  std::mutex mutex;
  std::vector<std::string> got;
  const Receiver receiver([&](const httplib::Request& request, httplib::Response&) {
    const std::lock_guard lock(mutex);
    const std::uint64_t timestamp = std::stoull(request.get_header_value("X-Sluice-Timestamp"));
    EXPECT_EQ(request.get_header_value("X-Sluice-Signature"), delivery_signature(kSecret, timestamp, request.body));
    EXPECT_EQ(request.body.find("DROP TABLE"), std::string::npos);  // what is held stays here
    got.push_back(said(request));
  });
  start(receiver.port());
  hold(1);
  hold(2);
  ASSERT_TRUE(eventually([&] { return state(2) == HoldState::open; }));
  ASSERT_TRUE(approvals_->vote(1, test::kAlice, {.reason = "no"}));
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return got.size() == 3;
  }));
  EXPECT_EQ(got, (std::vector<std::string>{"opened 01", "opened 02", "rejected 01"}));
}

TEST_F(WebhooksTest, OneThatIsDownIsToldLaterAlsoAfterARestart) {
  std::atomic<int> refusals{0}, taken{0};
  {
    const Receiver failing([&](const httplib::Request&, httplib::Response& response) {
      ++refusals;
      response.status = 500;
    });
    start(failing.port());
    hold(1);
    ASSERT_TRUE(eventually([&] { return refusals >= 3; }));
  }
  webhooks_.reset();  // with nobody there, and something to say
  const Receiver receiver([&](const httplib::Request& request, httplib::Response&) {
    EXPECT_EQ(said(request), "opened 01");
    ++taken;
  });
  start(receiver.port());
  EXPECT_TRUE(eventually([&] { return taken == 1; }));
}

TEST_F(WebhooksTest, OneThatIsSlowIsInNobodysWay) {
  std::promise<void> release;
  const auto released = release.get_future().share();
  std::atomic<int> asked{0};
  {
    const Receiver receiver([&](const httplib::Request&, httplib::Response&) {
      ++asked;
      released.wait();
    });
    start(receiver.port());
    hold(1);
    ASSERT_TRUE(eventually([&] { return asked == 1; }));
    EXPECT_TRUE(approvals_->vote(1, test::kAlice, {.approve = true}));
    webhooks_.reset();  // does not wait for it
    release.set_value();
  }
}

TEST_F(WebhooksTest, ASignedAnswerDecides) {
  terms_.services["orders"] = {.groups = {"bots"}, .minimum = 1};
  const Receiver receiver([&](const httplib::Request& request, httplib::Response& response) {
    decide(request, response, R"({"decision": "approve", "by": "dora", "reason": "planned"})");
  });
  start(receiver.port());
  hold(1);
  EXPECT_TRUE(eventually([&] { return state(1) == HoldState::approved; }));
  const auto detail = approvals_->hold(1);
  EXPECT_EQ(detail->hold.decision->by, "dora");
  EXPECT_EQ(detail->hold.decision->reason, "via webhook chat: planned");
}

TEST_F(WebhooksTest, NobodyDecidesOnTheirOwnCallThroughOne) {
  std::atomic<int> answered{0};
  const Receiver receiver([&](const httplib::Request& request, httplib::Response& response) {
    decide(request, response, R"({"decision": "approve", "by": "dora"})");
    ++answered;
  });
  start(receiver.port());
  approvals_->on_hold(opened(1, "dora"));
  hold(2);
  EXPECT_TRUE(eventually([&] { return state(2) == HoldState::approved; }));  // the first was read by then
  EXPECT_EQ(state(1), HoldState::open);
}

TEST_F(WebhooksTest, ThePolicysGroupsBindAWebhookToo) {
  terms_.services["orders"] = {.groups = {"dba"}, .minimum = 1};
  std::atomic<int> answered{0};
  const Receiver receiver([&](const httplib::Request& request, httplib::Response& response) {
    decide(request, response, R"({"decision": "approve", "by": "dora"})");
    ++answered;
  });
  start(receiver.port());
  hold(1);
  hold(2);
  ASSERT_TRUE(eventually([&] { return answered == 2; }));  // the first was read by then
  EXPECT_EQ(state(1), HoldState::open);
}

TEST_F(WebhooksTest, AnAnswerThatIsNotSignedForThisDecidesNothing) {
  std::atomic<int> asked{0};
  std::string replayed;
  const Receiver receiver([&](const httplib::Request& request, httplib::Response& response) {
    const std::string body = R"({"decision": "approve", "by": "dora"})";
    if (asked == 0) replayed = answer_signature(kSecret, request.get_header_value("X-Sluice-Signature"), body);
    if (asked == 1) response.set_header("X-Sluice-Signature", replayed);  // right for the one before
    if (asked != 0) response.set_content(body, "application/json");
    if (asked == 3) response.set_content(std::string(100'000, '{'), "application/json");
    ++asked;
  });
  start(receiver.port());
  for (HoldId id = 1; id <= 4; ++id) hold(id);
  ASSERT_TRUE(eventually([&] { return asked >= 4; }));
  for (HoldId id = 1; id <= 3; ++id) EXPECT_EQ(state(id), HoldState::open) << id;
}

TEST(WebhookMessage, OneThatMayNotDecideIsToldSo) {
  Webhook webhook;
  webhook.secret = kSecret;
  const std::string body = R"({"decision": "approve", "by": "dora"})";
  const std::string right = answer_signature(kSecret, "v1=x", body);
  EXPECT_EQ(read_answer(webhook, "v1=x", right, body).error().code, ErrorCode::not_permitted);
  webhook.may_decide = true;
  EXPECT_TRUE(read_answer(webhook, "v1=x", right, body).value());
  EXPECT_EQ(read_answer(webhook, "v1=y", right, body).error().code, ErrorCode::not_permitted);
  EXPECT_EQ(read_answer(webhook, "v1=x", "", body).error().code, ErrorCode::not_permitted);
  EXPECT_FALSE(read_answer(webhook, "v1=x", "", "ok").value());
  EXPECT_FALSE(read_answer(webhook, "v1=x", "", R"({"ok": true})").value());
}

TEST(WebhookMessage, AChatGetsOneTextWithoutMarkupOfOthers) {
  Webhook webhook;
  webhook.is_chat = true;
  HoldDetail detail;
  detail.hold.opened = opened(1, "<!channel>");
  detail.hold.deadline = test::kNoon + 60 * kSecond;
  const AuditEntry entry{.at = test::kNoon, .what = "opened", .hold = 1};
  const auto json = nlohmann::json::parse(delivery_body(webhook, entry, detail, test::kNoon));
  const std::string text = json["text"];
  EXPECT_EQ(text,
            "*Hold 0000000000000001 opened*\n&lt;!channel&gt; at orders from 10.77.0.99:40000, limit orders/rate, "
            "17 bytes\nDenied in 60 s. `sluice holds show 0000000000000001`");
  EXPECT_EQ(json["blocks"][0]["text"]["text"], text);
}

TEST(WebhookMessage, AWebhookIsNoUserOfAMachineAndThePersonThatItNames) {
  Webhook a, b;
  a.name = "a";
  b.name = "b";
  const WebhookAnswer dora{true, "dora", ""}, nobody{false, "", "no"};
  EXPECT_GE(reviewer_of(a, dora).uid, 0x80000000U);
  EXPECT_EQ(reviewer_of(a, dora).uid, reviewer_of(a, nobody).uid);
  EXPECT_NE(reviewer_of(a, dora).uid, reviewer_of(b, dora).uid);
  EXPECT_EQ(reviewer_of(a, dora).name, "dora");
  EXPECT_EQ(reviewer_of(a, nobody).name, "webhook a");
  EXPECT_EQ(vote_of(a, nobody).reason, "via webhook a: no");
  EXPECT_EQ(vote_of(a, dora).reason, "via webhook a");
  EXPECT_EQ(vote_of(a, {true, "dora", std::string(1000, 'x')}).reason.size(), kMaxReasonBytes);
}

TEST(WebhookMessage, WhoApprovesSaysWho) {
  Webhook webhook;
  webhook.secret = kSecret;
  webhook.may_decide = true;
  const auto read = [&](const std::string& body) {
    return read_answer(webhook, "v1=x", answer_signature(kSecret, "v1=x", body), body);
  };
  EXPECT_EQ(read(R"({"decision": "approve"})").error().code, ErrorCode::not_permitted);
  EXPECT_EQ(read(R"({"decision": "approve", "by": ""})").error().code, ErrorCode::not_permitted);
  EXPECT_EQ(read(R"({"decision": "approve", "by": "a\nb"})").error().code, ErrorCode::not_permitted);
  EXPECT_EQ(read(R"({"decision": "reject", "reason": "no"})").value()->reason, "no");
  EXPECT_EQ(read(R"({"decision": "approve", "by": "dora"})").value()->by, "dora");
}

TEST(WebhookConfig, IsReadAndWhatIsWrongIsSaidWithItsPlace) {
  const sluice::test::TempDir dir;
  const auto write = [&](const std::string& name, const std::string& text, mode_t mode) {
    EXPECT_TRUE(replace_file(dir.file(name), as_bytes(text), mode));
    return dir.file(name);
  };
  const std::string secret = write("secret", std::string(kSecret) + "\n", 0600);
  const std::string open_secret = write("open", kSecret, 0644);
  const auto read = [&](const std::string& text) { return read_webhooks(write("webhooks.yaml", text, 0600)); };
  const std::string good = "webhooks:\n  - name: chat\n    url: https://chat.example:8443/hook?x=y\n    secret_file: ";
  const auto one = read(good + secret + "\n    template: chat\n    may_decide: true\n    groups: [dba]\n");
  ASSERT_TRUE(one) << one.error().message();
  EXPECT_EQ(one->front().server, "https://chat.example:8443");
  EXPECT_EQ(one->front().path, "/hook?x=y");
  EXPECT_EQ(one->front().secret, kSecret);
  EXPECT_NE(read(good + open_secret).error().detail.find("0600"), std::string::npos);
  EXPECT_NE(read(good + secret + "\n    colour: red\n").error().detail.find("webhooks.yaml:5:"), std::string::npos);
  for (const std::string& bad : {std::string("x"), std::string("webhooks: 7"), std::string("webhooks: [{name: a}]"),
                                 good + secret + "\n    may_decide: perhaps\n", good + secret + "\n    template: xml\n",
                                 std::string("webhooks: [")})
    EXPECT_EQ(read(bad).error().code, ErrorCode::bad_argument) << bad;
  const auto at = [&](const std::string& server) {
    return read("webhooks:\n  - {name: a, url: '" + server + "/x', secret_file: '" + secret + "'}\n").has_value();
  };
  for (const char* right : {"http://h", "http://h:1", "https://10.0.0.7:65535", "http://[::1]:80", "http://[::1]"})
    EXPECT_TRUE(at(right)) << right;
  for (const char* bad : {"http://", "http://:80", "http://h:0", "http://h:65536", "http://h:", "http://h:x",
                          "http://h:8x", "http://h:-1", "http://[::1]:99999"})
    EXPECT_FALSE(at(bad)) << bad;
}

}  // namespace
}  // namespace sluice::control
