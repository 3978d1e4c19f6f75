// Lookups agree with the plain way of looking: through everything.
#include "dataplane/enforce/lookup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "common/random.h"

namespace sluice::enforce {
namespace {

TEST(ServiceTable, finds_by_address_and_port) {
  ServiceTable table;
  table.add(0x0a000002, 80, 0);
  table.add(0x0a000001, 443, 1);
  table.add(0x0a000002, 8080, 2);
  ASSERT_TRUE(table.finish());
  EXPECT_EQ(table.find(0x0a000002, 80), 0U);
  EXPECT_EQ(table.find(0x0a000001, 443), 1U);
  EXPECT_EQ(table.find(0x0a000002, 8080), 2U);
  EXPECT_EQ(table.find(0x0a000002, 81), ServiceTable::kNone);
  EXPECT_EQ(table.find(0x0a000001, 80), ServiceTable::kNone);
  EXPECT_TRUE(table.has_address(0x0a000001));
  EXPECT_TRUE(table.has_address(0x0a000002));
  EXPECT_FALSE(table.has_address(0x0a000000));
  EXPECT_FALSE(table.has_address(0x0a000003));
  EXPECT_FALSE(table.has_address(0xffffffff));
}

TEST(ServiceTable, an_address_given_twice_is_refused) {
  ServiceTable table;
  table.add(1, 80, 0);
  table.add(1, 80, 1);
  EXPECT_FALSE(table.finish());
}

TEST(ServiceTable, empty_finds_nothing) {
  ServiceTable table;
  ASSERT_TRUE(table.finish());
  EXPECT_EQ(table.find(0, 0), ServiceTable::kNone);
  EXPECT_FALSE(table.has_address(0));
}

TEST(PrincipalTable, the_narrowest_network_wins) {
  PrincipalTable table;
  table.add(0x0a000000, 104, "ten");
  table.add(0x0a010000, 112, "one");
  table.add(0x0a010200, 120, "two");
  table.add(0x0a010203, 128, "host");
  table.finish();
  EXPECT_EQ(table.find(0x0a010203), "host");
  EXPECT_EQ(table.find(0x0a010204), "two");
  EXPECT_EQ(table.find(0x0a010300), "one");
  EXPECT_EQ(table.find(0x0a020000), "ten");
  EXPECT_EQ(table.find(0x09ffffff), "");
  EXPECT_EQ(table.find(0x0b000000), "");
}

TEST(PrincipalTable, the_edges_of_the_address_space) {
  PrincipalTable table;
  table.add(0, 96, "all");
  table.add(0xffffffff, 128, "last");
  table.add(0, 128, "first");
  table.finish();
  EXPECT_EQ(table.find(0), "first");
  EXPECT_EQ(table.find(1), "all");
  EXPECT_EQ(table.find(0xfffffffe), "all");
  EXPECT_EQ(table.find(0xffffffff), "last");
}

TEST(PrincipalTable, empty_names_nobody) {
  PrincipalTable table;
  table.finish();
  EXPECT_EQ(table.find(0x0a000001), "");
}

struct Network {
  std::uint32_t network = 0;
  unsigned bits = 0;
  bool holds(std::uint32_t address) const { return bits == 0 || (address ^ network) >> (32 - bits) == 0; }
};

TEST(PrincipalTable, agrees_with_a_search_through_all_networks) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    std::vector<Network> networks;
    PrincipalTable table;
    for (int i = 0; i < 60; ++i) {
      const auto bits = static_cast<unsigned>(random.below(33));
      // Few distinct leading bits, so that networks nest.
      const auto base = static_cast<std::uint32_t>(random.next()) & 0xc3000f3fU;
      const Network network{bits == 0 ? 0 : base & ~std::uint32_t{0} << (32 - bits), bits};
      const auto same = [&](const Network& n) { return n.network == network.network && n.bits == network.bits; };
      if (std::ranges::any_of(networks, same)) continue;
      table.add(network.network, kIpv4PrefixBits + network.bits, std::to_string(networks.size()));
      networks.push_back(network);
    }
    table.finish();
    for (int i = 0; i < 400; ++i) {
      const Network& near = networks[random.below(networks.size())];
      const auto address = static_cast<std::uint32_t>(near.network + random.below(5) - 2 +
                                                      (random.chance(1, 2) ? 0 : random.next() & 0xff));
      std::string expected;
      int best = -1;
      for (std::size_t n = 0; n < networks.size(); ++n)
        if (networks[n].holds(address) && static_cast<int>(networks[n].bits) > best) {
          best = static_cast<int>(networks[n].bits);
          expected = std::to_string(n);
        }
      ASSERT_EQ(table.find(address), expected) << "seed " << seed << " address " << address;
    }
  }
}

TEST(ServiceTable, the_families_do_not_meet) {
  ServiceTable table;
  table.add(0x0a000001, 80, 0);
  table.add({0x20010db8'00000000, 1}, 80, 1);
  table.add({0x20010db8'00000000, 1}, 81, 2);
  ASSERT_TRUE(table.finish());
  EXPECT_EQ(table.find(0x0a000001, 80), 0U);
  EXPECT_EQ(table.find({0x20010db8'00000000, 1}, 80), 1U);
  EXPECT_EQ(table.find({0x20010db8'00000000, 1}, 81), 2U);
  EXPECT_EQ(table.find({0x20010db8'00000000, 2}, 80), ServiceTable::kNone);
  EXPECT_EQ(table.find({0, 0x0a000001}, 80), ServiceTable::kNone) << "::10.0.0.1 is no IPv4 address";
  EXPECT_TRUE(table.has_address({0x20010db8'00000000, 1}));
  EXPECT_FALSE(table.has_address({0x20010db8'00000001, 1}));
}

TEST(PrincipalTable, networks_of_both_families) {
  PrincipalTable table;
  table.add({0x20010db8'00000000, 0}, 32, "documentation");
  table.add({0x20010db8'00010000, 0}, 64, "subnet");
  table.add({0x20010db8'00010000, 7}, 128, "host");
  table.add(0, 96, "all of IPv4");
  table.finish();
  EXPECT_EQ(table.find({0x20010db7'ffffffff, ~std::uint64_t{0}}), "");
  EXPECT_EQ(table.find({0x20010db8'00000000, 0}), "documentation");
  EXPECT_EQ(table.find({0x20010db8'00010000, 6}), "subnet");
  EXPECT_EQ(table.find({0x20010db8'00010000, 7}), "host");
  EXPECT_EQ(table.find({0x20010db8'00010000, 8}), "subnet");
  EXPECT_EQ(table.find({0x20010db8'00010001, 0}), "documentation");
  EXPECT_EQ(table.find({0x20010db9'00000000, 0}), "");
  EXPECT_EQ(table.find(0xffffffff), "all of IPv4");
  EXPECT_EQ(table.find({0, 0xfffe'ffff'ffff}), "");
}

TEST(PrincipalTable, all_of_ipv6_ends_with_its_last_address) {
  PrincipalTable table;
  table.add({}, 0, "everybody");
  table.add(IpAddress(~std::uint64_t{0}, ~std::uint64_t{0}), 128, "last");
  table.finish();
  EXPECT_EQ(table.find({}), "everybody");
  EXPECT_EQ(table.find({~std::uint64_t{0}, ~std::uint64_t{0} - 1}), "everybody");
  EXPECT_EQ(table.find({~std::uint64_t{0}, ~std::uint64_t{0}}), "last");
}

}  // namespace
}  // namespace sluice::enforce
