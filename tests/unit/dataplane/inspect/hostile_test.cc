// What content costs is bounded, whatever the content: lookups in automata, a byte and a rule, counted and not timed.
// And hostile content has the matches that a search without any shortcut finds.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "rules/automaton.h"
#include "rules/expression.h"
#include "rules/policy.h"
#include "tests/unit/dataplane/inspect/hostile_texts.h"
#include "tests/unit/dataplane/inspect/stream.h"
#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {
namespace {

// A byte and a rule. Where every start is a match but for its check, each is read as far as it goes, and no expression
// tells them apart: few bytes for card numbers, up to the widest match for what other validators refuse.
constexpr double kMostLookups = 8;
constexpr double kMostLookupsLuhn = 20;
constexpr std::size_t kTextBytes = 32 * 1024;

struct NamedRule {
  std::string name;
  TestRule rule;
};

std::vector<NamedRule> pack_rules() {
  const auto policy = rules::parse_policy(
      "services:\n- {name: a, address: 10.0.0.1:80, protocol: http, mode: enforce, rules: [pii/*, secrets/*]}\n",
      "test.yaml", rules::PackSource());
  if (!policy) throw std::runtime_error(rules::to_error(policy.error()).detail);
  std::vector<NamedRule> out;
  for (const rules::Rule& rule : policy->rules)
    out.push_back({rule.name, {rule.expression, rule.caseless, static_cast<Validator>(rule.validator)}});
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
    double bound = kMostLookups;
    if (rule.rule.validator == Validator::luhn)
      bound = kMostLookupsLuhn;
    else if (rule.rule.validator != Validator::none)
      bound = rules->max_width();
    EXPECT_LE(most, bound) << rule.name << " with " << worst;
    RecordProperty(rule.name, std::to_string(most));
  }
}

// The search as it is defined: every start, each end.
std::vector<Match> matches_of(const TestRule& rule, const std::string& text) {
  const auto automaton = *rules::Automaton::build(*rules::parse_expression(rule.expression, rule.caseless));
  std::vector<Match> out;
  std::vector<std::uint32_t> ends(automaton.max_width());
  for (std::size_t start = 0; start < text.size();) {
    static_cast<void>(automaton.ends_from(as_bytes(text), start, true, ends));
    if (!ends.empty()) out.push_back({100, start, ends.back()});
    start = ends.empty() ? start + 1 : ends.back();
  }
  return out;
}

TEST(Hostile, TextHasTheMatchesOfASearchWithoutShortcuts) {
  std::vector<NamedRule> all = pack_rules();
  for (NamedRule& rule : slow_rules()) all.push_back(std::move(rule));
  std::size_t matches = 0;
  for (const NamedRule& rule : all) {
    if (rule.rule.validator != Validator::none) continue;
    for (const auto anchoring : {rules::Anchoring::anchors, rules::Anchoring::databases}) {
      const auto rules = rule_set_of({rule.rule}, anchoring);
      Scratch scratch;
      ASSERT_TRUE(scratch.grow_for(*rules));
      for (const std::string& text : hostile_texts(rule.rule, 6000, 3)) {
        const std::vector<Match> expected = matches_of(rule.rule, text);
        matches += expected.size();
        ASSERT_EQ(scan_cut(*rules, scratch, text, {}), expected) << rule.name << " with " << text.substr(0, 300);
        ASSERT_EQ(scan_cut(*rules, scratch, text, {1000, 2448, 2449, 5000}), expected)
            << rule.name << " with " << text.substr(0, 300);
      }
    }
  }
  EXPECT_GT(matches, 1000U);
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
