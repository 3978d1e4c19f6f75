// What a rule asks of its matches: what is wrong with it is said in words, and where.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/rules/samples.h"

namespace sluice::rules {
namespace {

using ::testing::HasSubstr;

// Problems of one rule in a sound policy; it stands in line 3.
std::string problems(std::string_view match, std::string_view conditions) {
  return problems_of(
      "services: [{name: a, address: 10.0.0.1:80, protocol: http, mode: enforce}]\n"
      "rules:\n  - {name: r, where: request, action: mask, match: '" +
      std::string(match) + "',\n     " + std::string(conditions) + "}\n");
}

TEST(ConditionProblem, group) {
  EXPECT_THAT(
      problems("key=(a)", "group: 2"),
      HasSubstr("p.yaml:4:13: rule local/r: group: it has no group 2; put (...) around what the rule is about"));
  EXPECT_THAT(problems("key=(a)", "group: one"), HasSubstr("\"one\" is no number from 0 to 64"));
  EXPECT_THAT(problems("key=(?:a)", "group: 1"), HasSubstr("it has no group 1"));
  EXPECT_THAT(problems("key=(?:a|(b))", "group: 1"),
              HasSubstr("expression at character 10: group 1 stands in an alternative or a repetition; let it stand by "
                        "itself between what comes before and behind: a(b|c)d"));
  EXPECT_THAT(problems("a(b)|c", "group: 1"), HasSubstr("group 1 stands in an alternative"));
  EXPECT_THAT(problems("a(b){2}", "group: 1"), HasSubstr("group 1 stands in an alternative"));
  EXPECT_THAT(problems("a(b?)", "group: 1"), HasSubstr("group 1 may be empty; make something in it obligatory"));
  EXPECT_THAT(problems("a([a-z]{1,200})[a-z]{0,200}b", "group: 1"),
              HasSubstr("group 1 may end at 200 places and up to 201 bytes may follow each; shorten one of them: their "
                        "product may be 16384"));
}

TEST(ConditionProblem, entropy) {
  for (const char* text : {"0", "8.001", "'3,5'", "3.", ".5", "3.1415", "-1", "1e1", "high", "''"})
    EXPECT_THAT(problems("ab", "entropy: " + std::string(text)),
                HasSubstr("is no entropy; bits a byte, above 0 and up to 8, with at most three decimals: 3.5"))
        << text;
}

TEST(ConditionProblem, context) {
  EXPECT_THAT(problems("ab", "context: {within: 40}"), HasSubstr("a context has no \"words\"; add `words: [ssn]`"));
  EXPECT_THAT(problems("ab", "context: {words: []}"), HasSubstr("words is empty"));
  EXPECT_THAT(problems("ab", "context: {words: [ssn], within: 65}"), HasSubstr("\"65\" is no number from 1 to 64"));
  EXPECT_THAT(problems("ab", "context: {words: [ssn], side: after}"),
              HasSubstr("\"after\" is not known here; one of before, both"));
  EXPECT_THAT(problems("ab", "context: {words: [ssn, '#no']}"),
              HasSubstr("p.yaml:4:29: rule local/r: context words, item 2: it does not begin and end with a letter or "
                        "digit; whole words are looked for"));
  EXPECT_THAT(problems("ab", "context: {words: [social security], within: 10}"),
              HasSubstr("it does not fit within 10 bytes"));
  EXPECT_THAT(problems("ab", "context: {words: ['']}"), HasSubstr("context words, item 1: it is empty"));
}

TEST(ConditionProblem, allow) {
  EXPECT_THAT(problems("ab", "allow: {}"), HasSubstr("an allow-list of nothing"));
  EXPECT_THAT(problems("ab", "allow: [ab]"), HasSubstr("an allow-list is a list"));
  EXPECT_THAT(problems("ab", "allow: {value: [ab]}"), HasSubstr("did you mean \"values\"?"));
  EXPECT_THAT(problems("ab", "allow: {match: ['ab', 'x{1,']}"),
              HasSubstr("p.yaml:4:30: rule local/r: allow match, item 2: expression at character 2:"));
  EXPECT_THAT(problems("ab", "allow: {match: ['^ab$']}"), HasSubstr("allow match, item 1: expression at character 1:"));
  EXPECT_THAT(problems("ab", "allow: {values: ['']}"), HasSubstr("allow values, item 1: it is empty"));
  std::string many = "allow: {contain: [w0";
  for (int i = 1; i <= 4096; ++i) many += ", w" + std::to_string(i);
  EXPECT_THAT(problems("ab", many + "]}"), HasSubstr("allow contain: 4097 of them; at most 4096"));
  EXPECT_THAT(problems("ab", "allow: {values: [" + std::string(257, 'x') + "]}"), HasSubstr("longer than 256 bytes"));
}

}  // namespace
}  // namespace sluice::rules
