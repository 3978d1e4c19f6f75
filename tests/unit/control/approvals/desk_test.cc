// Holds and orders through their lives: what is stored, what the data plane is told, what time does.
#include "control/approvals/desk.h"

#include <thread>

#include "common/source.h"
#include "tests/unit/control/approvals/desk_fixture.h"

namespace sluice::control {
namespace {

using namespace test;  // NOLINT: the fixture's people and words

TEST_F(DeskTest, AHoldIsKeptWithItsExactParameters) {
  take(opened(1));
  const auto detail = desk_->hold(1);
  ASSERT_TRUE(detail);
  EXPECT_EQ(detail->hold.opened.head, opened(1).head);
  EXPECT_EQ(detail->hold.opened.body, opened(1).body);
  EXPECT_EQ(detail->hold.deadline, kNoon + 15 * kMinute);
  EXPECT_EQ(detail->audit.size(), 1U);
  EXPECT_EQ(desk_->hold(2).error().code, ErrorCode::not_found);
}

TEST_F(DeskTest, AHoldToldAgainHasWhatIsThereOfItNow) {
  HoldOpened first = opened(1);
  first.body.clear();
  first.body_bytes = 0;
  take(first);
  take(opened(1));
  EXPECT_EQ(hold(1).opened.head, opened(1).head);
  EXPECT_EQ(hold(1).opened.body, opened(1).body);
  EXPECT_EQ(hold(1).opened.body_bytes, 17U);
  EXPECT_EQ(desk_->hold(1)->audit.size(), 1U);  // it was opened once
}

TEST_F(DeskTest, HowItEndedIsKeptWithWhoDecided) {
  for (HoldId id = 1; id <= 6; ++id) take(opened(id));
  ASSERT_TRUE(approve(1, kAlice));
  for (const auto ending : {HoldEnding::passed, HoldEnding::denied, HoldEnding::expired, HoldEnding::abandoned,
                            HoldEnding::server_gone, HoldEnding::cut})
    take(HoldEnded{static_cast<HoldId>(ending) + 1, ending, now_ + kSecond});
  EXPECT_EQ(hold(1).state, HoldState::passed);
  EXPECT_EQ(hold(1).decision->by, "alice");
  EXPECT_EQ(hold(1).ended, now_ + kSecond);
  EXPECT_EQ(hold(3).state, HoldState::expired);
  EXPECT_EQ(hold(6).state, HoldState::cut);
  EXPECT_EQ(approve(4, kAlice).error().code, ErrorCode::conflict);
  take(HoldEnded{1, HoldEnding::denied, now_});  // what is over stays as it ended
  EXPECT_EQ(hold(1).state, HoldState::passed);
}

TEST_F(DeskTest, ADecisionMadeWhileTheDataPlaneIsAwayIsSaidWhenItIsBack) {
  take(opened(1));
  take(opened(2));
  take(opened(3));
  ASSERT_TRUE(approve(1, kAlice));
  ASSERT_TRUE(reject(2, kBob));
  reopen();  // what was to be sent is gone, the decisions are not
  EXPECT_EQ(hello(), (Lines{"orders", "pass 1 by alice", "deny 2 by bob: no"}));
  take(HoldEnded{1, HoldEnding::passed, now_});
  EXPECT_EQ(hello(), (Lines{"orders", "deny 2 by bob: no"}));
}

TEST_F(DeskTest, ARestartLosesNoHoldAndFindsWhichEnded) {
  take(opened(1));
  take(opened(2));
  take(opened(3));
  reopen();
  hello();
  HoldOpened again = opened(1);
  again.remaining_ns = 4 * kMinute;
  take(again);
  take(opened(3));
  take(HoldsLive{{1, 3}});
  EXPECT_EQ(hold(1).state, HoldState::open);
  EXPECT_EQ(hold(1).deadline, now_ + 4 * kMinute);  // the time that remains is the data plane's word
  EXPECT_EQ(hold(2).state, HoldState::lost);
  EXPECT_EQ(desk_->holds({.live = true})->size(), 2U);
  EXPECT_EQ(approve(2, kAlice).error().code, ErrorCode::conflict);
  take(opened(2));  // it was there after all
  EXPECT_TRUE(approve(2, kAlice));
}

TEST_F(DeskTest, OneDecisionEndsAWholeRunaway) {
  for (HoldId id = 1; id <= 100; ++id) take(opened(id, id % 10 == 0 ? "good" : "ci"));
  const auto done = reject(1, kAlice, Scope::principal, 2 * kHour);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->covered, 89U);
  EXPECT_EQ(sent(), (Lines{"orders 1:deny", "deny 1 by alice: no"}));
  EXPECT_EQ(desk_->holds({.state = HoldState::open})->size(), 10U);
  EXPECT_EQ(hold(2).decision->order, done->order);
  EXPECT_EQ(hold(2).decision->by, "alice");
}

TEST_F(DeskTest, AGrantIsForItsServiceAndEndsByTime) {
  terms_.services["billing"] = {};
  take(opened(1));
  take(opened(2, "ci", "billing"));
  ASSERT_TRUE(approve(1, kAlice, Scope::principal, kHour));
  EXPECT_EQ(hold(2).state, HoldState::open);
  sent();
  pass(kHour - 1);
  EXPECT_TRUE(sent().empty());
  pass(1);
  EXPECT_EQ(sent(), (Lines{"orders"}));
  EXPECT_EQ(desk_->orders(true, 10)->front().state, OrderState::expired);
}

TEST_F(DeskTest, AGrantToANameThatACallerGaveItselfSaysFromWhere) {
  for (HoldId id = 1; id <= 3; ++id) take(opened(id, "typed"));
  take(opened(4));
  HoldOpened elsewhere = opened(5, "typed");
  elsewhere.client = "[2001:db8::7]:40000";
  take(elsewhere);
  ASSERT_TRUE(order(OrderVerdict::pass, kAlice, kHour, "typed"));
  EXPECT_EQ(hold(1).state, HoldState::open);
  const auto done = approve(1, kAlice, Scope::principal, kHour);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->covered, 2U);
  const Order typed = desk_->orders(false, 1)->front();
  EXPECT_EQ(typed.told.source, IpAddress(0x0a4d0063));
  EXPECT_EQ(typed.told.source_bits, 128);
  EXPECT_EQ(hold(5).state, HoldState::open);
  ASSERT_TRUE(approve(4, kAlice, Scope::principal, kHour));  // of a name that the policy declares
  EXPECT_EQ(desk_->orders(false, 1)->front().told.source_bits, 0);
  ASSERT_TRUE(reject(5, kAlice, Scope::principal, kHour));  // who stops a name stops all who give it
  EXPECT_EQ(desk_->orders(false, 1)->front().told.source_bits, 0);
}

