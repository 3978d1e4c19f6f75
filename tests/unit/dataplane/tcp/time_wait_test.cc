// Which SYN may begin a new connection while the old one waits for its stragglers (RFC 6191 section 2).
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

class TimeWait : public LegTest {
 protected:
  void wait_for_stragglers() {
    leg().finish();
    output();
    peer_sends({.ack = 1,
                .text = "bye",
                .flags = kAck | kFin,
                .ts_value = setup.timestamps ? last_ : std::optional<std::uint32_t>()});
    read();
    output();
    ASSERT_EQ(leg().state(), LegState::time_wait);
  }
  // `seq`: counted from the first number that the old connection did not use.
  [[nodiscard]] bool begins(std::int32_t seq, std::optional<std::uint32_t> ts_value = {}) {
    wire::Frame syn;
    syn.flags = kSyn;
    syn.seq = kPeerBase + 4 + static_cast<std::uint32_t>(seq);
    syn.options.has_timestamps = ts_value.has_value();
    syn.options.ts_value = ts_value.value_or(0);
    return leg().may_begin_anew(syn);
  }

  const std::uint32_t last_ = 0xfffffff0;
};

TEST_F(TimeWait, WithoutTimestampsTheNumberIsGreater) {
  wait_for_stragglers();
  EXPECT_TRUE(begins(1));
  EXPECT_TRUE(begins(1'000'000'000));
  EXPECT_FALSE(begins(0));
  EXPECT_FALSE(begins(-1));
  EXPECT_FALSE(begins(-1'000'000'000));
}

TEST_F(TimeWait, WithTimestampsTheTimestampIs) {
  setup.timestamps = true;
  setup.ts_recent = last_ - 100;
  wait_for_stragglers();
  EXPECT_TRUE(begins(-1'000, last_ + 1));
  EXPECT_TRUE(begins(-1'000, last_ + 100)) << "which wraps";
  EXPECT_FALSE(begins(1'000, last_ - 1)) << "an old SYN";
}

TEST_F(TimeWait, OfTheSameTimestampTheNumberDecides) {
  setup.timestamps = true;
  setup.ts_recent = last_ - 100;
  wait_for_stragglers();
  EXPECT_TRUE(begins(1, last_));
  EXPECT_FALSE(begins(0, last_));
}

TEST_F(TimeWait, ANewConnectionMayHaveTimestampsWhereTheOldHadNone) {
  wait_for_stragglers();
  EXPECT_TRUE(begins(-1'000, 5));
}

TEST_F(TimeWait, AndTheOtherWayRoundTheNumberDecides) {
  setup.timestamps = true;
  setup.ts_recent = last_ - 100;
  wait_for_stragglers();
  EXPECT_TRUE(begins(1));
  EXPECT_FALSE(begins(-1));
}

TEST_F(TimeWait, WhatIsOpenGivesWayToNothingAndWhatIsGoneToAll) {
  EXPECT_FALSE(begins(1'000'000));
  leg().abort(ErrorCode::tcp_aborted);
  EXPECT_TRUE(begins(-1'000));
  output();
}

TEST_F(TimeWait, AtRestItAnswersARepeatedFinAndWaitsAnew) {
  wait_for_stragglers();
  now += limits.time_wait / 2;
  rest();
  EXPECT_EQ(leg().state(), LegState::time_wait);
  peer_sends({.seq = 0, .text = "bye", .flags = kAck | kFin});
  expect_ack(4);
  rest();
  EXPECT_EQ(wait_for_deadline(), limits.time_wait);
  EXPECT_EQ(leg().state(), LegState::closed);
  EXPECT_EQ(leg().closed_by(), ErrorCode::ok);
  EXPECT_EQ(leg().next_deadline(), kNever);
}

TEST_F(TimeWait, AtRestItJudgesASynAsBefore) {
  setup.timestamps = true;
  setup.ts_recent = last_ - 100;
  wait_for_stragglers();
  rest();
  EXPECT_TRUE(begins(-1'000, last_ + 1));
  EXPECT_FALSE(begins(1'000, last_ - 1));
  EXPECT_FALSE(begins(0, last_));
}

TEST_F(TimeWait, AtRestAnswersToTheBlindStayPaced) {
  wait_for_stragglers();
  const In blind = {.seq = static_cast<std::uint32_t>(-1'000), .flags = kSyn};
  peer_sends(blind);
  expect_ack(4);
  rest();
  peer_sends(blind);
  expect_nothing();
}

TEST_F(TimeWait, WhatWasAbortedAtRestResetsWhatStillComes) {
  leg().abort(ErrorCode::tcp_aborted);
  EXPECT_EQ(expect_one().flags, kRst | kAck);
  rest();
  EXPECT_EQ(leg().state(), LegState::closed);
  EXPECT_EQ(leg().closed_by(), ErrorCode::tcp_aborted);
  peer_sends({.text = "late"});
  EXPECT_EQ(expect_one().flags, kRst | kAck);
}

TEST_F(TimeWait, ASynThatMayNotIsAnsweredWithAnAck) {
  wait_for_stragglers();
  EXPECT_EQ(peer_sends({.seq = static_cast<std::uint32_t>(-1'000), .flags = kSyn}), ErrorCode::tcp_out_of_window);
  expect_ack(4);
  EXPECT_EQ(leg().state(), LegState::time_wait);
}

}  // namespace
}  // namespace sluice::tcp::test
