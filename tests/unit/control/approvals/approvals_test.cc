// Approvals as the API's callers see them, with a data plane that speaks the channel: over the real sockets.
#include "control/approvals/approvals.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <thread>

#include "common/framed_socket.h"
#include "common/unix_socket.h"
#include "control/cli/print.h"
#include "control/cli/print_holds.h"
#include "tests/support/wait.h"
#include "tests/unit/control/approvals/desk_fixture.h"
#include "tests/unit/control/served.h"

namespace sluice::control {
namespace {

namespace fbs = schema::channel;
using cli::Exit;
using test::opened;

// Says hello and what a test tells it to; keeps what it is told.
class FakeDataPlane {
 public:
  FakeDataPlane(const std::string& path, std::uint8_t answers) : socket_(connect(path)) {
    flatbuffers::FlatBufferBuilder builder;
    const rules::Platform platform = rules::this_platform();
    const auto hyperscan = builder.CreateString(platform.hyperscan_version);
    fbs::HelloBuilder hello(builder);
    hello.add_channel_version(kChannelVersion);
    hello.add_hyperscan_version(hyperscan);
    hello.add_cpu_tune(platform.cpu_tune);
    hello.add_cpu_features(platform.cpu_features);
    hello.add_pid(1);
    hello.add_answers(answers);
    say(builder, fbs::Message::Hello, hello.Finish().Union());
  }
  void hold(const HoldOpened& what) {
    flatbuffers::FlatBufferBuilder builder;
    const auto text = [&](const std::string& value) { return builder.CreateString(value); };
    const auto bytes = [&](const std::string& value) {
      return builder.CreateVector(as_bytes(value).data(), value.size());
    };
    const auto service = text(what.service), principal = text(what.principal), cause = text(what.cause_name);
    const auto head = bytes(what.head), body = bytes(what.body), fingerprint = bytes(what.fingerprint);
    fbs::HoldOpenedBuilder opened(builder);
    opened.add_hold(what.hold);
    opened.add_session(what.session);
    opened.add_unit(what.unit);
    opened.add_wall_ns(what.wall_ns);
    opened.add_remaining_ns(what.remaining_ns);
    opened.add_service(service);
    opened.add_principal(principal);
    opened.add_client_address(0x0a4d0040);
    opened.add_client_port(40000);
    opened.add_cause_name(cause);
    opened.add_head(head);
    opened.add_body(body);
    opened.add_body_bytes(what.body_bytes);
    opened.add_fingerprint(fingerprint);
    say(builder, fbs::Message::HoldOpened, opened.Finish().Union());
  }
  void ended(HoldId hold, fbs::HoldEnding ending) {
    flatbuffers::FlatBufferBuilder builder;
    say(builder, fbs::Message::HoldEnded, fbs::CreateHoldEnded(builder, hold, ending, test::kNoon).Union());
  }
  void obeyed(std::uint64_t number, const std::string& key = "") {
    flatbuffers::FlatBufferBuilder builder;
    const auto bytes = builder.CreateVector(as_bytes(key).data(), key.size());
    say(builder, fbs::Message::OrdersObeyed, fbs::CreateOrdersObeyed(builder, number, bytes).Union());
  }
  void live(const std::vector<HoldId>& holds) {
    flatbuffers::FlatBufferBuilder builder;
    say(builder, fbs::Message::HoldsLive, fbs::CreateHoldsLiveDirect(builder, &holds).Union());
  }
  void used(OrderId order) {
    flatbuffers::FlatBufferBuilder builder;
    say(builder, fbs::Message::OrderUsed, fbs::CreateOrderUsed(builder, order, 7, 3).Union());
  }
  void session_event() {
    flatbuffers::FlatBufferBuilder builder;
    say(builder, fbs::Message::SessionEvent,
        fbs::CreateSessionEvent(builder, fbs::SessionEventKind::opened, 7).Union());
  }
  // Control ends the connection.
  bool is_left() {
    return sluice::test::eventually([&] {
      for (auto message = socket_.next(); message && *message; message = socket_.next()) {
      }
      return !socket_.receive();
    });
  }
  // Waits for what control says next; hellos and pushes do not count.
  std::string next(std::uint64_t* number = nullptr) {
    std::string out;
    EXPECT_TRUE(sluice::test::eventually([&] {
      if (!socket_.receive()) return true;
      for (;;) {
        const auto message = socket_.next();
        if (!message || !*message) return false;
        const auto type = fbs::GetSizePrefixedEnvelope((*message)->data())->message_type();
        if (type != fbs::Message::Orders && type != fbs::Message::HoldDecision) continue;
        out = test::told(**message);
        const auto* orders = fbs::GetSizePrefixedEnvelope((*message)->data())->message_as_Orders();
        if (number != nullptr && orders != nullptr) *number = orders->number();
        if (orders != nullptr && orders->ticket_key() != nullptr)
          ticket_key.assign(orders->ticket_key()->begin(), orders->ticket_key()->end());
        return true;
      }
    }));
    return out;
  }
  std::string ticket_key;  // that it was told

