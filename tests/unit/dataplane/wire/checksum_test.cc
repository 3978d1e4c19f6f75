// The fast sum against the two-line definition of RFC 1071, over pieces of every length.
#include "dataplane/wire/checksum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "common/random.h"

namespace sluice::wire {
namespace {

std::uint16_t reference_sum(Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += static_cast<std::uint32_t>(bytes[i] << (i % 2 == 0 ? 8 : 0));
    sum = (sum >> 16) + (sum & 0xffff);
  }
  return static_cast<std::uint16_t>(sum);
}

// 0 and 0xffff are the same number in one's complement.
std::uint16_t canonical(std::uint16_t sum) {
  return sum == 0 ? 0xffff : sum;
}

std::vector<std::uint8_t> random_bytes(Random& random, std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  for (auto& b : bytes) b = static_cast<std::uint8_t>(random.next());
  return bytes;
}

TEST(Checksum, Rfc1071Example) {
  const std::uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  ChecksumSum sum;
  sum.add(bytes);
  EXPECT_EQ(sum.folded(), 0xddf2);
  EXPECT_EQ(sum.checksum(), 0x220d);
}

TEST(Checksum, EveryLengthAndEveryCutEqualsTheReference) {
  Random random(1);
  const auto bytes = random_bytes(random, 131);
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const Bytes all(bytes.data(), length);
    for (std::size_t cut = 0; cut <= length; ++cut) {
      ChecksumSum sum;
      sum.add(all.first(cut));
      sum.add(all.subspan(cut));
      ASSERT_EQ(canonical(sum.folded()), canonical(reference_sum(all))) << length << " cut at " << cut;
    }
  }
}

TEST(Checksum, ManyPiecesOfManySizes) {
  Random random(2);
  for (int round = 0; round < 200; ++round) {
    const auto bytes = random_bytes(random, random.below(70000));
    ChecksumSum sum;
    for (Bytes rest = bytes; !rest.empty();) {
      const Bytes piece = rest.first(std::min<std::size_t>(rest.size(), random.below(3000)));
      sum.add(piece);
      rest = rest.subspan(piece.size());
    }
    ASSERT_EQ(canonical(sum.folded()), canonical(reference_sum(bytes)));
  }
}

TEST(Checksum, AllOnesCarriesEverywhere) {
  const std::vector<std::uint8_t> ones(65535, 0xff);
  ChecksumSum sum;
  for (int i = 0; i < 9; ++i) sum.add(ones);
  std::vector<std::uint8_t> all;
  for (int i = 0; i < 9; ++i) all.insert(all.end(), ones.begin(), ones.end());
  EXPECT_EQ(sum.folded(), reference_sum(all));
}

TEST(Checksum, Ipv4HeaderWithARightFieldSumsToZero) {
  std::uint8_t header[20] = {0x45, 0,    0,    0x73, 0,    0,    0x40, 0,    0x40, 0x11,
                             0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
  EXPECT_EQ(ipv4_header_checksum(header), 0);
  header[10] = header[11] = 0;
  EXPECT_EQ(ipv4_header_checksum(header), 0xb861);
}

TEST(Checksum, IncrementalUpdateEqualsRecomputing) {
  Random random(3);
  for (int round = 0; round < 20000; ++round) {
    auto bytes = random_bytes(random, 40);
    if (round % 4 == 0) std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});  // RFC 1624's corner
    ChecksumSum before;
    before.add(bytes);
    const auto new16 = static_cast<std::uint16_t>(round % 3 == 0 ? 0xffff : random.next());
    const std::uint16_t checksum16 = updated_checksum16(before.checksum(), load_be16(bytes.data() + 6), new16);
    store_be16(bytes.data() + 6, new16);
    const auto new32 = static_cast<std::uint32_t>(random.next());
    const std::uint16_t checksum32 = updated_checksum32(checksum16, load_be32(bytes.data() + 12), new32);
    store_be32(bytes.data() + 12, new32);
    // A receiver adds everything up, the field too: right when all ones come out.
    ChecksumSum receiver;
    receiver.add(bytes);
    receiver.add_value(checksum32);
    ASSERT_EQ(receiver.folded(), 0xffff) << "round " << round;
  }
}

}  // namespace
}  // namespace sluice::wire
