// Alerts at work: what is raised is kept, paused and on the audit, over a restart, told once.
#include "control/alerts/alerts.h"

#include <gmock/gmock.h>

#include "tests/unit/control/approvals/desk_fixture.h"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AlertsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    terms_.services["orders"] = {};
    auto approvals = Approvals::open(
        dir_.file("approvals.db"), [this] { return Result<ApprovalTerms>(terms_); }, [this] { return wall_; });
    ASSERT_TRUE(approvals);
    approvals_ = std::move(*approvals);
    channel_.data_plane = DataPlane{};
    channel_.data_plane->start_wall_ns = test::kNoon;
    channel_.counters = Counters{};
    channel_.counters->callers = {{.service = "orders", .principal = "ci"}, {.service = "orders", .principal = "shop"}};
    rule_ = {.name = "runaway",
             .per = AlertPer::principal,
             .above = 100,
             .clear_below = 80,
             .hold_for = 3 * kSecond,
             .clear_after = 5 * kSecond,
             .pause_for = 15 * test::kMinute,
             .tell = {"chat"}};
    start();
  }
  // As control does, also after it died.
  void start() {
    alerts_.reset();
    auto alerts = Alerts::open(dir_.file("alerts.db"), *approvals_,
                               {.status = [this] { return channel_; },
                                .sessions =
                                    [this](const AlertKey& caller) {
                                      asked_.push_back(describe(caller));
                                      return std::vector<SessionId>{0xa1, 0xa2};
                                    }});
    ASSERT_TRUE(alerts) << alerts.error().message();
    alerts_ = std::move(*alerts);
    alerts_->set_file({.sinks = {{"chat", SyslogSink{}}}, .rules = {rule_}}, "alerts.yaml");
  }
  void run(int seconds, std::uint64_t requests, const std::string& principal = "ci") {
    for (int i = 0; i < seconds; ++i) {
      wall_ += kSecond;
      channel_.counters->wall_ns = wall_;
      for (CallerCount& caller : channel_.counters->callers)
        if (caller.principal == principal) caller.requests += requests;
      alerts_->step(wall_ - test::kNoon + 1000 * kSecond);
    }
  }
  std::vector<std::string> events() {
    std::vector<std::string> out;
    for (const AlertEvent& event : alerts_->events(0, 100, 0).value())
      out.push_back((event.is_raised ? "raised " : "over ") + describe(event.alert.key));
    return out;
  }
  std::vector<std::string> audit() {
    std::vector<std::string> out;
    for (const AuditEntry& entry : approvals_->changes(0, 100, 0).value()) out.push_back(entry.by + ": " + entry.what);
    return out;
  }

  sluice::test::TempDir dir_;
  ApprovalTerms terms_;
  WallNs wall_ = test::kNoon;
  std::unique_ptr<Approvals> approvals_;
  ChannelStatus channel_;
  AlertRule rule_;
  std::vector<std::string> asked_;
  std::unique_ptr<Alerts> alerts_;
};

TEST_F(AlertsTest, ARunawayIsPausedNamedAndNoted) {
  run(20, 10);
  EXPECT_TRUE(events().empty());
  run(20, 500);
  EXPECT_THAT(events(), ElementsAre("raised ci at orders"));
  const Alert alert = alerts_->alerts({.is_active = true}).value().at(0);
  EXPECT_THAT(alert.principals, ElementsAre("ci"));
  EXPECT_THAT(alert.sessions, ElementsAre(0xa1, 0xa2));
  EXPECT_THAT(asked_, ElementsAre("ci at orders"));
  EXPECT_THAT(alert_text(alert), HasSubstr("runaway: requests of ci at orders: "));
  EXPECT_EQ(alert.action, "paused for 15m by order 1");
  const auto orders = approvals_->orders(false, 10).value();
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].told.verdict, OrderVerdict::hold);
  EXPECT_EQ(orders[0].told.principal, "ci");
  EXPECT_EQ(orders[0].told.service, "orders");
  EXPECT_EQ(orders[0].told.by, "alert runaway");
  EXPECT_EQ(orders[0].until - alert.raised, 15 * test::kMinute);
  EXPECT_THAT(audit(), ElementsAre("alert runaway: ordered hold", "alert runaway: alert_raised"));
  run(20, 0);
  EXPECT_THAT(events(), ElementsAre("raised ci at orders", "over ci at orders"));
  EXPECT_EQ(audit().back(), "alert runaway: alert_cleared");
  EXPECT_EQ(approvals_->orders(false, 10).value().size(), 1U) << "the pause has its own time";
}

