#include "dataplane/inspect/mask.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::inspect {
namespace {

MutableBytes bytes_of(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

std::string masked(std::string text, std::uint32_t keep_last) {
  mask_in_place(bytes_of(text), keep_last);
  return text;
}

TEST(Mask, CoversLettersAndDigitsAndKeepsTheShape) {
  EXPECT_EQ(masked("4111-1111 1111 1111", 0), "****-**** **** ****");
  EXPECT_EQ(masked("Ann.B@example.co", 0), "***.*@*******.**");
}

TEST(Mask, KeepsTheLastLettersAndDigitsOnly) {
  EXPECT_EQ(masked("4111-1111 1111 12-34", 4), "****-**** **** 12-34");
  EXPECT_EQ(masked("078-05-1120", 1), "***-**-***0");
  EXPECT_EQ(masked("12-", 1), "*2-");
}

TEST(Mask, KeepingMoreThanThereIsKeepsAll) {
  EXPECT_EQ(masked("a-b", 2), "a-b");
  EXPECT_EQ(masked("a-b", 4'000'000'000), "a-b");
  EXPECT_EQ(masked("", 3), "");
}

TEST(Mask, BytesOutsideAsciiArePartsOfLetters) {
  EXPECT_EQ(masked("\xc3\xa4z \xff", 0), "*** *");
}

TEST(Mask, SignsBelongToASecretThatARuleNames) {
  std::string text = "p@ss w\xc3\xb6rd!\n%$#1234";
  mask_in_place(bytes_of(text), 4, Cover::signs);
  EXPECT_EQ(text, "***********\n***1234");
}

TEST(Mask, InPiecesItIsTheSameAsAtOnce) {
  const std::string match = "4111-1111 1111 1234";
  const std::size_t length = masked_length(as_bytes(match), 4);
  EXPECT_EQ(length, 15U);
  for (std::size_t cut = 0; cut <= length; ++cut) {
    std::string text = match;
    mask_all(bytes_of(text).first(cut));
    mask_all(bytes_of(text).first(length).subspan(cut));
    mask_all(bytes_of(text).first(length));
    EXPECT_EQ(text, masked(match, 4)) << "cut at " << cut;
  }
}

}  // namespace
}  // namespace sluice::inspect
