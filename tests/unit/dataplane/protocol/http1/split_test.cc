// Segmentation changes nothing: however a stream is cut, the reader says the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "common/random.h"
#include "dataplane/protocol/http1/reader.h"
#include "tests/unit/dataplane/protocol/http1/streams.h"
#include "tests/unit/dataplane/protocol/http1/trace.h"

namespace sluice::http1 {
namespace {

std::vector<std::size_t> every_byte(std::size_t size) {
  std::vector<std::size_t> cuts(size);
  std::iota(cuts.begin(), cuts.end(), std::size_t{0});
  return cuts;
}

TEST(Split, NoTwoWayCutChangesTheTrace) {
  for (const Stream& stream : all_streams()) {
    const std::vector<Event> whole = trace(stream);
    for (std::size_t cut = 0; cut <= stream.bytes.size(); ++cut)
      ASSERT_EQ(trace(stream, {cut}), whole) << "cut at " << cut << " of\n" << stream.bytes;
  }
}

TEST(Split, ByteByByteGivesTheSameTrace) {
  for (const Stream& stream : all_streams())
    ASSERT_EQ(trace(stream, every_byte(stream.bytes.size())), trace(stream)) << stream.bytes;
}

TEST(Split, RandomCutsGiveTheSameTrace) {
  Random random(1);
  for (const Stream& stream : all_streams()) {
    const std::vector<Event> whole = trace(stream);
    for (int round = 0; round < 50; ++round) {
      std::vector<std::size_t> cuts;
      for (std::size_t at = random.below(8); at < stream.bytes.size(); at += random.below(24)) cuts.push_back(at);
      ASSERT_EQ(trace(stream, cuts), whole) << stream.bytes;
    }
  }
}

// A bound is met at the same byte however the stream is cut, whatever else is wrong with it.
TEST(Split, BoundsAreMetAtTheSameByte) {
  for (Stream& stream : request_streams()) {
    for (std::uint32_t head_bytes = 1; head_bytes <= 60; ++head_bytes) {
      stream.limits = {.head_bytes = head_bytes, .headers = static_cast<std::uint16_t>(head_bytes % 4)};
      const std::vector<Event> whole = trace(stream);
      ASSERT_EQ(trace(stream, every_byte(stream.bytes.size())), whole) << head_bytes << " of\n" << stream.bytes;
      ASSERT_EQ(trace(stream, {std::min<std::size_t>(head_bytes - 1, stream.bytes.size())}), whole)
          << head_bytes << " of\n"
          << stream.bytes;
    }
  }
}

// Up to an error every byte has its label; without one, all of them have.
TEST(Split, LabelsAreTheStream) {
  for (const Stream& stream : all_streams()) {
    std::string labelled;
    bool failed = false;
    for (const Event& event : trace(stream)) {
      labelled += event.bytes;
      failed |= event.kind == StepKind::error && event.error != ErrorCode::http_incomplete;
    }
    EXPECT_TRUE(stream.bytes.starts_with(labelled));
    EXPECT_EQ(labelled.size() < stream.bytes.size(), failed) << stream.bytes;
  }
}

}  // namespace
}  // namespace sluice::http1