TEST_F(DeskTest, AnOrderIsAboutTheNetworksPrincipalWhateverNameIsGiven) {
  for (HoldId id = 1; id <= 2; ++id) take(opened(id, "typed"));  // from the network of "lab"
  HoldOpened closer = opened(3, "typed");
  closer.client = "10.77.0.64:40000";  // of "ci", which is closer
  take(closer);
  ASSERT_TRUE(order(OrderVerdict::pass, kAlice, kHour, "lab"));
  EXPECT_EQ(hold(1).state, HoldState::approved);
  EXPECT_EQ(hold(2).state, HoldState::approved);
  EXPECT_EQ(hold(3).state, HoldState::open);
  ASSERT_TRUE(order(OrderVerdict::deny, kAlice, kHour, "ci"));
  EXPECT_EQ(hold(3).state, HoldState::rejected);
}

TEST_F(DeskTest, WhatCouldNotBeDecidedTheNextTickDecides) {
  take(opened(1));
  int asked = 0;
  desk_ = std::make_unique<Desk>(*ApprovalStore::open(dir_.file("approvals.db")), [&]() -> Result<ApprovalTerms> {
    if (++asked == 2) return fail(ErrorCode::io_failed, "no policy can be read");
    return terms_;
  });
  ASSERT_TRUE(desk_->tick(now_));
  sent();
  EXPECT_EQ(order(OrderVerdict::deny, kAlice, kHour).error().code, ErrorCode::io_failed);
  EXPECT_EQ(sent(), (Lines{"orders 1:deny"})) << "the data plane does not wait for it";
  EXPECT_EQ(hold(1).state, HoldState::open);
  pass(1);
  EXPECT_EQ(sent(), Lines{});
  EXPECT_EQ(hold(1).state, HoldState::rejected);
}

