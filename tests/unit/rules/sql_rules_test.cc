// Rules that ask what statements mean: from YAML into a policy, into words, and into a bundle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/bundle.h"
#include "rules/compile.h"
#include "tests/unit/rules/samples.h"

namespace sluice::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fbs = schema::policy;

constexpr std::string_view kPolicy = R"(services:
  - {name: web, address: 10.0.0.1:80, protocol: http, mode: enforce, rules: [local/*]}
  - {name: shop, address: 10.0.0.1:5432, protocol: postgres, mode: enforce, rules: [local/*], unreadable_sql: pass}
rules:
  - {name: card, match: '4[0-9]{15}', where: [response], action: mask}
  - name: all
    about: Changes of every row
    sql: {kinds: [update, delete], tables: [hr.*, users], columns: ssn, functions: [f], where: absent, code: opaque, statements: several}
    action: deny
  - {name: out, sql: {copy: program}, score: 20}
)";

std::string problems_of_rule(const std::string& body) {
  return problems_of(
      "services: [{name: a, address: 10.0.0.1:80, protocol: postgres, mode: enforce}]\nrules:\n  - {name: r, " + body +
      "}\n");
}

TEST(SqlRules, AreReadWithoutAnExpressionOrAPlace) {
  const Policy policy = parse_or_die(kPolicy);
  ASSERT_EQ(policy.rules.size(), 3U);
  const Rule& all = policy.rules[1];
  ASSERT_TRUE(all.sql);
  EXPECT_TRUE(all.expression.empty());
  EXPECT_EQ(all.where, (std::array<bool, kPlaces>{}));
  EXPECT_FALSE(all.mask_record) << "there is nothing in it that could be hidden";
  EXPECT_EQ(all.action, Action::deny);
  EXPECT_EQ(policy.rules[2].action, Action::observe);
  EXPECT_EQ(policy.rules[2].score, 20U);
  EXPECT_EQ(policy.services[0].unreadable_sql, Unreadable::deny);
  EXPECT_EQ(policy.services[1].unreadable_sql, Unreadable::pass);
}

TEST(SqlRules, SayWhatIsWrong) {
  EXPECT_THAT(problems_of_rule("sql: {kinds: select}, match: 'a', action: deny"),
              HasSubstr("p.yaml:3:44: \"match\" beside sql, which asks what a statement means; remove it"));
  for (const char* key :
       {"where: request", "ignore_case: true", "validate: luhn", "group: 1", "entropy: 3", "context: {words: [a]}",
        "allow: {values: [a]}", "across: {by: principal}", "mask: {on: record}"})
    EXPECT_THAT(problems_of_rule("sql: {kinds: select}, action: deny, " + std::string(key)), HasSubstr("beside sql"))
        << key;
  EXPECT_THAT(problems_of_rule("sql: {kinds: select}, action: mask"),
              HasSubstr("sql finds nothing that could be hidden; action: deny, hold or observe"));
  EXPECT_THAT(problems_of_rule("sql: {kinds: select}"), HasSubstr("a rule has no \"action\""));
  EXPECT_THAT(problems_of_rule("sql: {kind: select}, action: deny"), HasSubstr("did you mean \"kinds\"?"));
  EXPECT_THAT(problems_of_rule("action: deny"), HasSubstr("a rule has no \"match\""));
  EXPECT_THAT(
      problems_of("services: [{name: a, address: 10.0.0.1:80, protocol: http, mode: enforce, unreadable_sql: pass}]"),
      HasSubstr("unreadable_sql on a service that speaks no SQL; remove it, or protocol: postgres"));
}

TEST(SqlRules, AreDescribed) {
  const std::string text = describe(parse_or_die(kPolicy));
  EXPECT_THAT(text,
              HasSubstr("local/all                deny, SQL of update or delete without WHERE, tables hr.* or users, "
                        "columns ssn, functions f, with code that is not read, one of several\n"));
  EXPECT_THAT(text,
              HasSubstr("local/out                observe, score 20, SQL of any kind, copied from or to a program\n"));
  EXPECT_THAT(text, HasSubstr("SQL            local/all, local/out; what can not be read: pass\n"));
  EXPECT_EQ(text.find("SQL   "), text.rfind("SQL   ")) << "of the HTTP service nothing is asked";
}

TEST(SqlRules, TravelInABundleOfTheirFormat) {
  const auto bytes = compile_policy(parse_or_die(kPolicy), this_platform(), 1, 0);
  ASSERT_TRUE(bytes);
  const fbs::Policy& out = *flatbuffers::GetRoot<fbs::Policy>(bytes->data());
  EXPECT_EQ(out.format(), kPolicyFormatWithSql);
  EXPECT_EQ(out.services()->Get(0)->sql_rules(), nullptr) << "no HTTP request is a statement";
  const fbs::Service& shop = *out.services()->Get(1);
  EXPECT_THAT(std::vector<unsigned>(shop.sql_rules()->begin(), shop.sql_rules()->end()), ElementsAre(1, 2));
  EXPECT_EQ(shop.unreadable_sql(), Unreadable::pass);
  const fbs::Sql& all = *out.rules()->Get(1)->sql();
  const auto texts = [](const auto* list) {
    std::vector<std::string> out_texts;
    for (const auto* text : *list) out_texts.push_back(text->str());
    return out_texts;
  };
  EXPECT_THAT(texts(all.kinds()), ElementsAre("update", "delete"));
  EXPECT_THAT(texts(all.tables()), ElementsAre("hr.*", "users"));
  EXPECT_THAT(texts(all.columns()), ElementsAre("ssn"));
  EXPECT_THAT(texts(all.functions()), ElementsAre("f"));
  EXPECT_EQ(all.copy(), fbs::SqlCopyEnd::none);
  EXPECT_TRUE(all.where_absent());
  EXPECT_TRUE(all.opaque());
  EXPECT_TRUE(all.several());
  EXPECT_EQ(out.rules()->Get(0)->sql(), nullptr);
  EXPECT_EQ(out.rules()->Get(2)->sql()->copy(), fbs::SqlCopyEnd::program);
  for (const auto* scan : *out.scans())
    for (const auto rule : *scan->rules()) EXPECT_EQ(rule, 0U) << "no scan looks for them";
}

}  // namespace
}  // namespace sluice::rules
