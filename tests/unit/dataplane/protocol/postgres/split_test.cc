// Segmentation changes nothing: however a stream is cut, the reader says the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "common/random.h"
#include "dataplane/protocol/postgres/reader.h"
#include "tests/unit/dataplane/protocol/postgres/streams.h"
#include "tests/unit/dataplane/protocol/postgres/trace.h"

namespace sluice::postgres {
namespace {

std::vector<std::size_t> every_byte(std::size_t size) {
  std::vector<std::size_t> cuts(size);
  std::iota(cuts.begin(), cuts.end(), std::size_t{0});
  return cuts;
}

TEST(PostgresSplit, NoTwoWayCutChangesTheTrace) {
  for (const Stream& stream : all_streams()) {
    const std::vector<Event> whole = trace(stream);
    for (std::size_t cut = 0; cut <= stream.bytes.size(); ++cut)
      ASSERT_EQ(trace(stream, {cut}), whole) << "cut at " << cut << " of\n" << stream.bytes;
  }
}

TEST(PostgresSplit, ByteByByteGivesTheSameTrace) {
  for (const Stream& stream : all_streams())
    ASSERT_EQ(trace(stream, every_byte(stream.bytes.size())), trace(stream)) << stream.bytes;
}

TEST(PostgresSplit, RandomCutsGiveTheSameTrace) {
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

// Up to an error every byte has its label; without one, all of them have.
TEST(PostgresSplit, LabelsAreTheStream) {
  for (const Stream& stream : all_streams()) {
    std::string labelled;
    bool failed = false;
    for (const Event& event : trace(stream)) {
      labelled += event.bytes;
      failed |= event.kind == StepKind::error;
    }
    EXPECT_TRUE(stream.bytes.starts_with(labelled));
    EXPECT_TRUE(failed || labelled == stream.bytes) << stream.bytes;
  }
}

// Every beginning of a sound stream is sound so far: it ends between messages or is incomplete, and nothing else.
TEST(PostgresSplit, ABeginningOfASoundStreamIsOnlyIncomplete) {
  for (const Stream& stream : all_streams()) {
    if (trace(stream).back().kind == StepKind::error) continue;
    for (std::size_t size = 0; size < stream.bytes.size(); ++size) {
      Stream beginning = stream;
      beginning.bytes.resize(size);
      const Event last = trace(beginning).back();
      ASSERT_TRUE(last.kind == StepKind::message_end || last.error == ErrorCode::postgres_incomplete) << size << " of\n"
                                                                                                      << stream.bytes;
    }
  }
}

}  // namespace
}  // namespace sluice::postgres
