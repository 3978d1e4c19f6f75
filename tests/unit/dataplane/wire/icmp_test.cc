// read_icmp_error(): every kind, every quotation, every cut.
#include "dataplane/wire/icmp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <vector>

#include "common/random.h"
#include "dataplane/wire/checksum.h"

namespace sluice::wire {
namespace {

using Buffer = std::vector<std::uint8_t>;

constexpr IpAddress kClient6{0x2001'0db8'0000'0001, 0x41};
constexpr IpAddress kServer6{0x2001'0db8'0000'0000, 2};
const Buffer kSegment = {0x9c, 0x40, 0, 80, 1, 2, 3, 4};  // 40000 to 80, sequence number 0x01020304

Buffer operator+(Buffer a, const Buffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Buffer ipv4(std::uint8_t protocol, std::uint32_t from, std::uint32_t to, std::size_t payload_bytes,
            std::uint16_t fragment = 0) {
  Buffer ip(20, 0);
  ip[0] = 0x45;
  store_be16(&ip[2], static_cast<std::uint16_t>(20 + payload_bytes));
  store_be16(&ip[6], fragment);
  ip[8] = 64;
  ip[9] = protocol;
  store_be32(&ip[12], from);
  store_be32(&ip[16], to);
  store_be16(&ip[10], ipv4_header_checksum(ip));
  return ip;
}

Buffer ipv6(std::uint8_t next, const IpAddress& from, const IpAddress& to, std::size_t payload_bytes) {
  Buffer ip(40, 0);
  ip[0] = 0x60;
  store_be16(&ip[4], static_cast<std::uint16_t>(payload_bytes));
  ip[6] = next;
  ip[7] = 64;
  store_ipv6(&ip[8], from);
  store_ipv6(&ip[24], to);
  return ip;
}

Buffer message(std::uint8_t type, std::uint8_t code, std::uint32_t rest = 0) {
  Buffer icmp = {type, code, 0, 0, 0, 0, 0, 0};
  store_be32(&icmp[4], rest);
  return icmp;
}

Buffer frame4(const Buffer& icmp) {
  const Buffer link = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
  return link + ipv4(1, 0x0a0000fe, 0x0a000041, icmp.size()) + icmp;
}
Buffer frame6(const Buffer& icmp) {
  const Buffer link = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd};
  return link + ipv6(58, {0x2001'0db8'0000'0000, 0xfe}, kClient6, icmp.size()) + icmp;
}
IcmpError read(const Buffer& bytes) {
  const Frame frame = parse(bytes, bytes.size());
  EXPECT_EQ(frame.kind, FrameKind::icmp);
  return read_icmp_error(bytes, frame);
}
Buffer quote4(std::uint16_t fragment = 0) {
  return ipv4(6, 0x0a000041, 0x0a000002, 1480, fragment) + kSegment;
}
Buffer quote6() {
  return ipv6(6, kClient6, kServer6, 1440) + kSegment;
}
void expect_segment(const IcmpError& error) {
  EXPECT_EQ(error.quoted, Quoted::tcp);
  EXPECT_EQ(error.source_port, 40000);
  EXPECT_EQ(error.destination_port, 80);
  EXPECT_EQ(error.seq, 0x01020304U);
}

TEST(Icmp, FragmentationNeededTellsThePacketAndTheSize) {
  const IcmpError error = read(frame4(message(3, 4, 1400) + quote4()));
  EXPECT_EQ(error.kind, IcmpKind::too_big);
  EXPECT_EQ(error.mtu, 1400U);
  EXPECT_EQ(error.source, 0x0a000041U);
  EXPECT_EQ(error.destination, 0x0a000002U);
  EXPECT_EQ(error.packet_bytes, 1500U);
  EXPECT_FALSE(error.fragment);
  expect_segment(error);
}

TEST(Icmp, PacketTooBigIsTheSameOfIpv6) {
  const IcmpError error = read(frame6(message(2, 0, 1280) + quote6()));
  EXPECT_EQ(error.kind, IcmpKind::too_big);
  EXPECT_EQ(error.mtu, 1280U);
  EXPECT_EQ(error.source, kClient6);
  EXPECT_EQ(error.destination, kServer6);
  EXPECT_EQ(error.packet_bytes, 1480U);
  expect_segment(error);
}

TEST(Icmp, KindsOfIpv4) {
  const auto kind = [](std::uint8_t type, std::uint8_t code) {
    return read(frame4(message(type, code) + quote4())).kind;
  };
  for (const auto code : std::initializer_list<std::uint8_t>{0, 1, 2, 3, 5, 13, 15})
    EXPECT_EQ(kind(3, code), IcmpKind::unreachable) << int{code};
  EXPECT_EQ(kind(11, 0), IcmpKind::time_exceeded);
  EXPECT_EQ(kind(12, 0), IcmpKind::parameter_problem);
  for (const auto type : std::initializer_list<std::uint8_t>{0, 1, 2, 4, 5, 8, 13, 255})
    EXPECT_EQ(kind(type, 0), IcmpKind::none) << int{type};
}

TEST(Icmp, KindsOfIpv6) {
  const auto kind = [](std::uint8_t type) { return read(frame6(message(type, 0) + quote6())).kind; };
  EXPECT_EQ(kind(1), IcmpKind::unreachable);
  EXPECT_EQ(kind(3), IcmpKind::time_exceeded);
  EXPECT_EQ(kind(4), IcmpKind::parameter_problem);
  for (const auto type : std::initializer_list<std::uint8_t>{0, 5, 11, 128, 129, 138})
    EXPECT_EQ(kind(type), IcmpKind::none) << int{type};
}

TEST(Icmp, WhatTryingAgainWillNotMend) {
  const auto hard = [](std::uint8_t type, std::uint8_t code) {
    return read(frame4(message(type, code) + quote4())).is_hard();
  };
  for (const auto code : std::initializer_list<std::uint8_t>{2, 3, 9, 10, 13}) EXPECT_TRUE(hard(3, code)) << int{code};
  for (const auto code : std::initializer_list<std::uint8_t>{0, 1, 4, 5, 6, 7, 11, 12})
    EXPECT_FALSE(hard(3, code)) << int{code};
  EXPECT_FALSE(hard(11, 3));
  const auto hard6 = [](std::uint8_t type, std::uint8_t code) {
    return read(frame6(message(type, code) + quote6())).is_hard();
  };
  EXPECT_TRUE(hard6(1, 1));
  EXPECT_TRUE(hard6(1, 4));
  EXPECT_FALSE(hard6(1, 0));
  EXPECT_FALSE(hard6(1, 3));
  EXPECT_FALSE(hard6(3, 1));
}

TEST(Icmp, WhatTheQuotedPacketCarried) {
  const auto quoted = [](const Buffer& quote) { return read(frame4(message(3, 1) + quote)).quoted; };
  EXPECT_EQ(quoted(ipv4(17, 1, 2, 8) + kSegment), Quoted::other);
  EXPECT_EQ(quoted(ipv4(1, 1, 2, 8) + kSegment), Quoted::other);
  EXPECT_EQ(quoted(quote6()), Quoted::nothing) << "of another family";
  EXPECT_EQ(quoted({}), Quoted::nothing);
  Buffer short_header = quote4();
  short_header[0] = 0x44;
  EXPECT_EQ(quoted(short_header), Quoted::nothing);
}

TEST(Icmp, OptionsOfTheQuotedPacketArePassedOver) {
  Buffer quote = ipv4(6, 0x0a000041, 0x0a000002, 1480) + Buffer{7, 3, 4, 0};
  quote[0] = 0x46;
  expect_segment(read(frame4(message(3, 1) + quote + kSegment)));
}

TEST(Icmp, OfAFragmentOnlyTheFirstHasPorts) {
  const IcmpError first = read(frame4(message(3, 4, 1400) + quote4(0x2000)));
  EXPECT_TRUE(first.fragment);
  expect_segment(first);
  const IcmpError later = read(frame4(message(3, 4, 1400) + quote4(0x00b9)));
  EXPECT_EQ(later.quoted, Quoted::addresses);
  EXPECT_EQ(later.destination, 0x0a000002U);
}

TEST(Icmp, ExtensionHeadersOfTheQuotedPacketAreFollowedWithinBounds) {
  const Buffer options = {6, 0, 1, 4, 0, 0, 0, 0};
  const Buffer routing = {60, 0, 1, 4, 0, 0, 0, 0};
  const Buffer whole = {6, 0, 0, 0, 0, 0, 0, 1};
  const auto error = [](std::uint8_t next, const Buffer& behind) {
    return read(frame6(message(2, 0, 1280) + ipv6(next, kClient6, kServer6, 1440) + behind));
  };
  expect_segment(error(60, options + kSegment));
  expect_segment(error(43, routing + options + kSegment));
  const IcmpError first = error(44, whole + kSegment);
  EXPECT_TRUE(first.fragment);
  expect_segment(first);
  EXPECT_EQ(error(44, Buffer{6, 0, 0, 8, 0, 0, 0, 1} + kSegment).quoted, Quoted::addresses);
  EXPECT_EQ(error(60, {6, 40, 1, 4, 0, 0, 0, 0}).quoted, Quoted::addresses);
  EXPECT_EQ(error(135, options + kSegment).quoted, Quoted::addresses);
  EXPECT_EQ(error(17, kSegment).quoted, Quoted::other);
  Buffer many;
  for (int i = 0; i < 9; ++i) many = many + Buffer{std::uint8_t(i == 8 ? 6 : 60), 0, 1, 4, 0, 0, 0, 0};
  EXPECT_EQ(error(60, many + kSegment).quoted, Quoted::addresses);
}

TEST(Icmp, AMappedAddressIsNoneOfIpv6) {
  const IpAddress mapped{0, 0x0000'ffff'0a00'0002};
  EXPECT_EQ(read(frame6(message(1, 0) + ipv6(6, kClient6, mapped, 8) + kSegment)).quoted, Quoted::nothing);
}

TEST(Icmp, PaddingIsNotQuoted) {
  Buffer bytes = frame4(message(3, 1) + ipv4(6, 0x0a000041, 0x0a000002, 1480) + Buffer{0x9c, 0x40});
  bytes.resize(bytes.size() + 20, 0);
  EXPECT_EQ(read(bytes).quoted, Quoted::addresses);
}

// In memory of its own, so that a read beyond it shows.
IcmpError read_cut(const Buffer& bytes, std::size_t count) {
  Frame frame = parse(bytes, bytes.size());
  const std::unique_ptr<std::uint8_t[]> copy(new std::uint8_t[count]);
  std::copy_n(bytes.begin(), count, copy.get());
  return read_icmp_error({copy.get(), count}, frame);
}

TEST(Icmp, EveryCutTellsLessAndNothingElse) {
  for (const Buffer& bytes : {frame4(message(3, 4, 1400) + quote4()), frame6(message(2, 0, 1280) + quote6())}) {
    const std::size_t l4 = parse(bytes, bytes.size()).l4_offset;
    const std::size_t quote = l4 + 8;
    const std::size_t segment = bytes.size() - 8;
    for (std::size_t count = l4; count <= bytes.size(); ++count) {
      const IcmpError error = read_cut(bytes, count);
      EXPECT_EQ(error.kind, count < quote ? IcmpKind::none : IcmpKind::too_big) << count;
      const Quoted expected = count < segment        ? Quoted::nothing
                              : count < bytes.size() ? Quoted::addresses
                                                     : Quoted::tcp;
      EXPECT_EQ(error.quoted, expected) << count;
    }
  }
}

TEST(Icmp, MutatedErrorsAreReadWithinTheirBytes) {
  Random random(11);
  const Buffer routed = frame6(message(2, 0, 1280) + ipv6(43, kClient6, kServer6, 1440) +
                               Buffer{60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0} + kSegment);
  for (const Buffer& seed : {frame4(message(3, 4, 1400) + quote4()), routed}) {
    const std::size_t l4 = parse(seed, seed.size()).l4_offset;
    for (int i = 0; i < 20'000; ++i) {
      Buffer bytes = seed;
      for (int changes = 1 + static_cast<int>(random.below(4)); changes > 0; --changes)
        bytes[l4 + random.below(bytes.size() - l4)] = static_cast<std::uint8_t>(random.next());
      const IcmpError error = read_cut(bytes, l4 + random.below(bytes.size() - l4 + 1));
      EXPECT_TRUE(error.quoted != Quoted::tcp || error.kind != IcmpKind::none);
    }
  }
}

}  // namespace
}  // namespace sluice::wire
