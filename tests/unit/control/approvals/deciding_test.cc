// Who may decide, and when enough have.
#include "control/approvals/deciding.h"

#include "tests/unit/control/approvals/desk_fixture.h"

namespace sluice::control {
namespace {

using namespace test;  // NOLINT: the fixture's people and words

class Deciding : public DeskTest {
 protected:
  void SetUp() override {
    DeskTest::SetUp();
    terms_.services["orders"] = {.groups = {"dba", "leads"}, .minimum = 1};
    take(opened(1));
  }
};

TEST_F(Deciding, OneOfAGroupDecides) {
  EXPECT_EQ(approve(1, kCarol).error().code, ErrorCode::not_permitted);
  const auto done = approve(1, kAlice);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->state, HoldState::approved);
  EXPECT_EQ(sent(), (Lines{"pass 1 by alice"}));
}

TEST_F(Deciding, TheLoserOfARaceIsToldWhoWon) {
  ASSERT_TRUE(reject(1, kAlice));
  const auto late = approve(1, kBob);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::conflict);
  EXPECT_NE(late.error().detail.find("alice rejected it"), std::string::npos);
  EXPECT_EQ(sent(), (Lines{"deny 1 by alice: no"}));
}

TEST_F(Deciding, OnePersonInTwoGroupsCountsOnce) {
  terms_.services["orders"].minimum = 2;
  const auto first = approve(1, kBob);  // in both groups
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->outcome.decides);
  EXPECT_EQ(approve(1, kBob).error().code, ErrorCode::conflict);
  EXPECT_EQ(hold(1).state, HoldState::open);
  EXPECT_TRUE(sent().empty());
  const auto second = approve(1, kAlice);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->outcome.decides);
  EXPECT_EQ(second->outcome.approvals, 2U);
  EXPECT_EQ(sent(), (Lines{"pass 1 by alice"}));
}

TEST_F(Deciding, OnePersonIsTheSameByNameAndByUser) {
  terms_.services["orders"].minimum = 2;
  ASSERT_TRUE(approve(1, kAlice));
  const Reviewer same_name{.uid = 0x80000001, .name = "alice", .groups = {"dba"}};
  const Reviewer same_user{.uid = kAlice.uid, .name = "alicia", .groups = {"dba"}};
  EXPECT_EQ(approve(1, same_name).error().code, ErrorCode::conflict);
  EXPECT_EQ(approve(1, same_user).error().code, ErrorCode::conflict);
  EXPECT_EQ(hold(1).state, HoldState::open);
  EXPECT_TRUE(approve(1, kBob)->outcome.decides);
}

TEST_F(Deciding, OneRejectRejectsWhateverWasApproved) {
  terms_.services["orders"].minimum = 3;
  ASSERT_TRUE(approve(1, kAlice));
  ASSERT_TRUE(reject(1, kAlice));  // also by who approved
  EXPECT_EQ(hold(1).state, HoldState::rejected);
}

TEST_F(Deciding, NobodyDecidesOnTheirOwnCall) {
  take(opened(2, "alice"));
  for (const bool is_override : {false, true}) {
    const VoteRequest request{.approve = true, .is_override = is_override, .reason = "mine"};
    EXPECT_EQ(desk_->vote(2, kAlice, request, now_).error().code, ErrorCode::not_permitted);
  }
  EXPECT_EQ(reject(2, kAlice).error().code, ErrorCode::not_permitted);
  EXPECT_EQ(order(OrderVerdict::pass, kAlice, kHour, "alice").error().code, ErrorCode::not_permitted);
  EXPECT_TRUE(approve(2, kBob));
}

TEST_F(Deciding, AReasonIsNeededToRejectAndToOverride) {
  EXPECT_EQ(desk_->vote(1, kAlice, {}, now_).error().code, ErrorCode::bad_argument);
  EXPECT_EQ(desk_->vote(1, kRoot, {.approve = true, .is_override = true}, now_).error().code, ErrorCode::bad_argument);
  EXPECT_EQ(desk_->vote(1, kAlice, {.reason = "a\nb"}, now_).error().code, ErrorCode::bad_argument);
  const std::string novel(kMaxReasonBytes + 1, 'x');
  EXPECT_EQ(desk_->vote(1, kAlice, {.reason = novel}, now_).error().code, ErrorCode::bad_argument);
}

