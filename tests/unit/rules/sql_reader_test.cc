// The map `sql` of a rule, from YAML to the condition and in words when it is wrong.
#include "rules/sql_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/bounds.h"
#include "rules/yaml_tree.h"

namespace sluice::rules {
namespace {

struct Read {
  SqlCondition condition;
  Problems problems;
};

Read read(const std::string& yaml) {
  const auto root = parse_yaml(yaml, "p.yaml");
  if (!root) return {{}, root.error()};
  Report report("p.yaml");
  Read result;
  result.condition = read_sql(*root, report);
  result.problems = report.take();
  return result;
}

TEST(SqlReader, ReadsWhatIsWritten) {
  const auto [condition, problems] = read(
      "{kinds: [update, delete, copy_to], tables: [users, 'hr.*'], columns: ssn, functions: [pg_catalog.pg_read_file],"
      " copy: program, where: absent, code: opaque, statements: several}");
  EXPECT_TRUE(problems.empty());
  EXPECT_THAT(condition.kinds, testing::ElementsAre(sql::Kind::update, sql::Kind::delete_, sql::Kind::copy_to));
  ASSERT_EQ(condition.tables.size(), 2U);
  EXPECT_EQ(condition.tables[0].qualifier, "");
  EXPECT_EQ(condition.tables[0].name, "users");
  EXPECT_EQ(condition.tables[1].qualifier, "hr");
  EXPECT_EQ(condition.tables[1].name, "*");
  EXPECT_EQ(condition.columns.at(0).name, "ssn");
  EXPECT_EQ(condition.functions.at(0).qualifier, "pg_catalog");
  EXPECT_EQ(condition.copy, sql::CopyEnd::program);
  EXPECT_TRUE(condition.where_absent);
  EXPECT_TRUE(condition.opaque);
  EXPECT_TRUE(condition.several);
}

TEST(SqlReader, EveryKindHasItsWord) {
  for (std::size_t i = 0; i < sql::kind_words().size(); ++i) {
    const auto [condition, problems] = read("{kinds: " + std::string(sql::kind_words()[i]) + "}");
    EXPECT_TRUE(problems.empty());
    ASSERT_EQ(condition.kinds.size(), 1U);
    EXPECT_EQ(sql::word_of(condition.kinds[0]), sql::kind_words()[i]);
  }
}

TEST(SqlReader, SaysWhatIsWrong) {
  for (const char* wrong : {"{}", "{kinds: [delet]}", "{kinds: []}", "{tables: ['\"Users\"']}", "{tables: [a.b.c]}",
                            "{tables: ['.a']}", "{tables: ['a.']}", "{columns: [t.a]}", "{where: present}",
                            "{code: read}", "{statements: one}", "{copy: socket}", "{table: users}",
                            "{kinds: [select], where: absent}", "{kinds: [select], copy: program}", "users"})
    EXPECT_EQ(read(wrong).problems.size(), 1U) << wrong;
  std::string many = "{tables: [a";
  for (std::size_t i = 0; i < kMaxSqlNames; ++i) many += ", a";
  EXPECT_EQ(read(many + "]}").problems.size(), 1U);
}

}  // namespace
}  // namespace sluice::rules
