#include "control/cli/text.h"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

TEST(Text, WhatComesFromTheWireCannotSteerTheTerminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\r\nc\rd\x7f\xc2\x9b"
                      "1m\te\xc3\xa9"),
            "a?[2Jb\nc?d??1m\te\xc3\xa9");
}

TEST(Text, SizesAndTimesAreForPeople) {
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(std::uint64_t{1} << 30), "1.0 GiB");
  EXPECT_EQ(human_time("2026-11-20T23:49:43.123456789Z"), "2026-11-20 23:49:43.123");
  EXPECT_EQ(human_duration(1'500'000'000), "1.5 s");
  EXPECT_EQ(human_duration(12'400'000), "12.4 ms");
  EXPECT_EQ(human_duration(49'000), "49.0 µs");
  EXPECT_EQ(human_time(""), "-");
}

TEST(Table, AlignsNamesLeftAndNumbersRight) {
  Table table({"NAME", "COUNT"});
  table.add({"\xc3\xa9t\xc3\xa9", "7"});
  table.add({"winter", "123456"});
  EXPECT_EQ(table.text(), "NAME     COUNT\n\xc3\xa9t\xc3\xa9          7\nwinter  123456\n");
}

}  // namespace
}  // namespace sluice::cli
