// Content that is cut in any way is matched as if it were whole, and as the oracle matches it.
// Input: 8 bytes that seed the cuts, then the content.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "common/random.h"
#include "rules/expression.h"
#include "tests/unit/dataplane/inspect/oracle.h"
#include "tests/unit/dataplane/inspect/stream.h"
#include "tests/unit/dataplane/inspect/test_rules.h"

namespace {

using sluice::Random;
using namespace sluice::inspect;  // NOLINT(google-build-using-namespace)

constexpr std::size_t kOracleBytes = 512;  // the oracle tries every start with every end

std::vector<TestRule> all_rules() {
  std::vector<TestRule> rules = usual_rules();
  for (TestRule& rule : conditional_rules()) rules.push_back(std::move(rule));
  return rules;
}

struct Fixture {
  std::unique_ptr<RuleSet> rules = rule_set_of(all_rules());
  Scratch scratch;
  Oracle oracle{all_rules()};

  Fixture() {
    if (!scratch.grow_for(*rules)) std::abort();
  }
};

std::vector<std::size_t> cuts_of(std::uint64_t seed, std::size_t length) {
  Random random(seed);
  const std::uint64_t step = 1 + random.below(length + 1);
  std::vector<std::size_t> cuts;
  for (std::size_t at = random.below(step + 1); at < length; at += 1 + random.below(step)) cuts.push_back(at);
  return cuts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Fixture fixture;
  std::uint64_t seed = 0;
  if (size < sizeof seed) return 0;
  std::memcpy(&seed, data, sizeof seed);
  const std::string_view content = sluice::as_text({data + sizeof seed, size - sizeof seed});
  try {
    const auto whole = scan_cut(*fixture.rules, fixture.scratch, content, {});
    if (scan_cut(*fixture.rules, fixture.scratch, content, cuts_of(seed, content.size())) != whole) std::abort();
    if (content.size() <= kOracleBytes && fixture.oracle.matches(content) != whole) std::abort();
    static_cast<void>(sluice::rules::parse_expression(content.substr(0, 64), seed % 2 == 0));
  } catch (const std::exception& broken) {
    std::fprintf(stderr, "%s\n", broken.what());
    std::abort();
  }
  return 0;
}
