// Binary COPY data is told apart into its values however it is cut; all else, and what is not sound, is a text.
#include "dataplane/protocol/postgres/copy_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/dataplane/protocol/postgres/wire.h"

namespace sluice::postgres {
namespace {

const std::string kBegin("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", 19);
const std::string kEnd("\xff\xff", 2);
const std::string kNullValue("\xff\xff\xff\xff", 4);

std::string row_of(std::uint16_t count, const std::string& values) {
  return be16(count) + values;
}

// Texts as "!text", values as "|value", NULLs as "|NULL", ends of rows as "(count)"; pieces of one are one. The text of
// a signature is left out. All bytes are labelled.
std::string read(const std::string& data, std::size_t cut) {
  CopyReader reader;
  std::string told;
  std::size_t labelled = 0;
  bool is_text = false;
  for (std::size_t at = 0; at <= data.size(); at += cut) {
    Bytes input = as_bytes(data).subspan(at, std::min(cut, data.size() - at));
    for (auto step = reader.next(input); step.kind != CopyReader::Kind::more; step = reader.next(input)) {
      const std::string_view bytes = as_text(input.first(step.bytes));
      input = input.subspan(step.bytes);
      labelled += step.bytes;
      if (step.kind == CopyReader::Kind::value) told += (step.first ? "|" : "") + std::string(bytes);
      if (step.kind == CopyReader::Kind::null) told += "|NULL";
      if (step.kind == CopyReader::Kind::row_end) told += "(" + std::to_string(step.length) + ")";
      if (step.kind == CopyReader::Kind::text) told += (std::exchange(is_text, true) ? "" : "!") + std::string(bytes);
      if (step.kind != CopyReader::Kind::begin) continue;
      is_text = false;
      EXPECT_EQ(told, "!" + kBegin.substr(0, 10));
      told.clear();
    }
    EXPECT_TRUE(input.empty());
  }
  EXPECT_EQ(labelled, data.size());
  return told;
}

void expect_read(const std::string& data, const std::string& told) {
  for (std::size_t cut = 1; cut <= data.size() + 1; ++cut) ASSERT_EQ(read(data, cut), told) << cut;
}

TEST(CopyReader, TellsValuesRowsAndNulls) {
  expect_read(kBegin + row_of(3, sized("ab") + kNullValue + sized("")) + row_of(1, sized("4111111111111111")) + kEnd,
              "|ab|NULL|(3)|4111111111111111(1)");
  expect_read(kBegin + kEnd, "");
  expect_read(kBegin + row_of(0, "") + row_of(0, "") + kEnd, "(0)(0)");
}

TEST(CopyReader, WhatExtendsTheHeaderIsAValue) {
  const std::string extended = kBegin.substr(0, 15) + be32(5) + "extra";
  expect_read(extended + row_of(1, sized("a")) + kEnd, "|extra|a(1)");
}

TEST(CopyReader, AllElseIsAText) {
  expect_read("PGCOPY? 4111", "!PGCOPY? 4111");
  expect_read("PGCOPY\n\xff\r\n4111", "!PGCOPY\n\xff\r\n4111");
  expect_read("4111", "!4111");
  expect_read(kBegin.substr(0, 11) + std::string("\0\1\0\0", 4) + "abc", "!abc");  // a flag with a meaning
  expect_read(kBegin.substr(0, 15) + be32(0x80000000) + "abc", "!abc");
  expect_read(kBegin + row_of(0x8000, "abc"), "!abc");
  expect_read(kBegin + row_of(2, sized("a") + be32(0xfffffffe) + "abc"), "|a!abc");
  expect_read(kBegin + kEnd + "abc", "!abc");
}

TEST(CopyReader, DataThatEndsEarlyIsReadAsFarAsItGoes) {
  const std::string data = kBegin + row_of(2, sized("ab") + sized("cd"));
  for (std::size_t bytes = 0; bytes < data.size(); ++bytes) {
    const std::string whole = bytes <= 10 ? "!" + data.substr(0, 10) : "|ab|cd(2)";
    EXPECT_TRUE(whole.starts_with(read(data.substr(0, bytes), 3))) << bytes;
  }
}

}  // namespace
}  // namespace sluice::postgres
