#include "tests/unit/dataplane/inspect/random_rules.h"

#include <array>

namespace sluice::inspect {
namespace {

constexpr std::array<const char*, 14> kAtoms = {"a",     "b",     "A",     "1",    "-",    "_",      ".",
                                                R"(\d)", R"(\w)", R"(\W)", "[ab]", "[^a]", "[a-c1]", R"(\x2d)"};

std::string random_expression(Random& random, int depth);

std::string random_atom(Random& random, int depth) {
  if (depth > 0 && random.chance(1, 3)) return "(?:" + random_expression(random, depth - 1) + ")";
  return kAtoms[random.below(kAtoms.size())];
}

std::string random_sequence(Random& random, int depth) {
  std::string out;
  for (std::uint64_t n = 1 + random.below(4); n > 0; --n) {
    if (random.chance(1, 5)) out += random.chance(2, 3) ? R"(\b)" : R"(\B)";
    out += random_atom(random, depth);
    if (random.chance(1, 3)) {
      const std::uint64_t min = random.below(3);
      const std::uint64_t max = min + 1 + random.below(3);
      out += random.chance(1, 3) ? "?" : "{" + std::to_string(min) + "," + std::to_string(max) + "}";
    }
  }
  if (random.chance(1, 6)) out += R"(\b)";
  return out;
}

std::string random_expression(Random& random, int depth) {
  std::string out = random_sequence(random, depth);
  while (random.chance(1, 4)) out += "|" + random_sequence(random, depth);
  return out;
}

}  // namespace

TestRule random_rule(Random& random) {
  // One byte that must be there keeps it from matching nothing.
  return {"(?:" + random_expression(random, 2) + ")" + kAtoms[random.below(kAtoms.size())], random.chance(1, 3),
          Validator::none};
}

namespace {

std::string random_word(Random& random, std::size_t most) {
  std::string out;
  for (std::uint64_t n = 1 + random.below(most); n > 0; --n) out += "ab1A"[random.below(4)];
  return out;
}

rules::ConditionSpec random_conditions(Random& random) {
  rules::ConditionSpec out;
  if (random.chance(1, 4)) out.min_entropy_millibits = 500 + 250 * static_cast<std::uint32_t>(random.below(6));
  if (random.chance(1, 3)) {
    out.context.within = 4 + static_cast<std::uint32_t>(random.below(10));
    out.context.both_sides = random.chance(1, 2);
    out.context.words = {random_word(random, 2), random_word(random, 1) + " " + random_word(random, 2)};
  }
  if (random.chance(1, 3)) out.allow.values = {random_word(random, 4), random_word(random, 4), random_word(random, 4)};
  if (random.chance(1, 5)) out.allow.contain = {random_word(random, 3)};
  if (random.chance(1, 4)) out.allow.match = {random_rule(random).expression};
  return out;
}

}  // namespace

TestRule random_conditional_rule(Random& random) {
  TestRule rule = random_rule(random);
  rule.conditions = random_conditions(random);
  if (random.chance(1, 3)) return rule;
  const auto part = [&] { return random.chance(1, 4) ? "" : "(?:" + random_expression(random, 1) + ")"; };
  rule.expression = part() + "(" + rule.expression + ")" + part();
  rule.conditions.group = 1;
  return rule;
}

std::string random_text(Random& random, std::size_t bytes) {
  static constexpr std::string_view kBytes = "aabbcA11-_. \n\xe4";
  std::string out(bytes, ' ');
  for (char& c : out) c = kBytes[random.below(kBytes.size())];
  return out;
}

}  // namespace sluice::inspect
