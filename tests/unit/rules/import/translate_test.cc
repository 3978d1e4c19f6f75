// What becomes of a regular expression, and what is told about it.
#include "rules/import/translate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::rules::import {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Result {
  std::vector<std::string> expressions;  // with what stands beside them: "i" for ignore_case, "g" for a group
  std::vector<std::string> same;
  std::vector<std::string> other;
  std::string refused;
};

Result run(std::string_view text, const Wanted& wanted = {}) {
  Result out;
  const auto regex = parse_regex(text);
  EXPECT_TRUE(regex) << text;
  if (!regex) return out;
  Notes notes;
  const auto all = translate(*regex, wanted, notes);
  if (!all) out.refused = all.error();
  if (all)
    for (const Expressed& one : *all) {
      const std::string beside = std::string(one.caseless ? "i" : "") + (one.grouped ? "g" : "");
      out.expressions.push_back(beside + (beside.empty() ? "" : " ") + one.expression);
    }
  for (const Note& note : notes.all()) (note.other_matches ? out.other : out.same).push_back(note.text);
  return out;
}

TEST(Translate, what_our_language_has_stays_as_it_is) {
  for (const std::string same :
       {"AKIA[A-Z0-9]{16}", R"(\bsha256~[\w-]{43}\b)", R"(x-(?:a|b)\d?\s)", "[[:alnum:]]{14}"}) {
    const Result result = run(same);
    EXPECT_THAT(result.expressions, ElementsAre(same));
    EXPECT_THAT(result.other, IsEmpty());
    EXPECT_THAT(result.same, IsEmpty());
  }
  EXPECT_THAT(run("(?i)tok_[a-z0-9]{8}").expressions, ElementsAre("i tok_[a-z0-9]{8}"));
}

TEST(Translate, case_in_the_middle_is_spelled_out) {
  const Result result = run(R"(\b(LTAI(?i)[a-z0-9]{20})\b)");
  EXPECT_THAT(result.expressions, ElementsAre(R"(g \b(LTAI[0-9A-Za-z]{20})\b)"));
  EXPECT_THAT(result.other, IsEmpty());
}

TEST(Translate, the_end_of_the_text_is_the_end_of_the_content) {
  EXPECT_THAT(run(R"(\b(pul-[a-f0-9]{4})(?:[\x60'"\s;]|\\[nr]|$))").expressions,
              ElementsAre(R"(g \b(pul-[a-f0-9]{4})(?:[\x60'"\s;]|\\[nr]|$))"));
  EXPECT_THAT(run(R"(abc(?:[^\w-]|\z))").expressions, ElementsAre(R"(abc(?:[^\w-]|$))"));
  EXPECT_THAT(run("(?m)abc$").expressions, ElementsAre(R"(abc(?:\n|$))"));
  EXPECT_THAT(run("a$b|cd").expressions, ElementsAre("cd"));  // Go, too, finds nothing behind an end
}

TEST(Translate, the_beginning_of_the_text_is_left_out_and_told) {
  const Result either = run("(?:^|[=>])(abc)");
  EXPECT_THAT(either.expressions, ElementsAre("g [=>](abc)"));
  EXPECT_THAT(either.other, ElementsAre(HasSubstr("very beginning")));
  EXPECT_THAT(run("^abc").refused, HasSubstr("only at the beginning"));
  const Result lines = run("(?m)^abc");
  EXPECT_THAT(lines.expressions, ElementsAre(R"(\nabc)"));
  EXPECT_THAT(lines.other, ElementsAre(HasSubstr("first line")));
}

TEST(Translate, a_lazy_lead_before_a_secret_is_dropped) {
  const Result result = run(R"((?i)[\w.-]{0,50}?(?:acme)[ \t\w.-]{0,20}=([a-z0-9]{8}))");
  EXPECT_THAT(result.expressions, ElementsAre(R"(ig acme[ \t\w.-]{0,20}=([a-z0-9]{8}))"));
  EXPECT_THAT(result.same, ElementsAre(HasSubstr("before the first word")));
  EXPECT_THAT(result.other, IsEmpty());
  // Twice, and one in a group of its own.
  EXPECT_THAT(run(R"([\w.-]{0,50}?(?i:[\w.-]{0,50}?(?:Acme))=(x{8}))").expressions,
              ElementsAre("g [Aa][Cc][Mm][Ee]=(x{8})"));
  // Without a group it belongs to what is hidden, and greedy ones choose another word.
  EXPECT_THAT(run(R"([a-c]{0,5}?d)").expressions, ElementsAre("[a-c]{0,5}d"));
  EXPECT_THAT(run(R"([a-c]{0,5}(d))").expressions, ElementsAre("g [a-c]{0,5}(d)"));
  EXPECT_THAT(run(R"([a-c]{0,5}?(d))", {0, true}).expressions, ElementsAre("g [a-c]{0,5}(d)"));
}

