// What stands in hidden cells: of each type and format a value of its length that says nothing of what was there.
#include "dataplane/protocol/postgres/blanks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "dataplane/protocol/postgres/message.h"
#include "dataplane/protocol/postgres/types.h"
#include "dataplane/protocol/postgres/values.h"
#include "tests/unit/dataplane/protocol/postgres/samples.h"

namespace sluice::postgres {
namespace {

constexpr std::uint32_t kNobodysType = 99'999;

// In pieces of `cut` bytes.
std::string blanked(std::uint32_t type, std::uint16_t format, std::string value, std::size_t cut) {
  const Blank how = blank_of(type, format);
  auto* bytes = reinterpret_cast<std::uint8_t*>(value.data());
  for (std::size_t at = 0; at < value.size(); at += cut)
    blank(how, at, value.size(), {bytes + at, std::min(cut, value.size() - at)});
  return value;
}

TEST(Blanks, OfTextsAreValuesOfTheirTypeAndLength) {
  const struct {
    std::uint32_t type;
    std::string_view value, blank;
  } rows[] = {{16, "t", "f"},
              {20, "-4111111111111111", "00000000000000000"},
              {1700, "12345.678", "000000000"},
              {701, "1.5e+300", "00000000"},
              {790, "$1,234.50", "000000000"},
              {25, "M\xc3\xbcller 7", "*********"},
              {kNobodysType, "enum", "****"},
              {114, "{\"a\": 1}", "\"******\""},
              {114, "7", "0"},
              {3802, "[]", "\"\""},
              {17, "\\x4111", "\\x0000"},
              {17, "\\x", "\\x"},
              {17, "a\\000b", "\\x0000"},
              {17, "abc", "***"},
              {2950, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000"},
              {829, "08:00:2b:01:02:03", "00:00:00:00:00:00"},
              {1082, "2024-01-15", "1111-11-11"},
              {1082, "infinity", "1111-1-1"},
              {1082, "-infinity", "1111-1-11"},
              {1082, "0044-03-15 BC", "1111-11-11   "},
              {1114, "2024-01-15 10:20:30.5", "1111-11-11 11:11:11.1"},
              {1184, "2024-01-15 10:20:30+05:30", "1111-11-11 11:11:11+11:11"},
              {1083, "10:20:30", "11:11:11"},
              {1186, "1 year 3 days", "0000000000000"},
              {1560, "0101", "0000"},
              {1007, "{1,2}", "{000}"},
              {1009, "{\"a b\",c}", "{*******}"},
              {1182, "{2024-01-15,NULL}", "{               }"},
              {1007, "{}", "{}"}};
  for (const auto& row : rows)
    for (const std::size_t cut : {1000, 1, 3})
      EXPECT_EQ(blanked(row.type, kTextFormat, std::string(row.value), cut), row.blank) << row.type;
}

TEST(Blanks, OfAddressesAreAddressesOfAnyLength) {
  const std::string_view expected[] = {"::",           "::0",           "::/0",          "::0/0",      "::00/0",
                                       "::000/0",      "::0000/0",      "::000:0/0",     "::0000:0/0", "::0000:00/0",
                                       "::0000:000/0", "::0000:0000/0", "::0000:000:0/0"};
  for (const std::string_view address : expected)
    EXPECT_EQ(blanked(869, kTextFormat, std::string(address.size(), '7'), 5), address);
  EXPECT_EQ(blanked(650, kTextFormat, std::string(43, 'f'), 43), "0000:0000:0000:0000:0000:0000:0000:0000/128");
  EXPECT_EQ(blanked(650, kTextFormat, std::string(41, 'f'), 41), "0000:0000:0000:0000:0000:0000:0000:0000/0");
  EXPECT_EQ(blanked(650, kTextFormat, std::string(39, 'f'), 39), "0000:0000:0000:0000:0000:0000:0000:00/0");
}

// All that a server said of its own values: hidden, they are read, and those of a type and length are all the same.
TEST(Blanks, OfBinaryValuesAreRead) {
  std::map<std::pair<std::uint32_t, std::size_t>, std::string> known;
  for (const Sample& sample : samples()) {
    if (type_of(sample.type) == nullptr) continue;  // of arrays the elements are hidden
    const std::string hidden = blanked(sample.type, kBinaryFormat, sample.binary, 3);
    ASSERT_EQ(hidden.size(), sample.binary.size());
    std::string text;
    EXPECT_EQ(append_text(sample.type, as_bytes(hidden), 1'000'000, text), ErrorCode::ok) << sample.type;
    const auto [known_one, is_new] = known.emplace(std::pair(sample.type, hidden.size()), hidden);
    EXPECT_EQ(known_one->second, hidden) << sample.type << ": what was there shows";
  }
  EXPECT_GT(known.size(), 20U);
}

TEST(Blanks, OfBinaryValuesSayWhatTheyAre) {
  const auto text_of = [](std::uint32_t type, std::size_t length) {
    std::string text;
    EXPECT_EQ(append_text(type, as_bytes(blanked(type, kBinaryFormat, std::string(length, '7'), 1)), 1000, text),
              ErrorCode::ok);
    return text;
  };
  EXPECT_EQ(text_of(20, 8), "0");
  EXPECT_EQ(text_of(1700, 8), "0");
  EXPECT_EQ(text_of(1700, 20), "0");
  EXPECT_EQ(text_of(869, 8), "0.0.0.0");
  EXPECT_EQ(text_of(650, 20), "::/128");
  EXPECT_EQ(text_of(3802, 6), "\"***\"");
  EXPECT_EQ(text_of(1082, 4), "2000-01-01");
  EXPECT_EQ(blanked(1562, kBinaryFormat, std::string(6, '7'), 6), std::string("\0\0\0\x10\0\0", 6));
  EXPECT_EQ(blanked(kNobodysType, kBinaryFormat, std::string(3, '\x01'), 6), "***");
}

}  // namespace
}  // namespace sluice::postgres
