#include "segment/values_text.h"

#include <gtest/gtest.h>

#include "segment/item_mark.h"

namespace sluice {
namespace {

std::string item(Item item, const std::string& bytes = "", std::uint32_t length = 0) {
  std::string out(kMostMarkBytes, '\0');
  if (item == Item::value || item == Item::decoded) length = static_cast<std::uint32_t>(bytes.size());
  out.resize(write_mark(item, length, reinterpret_cast<std::uint8_t*>(out.data())));
  return out + bytes;
}

TEST(ValuesText, ARowIsALine) {
  const std::string body = "id" + item(Item::text) + "name" + item(Item::text) + item(Item::value, "1") +
                           item(Item::value, "two\nlines") + item(Item::row, "", 2) + item(Item::null) +
                           item(Item::value, "") + item(Item::row, "", 2) + "SELECT 2" + item(Item::text);
  EXPECT_EQ(values_text(body), "id\nname\n1 | two\nlines\nNULL | \nSELECT 2");
}

TEST(ValuesText, BoundValuesStandSideBySide) {
  EXPECT_EQ(values_text(item(Item::value, "a") + item(Item::null) + item(Item::value, "b")), "a | NULL | b");
}

TEST(ValuesText, AListIsOneValue) {
  const std::string body = item(Item::list, "", 3) + item(Item::value, "a") + item(Item::null) +
                           item(Item::value, "b") + item(Item::list) + item(Item::decoded, "c") +
                           item(Item::row, "", 3);
  EXPECT_EQ(values_text(body), "{a,NULL,b} | {} | c");
}

TEST(ValuesText, RowsThatWereLeftOutAreCounted) {
  EXPECT_EQ(values_text(item(Item::value, "a") + item(Item::row, "", 1) + item(Item::left_out, "", 900) + "SELECT 901" +
                        item(Item::text)),
            "a\n… 900 more rows\nSELECT 901");
}

TEST(ValuesText, WhatIsNoTextIsShownInHexAndSteersNoTerminal) {
  const std::string body = item(Item::value, std::string("\0\0\0\7", 4)) + item(Item::value, "\x1b[2J") +
                           item(Item::value, "\xff\xfe") + item(Item::value, "\u00fc\u2713") +
                           item(Item::value, std::string(70, '\1'));
  std::string cut;
  for (int i = 0; i < 64; ++i) cut += "01";
  EXPECT_EQ(values_text(body), "\\x00000007 | \\x1b5b324a | \\xfffe | \u00fc\u2713 | \\x" + cut + "\u2026");
  EXPECT_EQ(values_text("se\033lect" + item(Item::text)), "\\x73651b6c656374");
}

TEST(ValuesText, WhatWasCutIsShownAsFarAsItIsThere) {
  const std::string body = item(Item::value, "0123456789");
  EXPECT_EQ(values_text(body.substr(0, body.size() - 4)), "012345");
  EXPECT_EQ(values_text("plain"), "plain");
}

}  // namespace
}  // namespace sluice