TEST_F(AlertsTest, OneThatIsActiveStaysSoOverARestartAndIsOverOnce) {
  run(20, 500);
  ASSERT_EQ(events().size(), 1U);
  start();
  EXPECT_EQ(alerts_->alerts({.is_active = true}).value().size(), 1U);
  EXPECT_EQ(alerts_->status().rules.at(0).second, 1U);
  run(20, 500);
  EXPECT_EQ(events().size(), 1U);
  start();
  run(40, 0);
  start();
  run(40, 0);
  EXPECT_THAT(events(), ElementsAre("raised ci at orders", "over ci at orders"));
  EXPECT_TRUE(alerts_->alerts({.is_active = true}).value().empty());
  EXPECT_EQ(alerts_->alerts({}).value().size(), 1U);
}

TEST_F(AlertsTest, ARuleThatIsGoneAfterARestartEndsItsAlerts) {
  run(20, 500);
  rule_.name = "other";
  start();
  run(2, 0);
  EXPECT_THAT(events(), ElementsAre("raised ci at orders", "over ci at orders"));
  EXPECT_TRUE(alerts_->alerts({}).value().at(0).rule_is_gone);
}

TEST_F(AlertsTest, APauseThatIsThereIsNotMadeTwice) {
  run(20, 500);
  run(20, 0);
  run(20, 500);
  EXPECT_EQ(approvals_->orders(false, 10).value().size(), 1U);
  EXPECT_EQ(alerts_->alerts({.is_active = true}).value().at(0).action, "paused already by order 1");
}

// Who calls himself "shop" from elsewhere is paused there; the one whom the policy knows by that name goes on.
TEST_F(AlertsTest, AGivenNameIsPausedOnlyWhereItComesFrom) {
  const std::uint64_t elsewhere = IpAddress(0x0a0b0c0d).source();
  channel_.counters->callers = {{.service = "orders", .principal = "shop", .source = elsewhere}};
  run(20, 500, "shop");
  EXPECT_THAT(events(), ElementsAre("raised shop from 10.11.12.13 at orders"));
  EXPECT_THAT(asked_, ElementsAre("shop from 10.11.12.13 at orders"));
  auto orders = approvals_->orders(false, 10).value();
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].told.principal, "shop");
  EXPECT_EQ(orders[0].told.source, IpAddress(0x0a0b0c0d));
  EXPECT_EQ(orders[0].told.source_bits, 128);
  // What is kept is whose it was, and it is that one's end that ends it.
  start();
  EXPECT_EQ(alerts_->alerts({.is_active = true}).value().at(0).key.source, elsewhere);
  channel_.counters->callers.push_back({.service = "orders", .principal = "shop"});
  run(20, 500, "shop");
  orders = approvals_->orders(false, 10).value();
  ASSERT_EQ(orders.size(), 2U) << "the pause of one is none of the other's";
  EXPECT_EQ(orders[0].told.source_bits, 0);
  run(20, 0, "shop");
  EXPECT_THAT(events(), ElementsAre("raised shop from 10.11.12.13 at orders", "raised shop at orders",
                                    "over shop at orders", "over shop from 10.11.12.13 at orders"));
}

