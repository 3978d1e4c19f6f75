// Addresses of both families as one value: text, order, prefixes.
#include "common/ip_address.h"

#include <gtest/gtest.h>

#include <bit>

namespace sluice {
namespace {

constexpr IpAddress kIpv6{0x2001'0db8'0000'0000, 2};

TEST(IpAddress, TextBothWays) {
  for (const char* text : {"10.77.0.2", "0.0.0.0", "255.255.255.255", "2001:db8::2", "::", "::1", "fe80::1:0:0:1",
                           "::10.0.0.1", "2001:db8:1:2:3:4:5:6"}) {
    const auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(format_address(*address), text);
  }
  for (const char* text : {"", "10.0.0", "10.0.0.256", "1:2", "::ffff:10.0.0.1", "[::1]", "::1%lo", "2001:db8::2/32"})
    EXPECT_FALSE(parse_address(text)) << text;
  EXPECT_EQ(format_endpoint(0x0a4d0002, 8080), "10.77.0.2:8080");
  EXPECT_EQ(format_endpoint(kIpv6, 8080), "[2001:db8::2]:8080");
}

TEST(IpAddress, FamiliesAreApart) {
  EXPECT_TRUE(IpAddress(0U).is_ipv4());
  EXPECT_FALSE(IpAddress().is_ipv4());
  EXPECT_TRUE(IpAddress().is_none());
  EXPECT_FALSE(kIpv6.is_ipv4());
  EXPECT_NE(IpAddress(1U), IpAddress(0, 1));
  EXPECT_EQ(IpAddress(0x0a000001).ipv4(), 0x0a000001U);
  EXPECT_TRUE(IpAddress(0xe0000001).is_multicast());
  EXPECT_TRUE(parse_address("ff02::1")->is_multicast());
  EXPECT_FALSE(kIpv6.is_multicast());
}

TEST(IpAddress, PrefixesOfEveryLength) {
  const IpAddress all(~std::uint64_t{0}, ~std::uint64_t{0});
  for (unsigned bits = 0; bits <= kAddressBits; ++bits) {
    const IpAddress first = all.prefix(bits);
    EXPECT_EQ(std::popcount(first.high) + std::popcount(first.low), static_cast<int>(bits));
    EXPECT_EQ(first.last_of(bits), all);
    EXPECT_EQ(first.prefix(bits), first);
  }
  EXPECT_EQ(IpAddress(0x0a4d0041).prefix(kIpv4PrefixBits + 26), IpAddress(0x0a4d0040));
  EXPECT_EQ(IpAddress(0x0a4d0040).last_of(kIpv4PrefixBits + 26), IpAddress(0x0a4d007f));
  EXPECT_TRUE(all.next().is_none());
  EXPECT_EQ(IpAddress(1, ~std::uint64_t{0}).next(), IpAddress(2, 0));
}

TEST(IpAddress, BytesAsOnTheWire) {
  std::uint8_t bytes[16];
  store_ipv6(bytes, {0x0102030405060708, 0x090a0b0c0d0e0f10});
  for (std::uint8_t i = 0; i < 16; ++i) EXPECT_EQ(bytes[i], i + 1);
  EXPECT_EQ(load_ipv6(bytes), IpAddress(0x0102030405060708, 0x090a0b0c0d0e0f10));
}

TEST(HostAndPort, AreSplitAtTheLastColon) {
  const auto plain = split_host_and_port("host.example:8080");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "host.example");
  EXPECT_EQ(plain->port, 8080);
  EXPECT_FALSE(plain->bracketed);
  const auto ipv6 = split_host_and_port("[2001:db8::7]:65535");
  ASSERT_TRUE(ipv6);
  EXPECT_EQ(ipv6->host, "2001:db8::7");
  EXPECT_EQ(ipv6->port, 65535);
  EXPECT_TRUE(ipv6->bracketed);
  EXPECT_EQ(split_host_and_port("10.0.0.7:0")->port, 0);
  for (const char* text : {"", ":", "host", ":80", "host:", "host:65536", "host:-1", "host: 80", "host:80a", "host:8 0",
                           "[]:80", "2001:db8::7:80", "[2001:db8::7]", "[2001:db8::7]80"})
    EXPECT_FALSE(split_host_and_port(text)) << text;
}

}  // namespace
}  // namespace sluice
