// What content costs is bounded, whatever the content: lookups in automata, a byte and a rule, counted and not timed.
// And hostile content has the matches that a search without any shortcut finds.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "rules/policy.h"
#include "tests/unit/dataplane/inspect/hostile_texts.h"
#include "tests/unit/dataplane/inspect/stream.h"
#include "tests/unit/dataplane/inspect/test_rules.h"
#include "tests/unit/dataplane/inspect/tree_search.h"

namespace sluice::inspect {
namespace {

// A byte and a rule: of the packs, whatever the validator; and of any rule without one. Where every start is a match
// but for its check, each is read as far as it goes, and no expression tells them apart: of a rule made for that the
// width of a match is the bound.
constexpr double kMostLookups = 8;
constexpr std::size_t kTextBytes = 32 * 1024;
constexpr std::size_t kCheckedBytes = 5000;  // where each start is read to its end
constexpr std::size_t kCheckedTexts = 60;

struct NamedRule {
  std::string name;
  TestRule rule;
  std::vector<std::string> hits{};
};

std::vector<NamedRule> pack_rules() {
  const auto policy = rules::parse_policy(
      "services:\n- {name: a, address: 10.0.0.1:80, protocol: http, mode: enforce, rules: [pii/*, secrets/*]}\n",
      "test.yaml", rules::PackSource());
  if (!policy) throw std::runtime_error(rules::to_error(policy.error()).detail);
  std::vector<NamedRule> out;
  for (const rules::Rule& rule : policy->rules)
    out.push_back({rule.name, {rule.expression, rule.caseless, static_cast<Validator>(rule.validator)}, rule.hits});
  return out;
}

// Rules that a policy may hold, each made to be slow.
std::vector<NamedRule> slow_rules() {
  return {
      {"long-end", {"key[a-z]{1,1200}!", false, Validator::none}},
      {"long-begin", {"[a-z]{1,1200}!", false, Validator::none}},
      {"no-anchor", {"[a-z]{3,900}[0-9]", false, Validator::none}},
      {"two-ends", {"[a-z.]{1,300}@[a-z.]{1,300}#[a-z]{1,9}", false, Validator::none}},
      {"dense", {"k[k-]{30,800}x", false, Validator::none}},
      {"words", {"\\b(?:[a-z]{1,20} ){8,40}end\\b", false, Validator::none}},
      {"far-literal", {"[a-z]{900}AKIA[0-9]", false, Validator::none}},
      {"wide-number", {"(?:[0-9][a-z ]{0,40}){12,18}[0-9]", false, Validator::luhn}},
      {"number-in-words", {"[a-z]{1,1000}[0-9]{12,19}", false, Validator::luhn}},
      {"wide-account", {"[A-Z]{2}[0-9]{2}[A-Z0-9 ]{11,900}", false, Validator::mod97}},
      {"wide-token", {"e[A-Za-z0-9]{8,1000}\\.[a-z]{1,900}", false, Validator::jwt}},
  };
}

double lookups_a_byte(const RuleSet& rules, const std::string& text) {
  Scratch scratch;
  if (!scratch.grow_for(rules)) throw std::runtime_error("no scratch");
  scan_cut(rules, scratch, text, {});
  return static_cast<double>(scratch.lookups()) / static_cast<double>(text.size());
}

TEST(Hostile, TextCostsNoMoreLookupsThanIsStated) {
  std::vector<NamedRule> all = pack_rules();
  for (NamedRule& rule : slow_rules()) all.push_back(std::move(rule));
  const std::vector<std::string> repeated = repeated_bytes(kTextBytes);
  for (const NamedRule& rule : all) {
    const auto rules = rule_set_of({rule.rule});
    double most = 0;
    std::string worst;
    const auto scan = [&](const std::string& text) {
      const double lookups = lookups_a_byte(*rules, text);
      if (lookups > most) most = lookups, worst = text.substr(0, 300);
    };
    for (const std::string& text : hostile_texts(rule.rule, kTextBytes, 12)) scan(text);
    for (const std::string& text : repeated) scan(text);
    const bool of_pack = !rule.hits.empty();
    const double bound =
        of_pack || rule.rule.validator == Validator::none ? kMostLookups : static_cast<double>(rules->max_width());
    EXPECT_LE(most, bound) << rule.name << " with " << worst;
    RecordProperty(rule.name, std::to_string(most));
  }
}

// What is made to cost, and in it what the rule matches: a validator lets little pass that is made by chance.
std::vector<std::string> texts_with_matches(const NamedRule& rule) {
  const std::vector<std::string> all = hostile_texts(rule.rule, kCheckedBytes, 3);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < all.size(); i += all.size() / kCheckedTexts + 1) texts.push_back(all[i]);
  std::size_t next = 0;
  for (std::string& text : texts) {
    if (rule.hits.empty()) break;
    const std::string& hit = rule.hits[next++ % rule.hits.size()];
    text.insert(text.size() / 2, next % 3 == 0 ? hit : " " + hit + " ");
  }
  return texts;
}

TEST(Hostile, TextHasTheMatchesOfASearchWithoutShortcuts) {
  std::vector<NamedRule> all = pack_rules();
  for (NamedRule& rule : slow_rules()) all.push_back(std::move(rule));
  std::size_t total = 0;
  for (const NamedRule& rule : all) {
    std::size_t matches = 0;
    const auto by_anchors = rule_set_of({rule.rule}, rules::Anchoring::anchors);
    const auto by_databases = rule_set_of({rule.rule}, rules::Anchoring::databases);
    for (const std::string& text : texts_with_matches(rule)) {
      const std::vector<Match> expected = tree_matches(rule.rule, text);
      matches += expected.size();
      for (const RuleSet* rules : {by_anchors.get(), by_databases.get()}) {
        Scratch scratch;
        ASSERT_TRUE(scratch.grow_for(*rules));
        ASSERT_EQ(scan_cut(*rules, scratch, text, {}), expected) << rule.name << " with " << text.substr(0, 300);
        ASSERT_EQ(scan_cut(*rules, scratch, text, {1000, 2448, 2449, 3500}), expected)
            << rule.name << " with " << text.substr(0, 300);
      }
    }
    EXPECT_TRUE(matches > 0 || rule.hits.empty()) << rule.name;
    total += matches;
    RecordProperty(rule.name, static_cast<int>(matches));
  }
  EXPECT_GT(total, 1000U);
}

// 100 MB without a line's end, as pieces of 64 KiB come.
// Each third byte may begin a token that goes on behind the cut: what is held is not tried again at every cut.
TEST(Hostile, TextThatIsOpenAtEveryCutCostsNoMoreLookupsThanIsStated) {
  constexpr double kMostLookupsCut = 64;
  constexpr std::size_t kSegmentBytes = 1448;
  const auto rules = rule_set_of(
      {{R"(eyJ[A-Za-z0-9_-]{8,1000}\.eyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,700})", false, Validator::none}});
  Scratch scratch;
  ASSERT_TRUE(scratch.grow_for(*rules));
  std::string text;
  while (text.size() < kTextBytes) text += "eyJ";
  text += "0123456789.eyJ0123456789.0123456789 ";
  Stream stream(*rules, scratch);
  for (std::size_t at = 0; at < text.size(); at += kSegmentBytes)
    ASSERT_TRUE(stream.feed(text.substr(at, kSegmentBytes), at + kSegmentBytes >= text.size()));
  EXPECT_EQ(stream.broken(), "");
  EXPECT_EQ(stream.matches().size(), 1U);
  EXPECT_LE(static_cast<double>(scratch.lookups()), static_cast<double>(text.size()) * kMostLookupsCut);
}

TEST(Hostile, ALineWithoutAnEndIsScannedInBoundedMemoryAndWork) {
  std::vector<TestRule> specs;
  for (const NamedRule& rule : pack_rules()) specs.push_back(rule.rule);
  const auto rules = rule_set_of(specs);
  for (const std::string_view unit : {"1", "@", "a.", "%40a"}) {
    std::string text;
    while (text.size() < 128 * 1024) text += unit;
    Scratch scratch;
    ASSERT_TRUE(scratch.grow_for(*rules));
    ScanState state;
    std::vector<Match> matches;
    constexpr std::uint64_t kLine = 100'000'000;
    constexpr std::uint64_t kPiece = 64 * 1024;
    for (std::uint64_t end = kPiece; end <= kLine; end += kPiece) {
      ASSERT_LE(end - state.hold, kPiece + rules->max_width()) << unit;
      const std::size_t skip = state.hold % unit.size();
      const Bytes window = as_bytes(text).subspan(skip, end - state.hold);
      ASSERT_EQ(Scanner::scan(*rules, scratch, state, {&window, 1}, false, matches), ErrorCode::ok);
    }
    EXPECT_LE(static_cast<double>(scratch.lookups()), kLine * kMostLookups) << unit;
  }
}

}  // namespace
}  // namespace sluice::inspect