TEST_F(DeskTest, AClockThatIsSetBackClosesAWindow) {
  const auto hours = parse_window("13:00-14:00", "", "UTC");
  ASSERT_TRUE(order(OrderVerdict::pass, kAlice, 30 * 24 * kHour, "ci", *hours));
  pass(kHour);
  EXPECT_EQ(sent(), (Lines{"orders 1:pass"}));
  now_ -= kMinute;
  ASSERT_TRUE(desk_->tick(now_));
  EXPECT_EQ(sent(), (Lines{"orders"}));
  EXPECT_EQ(desk_->next_deadline(), kNoon + kHour);
}

TEST_F(DeskTest, AReconnectKeepsTheTimeThatRemains) {
  ASSERT_TRUE(order(OrderVerdict::pass, kAlice, kHour));
  now_ += 20 * kMinute;
  reopen();
  ASSERT_TRUE(desk_->connected(now_));
  const auto messages = desk_->take_outbox();
  const auto* orders = schema::channel::GetSizePrefixedEnvelope(messages.front().data())->message_as_Orders();
  ASSERT_EQ(orders->orders()->size(), 1U);
  EXPECT_EQ(orders->orders()->Get(0)->remaining_ns(), 40 * kMinute);
  now_ += kHour;  // it ended while nobody was there
  EXPECT_EQ(hello(), (Lines{"orders"}));
}

TEST_F(DeskTest, AGrantWithHoursIsOnlyToldWithinThem) {
  take(opened(1));
  const auto hours = parse_window("22:00-06:00", "", "Europe/Berlin");
  ASSERT_TRUE(order(OrderVerdict::pass, kAlice, 30 * 24 * kHour, "ci", *hours));
  EXPECT_EQ(sent(), (Lines{}));
  EXPECT_EQ(hold(1).state, HoldState::open);
  EXPECT_EQ(desk_->next_deadline(), kNoon + 9 * kHour);  // 22:00 in Berlin
  pass(9 * kHour);
  EXPECT_EQ(sent(), (Lines{"orders 1:pass"}));
  EXPECT_EQ(hold(1).state, HoldState::approved);  // its beginning decides what waits
  EXPECT_EQ(hold(1).decision->order, 1U);
  pass(8 * kHour);
  EXPECT_EQ(sent(), (Lines{"orders"}));
  pass(16 * kHour);
  EXPECT_EQ(sent(), (Lines{"orders 1:pass"}));
}

TEST_F(DeskTest, AStrongerOrderKeepsAGrantFromDeciding) {
  ASSERT_TRUE(order(OrderVerdict::hold, kAlice, 0));
  take(opened(1));
  ASSERT_TRUE(order(OrderVerdict::pass, kAlice, kHour));
  EXPECT_EQ(hold(1).state, HoldState::open);
  ASSERT_TRUE(order(OrderVerdict::deny, kAlice, kHour));
  EXPECT_EQ(hold(1).state, HoldState::rejected);
}

TEST_F(DeskTest, ResumingIsTheDataPlanesToCarryOut) {
  const auto pause = order(OrderVerdict::hold, kCarol, 0);
  HoldOpened held = opened(1);
  held.cause = HoldCause::order;
  held.order = pause->told.order;
  take(held);
  sent();
  ASSERT_TRUE(desk_->lift_order(pause->told.order, kAlice, "fixed", now_));
  EXPECT_EQ(sent(), (Lines{"orders"}));  // it judges anew what the pause held
  EXPECT_EQ(hold(1).state, HoldState::open);
  take(HoldEnded{1, HoldEnding::passed, now_});
  EXPECT_EQ(hold(1).state, HoldState::passed);
}