// `==` before forty bytes: the other scanner's greedy `[ =]{0,5}` takes it, and for us it is of the secret.
TEST(Translate, a_secret_that_could_begin_earlier_is_told) {
  EXPECT_THAT(run("key[ =]{0,5}([a-z=]{40,46})").other, ElementsAre(HasSubstr("as early as it can")));
  EXPECT_THAT(run("key(?:=|:=|:)([a-z=]{40,46})").other, ElementsAre(HasSubstr("as early as it can")));
  EXPECT_THAT(run("key[ =]{0,5}:([a-z=]{40,46})").other, IsEmpty());
  EXPECT_THAT(run("key[ =]{0,5}([a-z]{40,46})").other, IsEmpty());
  EXPECT_THAT(run("key[ =]{0,5}([a-z=]{40})").other, IsEmpty());
  EXPECT_THAT(run("key[ =]{0,5}((?:squ_)?[a-z=]{40})").other, IsEmpty());
}

TEST(Translate, other_lazy_repetitions_are_told_where_they_make_a_difference) {
  EXPECT_THAT(run("a[b-d]{1,5}?e(x)").other, IsEmpty());
  EXPECT_THAT(run("a[b-e]{1,5}?e(x)").other, ElementsAre(HasSubstr("lazy")));
  EXPECT_THAT(run("a[b-d]{1,5}?").other, ElementsAre(HasSubstr("lazy")));
}

TEST(Translate, the_first_group_is_the_secret_or_the_one_that_is_named) {
  EXPECT_THAT(run("a(b)(c)").expressions, ElementsAre("g a(b)c"));
  EXPECT_THAT(run("a(b(c))d").expressions, ElementsAre("g a(bc)d"));
  EXPECT_THAT(run("a(b)(c)", {2, false}).expressions, ElementsAre("g ab(c)"));
  EXPECT_THAT(run("a(?P<secret>b)c").expressions, ElementsAre("g a(b)c"));
}

TEST(Translate, alternatives_with_groups_of_their_own_become_rules_of_their_own) {
  const Result result = run(R"re(x(?:"(a+?)"|'(b)'|c)y)re");
  EXPECT_THAT(result.expressions, ElementsAre(R"re(g x"(a{1,4000})"y)re", "g x'(b)'y", "xcy"));
  EXPECT_THAT(result.same, ElementsAre(HasSubstr("several rules")));
  EXPECT_THAT(run("x(y)?z").expressions, ElementsAre("g x(y)z", "xz"));
}

TEST(Translate, a_group_that_repeats_is_no_secret) {
  const Result result = run("a(b-){3}c");
  EXPECT_THAT(result.expressions, ElementsAre("a(?:b-){3}c"));
  EXPECT_THAT(result.other, ElementsAre(HasSubstr("repeats is no secret")));
}

TEST(Translate, what_has_no_bound_gets_one_and_it_is_told_what_that_means) {
  const Result tail = run("xapp-[a-z]+");
  EXPECT_THAT(tail.expressions, ElementsAre("xapp-[a-z]{1,4000}"));
  EXPECT_THAT(tail.other, ElementsAre(HasSubstr("of more, only so much is found")));
  const Result inside = run(R"("(x[a-z]{20,})(?:"|$))");
  EXPECT_THAT(inside.expressions, ElementsAre(R"(g "(x[a-z]{20,4020})(?:"|$))"));
  EXPECT_THAT(inside.other, ElementsAre(HasSubstr("or else it is not found")));
  // Two share the width of a match.
  EXPECT_THAT(run(R"([a-z]+\.[a-z]+\.)").expressions, ElementsAre(R"([a-z]{1,2000}\.[a-z]{1,2000}\.)"));
}

TEST(Translate, repetitions_in_each_others_way_are_bounded_one_by_one) {
  const Result result = run(R"(curl.*-u[ ]+"[^"]{3,}".*;)");
  ASSERT_EQ(result.expressions.size(), 1U) << result.refused;
  EXPECT_THAT(result.other, ElementsAre(HasSubstr("without a bound")));
}

TEST(Translate, what_can_not_be_said_is_refused) {
  EXPECT_THAT(run("a{5000}").refused, HasSubstr("repeats more than 4096"));
  EXPECT_THAT(run("(?:ab)*").refused, HasSubstr("empty"));
  EXPECT_THAT(run("(?:a{100}){100}").refused, HasSubstr("wide"));
}

}  // namespace
}  // namespace sluice::rules::import
