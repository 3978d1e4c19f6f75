#include "dataplane/inspect/validator.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

namespace sluice::inspect {
namespace {

bool passes(Validator validator, const std::string& text) {
  std::vector<std::uint32_t> ends = {static_cast<std::uint32_t>(text.size())};
  keep_valid(validator, as_bytes(text), 0, ends);
  return !ends.empty();
}

bool luhn(const std::string& text) {
  return passes(Validator::luhn, text);
}
bool mod97(const std::string& text) {
  return passes(Validator::mod97, text);
}
bool jwt(const std::string& text) {
  return passes(Validator::jwt, text);
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

TEST(Luhn, OfSeveralEndsThoseThatPassAreKept) {
  const std::string text = "x4111111111111111 2025";
  std::vector<std::uint32_t> all(text.size() - 1);
  std::iota(all.begin(), all.end(), 2U);
  std::vector<std::uint32_t> ends = all;
  keep_valid(Validator::luhn, as_bytes(text), 1, ends);
  EXPECT_EQ(ends, (std::vector<std::uint32_t>{17, 18}));
  ends = all;
  keep_valid(Validator::luhn, as_bytes(text), 2, ends);
  EXPECT_TRUE(ends.empty());
}

TEST(Mod97, AcceptsAccountsOfSeveralCountriesHoweverTheyAreWritten) {
  for (const char* account :
       {"DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "fr14-2004-1010-0505-0001-3M02-606", "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S", "be68539007547034"})
    EXPECT_TRUE(mod97(account)) << account;
}

TEST(Mod97, RefusesOneWrongCharacterAndTwoSwapped) {
  EXPECT_FALSE(mod97("DE89370400440532013001"));
  EXPECT_FALSE(mod97("DE98370400440532013000"));
  EXPECT_FALSE(mod97("GB29NWBK60161331926891"));
  EXPECT_FALSE(mod97("GB29NWBL60161331926819"));
}

TEST(Mod97, RefusesWhatIsNoAccountThoughItLeavesOne) {
  // Check digits are 02 to 98: 97 leaves the same as 00.
  EXPECT_TRUE(mod97("BE97000000000002"));
  EXPECT_FALSE(mod97("BE00000000000002"));
  EXPECT_FALSE(mod97("1234567890123456"));
}

TEST(Mod97, OfSeveralEndsThoseThatPassAreKept) {
  const std::string text = "DE89370400440532013000 20";
  std::vector<std::uint32_t> ends = {20, 22, 23, 24, 25};
  keep_valid(Validator::mod97, as_bytes(text), 0, ends);
  EXPECT_EQ(ends, (std::vector<std::uint32_t>{22, 23}));
}

TEST(Jwt, TakesAHeaderThatIsAJsonObject) {
  EXPECT_TRUE(jwt("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2ln"));
  EXPECT_TRUE(jwt("eyJhbGciOiJub25lIn0."));
  EXPECT_TRUE(jwt("eyI_IjoiPiJ9.x"));  // {"?":">"}
}

TEST(Jwt, RefusesEverythingElse) {
  EXPECT_FALSE(jwt("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"));     // no dot
  EXPECT_FALSE(jwt("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ.x.y"));  // the object does not end
  EXPECT_FALSE(jwt("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9A.x"));  // no whole number of bytes
  EXPECT_FALSE(jwt("eyJhbGci+iJub25lIn0.x"));                    // of the other base64
  EXPECT_FALSE(jwt("WyJhIl0.x"));                                // ["a"]
  EXPECT_FALSE(jwt("eyB9.x"));                                   // { }
  EXPECT_FALSE(jwt(".x"));
  EXPECT_FALSE(jwt("ey.x"));
}

TEST(NoValidator, KeepsEveryEnd) {
  std::vector<std::uint32_t> ends = {3, 5};
  keep_valid(Validator::none, as_bytes("abcdef"), 1, ends);
  EXPECT_EQ(ends.size(), 2U);
}

}  // namespace
}  // namespace sluice::inspect
