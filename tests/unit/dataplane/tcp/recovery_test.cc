// Losses with a peer that speaks SACK: RACK, PRR, the tail loss probe, and what proves needless.
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

class Recovery : public LegTest {
 protected:
  Recovery() {
    setup.sack = true;
    limits.burst_bytes = kMss;
  }

  // [1 000, 1 000 + bytes) leaves, `apart` between any two segments.
  void send_apart(std::size_t bytes, DurationNs apart) {
    for (std::size_t sent = 0; sent < bytes; sent += kMss) {
      write(pattern(kMss, 1'000 + sent));
      EXPECT_EQ(output().size(), 1u);
      now += apart;
    }
  }
  std::vector<std::uint32_t> sequence_numbers() {
    std::vector<std::uint32_t> numbers;
    for (const Out& out : output()) numbers.push_back(out.seq);
    return numbers;
  }
};

using Numbers = std::vector<std::uint32_t>;

TEST_F(Recovery, ThreeSegmentsBehindAHoleMeanThatItIsLost) {
  measure();
  in_flight(8'000, 1'000);
  now += kRtt;
  peer_sends({.ack = 1'000, .sack = {{2'000, 3'000}}});
  peer_sends({.ack = 1'000, .sack = {{2'000, 4'000}}});
  expect_nothing();
  peer_sends({.ack = 1'000, .sack = {{2'000, 5'000}}});
  const Out out = expect_one();
  EXPECT_EQ(out.seq, 1'000u);
  EXPECT_EQ(out.text, pattern(1'000, 1'000));
}

TEST_F(Recovery, OnlyTheHolesAreSentAgain) {
  measure();
  in_flight(9'000, 1'000);
  now += kRtt;
  peer_sends({.ack = 1'000, .sack = {{9'000, 10'000}, {5'000, 7'000}, {2'000, 4'000}}});
  const std::vector<Out> sent = output();
  ASSERT_EQ(sent.size(), 4u);
  EXPECT_EQ(sent[0].seq, 1'000u);
  EXPECT_EQ(sent[1].seq, 4'000u);
  EXPECT_EQ(sent[2].text, pattern(1'000, 7'000));
  EXPECT_EQ(sent[3].text, pattern(1'000, 8'000));
  now += kRtt;
  peer_sends({.ack = 4'000, .sack = {{5'000, 7'000}, {9'000, 10'000}}});
  expect_nothing();
  peer_sends({.ack = 10'000});
  expect_nothing();
  EXPECT_EQ(leg().unacknowledged_bytes(), 0u);
}

TEST_F(Recovery, ALostSegmentOfASuperframeIsAllThatGoesAgain) {
  limits.burst_bytes = 65'000;
  write(pattern(10'000));
  EXPECT_EQ(expect_one().text.size(), 10'000u) << "one superframe";
  now += kRtt;
  peer_sends({.ack = 3'000, .sack = {{4'000, 10'000}}});
  const Out out = expect_one();
  EXPECT_EQ(out.seq, 3'000u);
  EXPECT_EQ(out.text, pattern(1'000, 3'000));
  now += kRtt;
  peer_sends({.ack = 10'000});
  expect_nothing();
}

TEST_F(Recovery, ALostSuperframeGoesAgainAsSuperframes) {
  limits.burst_bytes = 65'000;
  write(pattern(30'000));
  EXPECT_EQ(expect_one().text.size(), 10'000u);
  now += kRtt;
  peer_sends({.ack = 10'000});
  EXPECT_EQ(expect_one().text.size(), 20'000u);
  now += kRtt;
  write(pattern(1'000, 30'000));
  peer_sends({.ack = 10'000, .sack = {{14'000, 30'000}}});
  const std::vector<Out> sent = output();
  ASSERT_GE(sent.size(), 1u);
  EXPECT_EQ(sent[0].seq, 10'000u);
  EXPECT_EQ(sent[0].text.size(), 4'000u) << "PRR: much was delivered by that ACK";
}

TEST_F(Recovery, AReorderedSegmentWithinTheWindowIsNotSentAgain) {
  measure();
  send_apart(3'000, kMillisecond);
  now += kRtt - 3 * kMillisecond;
  peer_sends({.ack = 1'000, .sack = {{2'000, 3'000}}});
  expect_nothing();
  EXPECT_LE(leg().next_deadline(), now + kRtt / 4) << "the reordering timer runs";
  now += kRtt / 8;
  peer_sends({.ack = 4'000});
  expect_nothing();
  EXPECT_EQ(leg().unacknowledged_bytes(), 0u);
}

TEST_F(Recovery, TheReorderingTimerEndsTheWait) {
  measure();
  send_apart(3'000, 0);
  now += kRtt;
  peer_sends({.ack = 1'000, .sack = {{2'000, 3'000}}});
  expect_nothing();
  EXPECT_EQ(wait_for_deadline(), kRtt / 4);
  EXPECT_EQ(expect_one().seq, 1'000u);
}

TEST_F(Recovery, OnceReorderingWasSeenThreeSegmentsAreNoLongerEnough) {
  measure();
  in_flight(5'000, 1'000);
  now += kRtt;
  peer_sends({.ack = 1'000, .sack = {{2'000, 3'000}}});
  peer_sends({.ack = 6'000});  // the first arrived after all
  in_flight(5'000, 6'000);
  now += kRtt;
  peer_sends({.ack = 6'000, .sack = {{7'000, 11'000}}});
  expect_nothing();
  wait_for_deadline();
  EXPECT_EQ(expect_one().seq, 6'000u);
}

TEST_F(Recovery, ALostRetransmissionIsFoundByTime) {
  measure();
  in_flight(20'000, 1'000);
  now += kRtt;
  peer_sends({.ack = 1'000, .sack = {{2'000, 11'000}}});
  Numbers sent = sequence_numbers();
  ASSERT_GE(sent.size(), 2u) << "the hole, and new bytes";
  EXPECT_EQ(sent[0], 1'000u);
  now += kRtt;
  peer_sends({.ack = 1'000, .sack = {{2'000, 12'000}}});  // what left after the retransmission arrived
  EXPECT_EQ(sequence_numbers().at(0), 1'000u) << "again, without a timeout";
}

TEST_F(Recovery, TheFlightGoesDownInProportion) {
  limits.congestion = CongestionControl::new_reno;
  measure();
  write(pattern(60'000, 1'000));
  EXPECT_EQ(output().size(), 10u);
  now += kRtt;
  peer_sends({.ack = 1'000, .sack = {{2'000, 5'000}}});
  std::size_t sent = output().size();
  EXPECT_EQ(sent, 1u) << "the hole";
  for (std::uint32_t end = 6'000; end <= 11'000; end += 1'000) {
    peer_sends({.ack = 1'000, .sack = {{2'000, end}}});
    sent += output().size();
  }
  EXPECT_GE(sent, 4u);
  EXPECT_LE(sent, 6u) << "half of the ten that were in flight";
}

TEST_F(Recovery, AProbeFollowsTheTailAfterTwoRoundTrips) {
  measure();
  in_flight(3'000, 1'000);
  const DurationNs waited = wait_for_deadline();
  EXPECT_GE(waited, 2 * kRtt);
  EXPECT_LT(waited, 3 * kRtt) << "well before the timeout";
  const Out probe = expect_one();
  EXPECT_EQ(probe.seq, 3'000u) << "the last segment";
  EXPECT_EQ(probe.text, pattern(1'000, 3'000));
}

TEST_F(Recovery, AProbeSendsNewBytesWhereThereAreSome) {
  setup.send_window = 60'000;
  measure();
  write(pattern(40'000, 1'000));
  EXPECT_EQ(output().size(), 10u) << "the congestion window is full";
  wait_for_deadline();
  EXPECT_EQ(expect_one().seq, 11'000u);
}

TEST_F(Recovery, ALoneSegmentWaitsForADelayedAckFirst) {
  measure();
  in_flight(500, 1'000);
  EXPECT_GE(wait_for_deadline(), 200 * kMillisecond);
}

TEST_F(Recovery, TheAnswerToAProbeShowsTheLossInFrontOfIt) {
  measure();
  in_flight(3'000, 1'000);
  wait_for_deadline();
  output();
  now += kRtt;
  peer_sends({.ack = 1'000, .sack = {{3'000, 4'000}}});
  EXPECT_EQ(sequence_numbers(), Numbers{1'000}) << "PRR: as much as was delivered";
  now += kRtt;
  peer_sends({.ack = 2'000, .sack = {{3'000, 4'000}}});
  EXPECT_EQ(sequence_numbers(), Numbers{2'000});
}

TEST_F(Recovery, AfterAProbeTheTimeoutStartsOver) {
  measure();
  in_flight(3'000, 1'000);
  wait_for_deadline();
  output();
  EXPECT_GE(wait_for_deadline(), 200 * kMillisecond);
  EXPECT_EQ(expect_one().seq, 1'000u) << "one probe only, then the timeout";
}

// A timer that stays in the past would be due for ever, or take the timeout's place.
TEST_F(Recovery, AProbeThatFindsNoRoomIsTriedAgainSoon) {
  in_flight(3'000);
  now += 2 * kSecond;  // the probe and the timeout are due together
  leg().on_timer(now);
  sink_is_full = true;
  expect_nothing();
  EXPECT_GT(leg().next_deadline(), now);
  EXPECT_LE(leg().next_deadline(), now + kMillisecond);
  sink_is_full = false;
  wait_for_deadline();
  EXPECT_EQ(output().size(), 1u) << "the last segment, not all";
}

TEST_F(Recovery, AfterTheEndNothingIsProbed) {
  measure();
  leg().finish();
  output();
  const TimeNs waits_from = now += kRtt / 2;
  peer_sends({.ack = 1'001, .flags = kAck | kFin});
  output();
  EXPECT_EQ(leg().state(), LegState::time_wait);
  EXPECT_EQ(leg().next_deadline(), waits_from + limits.time_wait);
}

TEST_F(Recovery, AProbeThatWasNeedlessCostsNothing) {
  measure();
  in_flight(10'000, 1'000);
  wait_for_deadline();
  output();
  peer_sends({.ack = 11'000});
  peer_sends({.ack = 11'000, .sack = {{10'000, 11'000}}});  // D-SACK of the probe
  write(pattern(20'000, 11'000));
  EXPECT_GE(output().size(), 10u) << "the window is what it was";
}

TEST_F(Recovery, AProbeThatRepairedTheTailCountsAsALoss) {
  limits.congestion = CongestionControl::new_reno;
  measure();
  in_flight(10'000, 1'000);
  wait_for_deadline();
  output();
  now += kRtt;
  peer_sends({.ack = 11'000});  // no D-SACK: the probe was needed
  write(pattern(20'000, 11'000));
  const std::size_t before = output().size();
  peer_sends({.ack = 12'000});
  EXPECT_LE(before, 10u);
  EXPECT_LE(output().size(), 6u);
}

TEST_F(Recovery, ALostRetransmissionWithNothingBehindItIsProbed) {
  measure();
  in_flight(4'000, 1'000);
  now += kRtt;
  peer_sends({.ack = 1'000, .sack = {{2'000, 5'000}}});
  EXPECT_EQ(sequence_numbers(), Numbers{1'000});
  const DurationNs waited = wait_for_deadline();
  EXPECT_GE(waited, 2 * kRtt);
  EXPECT_LT(waited, 3 * kRtt) << "well before the timeout";
  EXPECT_EQ(sequence_numbers(), Numbers{1'000}) << "what has arrived tells nothing new";
  EXPECT_GE(wait_for_deadline(), 200 * kMillisecond) << "one probe for each silence";
}

TEST_F(Recovery, AProbeInARecoveryIsOneSegmentOfWhatIsMissing) {
  limits.burst_bytes = 65'000;
  measure();
  write(pattern(9'000, 1'000));
  expect_one();
  now += kRtt;
  peer_sends({.ack = 1'000, .sack = {{4'500, 10'000}}});
  EXPECT_EQ(output().at(0).seq, 1'000u);
  wait_for_deadline();
  const Out probe = output().at(0);
  EXPECT_EQ(probe.seq, 1'000u);
  EXPECT_EQ(probe.text, pattern(1'000, 1'000));
  now += kRtt;
  peer_sends({.ack = 2'000, .sack = {{4'500, 10'000}}});
  const std::vector<Out> sent = output();
  ASSERT_GE(sent.size(), 1u) << "what left before the probe is lost too";
  EXPECT_EQ(sent[0].seq, 2'000u);
  now += kRtt;
  peer_sends({.ack = 10'000});
  expect_nothing();
  EXPECT_EQ(leg().unacknowledged_bytes(), 0u);
}

// Hosts side by side, and superframes.
class LossyShortPath : public Recovery {
 protected:
  static constexpr DurationNs kShort = 100 * kMicrosecond;
  LossyShortPath() { limits.burst_bytes = 65'000; }

  // [0, 20 000) arrives after a loss, which leaves a window of a few segments.
  void lose_once() {
    write(pattern(10'000));
    expect_one();
    now += kShort;
    peer_sends({.ack = 1'000, .sack = {{2'000, 10'000}}});
    EXPECT_EQ(sequence_numbers(), Numbers{1'000});
    now += kShort;
    peer_sends({.ack = 10'000});
  }
};

TEST_F(LossyShortPath, TwoFramesAreUnderWaySoThatOneTellsOfTheOther) {
  lose_once();
  write(pattern(30'000, 10'000));
  const std::vector<Out> sent = output();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].text.size(), 4'000u);
  EXPECT_EQ(sent[1].text.size(), 3'000u);
}

TEST_F(LossyShortPath, RoomIsGatheredForAThirdOfTheWindow) {
  lose_once();
  in_flight(60'000, 10'000);
  now += kShort;
  peer_sends({.ack = 12'000});
  expect_nothing();
  peer_sends({.ack = 13'000});
  EXPECT_EQ(expect_one().text.size(), 3'000u);
}

TEST_F(LossyShortPath, TheLastBytesDoNotWaitForRoom) {
  lose_once();
  in_flight(8'000, 10'000);
  now += kShort;
  peer_sends({.ack = 11'000});
  EXPECT_EQ(expect_one().text.size(), 1'000u);
}

TEST_F(Recovery, AnswersToABoundedNumberOfPiecesOnly) {
  measure();
  in_flight(9'000, 1'000);
  // Blocks that make no sense: empty, turned around, beyond what was sent, long acknowledged.
  peer_sends({.ack = 1'000, .sack = {{3'000, 3'000}, {5'000, 4'000}, {9'000, 90'000}}});
  peer_sends({.ack = 1'000, .sack = {{2'000'000'000, 2'100'000'000}}});
  peer_sends({.ack = 1'000, .sack = {{0, 500}}});
  expect_nothing();
  EXPECT_EQ(leg().unacknowledged_bytes(), 9'000u);
}

}  // namespace
}  // namespace sluice::tcp::test
