// What the receiver tells of holes: SACK (RFC 2018) and D-SACK (RFC 2883).
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

using Blocks = std::vector<wire::SackBlock>;

class SackReceive : public LegTest {
 protected:
  SackReceive() { setup.sack = true; }

  // One segment; what the ACK that it causes tells.
  Blocks arrives(std::uint32_t seq, std::size_t bytes) {
    peer_sends({.seq = seq, .text = pattern(bytes, seq)});
    return expect_one().sack;
  }
};

TEST_F(SackReceive, BytesInOrderNeedNoBlocks) {
  EXPECT_EQ(arrives(0, 1'000), Blocks{});
}

TEST_F(SackReceive, AHoleIsToldByWhatLiesBehindIt) {
  EXPECT_EQ(arrives(1'000, 500), (Blocks{{1'000, 1'500}}));
  EXPECT_EQ(arrives(1'500, 500), (Blocks{{1'000, 2'000}}));
}

TEST_F(SackReceive, TheBlockThatGrewLastComesFirst) {
  arrives(1'000, 100);
  arrives(2'000, 100);
  EXPECT_EQ(arrives(3'000, 100), (Blocks{{3'000, 3'100}, {2'000, 2'100}, {1'000, 1'100}}));
  EXPECT_EQ(arrives(1'100, 100), (Blocks{{1'000, 1'200}, {3'000, 3'100}, {2'000, 2'100}}));
}

TEST_F(SackReceive, AtMostFourBlocksAreTold) {
  for (std::uint32_t i = 1; i <= 5; ++i) arrives(i * 1'000, 100);
  const Blocks blocks = arrives(6'000, 100);
  EXPECT_EQ(blocks, (Blocks{{6'000, 6'100}, {5'000, 5'100}, {4'000, 4'100}, {3'000, 3'100}}));
}

TEST_F(SackReceive, AFilledHoleLeavesTheOtherBlocks) {
  arrives(1'000, 100);
  arrives(3'000, 100);
  EXPECT_EQ(arrives(0, 1'000), (Blocks{{3'000, 3'100}}));
  EXPECT_EQ(arrives(1'100, 1'900), Blocks{});
}

TEST_F(SackReceive, APeerThatDidNotPermitItHearsNothing) {
  setup.sack = false;
  EXPECT_EQ(arrives(1'000, 100), Blocks{});
}

TEST_F(SackReceive, DataCarriesNoBlocksSoAnAckFollowsIt) {
  peer_sends({.seq = 1'000, .text = "early"});
  write("answer");
  const std::vector<Out> sent = output();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].text, "answer");
  EXPECT_EQ(sent[0].sack, Blocks{});
  EXPECT_EQ(sent[1].text, "");
  EXPECT_EQ(sent[1].sack, (Blocks{{1'000, 1'005}}));
}

TEST_F(SackReceive, ASegmentThatWasDeliveredBeforeIsToldByADsack) {
  arrives(0, 1'000);
  arrives(1'000, 1'000);
  EXPECT_EQ(arrives(0, 1'000), (Blocks{{0, 1'000}}));
  expect_nothing();
}

TEST_F(SackReceive, ADsackIsToldOnce) {
  arrives(0, 1'000);
  arrives(2'000, 100);
  EXPECT_EQ(arrives(0, 1'000), (Blocks{{0, 1'000}, {2'000, 2'100}}));
  EXPECT_EQ(arrives(2'100, 100), (Blocks{{2'000, 2'200}}));
}

TEST_F(SackReceive, ARepeatedSegmentBehindAHoleIsFollowedByTheBlockThatHoldsIt) {
  arrives(1'000, 1'000);
  arrives(5'000, 1'000);
  EXPECT_EQ(arrives(1'200, 300), (Blocks{{1'200, 1'500}, {1'000, 2'000}, {5'000, 6'000}})) << "RFC 2883 section 4.1";
}

TEST_F(SackReceive, OnlyTheRepeatedPartIsADsack) {
  arrives(0, 1'000);
  EXPECT_EQ(arrives(500, 1'000), (Blocks{{500, 1'000}}));
  EXPECT_EQ(read(), pattern(1'500));
}

TEST_F(SackReceive, RepeatedSegmentsOfOneBurstAreOneDsack) {
  arrives(0, 3'000);
  peer_sends({.seq = 0, .text = pattern(1'000)});
  peer_sends({.seq = 1'000, .text = pattern(1'000, 1'000)});
  EXPECT_EQ(expect_one().sack, (Blocks{{0, 2'000}}));
}

TEST_F(SackReceive, WhatWasGivenUpIsNotTold) {
  limits.pinned_bytes = 65'535;
  start();
  std::size_t told = 0;
  for (std::uint32_t i = 1; i < 60; ++i) {
    peer_sends({.seq = i * 1'000, .text = "x"});
    for (const Out& out : output()) told = std::max(told, out.sack.size());
  }
  EXPECT_EQ(told, 4u);
  peer_sends({.seq = 0, .text = pattern(900)});
  for (const Out& out : output())
    for (const wire::SackBlock& block : out.sack) EXPECT_EQ(block.end - block.begin, 1u);
}

}  // namespace
}  // namespace sluice::tcp::test