TEST_F(DeskTest, AScoreThatGrewIsToldAgain) {
  HoldOpened scored = opened(1);
  scored.cause = HoldCause::score;
  scored.score = 60;
  scored.cause_name = "above 50: local/wipe 60";
  take(scored);
  scored.score = 90;
  scored.cause_name = "above 50: local/wipe 60, local/drop 30";
  take(scored);
  EXPECT_EQ(hold(1).opened.score, 90U);
  EXPECT_EQ(hold(1).opened.cause_name, "above 50: local/wipe 60, local/drop 30");
}

TEST_F(DeskTest, AnApprovedTicketPassesOnce) {
  HoldOpened ticket = opened(1);
  ticket.ticket = true;
  ticket.fingerprint = std::string(32, 'f');
  take(ticket);
  const auto done = approve(1, kAlice);
  ASSERT_TRUE(done);
  EXPECT_EQ(sent(), (Lines{"orders 1:pass", "pass 1 by alice"}));
  EXPECT_TRUE(desk_->orders(false, 1)->front().told.once);
  take(OrderUsed{done->order, 99, 1});
  EXPECT_EQ(desk_->orders(true, 1)->front().state, OrderState::used);
  pass(kMinute);
  EXPECT_EQ(hello(), (Lines{"orders", "pass 1 by alice"}));
  ticket.hold = 2;
  take(ticket);
  ASSERT_TRUE(reject(2, kAlice));
  EXPECT_EQ(sent(), (Lines{"orders 2:deny", "deny 2 by alice: no"}));
}

TEST_F(DeskTest, TwoWhoRaceHaveOneOutcome) {
  // The shell locks around a desk; two desks on one file are stronger than that.
  constexpr HoldId kRounds = 20;
  for (HoldId id = 1; id <= kRounds; ++id) take(opened(id));
  auto store = ApprovalStore::open(dir_.file("approvals.db"));
  ASSERT_TRUE(store);
  Desk other(std::move(*store), [this] { return Result<ApprovalTerms>(terms_); });
  int alice = 0, bob = 0;
  {
    const std::jthread racing([&] {
      for (HoldId id = 1; id <= kRounds; ++id) bob += other.vote(id, kBob, {.reason = "no"}, now_).has_value() ? 1 : 0;
    });
    for (HoldId id = 1; id <= kRounds; ++id) {
      const auto vote = approve(id, kAlice);
      alice += vote.has_value() ? 1 : 0;
      if (!vote) {
        EXPECT_EQ(vote.error().code, ErrorCode::conflict) << vote.error().message();
      }
    }
  }
  EXPECT_EQ(alice + bob, static_cast<int>(kRounds));
  for (HoldId id = 1; id <= kRounds; ++id) EXPECT_EQ(desk_->hold(id)->votes.size(), 1U);
}

