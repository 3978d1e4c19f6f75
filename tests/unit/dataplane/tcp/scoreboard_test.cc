// Records of what is in flight: how they are cut and joined, and what is counted.
#include "dataplane/tcp/scoreboard.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <string>
#include <vector>

#include "common/random.h"

namespace sluice::tcp {
namespace {

buffer::Blocks& blocks() {
  static buffer::Blocks made(4);
  return made;
}

constexpr auto kIgnore = [](const Sent&) {};

// "f[0,10) s[10,20)": the state, r behind it when it left again, and the bytes.
std::string text_of(const Scoreboard& board) {
  std::string text;
  for (std::size_t i = 0; i < board.records(); ++i) {
    const Sent& record = board.record(i);
    const char* states = "fsl";
    text += (i > 0 ? " " : "");
    text += states[static_cast<int>(record.state)];
    text += record.retransmitted ? "r[" : "[";
    text += std::to_string(record.begin) + "," + std::to_string(record.end) + ")";
  }
  return text;
}

TEST(Scoreboard, WhatLeavesAtOneMomentIsOneRecord) {
  Scoreboard board(blocks());
  board.sent(0, 10, 1, 0);
  board.sent(10, 20, 1, 0);
  board.sent(20, 30, 2, 0);
  EXPECT_EQ(text_of(board), "f[0,20) f[20,30)");
  EXPECT_EQ(board.flying_bytes(), 30u);
}

TEST(Scoreboard, ASackCutsARecordAtTheBlock) {
  Scoreboard board(blocks());
  board.sent(0, 100, 1, 0);
  std::uint32_t delivered = 0;
  board.sack(30, 40, [&](const Sent& piece) { delivered += piece.bytes(); });
  EXPECT_EQ(text_of(board), "f[0,30) s[30,40) f[40,100)");
  EXPECT_EQ(delivered, 10u);
  board.sack(30, 60, [&](const Sent& piece) { delivered += piece.bytes(); });
  EXPECT_EQ(text_of(board), "f[0,30) s[30,60) f[60,100)");
  EXPECT_EQ(delivered, 30u) << "only what is new";
  EXPECT_EQ(board.sacked_bytes(), 30u);
}

TEST(Scoreboard, SackedNeighboursBecomeOne) {
  Scoreboard board(blocks());
  for (std::uint32_t i = 0; i < 5; ++i) board.sent(i * 10, i * 10 + 10, i, 0);
  board.sack(10, 20, kIgnore);
  board.sack(30, 40, kIgnore);
  board.sack(20, 30, kIgnore);
  EXPECT_EQ(text_of(board), "f[0,10) s[10,40) f[40,50)");
}

TEST(Scoreboard, AnAckForgetsAndTellsWhatIsNewOnly) {
  Scoreboard board(blocks());
  board.sent(0, 10, 1, 0);
  board.sent(10, 20, 2, 0);
  board.sack(10, 15, kIgnore);
  std::uint32_t delivered = 0;
  board.acknowledge(17, [&](const Sent& piece) { delivered += piece.bytes(); });
  EXPECT_EQ(delivered, 12u);
  EXPECT_EQ(text_of(board), "f[17,20)");
  board.acknowledge(20, kIgnore);
  EXPECT_TRUE(board.empty());
  EXPECT_EQ(board.flying_bytes() + board.sacked_bytes() + board.lost_bytes(), 0u);
}

TEST(Scoreboard, ARetransmissionIsARecordOfItsOwn) {
  Scoreboard board(blocks());
  board.sent(0, 100, 1, 0);
  board.sack(50, 60, kIgnore);
  board.mark_lost(0);
  EXPECT_EQ(board.first_lost(), (wire::SackBlock{0, 50}));
  board.sent_again(0, 20, 5);
  EXPECT_EQ(text_of(board), "fr[0,20) l[20,50) s[50,60) f[60,100)");
  EXPECT_EQ(board.record(0).sent_at, 5u);
  EXPECT_EQ(board.lost_bytes(), 30u);
}

TEST(Scoreboard, LostNeighboursLeaveAgainAsOne) {
  Scoreboard board(blocks());
  for (std::uint32_t i = 0; i < 4; ++i) board.sent(i * 10, i * 10 + 10, i, 0);
  board.mark_all_lost();
  EXPECT_EQ(board.first_lost(), (wire::SackBlock{0, 40}));
  board.sent_again(0, 25, 9);
  EXPECT_EQ(text_of(board), "fr[0,25) l[25,30) l[30,40)");
}

TEST(Scoreboard, ATimeoutDoesNotTakeWhatThePeerTold) {
  Scoreboard board(blocks());
  board.sent(0, 30, 1, 0);
  board.sack(10, 20, kIgnore);
  board.mark_all_lost();
  EXPECT_EQ(text_of(board), "l[0,10) s[10,20) l[20,30)");
  board.forget_sacks();
  board.mark_all_lost();
  EXPECT_EQ(board.lost_bytes(), 30u);
}

TEST(Scoreboard, SequenceNumbersWrap) {
  Scoreboard board(blocks());
  board.sent(0xfffffff0, 0x10, 1, 0);
  board.sack(0xfffffff8, 8, kIgnore);
  EXPECT_EQ(board.sacked_bytes(), 16u);
  board.acknowledge(4, kIgnore);
  EXPECT_EQ(board.sacked_bytes(), 4u);
  EXPECT_EQ(board.flying_bytes(), 8u);
}

// Every second byte SACKed: the bound holds, sums stay right, and an ACK ends it.
TEST(Scoreboard, IsBoundedAgainstAPeerThatCutsItToPieces) {
  Scoreboard board(blocks());
  board.sent(0, 100'000, 1, 0);
  for (std::uint32_t i = 1; i < 50'000; i += 2) board.sack(i, i + 1, kIgnore);
  EXPECT_EQ(board.records(), SentQueue::kMost);
  EXPECT_EQ(board.flying_bytes() + board.sacked_bytes(), 100'000u);
  board.mark_all_lost();
  EXPECT_EQ(board.sacked_bytes() + board.lost_bytes(), 100'000u);
  while (board.lost_bytes() > 0) board.sent_again(board.first_lost().begin, board.first_lost().end, 2);
  board.acknowledge(100'000, kIgnore);
  EXPECT_TRUE(board.empty());
}

TEST(Scoreboard, NearTheBoundNewBytesJoinTheRecordBefore) {
  Scoreboard board(blocks());
  for (std::uint32_t i = 0; i < 5'000; ++i) board.sent(i, i + 1, i, 0);
  EXPECT_FALSE(board.full());
  EXPECT_EQ(board.flying_bytes(), 5'000u);
  EXPECT_EQ(board.record(board.records() - 1).sent_at, 4'999u);
}

TEST(Scoreboard, WhatLeavesWithinAMomentIsOneRecordThatLeftAtItsBeginning) {
  Scoreboard board(blocks());
  board.sent(0, 10, 100, 5);
  board.sent(10, 20, 105, 5);
  board.sent(20, 30, 106, 5);
  EXPECT_EQ(text_of(board), "f[0,20) f[20,30)");
  EXPECT_EQ(board.record(0).sent_at, 100u);
}

TEST(Scoreboard, TwoRecordsNeedNoBlockAndMoreGiveItBack) {
  Scoreboard board(blocks());
  board.sent(0, 10, 1, 0);
  board.sent(10, 20, 2, 0);
  EXPECT_EQ(blocks().in_use(), 0u);
  board.sent(20, 30, 3, 0);
  EXPECT_EQ(blocks().in_use(), 1u);
  board.acknowledge(30, kIgnore);
  EXPECT_EQ(blocks().in_use(), 0u);
}

TEST(Scoreboard, WithoutABlockRecordsAreCoarserAndThatIsCounted) {
  buffer::Blocks none(0);
  Scoreboard board(none);
  for (std::uint32_t i = 0; i < 5; ++i) board.sent(i * 10, i * 10 + 10, i, 0);
  EXPECT_EQ(text_of(board), "f[0,10) f[10,50)");
  EXPECT_EQ(board.record(1).sent_at, 4u) << "as late as its last part";
  EXPECT_GT(none.take_refused(), 0u);
  board.sack(20, 30, kIgnore);
  EXPECT_EQ(board.sacked_bytes(), 0u) << "no room to note it";
  board.mark_lost(1);
  EXPECT_TRUE(board.full()) << "nothing to join";
  board.sent_again(10, 50, 9);
  board.acknowledge(50, kIgnore);
  EXPECT_TRUE(board.empty());
  EXPECT_FALSE(board.full());
}

// Against a plain array of states, one a byte.
TEST(Scoreboard, AgreesWithAnArrayOfBytes) {
  Random random(11);
  for (int round = 0; round < 300; ++round) {
    Scoreboard board(blocks());
    std::string bytes;  // of [acked, sent)
    std::uint32_t acked = 0;
    for (TimeNs now = 1; now < 200; ++now) {
      const auto end = acked + static_cast<std::uint32_t>(bytes.size());
      const auto from = static_cast<std::uint32_t>(random.below(bytes.size() + 1));
      const auto to = from + static_cast<std::uint32_t>(random.below(bytes.size() + 1 - from));
      const bool near_bound = board.records() > SentQueue::kMost - 8;
      switch (near_bound ? 4 : random.below(5)) {
        case 0: {
          const auto more = static_cast<std::uint32_t>(1 + random.below(30));
          board.sent(end, end + more, now, 0);
          bytes.append(more, 'f');
          break;
        }
        case 1:
          board.sack(acked + from, acked + to, kIgnore);
          for (std::uint32_t i = from; i < to; ++i) bytes[i] = 's';
          break;
        case 2:
          board.mark_all_lost();
          for (char& c : bytes) c = c == 'f' ? 'l' : c;
          break;
        case 3:
          if (board.lost_bytes() > 0) {
            const wire::SackBlock lost = board.first_lost();
            EXPECT_EQ(lost.begin - acked, bytes.find('l'));
            const auto part = static_cast<std::uint32_t>(1 + random.below(lost.end - lost.begin));
            board.sent_again(lost.begin, lost.begin + part, now);
            for (std::uint32_t i = 0; i < part; ++i) bytes[lost.begin - acked + i] = 'f';
          }
          break;
        default:
          if (near_bound || random.chance(1, 3)) {
            board.acknowledge(acked + to, kIgnore);
            bytes.erase(0, to);
            acked += to;
          }
      }
      ASSERT_EQ(board.flying_bytes(), std::count(bytes.begin(), bytes.end(), 'f'));
      ASSERT_EQ(board.sacked_bytes(), std::count(bytes.begin(), bytes.end(), 's'));
      ASSERT_EQ(board.lost_bytes(), std::count(bytes.begin(), bytes.end(), 'l'));
      std::uint32_t covered = acked;
      for (std::size_t i = 0; i < board.records(); ++i) {
        ASSERT_EQ(board.record(i).begin, covered);
        covered = board.record(i).end;
        ASSERT_EQ("fsl"[static_cast<int>(board.record(i).state)], bytes[board.record(i).begin - acked]);
      }
      ASSERT_EQ(covered, acked + bytes.size());
    }
  }
}

}  // namespace
}  // namespace sluice::tcp