  void flush() {
    ASSERT_TRUE(sluice::test::eventually([&] { return !socket_.flush() || socket_.queued_bytes() == 0; }));
  }

 private:
  static Fd connect(const std::string& path) {
    auto socket = connect_unix(path);
    EXPECT_TRUE(socket);
    return socket ? std::move(*socket) : Fd();
  }
  void say(flatbuffers::FlatBufferBuilder& builder, fbs::Message type, flatbuffers::Offset<void> message) {
    fbs::FinishSizePrefixedEnvelopeBuffer(builder, fbs::CreateEnvelope(builder, type, message));
    ASSERT_TRUE(socket_.queue({builder.GetBufferPointer(), builder.GetSize()}));
    flush();
  }
  FramedSocket socket_;
};

class ApprovalsTest : public test::Served {
 protected:
  void SetUp() override { start(); }
  void TearDown() override { stop(); }
  void start() {
    serve(test::kNoon);
    ASSERT_FALSE(HasFatalFailure());
    approvals_->start(publisher_->channel());
    ASSERT_EQ(post("/v1/policy", test::kPolicy).exit, Exit::ok);
  }
  void stop() {
    api_.reset();
    approvals_->stop();
    publisher_.reset();
    approvals_.reset();
  }
  [[nodiscard]] cli::Answer post(const std::string& path, const std::string& body) const {
    return client().post(path, body, "application/json");
  }
  [[nodiscard]] bool is_listed(std::size_t holds) const {
    return sluice::test::eventually(
        [&] { return client().get("/v1/holds?limit=10000").json["holds"].size() == holds; });
  }
  std::unique_ptr<FakeDataPlane> plane(std::uint8_t answers = 3) {
    return std::make_unique<FakeDataPlane>(dir_.file("channel.sock"), answers);
  }
};

TEST_F(ApprovalsTest, AHoldIsListedShownApprovedAndTheDataPlaneIsTold) {
  auto data_plane = plane();
  EXPECT_EQ(data_plane->next(), "orders");
  data_plane->hold(opened(0xab));
  ASSERT_TRUE(is_listed(1));
  const auto list = client().get("/v1/holds");
  EXPECT_EQ(list.json["holds"][0]["id"], "00000000000000ab");
  EXPECT_EQ(list.json["holds"][0]["needed"], 1);
  EXPECT_NE(cli::holds_text(list.json).find("limit/orders/rate"), std::string::npos);
  const auto shown = client().get("/v1/holds/00000000000000ab");
  EXPECT_EQ(shown.json["body"]["text"], "DROP TABLE orders");
  EXPECT_NE(cli::hold_text(shown.json).find("    POST /wipe HTTP/1.1\n"), std::string::npos);
  EXPECT_EQ(post("/v1/holds/00000000000000ab/reject", "{}").json["error"], "bad_argument");
  const auto done = post("/v1/holds/00000000000000ab/approve", R"({"reason": "planned"})");
  ASSERT_EQ(done.exit, Exit::ok) << cli::error_text(done.json);
  EXPECT_EQ(done.json["state"], "approved");
  EXPECT_EQ(data_plane->next(), "pass 171 by " + done.json["by"].get<std::string>() + ": planned");
  data_plane->ended(0xab, fbs::HoldEnding::passed);
  ASSERT_TRUE(is_listed(0));
  const auto past = client().get("/v1/holds/00000000000000ab");
  EXPECT_EQ(past.json["state"], "passed");
  EXPECT_NE(cli::hold_text(past.json).find("approve, " + done.json["by"].get<std::string>() + ": planned"),
            std::string::npos);
  const auto late = post("/v1/holds/00000000000000ab/approve", "");
  EXPECT_EQ(late.json["error"], "conflict");
}

TEST_F(ApprovalsTest, ARestartOfControlKeepsHoldsDecisionsAndOrders) {
  auto data_plane = plane();
  data_plane->hold(opened(1));
  data_plane->hold(opened(2));
  ASSERT_TRUE(is_listed(2));
  ASSERT_EQ(post("/v1/orders", R"({"verdict": "hold", "principal": "other", "reason": "x"})").exit, Exit::ok);
  data_plane.reset();
  ASSERT_TRUE(sluice::test::eventually([&] { return !publisher_->channel_status().data_plane; }));
  const auto decided = post("/v1/holds/0000000000000001/approve", "");
  ASSERT_EQ(decided.exit, Exit::ok);
  EXPECT_EQ(decided.json["data_plane_connected"], false);
  EXPECT_NE(cli::decision_text(decided.json).find("told when it is back"), std::string::npos);
  stop();
  start();
  data_plane = plane();
  EXPECT_EQ(data_plane->next(), "orders 1:hold");
  EXPECT_EQ(data_plane->next(), "pass 1 by " + decided.json["by"].get<std::string>());
  data_plane->hold(opened(1));
  data_plane->live({1});
  EXPECT_TRUE(
      sluice::test::eventually([&] { return client().get("/v1/holds/0000000000000002").json["state"] == "lost"; }));
}

TEST_F(ApprovalsTest, ADataPlaneThatKnowsNoDecisionsIsToldNone) {
  auto old = plane(1);
  ASSERT_TRUE(sluice::test::eventually([&] { return publisher_->channel_status().data_plane.has_value(); }));
  ASSERT_EQ(post("/v1/orders", R"({"verdict": "hold", "principal": "ci", "reason": "x"})").exit, Exit::ok);
  EXPECT_FALSE(publisher_->channel().tell({encode_orders({})}));
}

TEST_F(ApprovalsTest, TwoThreadsThatDecideHaveOneOutcome) {
  auto data_plane = plane();
  data_plane->next();
  data_plane->hold(opened(1));
  ASSERT_TRUE(is_listed(1));
  std::atomic<int> won{0}, lost{0};
  {
    std::vector<std::jthread> racing;
    for (std::uint32_t uid = 1; uid <= 4; ++uid)
      racing.emplace_back([&, uid] {
        const Reviewer one{.uid = uid, .name = "r" + std::to_string(uid)};
        const auto done = approvals_->vote(1, one, {.approve = uid % 2 == 0, .reason = "mine"});
        if (done)
          ++won;
        else if (done.error().code == ErrorCode::conflict)
          ++lost;
      });
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 3);
}

TEST_F(ApprovalsTest, WhoWatchesSeesWhatHappens) {
  const auto before = client().get("/v1/holds/watch");
  ASSERT_EQ(before.exit, Exit::ok);
  const std::string after = std::to_string(before.json["sequence"].get<std::uint64_t>());
  cli::Answer seen;
  {
    const std::jthread watching([&] { seen = client().get("/v1/holds/watch?wait_ns=10000000000&after=" + after); });
    auto data_plane = plane();
    data_plane->hold(opened(5));
    ASSERT_TRUE(is_listed(1));
  }
  ASSERT_EQ(seen.json["changes"].size(), 1U);
  EXPECT_EQ(seen.json["changes"][0]["what"], "opened");
  EXPECT_NE(cli::change_text(seen.json["changes"][0]).find("0000000000000005 opened"), std::string::npos);
}

TEST_F(ApprovalsTest, OrdersAreMadeListedAndTakenBack) {
  auto data_plane = plane();
  EXPECT_EQ(data_plane->next(), "orders");
  const auto pause = post("/v1/orders", R"({"verdict": "hold", "source": "10.77.0.0/24", "reason": "a flood"})");
  ASSERT_EQ(pause.exit, Exit::ok) << cli::error_text(pause.json);
  EXPECT_EQ(data_plane->next(), "orders 1:hold");
  EXPECT_EQ(pause.json["source"], "10.77.0.0/24");
  EXPECT_EQ(cli::order_text(pause.json), "order 1 is active: hold for source 10.77.0.0/24, until taken back\n");
  const auto grant = post("/v1/orders", R"({"verdict": "pass", "principal": "ci", "window_ns": 7200000000000,
      "hours": "22:00-06:00", "days": "mon-fri", "zone": "Europe/Berlin"})");
  ASSERT_EQ(grant.exit, Exit::ok) << cli::error_text(grant.json);
  EXPECT_EQ(grant.json["counts_now"], false);
  const auto list = client().get("/v1/orders");
  ASSERT_EQ(list.json["orders"].size(), 2U);
  EXPECT_NE(cli::orders_text(list.json).find("waits for its hours"), std::string::npos);
  EXPECT_EQ(client().get("/v1/orders?verdict=hold").json["orders"].size(), 1U);
  EXPECT_EQ(client().remove("/v1/orders/1?reason=over").json["state"], "revoked");
  EXPECT_EQ(data_plane->next(), "orders");
  EXPECT_EQ(client().get("/v1/orders?state=all").json["orders"].size(), 2U);
}

// Who pauses hears of it when the data plane does by it, and not before.
TEST_F(ApprovalsTest, AnOrderIsAnsweredWhenTheDataPlaneObeysIt) {
  auto data_plane = plane(7);
  EXPECT_EQ(data_plane->next(), "orders");
  std::atomic<bool> is_answered{false};
  cli::Answer pause;
  std::jthread asking([&] {
    pause = post("/v1/orders", R"({"verdict": "hold", "principal": "ci", "reason": "a flood"})");
    is_answered = true;
  });
  std::uint64_t number = 0;
  EXPECT_EQ(data_plane->next(&number), "orders 1:hold");
  ASSERT_NE(number, 0U);
  data_plane->obeyed(number - 1);  // of the list before
  data_plane->session_event();     // behind it
  ASSERT_TRUE(sluice::test::eventually([&] { return publisher_->channel_status().events == 1; }));
  EXPECT_FALSE(is_answered);
  data_plane->obeyed(number);
  asking.join();
  ASSERT_EQ(pause.exit, Exit::ok) << cli::error_text(pause.json);
  EXPECT_EQ(pause.json["obeyed"], true);
  EXPECT_EQ(cli::order_text(pause.json), "order 1 is active: hold for principal ci, until taken back\n");
}

TEST_F(ApprovalsTest, AnOrderThatNobodyObeysYetIsSaidToBeKept) {
  const auto alone = post("/v1/orders", R"({"verdict": "hold", "principal": "ci", "reason": "a flood"})");
  ASSERT_EQ(alone.exit, Exit::ok);
  EXPECT_EQ(alone.json["obeyed"], false);
  EXPECT_NE(cli::order_text(alone.json).find("it is kept, and not in force yet: no data plane"), std::string::npos);
  ASSERT_EQ(post("/v1/orders", R"({"verdict": "hold", "principal": "gone", "reason": "x"})").exit, Exit::ok);
  const auto over = client().remove("/v1/orders/2?reason=over");
  EXPECT_NE(cli::order_text(over.json).find("its end is kept, and not in force yet"), std::string::npos);
  auto data_plane = plane(7);
  EXPECT_EQ(data_plane->next(), "orders 1:hold");
  const auto silent = post("/v1/orders", R"({"verdict": "hold", "principal": "shop", "reason": "a flood"})");
  ASSERT_EQ(silent.exit, Exit::ok);
  EXPECT_EQ(silent.json["obeyed"], false);
  EXPECT_NE(cli::order_text(silent.json).find("has not said yet"), std::string::npos);
}

TEST_F(ApprovalsTest, WrongRequestsAreRefusedInWords) {
  for (const char* body :
       {"[", R"({"verdict": "maybe"})", R"({"verdict": "hold"})", R"({"verdict": 1})",
        R"({"verdict": "hold", "principal": 7, "reason": "x"})",
        R"({"verdict": "hold", "source": "10.0.0.1:80", "reason": "x"})",
        R"({"verdict": "hold", "session": "1", "reason": "x"})", R"({"verdict": "pass", "principal": "ci"})",
        R"({"verdict": "pass", "principal": "ci", "window_ns": 7200000000000, "hours": "late"})",
        R"({"verdict": "pass", "principal": "ci", "window_ns": -1})",
        R"({"verdict": "pass", "service": "nope", "principal": "ci", "window_ns": 7200000000000})"}) {
    const auto answer = post("/v1/orders", body);
    EXPECT_EQ(answer.exit, Exit::refused) << body;
    EXPECT_FALSE(answer.json["detail"].get<std::string>().empty()) << body;
  }
  for (const char* path : {"/v1/holds?state=maybe", "/v1/holds?after=7", "/v1/holds/0000000000000009",
                           "/v1/holds/watch?wait_ns=99999999999999", "/v1/holds/9"})
    EXPECT_EQ(client().get(path).exit, Exit::refused) << path;
  EXPECT_EQ(post("/v1/holds/0000000000000009/approve", R"({"scope": "world"})").exit, Exit::refused);
  EXPECT_EQ(post("/v1/holds/0000000000000009/approve", "").json["error"], "not_found");
  EXPECT_EQ(client().remove("/v1/orders/77").json["error"], "not_found");
}

// What was approved for one data plane passes at the next: control knows by which key, and forgets it when it ends.
TEST_F(ApprovalsTest, TheNextDataPlaneIsToldByWhichKeyTicketsAreKnown) {
  std::uint64_t number = 0;
  {
    auto first = plane(7);
    EXPECT_EQ(first->next(&number), "orders");
    EXPECT_EQ(first->ticket_key, "");
    first->obeyed(number, std::string(32, 'k'));
    ASSERT_EQ(post("/v1/orders", R"({"verdict": "hold", "principal": "ci", "reason": "x"})").exit, Exit::ok);
    first->obeyed(++number, std::string(32, 'k'));
  }
  ASSERT_TRUE(sluice::test::eventually([&] { return !publisher_->channel_status().data_plane; }));
  auto next = plane(7);
  EXPECT_EQ(next->next(), "orders 1:hold");
  EXPECT_EQ(next->ticket_key, std::string(32, 'k'));
  next.reset();
  stop();
  start();
  next = plane(7);
  EXPECT_EQ(next->next(), "orders 1:hold");
  EXPECT_EQ(next->ticket_key, "");
}

// However long that lasts: the rest of the channel goes on, and what was not kept is told again.
TEST_F(ApprovalsTest, AStoreThatCannotBeWrittenStopsNothingElse) {
  auto data_plane = plane();
  data_plane->next();
  auto other = Database::open(dir_.file("approvals.db"));
  ASSERT_TRUE(other);
  ASSERT_TRUE(other->run("ALTER TABLE holds RENAME TO away"));
  data_plane->hold(opened(1));
  ASSERT_TRUE(sluice::test::eventually([&] { return !approvals_->health().problem.empty(); }));
  for (HoldId i = 0; i < 17'000; ++i) data_plane->hold(opened(1 + i % 100));
  data_plane->session_event();
  EXPECT_TRUE(sluice::test::eventually([&] { return publisher_->channel_status().events == 1; }));
  EXPECT_GT(approvals_->health().unkept, 0U);
  EXPECT_TRUE(client().get("/v1/status").json["approvals"]["problem"].is_string());
  ASSERT_TRUE(other->run("ALTER TABLE away RENAME TO holds"));
  EXPECT_TRUE(data_plane->is_left());
  EXPECT_TRUE(approvals_->health().problem.empty());
  data_plane = plane();
  data_plane->hold(opened(101));
  data_plane->live({101});
  EXPECT_TRUE(is_listed(1));
}

// A ticket passes once, also where the data plane begins anew before the store knows that it did.
TEST_F(ApprovalsTest, NoDataPlaneIsToldOfATicketThatWasUsedWhileTheStoreCannotBeWritten) {
  auto data_plane = plane();
  data_plane->next();
  for (HoldId id = 1; id <= 2; ++id) {
    HoldOpened ticket = opened(id);
    ticket.fingerprint = std::string(32, static_cast<char>(id));
    data_plane->hold(ticket);
  }
  ASSERT_TRUE(is_listed(2));
  for (const char* path : {"/v1/holds/0000000000000001/approve", "/v1/holds/0000000000000002/approve"})
    ASSERT_EQ(post(path, "").exit, Exit::ok);
  auto other = Database::open(dir_.file("approvals.db"));
  ASSERT_TRUE(other);
  ASSERT_TRUE(other->run("CREATE TRIGGER full BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'full'); END"));
  data_plane->used(1);
  ASSERT_TRUE(sluice::test::eventually([&] { return !approvals_->health().problem.empty(); }));
  for (HoldId i = 0; i < 17'000; ++i) data_plane->hold(opened(3 + i % 100));
  data_plane->used(2);  // there is no room
  data_plane->session_event();
  ASSERT_TRUE(sluice::test::eventually([&] { return publisher_->channel_status().events == 1; }));
  ASSERT_GT(approvals_->health().unkept, 0U);
  data_plane.reset();
  ASSERT_TRUE(sluice::test::eventually([&] { return !publisher_->channel_status().data_plane; }));
  data_plane = plane();
  EXPECT_EQ(data_plane->next(), "orders");
  ASSERT_TRUE(other->run("DROP TRIGGER full"));
  EXPECT_TRUE(sluice::test::eventually([&] {
    const auto orders = client().get("/v1/orders?state=all").json["orders"];
    return orders.size() == 2 && orders[0]["state"] == "used" && orders[1]["state"] == "used";
  }));
}

TEST_F(ApprovalsTest, TenThousandHoldsComeThroughAndAreListed) {
  auto data_plane = plane();
  HoldOpened big = opened(1);
  big.body = std::string(2000, 'x');
  for (HoldId id = 1; id <= kMaxOpenHolds; ++id) {
    big.hold = id;
    data_plane->hold(big);
  }
  ASSERT_TRUE(sluice::test::eventually([&] { return approvals_->hold(kMaxOpenHolds).has_value(); }));
  const auto list = client().get("/v1/holds?limit=10000");
  EXPECT_EQ(list.json["holds"].size(), kMaxOpenHolds);
  EXPECT_EQ(list.json["more"], false);
}

}  // namespace
}  // namespace sluice::control