TEST_F(DeskTest, TenThousandWaitAndNoMore) {
  std::vector<HoldMessage> messages;
  for (HoldId id = 1; id <= kMaxOpenHolds + 5; ++id) messages.emplace_back(opened(id));
  ASSERT_TRUE(desk_->take(messages, now_));
  EXPECT_EQ(desk_->holds({.live = true, .limit = 20'000})->size(), kMaxOpenHolds);
  std::vector<Hold> paged;
  for (HoldId after = 0;;) {
    const auto page = desk_->holds({.live = true, .limit = 999, .after = after});
    if (page->empty()) break;
    paged.insert(paged.end(), page->begin(), page->end());
    after = page->back().opened.hold;
  }
  EXPECT_EQ(paged.size(), kMaxOpenHolds);
  EXPECT_EQ(paged.back().opened.hold, kMaxOpenHolds);
  const auto done = reject(1, kAlice, Scope::principal, kHour);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->covered, kMaxOpenHolds - 1);
}

// Of one whom the policy knows all that waits, of a name that callers gave themselves what came from one source.
TEST_F(DeskTest, WhatWaitsIsCountedByCaller) {
  for (HoldId id = 1; id <= 3; ++id) take(opened(id));
  for (HoldId id = 4; id <= 6; ++id) take(opened(id, "alice"));
  HoldOpened other = opened(7, "alice");
  other.client = "[2001:db8::7]:40000";
  take(other);
  HoldOpened given = opened(8, "ci");
  given.client = "10.77.0.99:40000";
  take(given);
  Lines counts;
  for (const HeldCount& one : desk_->held(10).value())
    counts.push_back(one.principal + " " + format_source(one.source) + " " + std::to_string(one.open));
  std::ranges::sort(counts);
  EXPECT_EQ(counts, (Lines{"alice 10.77.0.99 3", "alice 2001:db8::/64 1", "ci  3", "ci 10.77.0.99 1"}));
  EXPECT_EQ(desk_->held(1).value().at(0).open, 3U);
}

TEST_F(DeskTest, OrdersAreBounded) {
  desk_.reset();
  {
    auto store = ApprovalStore::open(dir_.file("approvals.db"));
    ASSERT_TRUE(store);
    auto transaction = (*store)->begin();
    Order some;
    some.told.verdict = OrderVerdict::hold;
    some.told.principal = "other";
    for (std::size_t n = 0; n < kMaxOrders; ++n) ASSERT_TRUE((*store)->add(some));
    ASSERT_TRUE(transaction->commit());
  }
  reopen();
  EXPECT_EQ(order(OrderVerdict::hold, kAlice, 0, "one-more").error().code, ErrorCode::conflict);
  ASSERT_TRUE(desk_->lift_order(1, kRoot, "", now_));
  EXPECT_TRUE(order(OrderVerdict::hold, kAlice, 0, "one-more"));
}

TEST_F(DeskTest, TheLongestListOfOrdersIsOneMessage) {
  std::vector<OrderTold> orders(kMaxOrders);
  for (OrderTold& order : orders) {
    order.order = order.session = ~0ULL;
    order.source_bits = 128;
    order.service = order.principal = std::string(63, 's');
    order.by = std::string(300, 'b');
    order.reason = std::string(500, 'r');
    order.fingerprint = std::string(32, 'f');
    order.remaining_ns = 1;
  }
  EXPECT_LT(encode_orders(orders).size(), 1024U * 1024U);
}

TEST_F(DeskTest, AFileOfANewerControlIsRefused) {
  desk_.reset();
  {
    auto database = Database::open(dir_.file("approvals.db"));
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->run("PRAGMA user_version = 2"));
  }
  EXPECT_NE(ApprovalStore::open(dir_.file("approvals.db")).error().detail.find("newer control"), std::string::npos);
}

TEST_F(DeskTest, TheAuditCannotBeRewritten) {
  take(opened(1));
  auto database = Database::open(dir_.file("approvals.db"));
  ASSERT_TRUE(database);
  EXPECT_FALSE(database->run("UPDATE audit SET who = 'nobody'"));
}

// Who is told no orders lets pass what was paused, and holds what was granted.
TEST_F(DeskTest, OrdersAreSaidAlsoWhileTheStoreCannotBeWritten) {
  ASSERT_TRUE(order(OrderVerdict::hold, kAlice, kHour));
  ASSERT_TRUE(order(OrderVerdict::deny, kAlice, 2 * kHour, "shop"));
  take(opened(1, "shop"));
  auto other = Database::open(dir_.file("approvals.db"));
  ASSERT_TRUE(other);
  ASSERT_TRUE(other->run("CREATE TRIGGER full_of_orders BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'x'); END"));
  ASSERT_TRUE(other->run("CREATE TRIGGER full_of_holds BEFORE UPDATE ON holds BEGIN SELECT RAISE(ABORT, 'x'); END"));
  sent();
  now_ += kHour;
  EXPECT_EQ(hello(), (Lines{"orders 2:deny"})) << "what ended by time is left out";
  now_ += kSecond;
  EXPECT_FALSE(desk_->tick(now_));
  EXPECT_EQ(sent(), Lines{}) << "it was said";
  ASSERT_TRUE(other->run("DROP TRIGGER full_of_orders; DROP TRIGGER full_of_holds"));
  pass(kSecond);
  EXPECT_EQ(sent(), Lines{});
  EXPECT_EQ(desk_->orders(true, 2)->back().state, OrderState::expired);
  EXPECT_EQ(hold(1).state, HoldState::rejected);
}

}  // namespace
}  // namespace sluice::control
