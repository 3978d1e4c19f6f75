#include "dataplane/inspect/mask.h"

#include <gtest/gtest.h>

#include <string>

#include "common/random.h"

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

// Many bytes at a time are masked as one by one.
TEST(Mask, IsTheSameForEveryByteAtEveryLength) {
  Random random(1);
  for (const Cover cover : {Cover::letters, Cover::signs}) {
    for (std::size_t length = 0; length < 300; ++length) {
      std::string text(length, '\0');
      for (std::size_t i = 0; i < length; ++i) text[i] = static_cast<char>(length >= 256 ? i % 256 : random.below(256));
      std::string expected = text;
      for (std::size_t i = 0; i < length; ++i) mask_all(bytes_of(expected).subspan(i, 1), cover);
      std::string at_once = text;
      mask_all(bytes_of(at_once), cover);
      ASSERT_EQ(at_once, expected) << length;
      for (char& one : expected) one = random.chance(1, 3) ? '*' : 'x';
      for (std::size_t i = 0; i < length; ++i) at_once[i] = expected[i] == '*' ? '*' : text[i];
      copy_stars(as_bytes(expected), bytes_of(text));
      ASSERT_EQ(text, at_once) << length;
    }
  }
}

}  // namespace
}  // namespace sluice::inspect
