#include "common/siphash.h"

#include <gtest/gtest.h>

#include <array>

namespace sluice {
namespace {

// The reference vectors of the SipHash paper: key 00..0f, message 00, 01, 02, ...
TEST(SipHash, AgreesWithTheReferenceVectors) {
  const HashKey key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  std::array<std::uint8_t, 15> message{};
  for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(siphash(key, {}), 0x726fdb47dd0e0e31ULL);
  EXPECT_EQ(siphash(key, Bytes(message).first(1)), 0x74f839c593dc67fdULL);
  EXPECT_EQ(siphash(key, Bytes(message).first(8)), 0x93f5f5799a932462ULL);
  EXPECT_EQ(siphash(key, message), 0xa129ca6149be45e5ULL);
}

TEST(SipHash, OfWordsIsThatOfTheirBytes) {
  const HashKey key{1, 2};
  const std::array<std::uint64_t, 2> words{0x0706050403020100ULL, 0x1122334455667788ULL};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(words.data());
  EXPECT_EQ(siphash_words(key), siphash(key, {}));
  EXPECT_EQ(siphash_words(key, words[0]), siphash(key, {bytes, 8}));
  EXPECT_EQ(siphash_words(key, words[0], words[1]), siphash(key, {bytes, 16}));
}

}  // namespace
}  // namespace sluice
