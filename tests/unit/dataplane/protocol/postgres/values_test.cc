#include "dataplane/protocol/postgres/values.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/dataplane/protocol/postgres/samples.h"
#include "tests/unit/dataplane/protocol/postgres/wire.h"

namespace sluice::postgres {
namespace {

constexpr std::size_t kRoom = 1'000'000;
constexpr std::uint32_t kInt4 = 23;
constexpr std::uint32_t kText = 25;
constexpr std::uint32_t kInt4Array = 1007;
constexpr std::uint32_t kNumeric = 1700;
constexpr std::uint32_t kNumericArray = 1231;

std::string text_of(std::uint32_t type, const std::string& binary, std::size_t most = kRoom) {
  std::string out;
  const ErrorCode error = append_text(type, as_bytes(binary), most, out);
  if (error == ErrorCode::ok) return out;
  EXPECT_EQ(out, "");
  return std::string(error_name(error));
}

TEST(Values, AreAsPostgresPrintsThem) {
  const std::vector<Sample> all = samples();
  EXPECT_GT(all.size(), 120U);
  for (const Sample& sample : all) {
    EXPECT_TRUE(is_known_type(sample.type));
    EXPECT_EQ(text_of(sample.type, sample.binary), sample.text) << sample.type;
  }
}

TEST(Values, HaveRoomOrAreNotThere) {
  for (const Sample& sample : samples()) {
    EXPECT_EQ(text_of(sample.type, sample.binary, sample.text.size()), sample.text);
    if (sample.text.empty()) continue;
    EXPECT_EQ(text_of(sample.type, sample.binary, sample.text.size() - 1), "postgres_value_too_long") << sample.text;
  }
}

TEST(Values, AreAppended) {
  std::string out = "a=";
  EXPECT_EQ(append_text(kInt4, as_bytes(be32(7)), 1, out), ErrorCode::ok);
  EXPECT_EQ(append_text(kInt4, as_bytes(be16(7)), 1, out), ErrorCode::postgres_bad_value);
  EXPECT_EQ(append_text(kInt4, as_bytes(be32(77)), 1, out), ErrorCode::postgres_value_too_long);
  EXPECT_EQ(out, "a=7");
}

// Cut or made longer, a value is refused, but for those that are whatever bytes they have.
TEST(Values, OfAWrongLengthAreRefused) {
  for (const Sample& sample : samples()) {
    const bool is_any = sample.type == 17 || sample.type == 3802;
    if (is_any) continue;
    for (std::size_t size = 0; size < sample.binary.size(); ++size)
      EXPECT_EQ(text_of(sample.type, sample.binary.substr(0, size)), "postgres_bad_value")
          << sample.text << " " << size;
    EXPECT_EQ(text_of(sample.type, sample.binary + '\0'), "postgres_bad_value") << sample.text;
  }
}

TEST(Values, OfTypesThatAreNotReadAreSaidToBe) {
  EXPECT_FALSE(is_known_type(600));
  EXPECT_EQ(text_of(600, std::string(16, '\0')), "postgres_unknown_type");
  EXPECT_EQ(text_of(0, ""), "postgres_unknown_type");
}

TEST(Values, OfTextAreAsTheyAre) {
  for (const std::uint32_t type : {19U, kText, 114U, 142U, 1042U, 1043U}) EXPECT_EQ(text_of(type, "any \n"), "any \n");
  EXPECT_EQ(text_of(3802, "\2{}"), "postgres_bad_value");
  EXPECT_EQ(text_of(3802, ""), "postgres_bad_value");
}

TEST(Values, OutOfTheirRangeAreRefused) {
  EXPECT_EQ(text_of(1082, be32(0x80000001)), "postgres_bad_value");
  EXPECT_EQ(text_of(1082, be32(0x7ffffffe)), "postgres_bad_value");
  EXPECT_EQ(text_of(1083, be32(0xffffffff) + be32(0xffffffff)), "postgres_bad_value");
  EXPECT_EQ(text_of(1114, be32(0x80000000) + be32(1)), "postgres_bad_value");
  EXPECT_EQ(text_of(869, "\2\41\0\4abcd"), "postgres_bad_value");
  EXPECT_EQ(text_of(869, std::string("\7\40\0\4abcd", 8)), "postgres_bad_value");
  EXPECT_EQ(text_of(kNumeric, be16(1) + be16(0) + be16(0) + be16(0) + be16(10'000)), "postgres_bad_value");
  EXPECT_EQ(text_of(kNumeric, be16(0) + be16(0) + be16(1) + be16(0)), "postgres_bad_value");
  EXPECT_EQ(text_of(kNumeric, be16(0) + be16(0) + be16(0) + be16(0x4000)), "postgres_bad_value");
}

// Ten bytes that are a number of 131,072 digits, and many of them.
TEST(Values, OfNumericCostNoMoreThanTheirRoom) {
  const std::string large = be16(1) + be16(0x7fff) + be16(0) + be16(0) + be16(1);
  EXPECT_EQ(text_of(kNumeric, large), "1e131068");
  EXPECT_EQ(text_of(kNumeric, large, 4), "postgres_value_too_long");
  constexpr std::uint32_t kCount = 50'000;
  std::string array = be32(1) + be32(0) + be32(kNumeric) + be32(kCount) + be32(1);
  for (std::uint32_t i = 0; i < kCount; ++i) array += sized(large);
  EXPECT_EQ(text_of(kNumericArray, array, 64 * 1024), "postgres_value_too_long");
}

TEST(Values, OfHostileArraysAreRefused) {
  const auto array = [](std::uint32_t dimensions, std::string_view rest, std::uint32_t type = kInt4) {
    return text_of(kInt4Array, be32(dimensions) + be32(0) + be32(type) + std::string(rest));
  };
  const std::string one = be32(1) + be32(1);
  const std::string many = be32(0x10000) + be32(1);
  EXPECT_EQ(array(1, one + sized(be32(5))), "{5}");
  EXPECT_EQ(array(1, one + sized(be32(5)), kText), "postgres_bad_value");
  EXPECT_EQ(array(7, one + one + one + one + one + one + one + sized(be32(5))), "postgres_bad_value");
  EXPECT_EQ(array(0xffffffff, one), "postgres_bad_value");
  EXPECT_EQ(array(4, many + many + many + many), "postgres_bad_value");  // 2^64 of them, which is none
  EXPECT_EQ(array(2, be32(0) + be32(1) + many), "{}");
  EXPECT_EQ(array(1, be32(2) + be32(0x7fffffff) + sized(be32(5)) + sized(be32(6))), "[2147483647:2147483648]={5,6}");
  EXPECT_EQ(array(1, one + be32(8) + be32(5)), "postgres_bad_value");
  EXPECT_EQ(array(1, one + be32(0xfffffffe) + be32(5)), "postgres_bad_value");
  EXPECT_EQ(array(1, one + sized(be32(5)) + "x"), "postgres_bad_value");
}

std::string numeric(std::initializer_list<std::uint16_t> digits, int weight, std::uint32_t scale) {
  std::string out = be16(static_cast<std::uint32_t>(digits.size())) + be16(static_cast<std::uint16_t>(weight)) +
                    be16(0) + be16(scale);
  for (const std::uint16_t digit : digits) out += be16(digit);
  return out;
}

TEST(Values, ZerosThatNobodySentAreNotMadeByTheThousand) {
  EXPECT_EQ(text_of(1700, numeric({1}, 16, 0)), "1" + std::string(64, '0'));
  EXPECT_EQ(text_of(1700, numeric({12, 3400}, 32767, 0)),
            "123400"
            "e131064");
  EXPECT_EQ(text_of(1700, numeric({4111, 1111, 1111, 1111}, 3, 16383)), "4111111111111111." + std::string(64, '0'));
  EXPECT_EQ(text_of(1700, numeric({7}, -4000, 16383)), "0007e-16000");
  EXPECT_EQ(text_of(1700, numeric({}, 32767, 0)), "0");
  EXPECT_EQ(text_of(1700, numeric({}, -32768, 16383)), "0." + std::string(64, '0'));
  EXPECT_EQ(text_of(1700, numeric({}, 32767, 3)), "0.000");
}

}  // namespace
}  // namespace sluice::postgres