TEST_F(AlertsTest, AGivenNameFromAnIpv6NetworkIsPausedThere) {
  channel_.counters->callers = {
      {.service = "orders", .principal = "shop", .source = IpAddress(0x2001'0db8'0000'0001, 9).source()}};
  run(20, 500, "shop");
  const auto orders = approvals_->orders(false, 10).value();
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].told.source, IpAddress(0x2001'0db8'0000'0001, 0));
  EXPECT_EQ(orders[0].told.source_bits, 64);
}

// An IPv6 source is a /64: who has the name by policy may call from there, and is not paused for another.
TEST_F(AlertsTest, AGivenNameIsNotPausedWhereThePolicyKnowsAnotherByIt) {
  const IpAddress caller(0x2001'0db8'0000'0001, 9);
  terms_.networks = {{.network = IpAddress(0x2001'0db8'0000'0001, 0x10), .bits = 128, .principal = "ci"}};
  channel_.counters->callers = {{.service = "orders", .principal = "ci", .source = caller.source()},
                                {.service = "orders", .principal = "shop", .source = caller.source()}};
  run(20, 500);
  EXPECT_TRUE(approvals_->orders(true, 10).value().empty());
  EXPECT_THAT(alerts_->alerts({.is_active = true}).value().at(0).action,
              HasSubstr("the policy knows another by this name there: pause the source"));
  run(20, 500, "shop");
  EXPECT_EQ(approvals_->orders(false, 10).value().size(), 1U) << "another name from there is";
  // The same name in another network is not the one that the policy knows.
  channel_.counters->callers = {
      {.service = "orders", .principal = "ci", .source = IpAddress(0x2001'0db8'0000'0002, 9).source()}};
  run(20, 500);
  const auto orders = approvals_->orders(false, 10).value();
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_EQ(orders[0].told.source, IpAddress(0x2001'0db8'0000'0002, 0));
}

TEST_F(AlertsTest, NobodyIsNotPaused) {
  channel_.counters->callers.push_back({.service = "orders", .principal = "(others)"});
  run(20, 500, "(others)");
  EXPECT_THAT(alerts_->alerts({.is_active = true}).value().at(0).action, HasSubstr("not paused"));
  EXPECT_TRUE(approvals_->orders(true, 10).value().empty());
}

TEST_F(AlertsTest, APauseThatIsRefusedIsSaid) {
  terms_.services.clear();  // the policy names the service no more
  run(20, 500);
  EXPECT_THAT(alerts_->alerts({.is_active = true}).value().at(0).action,
              HasSubstr("not paused: there is no such thing"));
}

TEST_F(AlertsTest, APauseThatFailedIsTriedAgain) {
  terms_.services.clear();
  run(6, 500);
  ASSERT_THAT(alerts_->alerts({.is_active = true}).value().at(0).action, HasSubstr("it is tried again"));
  terms_.services["orders"] = {};
  run(10, 500);
  ASSERT_EQ(approvals_->orders(false, 10).value().size(), 1U);
  const Alert alert = alerts_->alerts({.is_active = true}).value().at(0);
  EXPECT_EQ(alert.action, "paused for 15m by order 1");
  EXPECT_EQ(alert.order, 1U);
  EXPECT_THAT(alert.sessions, ElementsAre(0xa1, 0xa2));
  EXPECT_EQ(events().size(), 1U);
}

TEST_F(AlertsTest, APauseThatFailsForGoodIsGivenUpAndSaid) {
  terms_.services.clear();
  run(600, 500);
  EXPECT_EQ(alerts_->alerts({.is_active = true}).value().at(0).action.find("tried again"), std::string::npos);
  EXPECT_EQ(alerts_->status().unpaused, 1U);
  terms_.services["orders"] = {};
  run(300, 500);
  EXPECT_TRUE(approvals_->orders(true, 10).value().empty());
}

// However many names come from somewhere, there is room to pause others.
TEST_F(AlertsTest, NamesThatAreMadeUpDoNotTakeAllOrders) {
  const auto flood = [&](std::uint32_t sources) {
    channel_.counters->callers.clear();
    for (std::uint32_t i = 0; i < 700; ++i)
      channel_.counters->callers.push_back(
          {.service = "orders", .principal = "p" + std::to_string(i), .source = IpAddress(i % sources + 1).source()});
    for (int second = 0; second < 8; ++second) {
      for (CallerCount& caller : channel_.counters->callers) caller.requests += 500;
      run(1, 0);
    }
  };
  flood(1);
  EXPECT_EQ(approvals_->orders(false, 10'000).value().size(), kMaxPausesOfSource);
  EXPECT_THAT(alerts_->alerts({.limit = 1}).value().at(0).action, HasSubstr("pause the source"));
  flood(500);
  EXPECT_EQ(approvals_->orders(false, 10'000).value().size(), kMaxGivenPauses);
  channel_.counters->callers = {{.service = "orders", .principal = "ci"}};
  run(20, 500);
  EXPECT_THAT(alerts_->alerts({.principal = "ci"}).value().at(0).action, HasSubstr("paused for 15m by order"));
}

// What failed before is not tried over the head of who took back what was made since.
TEST_F(AlertsTest, APauseThatFailedIsOfItsOwnAlertOnly) {
  terms_.services.clear();
  run(40, 500);  // it is tried next in half a minute
  ASSERT_EQ(events().size(), 1U);
  terms_.services["orders"] = {};
  run(17, 0);
  run(7, 500);
  ASSERT_EQ(events().size(), 3U);
  ASSERT_EQ(approvals_->orders(false, 10).value().size(), 1U);
  ASSERT_TRUE(approvals_->lift_order(1, test::kRoot, "it is known"));
  run(120, 500);
  EXPECT_TRUE(approvals_->orders(false, 10).value().empty());
}

TEST_F(AlertsTest, APauseThatFailedIsNotTriedWhenItsRuleSaysAnother) {
  terms_.services.clear();
  run(6, 500);
  ASSERT_EQ(events().size(), 1U);
  rule_.pause_for = 0;
  alerts_->set_file({.sinks = {{"chat", SyslogSink{}}}, .rules = {rule_}}, "alerts.yaml");
  terms_.services["orders"] = {};
  run(30, 500);
  EXPECT_TRUE(approvals_->orders(true, 10).value().empty());
  EXPECT_THAT(alerts_->alerts({.is_active = true}).value().at(0).action, HasSubstr("the rule was changed"));
}

TEST_F(AlertsTest, WhoseAlertIsOverIsNotPausedAnyMore) {
  terms_.services.clear();
  run(6, 500);
  ASSERT_EQ(events().size(), 1U);
  run(30, 0);
  ASSERT_EQ(events().size(), 2U);
  terms_.services["orders"] = {};
  run(120, 0);
  EXPECT_TRUE(approvals_->orders(true, 10).value().empty());
}

// What cannot be kept is stopped all the same, each by itself.
TEST_F(AlertsTest, PausesDoNotWaitForTheStore) {
  auto other = Database::open(dir_.file("alerts.db"));
  ASSERT_TRUE(other);
  ASSERT_TRUE(other->run("ALTER TABLE alerts RENAME TO away"));
  for (CallerCount& caller : channel_.counters->callers) caller.requests = 1;
  for (int i = 0; i < 20; ++i) {
    channel_.counters->callers[0].requests += 500;
    run(1, 500, "shop");
  }
  EXPECT_EQ(approvals_->orders(false, 10).value().size(), 2U);
  ASSERT_TRUE(other->run("ALTER TABLE away RENAME TO alerts"));
  run(1, 500);
  EXPECT_EQ(alerts_->alerts({.is_active = true}).value().size(), 2U);
  EXPECT_EQ(approvals_->orders(false, 10).value().size(), 2U);
}

TEST_F(AlertsTest, WithoutADataPlaneNothingIsConcluded) {
  run(20, 500);
  channel_.data_plane.reset();
  run(60, 0);
  EXPECT_EQ(events().size(), 1U);
}

TEST_F(AlertsTest, AlertsAreFoundByWhatTheyAreAbout) {
  run(20, 500);
  run(20, 500, "shop");
  EXPECT_EQ(alerts_->alerts({.principal = "shop"}).value().size(), 1U);
  EXPECT_EQ(alerts_->alerts({.service = "other"}).value().size(), 0U);
  EXPECT_EQ(alerts_->alerts({.limit = 1}).value().at(0).key.name, "shop") << "the newest";
  EXPECT_EQ(alerts_->alerts({.since = wall_ - kSecond}).value().size(), 1U) << "ci's is over for longer";
  EXPECT_TRUE(alerts_->alert(1).value());
  EXPECT_FALSE(alerts_->alert(99).value());
}

TEST_F(AlertsTest, ASinkBeginsWithWhatComesAndItsPlaceIsKept) {
  run(20, 500);
  EXPECT_EQ(alerts_->sink_cursor("chat").value(), 1U);
  ASSERT_TRUE(alerts_->set_sink_cursor("chat", 7));
  start();
  EXPECT_EQ(alerts_->sink_cursor("chat").value(), 7U);
}

}  // namespace
}  // namespace sluice::control
