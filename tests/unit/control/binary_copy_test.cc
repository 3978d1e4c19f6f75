// What the record has of a binary COPY is written again as it came, however it is cut.
#include "control/replay/binary_copy.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/control/recorded_texts.h"

namespace sluice::control {
namespace {

using test::mark;
using test::text;
using test::value;

const std::string kSignature = text("PGCOPY\n\xff\r\n");

Result<std::string> written(const std::string& recorded) {
  BinaryCopy copy;
  std::string out;
  if (auto added = copy.add(recorded, out); !added) return std::unexpected(added.error());
  if (auto ended = copy.finish(out); !ended) return std::unexpected(ended.error());
  return out;
}

const std::string kBegin("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", 19);

TEST(BinaryCopy, IsWrittenAgainHoweverItIsCut) {
  const std::string recorded = kSignature + value("ab\n\1") + mark(Item::null, 0) + mark(Item::row, 2) + value("") +
                               value(std::string(300, 'x')) + mark(Item::row, 2);
  const std::string wire = kBegin + std::string("\0\2\0\0\0\4ab\n\1\xff\xff\xff\xff\0\2\0\0\0\0\0\0\1\x2c", 24) +
                           std::string(300, 'x') + "\xff\xff";
  for (std::size_t cut = 1; cut <= recorded.size(); ++cut) {
    BinaryCopy copy;
    std::string out;
    for (std::size_t at = 0; at < recorded.size(); at += cut) ASSERT_TRUE(copy.add(recorded.substr(at, cut), out));
    ASSERT_TRUE(copy.finish(out));
    ASSERT_EQ(out, wire) << cut;
  }
}

TEST(BinaryCopy, WithoutRowsIsHeaderAndTrailer) {
  EXPECT_EQ(*written(kSignature), kBegin + "\xff\xff");
}

TEST(BinaryCopy, WhatWasNotReadIsRefused) {
  EXPECT_FALSE(written("PGCOPY and more"));
  EXPECT_FALSE(written(""));
  EXPECT_FALSE(written(value("ab") + mark(Item::row, 1)));
  EXPECT_FALSE(written(kSignature + value("ab")));
  EXPECT_FALSE(written(kSignature + value("ab") + text("")));
}

}  // namespace
}  // namespace sluice::control
