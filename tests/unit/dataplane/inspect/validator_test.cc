#include "dataplane/inspect/validator.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

namespace sluice::inspect {
namespace {

bool luhn(const std::string& text) {
  const std::uint32_t end = static_cast<std::uint32_t>(text.size());
  return longest_accepted(Validator::luhn, as_bytes(text), 0, {&end, 1}) == end;
}

TEST(Luhn, AcceptsTestNumbersOfTheSchemes) {
  for (const char* number : {"4111111111111111", "5500005555555559", "378282246310005", "30569309025904",
                             "6011111111111117", "3530111333300000", "4222222222222", "6304000000000000"}) {
    EXPECT_TRUE(luhn(number)) << number;
  }
}

TEST(Luhn, RefusesOneWrongDigitAndTwoSwapped) {
  EXPECT_FALSE(luhn("4111111111111112"));
  EXPECT_FALSE(luhn("5500005555555595"));
}

TEST(Luhn, LooksAtDigitsOnly) {
  EXPECT_TRUE(luhn("4111 1111-1111x1111"));
}

TEST(Luhn, TakesTwelveToNineteenDigits) {
  EXPECT_FALSE(luhn("00000000000"));
  EXPECT_TRUE(luhn("000000000000"));
  EXPECT_TRUE(luhn("0000000000000000000"));
  EXPECT_FALSE(luhn("00000000000000000000"));
}

TEST(Luhn, OfSeveralEndsTheLongestThatPassesCounts) {
  const std::string text = "x4111111111111111 2025";
  std::vector<std::uint32_t> ends(text.size() - 1);
  std::iota(ends.begin(), ends.end(), 2U);
  EXPECT_EQ(longest_accepted(Validator::luhn, as_bytes(text), 1, ends), 18U);
  EXPECT_EQ(longest_accepted(Validator::luhn, as_bytes(text), 2, ends), std::nullopt);
}

TEST(LongestAccepted, WithoutAValidatorIsTheLongest) {
  const std::uint32_t ends[] = {3, 5};
  EXPECT_EQ(longest_accepted(Validator::none, as_bytes("abcdef"), 1, ends), 5U);
  EXPECT_EQ(longest_accepted(Validator::none, as_bytes("abcdef"), 1, {}), std::nullopt);
}

}  // namespace
}  // namespace sluice::inspect
