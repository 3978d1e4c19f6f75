// What keeps a flood from taking room: exact counts by key, and cookies that are read back.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "common/random.h"
#include "dataplane/session/census.h"
#include "dataplane/session/syn_cookie.h"

namespace sluice::session {
namespace {

TEST(Census, CountsAsAMapDoes) {
  constexpr std::size_t kMost = 64;
  Census census(kMost, {1, 2});
  std::map<std::uint64_t, std::uint32_t> model;
  std::vector<std::uint64_t> there;
  Random random(1);
  for (int round = 0; round < 200'000; ++round) {
    if (there.size() < kMost && (there.empty() || random.chance(1, 2))) {
      there.push_back(random.below(80));
      census.add(there.back());
      ++model[there.back()];
    } else {
      const std::size_t at = random.below(there.size());
      census.remove(there[at]);
      if (--model[there[at]] == 0) model.erase(there[at]);
      there[at] = there.back();
      there.pop_back();
    }
    const std::uint64_t key = random.below(80);
    ASSERT_EQ(census.count(key), model.contains(key) ? model[key] : 0) << round;
    ASSERT_EQ(census.keys(), model.size()) << round;
  }
}

constexpr FlowKey kFlow{0x0a4d0040, 0x0a4d0002, 40000, 8080, 0};

constexpr CookieOffer kOffer{.mss = 1460};

TEST(SynCookie, SaysTheMssRoundedDownAndWhetherSackWasPermitted) {
  SynCookies cookies({1, 2});
  for (const auto& [offered, read] : std::map<std::uint16_t, std::uint16_t>{
           {0, 536}, {536, 536}, {1199, 536}, {1448, 1440}, {1460, 1460}, {9000, 8960}, {65535, 8960}}) {
    for (const bool sack : {false, true}) {
      const std::uint32_t cookie = cookies.make(kFlow, 77, {.mss = offered, .sack_permitted = sack}, kSecond);
      EXPECT_EQ(cookies.read(kFlow, 77, cookie, kSecond), (CookieOffer{.mss = read, .sack_permitted = sack}))
          << offered;
    }
  }
}

TEST(SynCookie, IsReadForAMinuteAtLeastAndTwoAtMost) {
  SynCookies cookies({1, 2});
  for (TimeNs made = 1000 * kSecond; made < 1128 * kSecond; made += 7 * kSecond) {
    const std::uint32_t cookie = cookies.make(kFlow, 77, kOffer, made);
    EXPECT_TRUE(cookies.read(kFlow, 77, cookie, made + 63 * kSecond)) << made;
    EXPECT_FALSE(cookies.read(kFlow, 77, cookie, made + 129 * kSecond)) << made;
  }
}

TEST(SynCookie, IsNobodyElses) {
  SynCookies cookies({1, 2});
  SynCookies others({1, 3});
  const std::uint32_t cookie = cookies.make(kFlow, 77, kOffer, kSecond);
  (void)others.make(kFlow, 77, kOffer, kSecond);
  EXPECT_FALSE(others.read(kFlow, 77, cookie, kSecond));
  EXPECT_FALSE(cookies.read(kFlow, 78, cookie, kSecond));
  FlowKey other = kFlow;
  other.vlans = 5;
  EXPECT_FALSE(cookies.read(other, 77, cookie, kSecond));
  int guessed = 0;
  for (std::uint32_t bit = 0; bit < 32; ++bit)
    guessed += cookies.read(kFlow, 77, cookie ^ 1U << bit, kSecond).has_value() ? 1 : 0;
  EXPECT_EQ(guessed, 0);
}

TEST(SynCookie, WhereNoneWasMadeNoneIsLookedFor) {
  SynCookies made({1, 2});
  const SynCookies fresh({1, 2});
  const std::uint32_t cookie = made.make(kFlow, 77, kOffer, kSecond);
  EXPECT_FALSE(fresh.read(kFlow, 77, cookie, kSecond));
}

}  // namespace
}  // namespace sluice::session
