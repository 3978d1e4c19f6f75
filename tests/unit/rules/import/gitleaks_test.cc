// The reader of gitleaks' files: what it takes from them, and that what is wrong is told with its place.
#include "rules/import/gitleaks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::rules::import {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SourceFile read(std::string_view toml) {
  auto file = read_gitleaks(toml, "f.toml");
  EXPECT_TRUE(file) << (file ? "" : to_error(file.error()).detail);
  return file ? *std::move(file) : SourceFile();
}
std::string problems(std::string_view toml) {
  const auto file = read_gitleaks(toml, "f.toml");
  return file ? "" : to_error(file.error()).detail;
}

TEST(Gitleaks, reads_rules_and_allow_lists) {
  const SourceFile file = read(R"(title = "x"
minVersion = "v8.25.0"
[[rules]]
id = "acme"
description = "d"
regex = '''(?i)acme=([a-z]{8})'''
secretGroup = 1
entropy = 3
keywords = ["acme", "ACME"]
tags = ["t"]
[[rules.allowlists]]
condition = "AND"
regexTarget = "match"
regexes = ['''^a''', "b"]
stopwords = ["s"]
paths = ["p"]
[[allowlists]]
targetRules = ["acme"]
commits = ["c1", "c2"]
)");
  ASSERT_EQ(file.rules.size(), 1U);
  const SourceRule& rule = file.rules.front();
  EXPECT_EQ(rule.at.line, 3U);
  EXPECT_EQ(rule.id, "acme");
  EXPECT_EQ(rule.about, "d");
  EXPECT_EQ(rule.regex.text, "(?i)acme=([a-z]{8})");
  EXPECT_EQ(rule.regex.position_of(1), (Position{6, 12}));
  EXPECT_EQ(rule.secret_group, 1U);
  EXPECT_EQ(rule.entropy, 3);
  EXPECT_THAT(rule.keywords, ElementsAre("acme", "ACME"));
  ASSERT_EQ(rule.allow.size(), 1U);
  EXPECT_TRUE(rule.allow.front().all);
  EXPECT_EQ(rule.allow.front().target, SourceAllow::Target::match);
  EXPECT_EQ(rule.allow.front().regexes.size(), 2U);
  EXPECT_EQ(rule.allow.front().paths, 1U);
  ASSERT_EQ(file.allow.size(), 1U);
  EXPECT_THAT(file.allow.front().rules, ElementsAre("acme"));
  EXPECT_EQ(file.allow.front().commits, 2U);
  EXPECT_THAT(file.remarks, IsEmpty());
}

TEST(Gitleaks, reads_older_files_and_keys_in_either_case) {
  const SourceFile file = read(R"([allowlist]
regexes = ['''x''']
[[rules]]
ID = "a"
Regex = "y"
secretgroup = 2
[rules.allowlist]
StopWords = ["z"]
[[rules]]
id = "b"
path = '''\.p12$'''
skipReport = true
[[rules]]
id = "c"
regex = "c"
[[rules.required]]
id = "a"
)");
  ASSERT_EQ(file.rules.size(), 3U);
  EXPECT_EQ(file.rules[0].secret_group, 2U);
  EXPECT_EQ(file.rules[0].allow.size(), 1U);
  EXPECT_TRUE(file.rules[1].helper);
  EXPECT_TRUE(file.rules[2].needs_others);
  EXPECT_EQ(file.allow.size(), 1U);
}

TEST(Gitleaks, tells_what_it_leaves_out_of_the_file) {
  const SourceFile file = read(R"([extend]
useDefault = true
disabledRules = ["x"]
[[rules]]
id = "a"
regex = "y"
colour = "red"
[[allowlists]]
targetRules = ["not-here"]
stopwords = ["z"]
)");
  EXPECT_THAT(file.remarks, ElementsAre(HasSubstr("disabledRules"), HasSubstr("useDefault"), HasSubstr("\"colour\""),
                                        HasSubstr("\"not-here\"")));
}

