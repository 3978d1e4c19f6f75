#include "common/trace_ring.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace sluice {
namespace {

TraceRecord numbered(std::uint64_t n) {
  return {.time_ns = n,
          .session = ~n,
          .kind = TraceKind::segment_in,
          .leg = TraceLeg::server,
          .code = 7,
          .a = static_cast<std::uint32_t>(n),
          .b = static_cast<std::uint32_t>(n),
          .c = 3,
          .d = 4};
}

TEST(TraceRing, GivesWhatWasWrittenOldestFirst) {
  TraceRing ring;
  std::vector<TraceRecord> out;
  EXPECT_EQ(ring.copy(out), 0U);
  EXPECT_TRUE(out.empty());
  for (std::uint64_t n = 0; n < 3; ++n) ring.write(numbered(n));
  EXPECT_EQ(ring.copy(out), 3U);
  ASSERT_EQ(out.size(), 3U);
  EXPECT_EQ(out[2].time_ns, 2U);
  EXPECT_EQ(out[2].session, ~std::uint64_t{2});
  EXPECT_EQ(out[2].leg, TraceLeg::server);
  EXPECT_EQ(out[2].d, 4);
}

TEST(TraceRing, OverwritesTheOldest) {
  TraceRing ring;
  for (std::uint64_t n = 0; n < TraceRing::kRecords + 10; ++n) ring.write(numbered(n));
  std::vector<TraceRecord> out;
  EXPECT_EQ(ring.copy(out), TraceRing::kRecords + 10);
  // The one that the writer could just be at is left out.
  ASSERT_EQ(out.size(), TraceRing::kRecords - 1);
  EXPECT_EQ(out.front().time_ns, 11U);
  EXPECT_EQ(out.back().time_ns, TraceRing::kRecords + 9);
}

TEST(TraceRing, NoRecordIsTornWhileItIsCopied) {
  TraceRing ring;
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (std::uint64_t n = 0; !stop.load(std::memory_order_relaxed); ++n) ring.write(numbered(n));
  });
  for (int i = 0; i < 50; ++i) {
    std::vector<TraceRecord> out;
    const std::uint64_t end = ring.copy(out);
    for (std::size_t k = 0; k < out.size(); ++k) {
      const std::uint64_t n = end - out.size() + k;
      ASSERT_EQ(out[k].time_ns, n);
      ASSERT_EQ(out[k].session, ~n);
      ASSERT_EQ(out[k].a, static_cast<std::uint32_t>(n));
    }
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace sluice