TEST_F(Deciding, AnOverrideIsForRootAndItsGroupAndIsMarkedEverywhere) {
  terms_.services["orders"].minimum = 5;
  const VoteRequest request{.approve = true, .is_override = true, .reason = "the site is down"};
  EXPECT_EQ(desk_->vote(1, kBob, request, now_).error().code, ErrorCode::not_permitted);
  EXPECT_EQ(approve(1, kRoot).error().code, ErrorCode::not_permitted);  // root is in no group
  ASSERT_TRUE(desk_->vote(1, kRoot, request, now_));
  EXPECT_TRUE(hold(1).decision->is_override);
  const auto audit = desk_->hold(1)->audit;
  EXPECT_TRUE(audit.back().is_override);
  EXPECT_EQ(audit.back().by, "root");
  take(opened(2));
  terms_.override_group = "leads";
  EXPECT_TRUE(desk_->vote(2, kBob, request, now_));
}

TEST_F(Deciding, WhatThePolicyNoLongerNamesCanOnlyBeStopped) {
  take(opened(2, "ci", "gone"));
  take(opened(3, "ci", "gone"));
  EXPECT_EQ(approve(2, kAlice).error().code, ErrorCode::not_permitted);
  EXPECT_TRUE(reject(2, kCarol));
  EXPECT_TRUE(desk_->vote(3, kRoot, {.approve = true, .is_override = true, .reason = "known"}, now_));
}

TEST_F(Deciding, EveryServiceMustAgreeToWhatCountsEverywhere) {
  terms_.services["billing"] = {.groups = {"leads"}, .minimum = 2};
  EXPECT_EQ(approve(1, kAlice, Scope::everywhere, kHour).error().code, ErrorCode::not_permitted);
  const auto bob = approve(1, kBob, Scope::everywhere, kHour);
  ASSERT_TRUE(bob);
  EXPECT_FALSE(bob->outcome.decides);
  EXPECT_EQ(bob->outcome.needed, 2U);
}

TEST_F(Deciding, WhatSeveralApproveIsWhatTheMostCarefulSaid) {
  terms_.services["orders"].minimum = 2;
  ASSERT_TRUE(approve(1, kAlice, Scope::principal, kHour));
  const auto done = approve(1, kBob, Scope::session, 8 * kHour);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->outcome.scope, Scope::session);
  EXPECT_EQ(done->outcome.window_ns, kHour);
  take(opened(2));
  ASSERT_TRUE(approve(2, kAlice, Scope::principal, kHour));
  const auto narrow = approve(2, kBob);
  ASSERT_TRUE(narrow);
  EXPECT_EQ(narrow->outcome.scope, Scope::unit);
  EXPECT_EQ(narrow->order, 0U);
}

TEST_F(Deciding, AScopeNeedsATimeAndAName) {
  EXPECT_EQ(approve(1, kAlice, Scope::principal).error().code, ErrorCode::bad_argument);
  EXPECT_EQ(approve(1, kAlice, Scope::principal, kMaxWindow + 1).error().code, ErrorCode::bad_argument);
  take(opened(2, ""));
  EXPECT_EQ(approve(2, kAlice, Scope::principal, kHour).error().code, ErrorCode::bad_argument);
  EXPECT_TRUE(approve(2, kAlice, Scope::session, kHour));
}

TEST_F(Deciding, AClaimKeepsOthersFromClaimingAndEndsByItself) {
  ASSERT_TRUE(desk_->claim(1, kAlice, false, now_));
  EXPECT_EQ(desk_->claim(1, kBob, false, now_).error().code, ErrorCode::conflict);
  EXPECT_EQ(desk_->claim(1, kBob, true, now_).error().code, ErrorCode::conflict);
  now_ += kClaimTime;
  EXPECT_EQ(desk_->claim(1, kBob, false, now_)->claimed_by, "bob");
  EXPECT_EQ(desk_->claim(1, kBob, true, now_)->claimed_by, "");
  EXPECT_TRUE(approve(1, kAlice));  // a claim is a word, not a lock
  EXPECT_EQ(desk_->claim(1, kBob, false, now_).error().code, ErrorCode::conflict);
}