TEST(Gitleaks, what_is_wrong_is_told_with_its_place) {
  struct Wrong {
    std::string_view toml;
    std::string_view message;
  };
  const Wrong all[] = {
      {"[[rules]\nid = 1", "f.toml:1:9: this is no TOML"},
      {"a = 1\nb = '''x", "f.toml:2:"},
      {"[[rules]]\nid = \"a\"\nregex = 5", "f.toml:3:9: regex is no text; regex = '...'"},
      {"rules = 5", "f.toml:1:9: rules is no list of tables; [[rules]]"},
      {"rules = [5]", "f.toml:1:10: rules is no table"},
      {"[[rules]]\nregex = \"a\"", "f.toml:1:1: a rule without an id"},
      {"[[rules]]\nid = \"a\"\nentropy = \"x\"", "f.toml:3:11: entropy is no number from 0 to 8"},
      {"[[rules]]\nid = \"a\"\nentropy = nan", "f.toml:3:11: entropy is no number from 0 to 8"},
      {"[[rules]]\nid = \"a\"\nsecretGroup = -1", "f.toml:3:15: secretGroup is not the number of a group"},
      {"[[rules]]\nid = \"a\"\nkeywords = [\"a\", 1]", "f.toml:3:18: keywords holds something other than texts"},
      {"[[rules]]\nid = \"a\"\nkeywords = \"a\"", "f.toml:3:12: keywords is no list"},
      {"[allowlist]\nregexs = [\"a\"]",
       "f.toml:2:10: unknown key \"regexs\" in an allowlist; did you mean \"regexes\"?"},
      {"[allowlist]\nregexTarget = \"file\"", "f.toml:2:15: regexTarget \"file\"; one of secret, match, line"},
      {"[[allowlists]]\ncondition = \"XOR\"", "f.toml:2:13: condition \"xor\"; one of AND, OR"},
      {"a = \"\xff\"", "f.toml:1:"},
      {"[=]", "f.toml:1:2: this is no TOML"},
      {"[", "f.toml:1:"},
      {"[a.", "f.toml:1:"},
      {"a = {", "f.toml:1:"},
  };
  for (const Wrong& wrong : all) EXPECT_THAT(problems(wrong.toml), HasSubstr(wrong.message)) << wrong.toml;
}

TEST(Gitleaks, every_problem_is_told_in_the_order_of_the_file) {
  EXPECT_EQ(problems("[[rules]]\nid = 1\nregex = 2\n[[rules]]\nid = 3\n"),
            "f.toml:1:1: a rule without an id; id = 'my-rule'\n"
            "f.toml:2:6: id is no text; id = '...'\n"
            "f.toml:3:9: regex is no text; regex = '...'\n"
            "f.toml:4:1: a rule without an id; id = 'my-rule'\n"
            "f.toml:5:6: id is no text; id = '...'");
}

TEST(Gitleaks, size_and_depth_are_bounded) {
  EXPECT_THAT(problems(std::string(kMaxTomlBytes + 1, ' ')), HasSubstr("larger than 4 MiB"));
  EXPECT_THAT(problems("a = " + std::string(100'000, '[')), HasSubstr("f.toml:1:"));
  EXPECT_THAT(problems("a = " + std::string(100'000, '{')), HasSubstr("f.toml:1:"));
}

// Whatever comes, there is an answer.
TEST(Gitleaks, torn_and_bent_files_have_an_answer) {
  const std::string whole = R"([[rules]]
id = "acme"
regex = '''(?i)acme=([a-z]{8})'''
keywords = ["acme", 'b', """c"""]
allowlists = [{regexes = ["a"], stopwords = ["\u00e9"]}]
[extend]
useDefault = true
[a.b.c]
d = 1979-05-27T07:32:00Z
)";
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    static_cast<void>(read_gitleaks(whole.substr(0, cut), "f.toml"));
    for (const char c : {'\0', '"', '\'', '[', '{', '\\', '\xff', '\n', '='}) {
      std::string bent = whole;
      bent[cut] = c;
      const auto file = read_gitleaks(bent, "f.toml");
      EXPECT_TRUE(file || !file.error().empty());
    }
  }
}

}  // namespace
}  // namespace sluice::rules::import
