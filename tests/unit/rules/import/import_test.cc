// A whole file of gitleaks' becomes a pack that our own reader takes, and of each rule it is told what became of it.
#include "rules/import/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "rules/pack.h"

namespace sluice::rules::import {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string fixture() {
  std::ifstream file(SLUICE_TEST_IMPORT "/gitleaks.toml", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const Imported& imported() {
  static const auto kImported = import_gitleaks(fixture(), "gitleaks.toml", "fixture");
  EXPECT_TRUE(kImported) << (kImported ? "" : to_error(kImported.error()).detail);
  static const Imported kNone;
  return kImported ? *kImported : kNone;
}

const Pack& pack() {
  static const auto kPack = parse_pack(imported().pack, "fixture", "fixture.yaml");
  EXPECT_TRUE(kPack) << to_error(kPack ? Problems() : kPack.error()).detail;
  static const Pack kNone;
  return kPack ? *kPack : kNone;
}

const RuleReport& report(std::string_view id) {
  static const RuleReport kNone;
  const RuleReport* last = &kNone;
  for (const RuleReport& report : imported().reports)
    if (report.id == id) last = &report;
  EXPECT_NE(last, &kNone) << id;
  return *last;
}

std::string notes(std::string_view id) {
  std::string out;
  for (const Note& note : report(id).notes.all()) out += (note.other_matches ? "! " : "- ") + note.text + "\n";
  return out;
}

const Rule& rule(std::string_view name) {
  static const Rule kNone;
  for (const Rule& rule : pack().rules)
    if (rule.name == "fixture/" + std::string(name)) return rule;
  ADD_FAILURE() << "no rule " << name;
  return kNone;
}

TEST(Import, each_rule_has_its_outcome) {
  struct Expected {
    std::string_view id;
    Outcome outcome;
  };
  const Expected all[] = {
      {"plain", Outcome::as_it_is},
      {"whole-caseless", Outcome::as_it_is},
      {"unique-token", Outcome::anew},
      {"semi-generic", Outcome::anew},
      {"semi-generic-cased", Outcome::anew},
      {"posix-class", Outcome::as_it_is},
      {"open-end", Outcome::changed},
      {"open-inside", Outcome::changed},
      {"two-secrets", Outcome::anew},
      {"second-group", Outcome::anew},
      {"named-groups", Outcome::anew},
      {"repeated-group", Outcome::changed},
      {"beginning", Outcome::changed},
      {"lazy-inside", Outcome::changed},
      {"keyword-elsewhere", Outcome::changed},
      {"keyword-dropped", Outcome::changed},
      {"allowed", Outcome::changed},
      {"with-path", Outcome::changed},
      {"path-only", Outcome::refused},
      {"unicode", Outcome::refused},
      {"only-beginning", Outcome::refused},
      {"needs-another", Outcome::refused},
      {"helper", Outcome::refused},
      {"Given Twice", Outcome::as_it_is},
  };
  for (const Expected& expected : all)
    EXPECT_EQ(name_of(report(expected.id).outcome), name_of(expected.outcome)) << expected.id << "\n"
                                                                               << notes(expected.id);
  EXPECT_EQ(imported().reports.size(), std::size(all) + 1);  // one is given twice
  EXPECT_EQ(imported().rules, pack().rules.size());
}

TEST(Import, what_becomes_of_keywords_is_told) {
  EXPECT_THAT(rule("keyword-elsewhere").conditions.context.words, ElementsAre("srcgraf"));
  EXPECT_THAT(notes("keyword-elsewhere"), HasSubstr("! \"srcgraf\" has to stand within 64 bytes"));
  EXPECT_THAT(rule("keyword-dropped").conditions.context.words, IsEmpty());
  EXPECT_THAT(notes("keyword-dropped"), HasSubstr("! it finds its matches without \"shopzz\""));
  // Whatever matches holds the word anyway.
  EXPECT_THAT(rule("semi-generic").conditions.context.words, IsEmpty());
}

TEST(Import, groups_and_entropy_are_carried_over) {
  EXPECT_EQ(rule("plain").conditions.group, 0U);
  EXPECT_EQ(rule("unique-token").conditions.group, 1U);
  EXPECT_EQ(rule("unique-token").conditions.min_entropy_millibits, 2000U);
  EXPECT_EQ(rule("second-group").expression.find('('), rule("second-group").expression.find("(?:login"));
  EXPECT_THAT(report("two-secrets").names, ElementsAre("two-secrets", "two-secrets-2"));
  EXPECT_EQ(rule("two-secrets-2").conditions.group, 1U);
  EXPECT_EQ(rule("repeated-group").conditions.group, 0U);
}

TEST(Import, allow_lists_are_taken_as_far_as_a_secret_can_meet_them) {
  const AllowSpec& allow = rule("allowed").conditions.allow;
  EXPECT_THAT(allow.values, ElementsAre("VIzaKnownSample0"));
  EXPECT_THAT(allow.contain, AllOf(Contains("dummy"), Contains("false")));
  EXPECT_THAT(allow.match, Contains(R"([\x00-\xff]{0,9}EXAMPLE)"));
  EXPECT_THAT(allow.match, Contains(R"([\x00-\xff]{0,12}[Nn][Uu][Ll][Ll])"));
  EXPECT_THAT(notes("allowed"),
              AllOf(HasSubstr("! an allow-list for the line"), HasSubstr("! an allow-list whose conditions"),
                    HasSubstr("- an allow-list of paths")));
  // No secret of these can be ${NAME}; and one of few letters is not random enough.
  EXPECT_THAT(rule("unique-token").conditions.allow.match, ElementsAre(R"([\x00-\xff]{0,24}[Nn][Uu][Ll][Ll])"));
  EXPECT_THAT(rule("semi-generic").conditions.allow.match, Contains("(?:a{1,32}|b{1,32}|c{1,32}|x{1,32})"));
  EXPECT_TRUE(rule("named-groups").conditions.allow.empty());
}

TEST(Import, what_is_not_taken_says_why) {
  EXPECT_THAT(notes("path-only"), HasSubstr("paths only"));
  EXPECT_THAT(notes("unicode"), HasSubstr("regex, character 5 (149:16): \\p: classes of Unicode"));
  EXPECT_THAT(notes("only-beginning"), HasSubstr("only at the beginning"));
  EXPECT_THAT(notes("needs-another"), HasSubstr("required"));
  EXPECT_THAT(notes("helper"), HasSubstr("skipReport"));
  const auto first = std::ranges::find(imported().reports, "Given Twice", &RuleReport::id);
  EXPECT_EQ(first->outcome, Outcome::refused);
  EXPECT_THAT(first->notes.all().front().text, HasSubstr("it is given again in line"));
  EXPECT_THAT(report("Given Twice").names, ElementsAre("given-twice"));
}

TEST(Import, everything_is_masked_in_the_record_only_and_has_samples) {
  for (const Rule& rule : pack().rules) {
    EXPECT_EQ(rule.action, Action::mask) << rule.name;
    EXPECT_TRUE(rule.mask_record && !rule.mask_wire[0] && !rule.mask_wire[1]) << rule.name;
    EXPECT_EQ(rule.where, (std::array<bool, kPlaces>{true, true, true, true})) << rule.name;
    EXPECT_EQ(rule.hits.size(), 1U) << rule.name;
    EXPECT_EQ(rule.misses.size(), 1U) << rule.name;
  }
}

TEST(Import, the_same_file_gives_the_same_pack) {
  const auto again = import_gitleaks(fixture(), "gitleaks.toml", "fixture");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->pack, imported().pack);
}

TEST(Import, the_report_tells_rule_by_rule_and_counts) {
  const std::string text = report_text(imported(), "gitleaks.toml");
  EXPECT_THAT(text, HasSubstr("gitleaks.toml:15: \"plain\": as it is\n"));
  EXPECT_THAT(text, HasSubstr("becomes 2 rules: two-secrets, two-secrets-2\n"));
  EXPECT_THAT(text, HasSubstr("is called given-twice\n"));
  EXPECT_THAT(text, HasSubstr("2 paths and commits that the whole file allows are left out"));
  EXPECT_THAT(text, HasSubstr("25 rules: 4 as they are, 6 written anew and finding the same, 9 with a change, 6 not "
                              "taken; 20 rules in the pack\n"));
}

TEST(Import, names_are_made_to_fit_and_stay_apart) {
  const auto odd = import_gitleaks(R"(
[[rules]]
id = "Ünï Code!"
regex = "aaaa1"
[[rules]]
id = "n-code"
regex = "aaaa2"
[[rules]]
id = "N Code"
regex = "aaaa3"
[[rules]]
id = "!"
regex = "aaaa4"
[[rules]]
id = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
regex = "aaaa5"
)",
                                   "odd.toml", "odd");
  ASSERT_TRUE(odd) << to_error(odd.error()).detail;
  std::vector<std::string> names;
  for (const RuleReport& report : odd->reports) names.insert(names.end(), report.names.begin(), report.names.end());
  EXPECT_THAT(names, ElementsAre("n-code", "n-code-2", "n-code-3", "rule", std::string(63, 'x')));
}

TEST(Import, descriptions_of_any_text_survive) {
  const auto odd = import_gitleaks(
      "[[rules]]\nid = \"a\"\nregex = \"aaaa1\"\ndescription = \"it's \\\"x\\\": # é\\n\\t{y}\"\n", "a.toml", "a");
  ASSERT_TRUE(odd) << to_error(odd.error()).detail;
  const auto read = parse_pack(odd->pack, "a", "a.yaml");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->rules.front().about, "it's \"x\": # é\n\t{y}");
}

TEST(Import, a_file_without_a_rule_to_take_is_refused) {
  const auto none = import_gitleaks("[extend]\nuseDefault = true\n", "n.toml", "n");
  ASSERT_FALSE(none);
  EXPECT_EQ(to_error(none.error()).detail,
            "n.toml: no rule of it can be taken; it extends gitleaks' own rules (useDefault), which are not in this "
            "file: import those too");
}

}  // namespace
}  // namespace sluice::rules::import
