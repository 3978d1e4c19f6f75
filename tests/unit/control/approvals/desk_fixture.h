// A desk over a store of its own, people, and a clock that stands still until it is moved.
#pragma once

#include <gtest/gtest.h>

#include "control/approvals/desk.h"
#include "schema/channel_generated.h"
#include "tests/support/temp_dir.h"

namespace sluice::control::test {

inline constexpr WallNs kNoon = 1'795'262'400 * kSecond;  // 2026-11-21 12:00 UTC, a Saturday
inline constexpr DurationNs kMinute = 60 * kSecond;
inline constexpr DurationNs kHour = 60 * kMinute;

inline const Reviewer kAlice{.uid = 1001, .name = "alice", .groups = {"alice", "dba"}};
inline const Reviewer kBob{.uid = 1002, .name = "bob", .groups = {"bob", "dba", "leads"}};
inline const Reviewer kCarol{.uid = 1003, .name = "carol", .groups = {"carol"}};
inline const Reviewer kRoot{.uid = 0, .name = "root", .groups = {"root"}};

inline HoldOpened opened(HoldId hold, const std::string& principal = "ci", const std::string& service = "orders") {
  HoldOpened out;
  out.hold = hold;
  out.session = 0x70 + hold;
  out.unit = 3;
  out.wall_ns = kNoon;
  out.remaining_ns = 15 * kMinute;
  out.service = service;
  out.principal = principal;
  out.client = principal == "ci" ? "10.77.0.64:40000" : "10.77.0.99:40000";
  out.cause = HoldCause::limit;
  out.cause_name = service + "/rate";
  out.policy_version = 7;
  out.head = "POST /wipe HTTP/1.1\r\nHost: x\r\nAuthorization: ********\r\n\r\n";
  out.body = "DROP TABLE orders";
  out.body_bytes = 17;
  return out;
}

// What goes to the data plane, in words: "orders 1:pass 2:deny", "pass 7 by bob: fine".
inline std::string told(const MessageBytes& message) {
  namespace fbs = schema::channel;
  flatbuffers::Verifier verifier(message.data(), message.size());
  EXPECT_TRUE(fbs::VerifySizePrefixedEnvelopeBuffer(verifier));
  const auto* envelope = fbs::GetSizePrefixedEnvelope(message.data());
  if (const auto* decision = envelope->message_as_HoldDecision()) {
    std::string out = (decision->pass() ? "pass " : "deny ") + std::to_string(decision->hold());
    if (decision->by() != nullptr) out += " by " + decision->by()->str();
    if (decision->reason() != nullptr) out += ": " + decision->reason()->str();
    return out;
  }
  std::string out = "orders";
  const auto* orders = envelope->message_as_Orders();
  if (orders == nullptr) return "?";
  if (orders->orders() != nullptr)
    for (const fbs::Order* order : *orders->orders())
      out += " " + std::to_string(order->order()) + ":" +
             std::string(order_verdict_name(static_cast<OrderVerdict>(order->verdict())));
  return out;
}

class DeskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    terms_.services["orders"] = {};
    terms_.networks = {{.network = IpAddress(0x0a4d0000), .bits = 96 + 16, .principal = "lab"},
                       {.network = IpAddress(0x0a4d0040), .bits = 128, .principal = "ci"}};
    reopen();
  }
  // As after a restart of control, before any data plane is there.
  void reopen() {
    desk_.reset();
    auto store = ApprovalStore::open(dir_.file("approvals.db"));
    ASSERT_TRUE(store) << store.error().message();
    desk_ = std::make_unique<Desk>(std::move(*store), [this] { return Result<ApprovalTerms>(terms_); });
    ASSERT_TRUE(desk_->tick(now_));
    sent();
  }
  // The data plane says hello.
  std::vector<std::string> hello() {
    EXPECT_TRUE(desk_->connected(now_));
    return sent();
  }
  void take(const HoldMessage& message) {
    const auto taken = desk_->take({&message, 1}, now_);
    ASSERT_TRUE(taken) << taken.error().message();
  }
  std::vector<std::string> sent() {
    std::vector<std::string> out;
    for (const MessageBytes& message : desk_->take_outbox()) out.push_back(told(message));
    return out;
  }
  void pass(DurationNs time) {
    now_ += time;
    ASSERT_TRUE(desk_->tick(now_));
  }
  Result<VoteAnswer> approve(HoldId hold, const Reviewer& by, Scope scope = Scope::unit, DurationNs window = 0) {
    return desk_->vote(hold, by, {.approve = true, .scope = scope, .window_ns = window}, now_);
  }
  Result<VoteAnswer> reject(HoldId hold, const Reviewer& by, Scope scope = Scope::unit, DurationNs window = 0) {
    return desk_->vote(hold, by, {.scope = scope, .window_ns = window, .reason = "no"}, now_);
  }
  Hold hold(HoldId id) { return desk_->hold(id).value_or(HoldDetail{}).hold; }
  Result<Order> order(OrderVerdict verdict, const Reviewer& by, DurationNs time, const std::string& principal = "ci",
                      DailyWindow window = {}) {
    Order out;
    out.told.verdict = verdict;
    out.told.principal = principal;
    out.told.reason = "because";
    out.until = time != 0 ? now_ + time : 0;
    out.window = std::move(window);
    return desk_->add_order(std::move(out), by, false, now_);
  }

  sluice::test::TempDir dir_;
  ApprovalTerms terms_;
  std::unique_ptr<Desk> desk_;
  WallNs now_ = kNoon;
};

using Lines = std::vector<std::string>;

}  // namespace sluice::control::test
