// No start is left out from which a match has a right check digit, and few are kept from which none has.
#include "dataplane/inspect/luhn_filter.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"
#include "dataplane/inspect/validator.h"

namespace sluice::inspect {
namespace {

struct Checked {
  explicit Checked(std::string_view text)
      : automaton(*rules::Automaton::build(*rules::parse_expression(text, false))), filter(automaton) {}
  // Whether a match begins here whose check digit is right.
  [[nodiscard]] bool passes(Bytes text, std::size_t start) const {
    std::vector<std::uint32_t> ends;
    ends.reserve(automaton.max_width());
    static_cast<void>(automaton.ends_from(text, start, true, ends));
    keep_valid(Validator::luhn, text, static_cast<std::uint32_t>(start), ends);
    return !ends.empty();
  }
  [[nodiscard]] std::vector<bool> kept(Bytes text, std::size_t from) const {
    std::vector<std::uint64_t> bits((text.size() - from + 63) / 64, ~std::uint64_t{0});
    filter.keep(text, from, bits);
    std::vector<bool> out;
    for (std::size_t i = 0; from + i < text.size(); ++i) out.push_back((bits[i / 64] >> i % 64 & 1U) != 0);
    return out;
  }
  rules::Automaton automaton;
  LuhnFilter filter;
};

TEST(LuhnFilter, leaves_out_no_start) {
  std::size_t passed = 0;
  for (const std::string_view expression :
       {R"(\b[2-6][0-9]{3}(?:[ -]?[0-9]){9,15}\b)", R"((?:[0-9] ?){12,19})", R"([0-9]{14}x?)", R"([0-9a]{10,30}-\B)"}) {
    const Checked rule(expression);
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
      Random random(seed);
      std::string text;
      for (std::uint64_t count = 20 + random.below(300); text.size() < count;)
        text += random.chance(3, 4) ? "0123456789"[random.below(10)] : " -ax"[random.below(4)];
      const std::size_t from = random.below(20);
      const std::vector<bool> kept = rule.kept(as_bytes(text), from);
      for (std::size_t at = from; at < text.size(); ++at) {
        if (!rule.passes(as_bytes(text), at)) continue;
        ++passed;
        ASSERT_TRUE(kept[at - from]) << expression << " seed " << seed << " at " << at << "\n" << text;
      }
    }
  }
  EXPECT_GT(passed, 1000U);
}

TEST(LuhnFilter, leaves_out_what_has_no_right_check_digit) {
  const Checked rule(R"(\b[2-6][0-9]{3}(?:[ -]?[0-9]){9,15}\b)");
  std::string text;
  while (text.size() < 1000) text += "4321-";
  for (const bool kept : rule.kept(as_bytes(text), 0)) EXPECT_FALSE(kept);
}

}  // namespace
}  // namespace sluice::inspect
