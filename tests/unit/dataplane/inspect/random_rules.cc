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
  static constexpr std::array<const char*, 4> kEnds = {"$", R"((?:\W|$))", R"((?:$|\b-))", R"((?:-\b|$)?)"};
  // One byte that must be there keeps it from matching nothing.
  std::string expression = "(?:" + random_expression(random, 2) + ")" + kAtoms[random.below(kAtoms.size())];
  if (random.chance(1, 4)) expression += kEnds[random.below(kEnds.size())];
  return {std::move(expression), random.chance(1, 3), Validator::none};
}

std::string random_text(Random& random, std::size_t bytes) {
  static constexpr std::string_view kBytes = "aabbcA11-_. \n\xe4";
  std::string out(bytes, ' ');
  for (char& c : out) c = kBytes[random.below(kBytes.size())];
  return out;
}

}  // namespace sluice::inspect