TEST_F(Deciding, AGrantNamesItsPrincipalAndEnds) {
  EXPECT_EQ(order(OrderVerdict::pass, kAlice, kHour, "").error().code, ErrorCode::bad_argument);
  EXPECT_EQ(order(OrderVerdict::pass, kAlice, 0).error().code, ErrorCode::bad_argument);
  EXPECT_EQ(order(OrderVerdict::pass, kCarol, kHour).error().code, ErrorCode::not_permitted);
  EXPECT_EQ(order(OrderVerdict::hold, kCarol, 0, "").error().code, ErrorCode::bad_argument);
  EXPECT_TRUE(order(OrderVerdict::hold, kCarol, 0));  // stopping is for everyone
  EXPECT_TRUE(order(OrderVerdict::pass, kAlice, kHour));
}

TEST_F(Deciding, AMinuteIsAMinuteAlsoAMomentLater) {
  Order order;
  order.told.verdict = OrderVerdict::hold;
  order.told.principal = "ci";
  order.told.reason = "because";
  order.until = now_ + kMinWindow;
  EXPECT_TRUE(desk_->add_order(order, kAlice, false, now_ + kSecond / 2));
  EXPECT_EQ(desk_->add_order(order, kAlice, false, now_ + 2 * kSecond).error().code, ErrorCode::bad_argument);
  EXPECT_EQ(desk_->add_order(order, kAlice, false, now_ + kMinWindow).error().code, ErrorCode::bad_argument);
  order.until = now_ + kMaxWindow;
  EXPECT_TRUE(desk_->add_order(order, kAlice, false, now_));
}

TEST_F(Deciding, OnlyAGrantCanOverride) {
  Order order;
  order.told.principal = "ci";
  order.told.reason = "because";
  order.until = now_ + kHour;
  for (const OrderVerdict verdict : {OrderVerdict::hold, OrderVerdict::deny}) {
    order.told.verdict = verdict;
    EXPECT_EQ(desk_->add_order(order, kRoot, true, now_).error().code, ErrorCode::bad_argument);
  }
  order.told.verdict = OrderVerdict::pass;
  EXPECT_TRUE(desk_->add_order(order, kRoot, true, now_));
}

TEST_F(Deciding, AGrantTakesAsManyAsAnApproval) {
  terms_.services["orders"].minimum = 2;
  const auto proposed = order(OrderVerdict::pass, kAlice, kHour);
  ASSERT_TRUE(proposed);
  EXPECT_EQ(proposed->state, OrderState::proposed);
  EXPECT_TRUE(sent().empty());
  const OrderId id = proposed->told.order;
  EXPECT_EQ(desk_->vote_order(id, kAlice, {.approve = true}, now_).error().code, ErrorCode::conflict);
  EXPECT_EQ(desk_->vote_order(id, kCarol, {.approve = true}, now_).error().code, ErrorCode::not_permitted);
  EXPECT_EQ(desk_->vote_order(id, kBob, {.approve = true}, now_)->state, OrderState::active);
  EXPECT_EQ(sent(), (Lines{"orders 1:pass"}));
}

TEST_F(Deciding, WhoLiftsABanCouldGrantThere) {
  take(opened(2));
  const auto ban = order(OrderVerdict::deny, kCarol, 0);
  ASSERT_TRUE(ban);
  EXPECT_TRUE(desk_->lift_order(ban->told.order, kCarol, "", now_));  // her own
  const auto other = order(OrderVerdict::deny, kAlice, 0);
  EXPECT_EQ(desk_->lift_order(other->told.order, kCarol, "", now_).error().code, ErrorCode::not_permitted);
  const Reviewer ci{.uid = 1009, .name = "ci", .groups = {"dba"}};
  EXPECT_EQ(desk_->lift_order(other->told.order, ci, "", now_).error().code, ErrorCode::not_permitted);
  EXPECT_TRUE(desk_->lift_order(other->told.order, kBob, "", now_));
  EXPECT_EQ(desk_->lift_order(other->told.order, kBob, "", now_).error().code, ErrorCode::conflict);
}

}  // namespace
}  // namespace sluice::control
