#include "dataplane/sql/match.h"

#include <gtest/gtest.h>

#include "dataplane/sql/grammar.h"

namespace sluice::sql {
namespace {

using rules::SqlCondition;

SqlCondition some(Kind kind) {
  SqlCondition condition;
  condition.kinds = {kind};
  return condition;
}

SqlCondition table(std::string qualifier, std::string name) {
  SqlCondition condition;
  condition.tables = {{.qualifier = std::move(qualifier), .name = std::move(name)}};
  return condition;
}

Match asked(const SqlCondition& condition, const char* text, const FactsBounds& bounds = {}) {
  return matches(condition, read_facts(text, bounds));
}

TEST(SqlMatch, KindsAreAnyStatementsThatRuns) {
  EXPECT_EQ(asked(some(Kind::delete_), "delete from t where a = 1"), Match::yes);
  EXPECT_EQ(asked(some(Kind::delete_), "select 1; delete from t"), Match::yes);
  EXPECT_EQ(asked(some(Kind::delete_), "with d as (delete from t returning *) select * from d"), Match::yes);
  EXPECT_EQ(asked(some(Kind::delete_), "explain analyze delete from t"), Match::yes);
  EXPECT_EQ(asked(some(Kind::delete_), "explain delete from t"), Match::no);
  EXPECT_EQ(asked(some(Kind::delete_), "select 'delete from t'"), Match::no);
  EXPECT_EQ(asked({}, "select 1"), Match::yes) << "nothing asked, so all of any statement";
  EXPECT_EQ(asked({}, ""), Match::no);
}

TEST(SqlMatch, TablesWithAndWithoutASchema) {
  EXPECT_EQ(asked(table("", "users"), "select a from hr.users"), Match::yes);
  EXPECT_EQ(asked(table("", "users"), "update users set a = 1"), Match::yes);
  EXPECT_EQ(asked(table("hr", "users"), "select a from hr.users"), Match::yes);
  EXPECT_EQ(asked(table("hr", "users"), "select a from crm.users"), Match::no);
  EXPECT_EQ(asked(table("hr", "users"), "select a from users"), Match::yes) << "the search path may say hr";
  EXPECT_EQ(asked(table("h?", "us*"), "select a from hr.user_keys"), Match::yes);
  EXPECT_EQ(asked(table("", "users"), "select a from users2"), Match::no);
  EXPECT_EQ(asked(table("", "users"), "with users as (select 1) select * from users"), Match::no);
  EXPECT_EQ(asked(table("", "users"), "select users from t"), Match::no);
}

TEST(SqlMatch, ColumnsAndFunctions) {
  SqlCondition column;
  column.columns = {{.qualifier = "", .name = "ssn"}};
  EXPECT_EQ(asked(column, "select u.\"ssn\" from users u"), Match::yes);
  EXPECT_EQ(asked(column, "select u.* from users u"), Match::yes);
  EXPECT_EQ(asked(column, "select a from t where SSN = 'x'"), Match::yes);
  EXPECT_EQ(asked(column, "select count(*) from users"), Match::no);
  SqlCondition function;
  function.functions = {{.qualifier = "pg_catalog", .name = "pg_read_*"}};
  EXPECT_EQ(asked(function, "select PG_READ_FILE('x')"), Match::yes);
  EXPECT_EQ(asked(function, "select pg_catalog.pg_read_binary_file('x')"), Match::yes);
  EXPECT_EQ(asked(function, "select my.pg_read_file('x')"), Match::no);
}

TEST(SqlMatch, AllThatIsAskedIsAskedOfOneStatement) {
  SqlCondition condition = table("", "users");
  condition.kinds = {Kind::update, Kind::delete_};
  condition.where_absent = true;
  EXPECT_EQ(asked(condition, "delete from users where 1 = 1"), Match::yes);
  EXPECT_EQ(asked(condition, "delete from users where id = 1"), Match::no);
  EXPECT_EQ(asked(condition, "delete from other; select * from users"), Match::no);
  SqlCondition copy;
  copy.copy = CopyEnd::program;
  EXPECT_EQ(asked(copy, "copy t to program 'x'"), Match::yes);
  EXPECT_EQ(asked(copy, "copy t to 'x'"), Match::no);
  SqlCondition several = some(Kind::drop);
  several.several = true;
  EXPECT_EQ(asked(several, "select 1; drop table t"), Match::yes);
  EXPECT_EQ(asked(several, "drop table t"), Match::no);
}

TEST(SqlMatch, WhatIsNotAllKnownIsNotDenied) {
  EXPECT_EQ(asked(table("", "z"), "select a from x, y", {.uses = 2}), Match::unknown);
  EXPECT_EQ(asked(table("", "x"), "select 1 from x, y", {.uses = 2}), Match::yes);
  EXPECT_EQ(asked(some(Kind::drop), "drop drop"), Match::unknown);
}

TEST(SqlMatch, PatternsAreWholeNames) {
  EXPECT_TRUE(is_like("", ""));
  EXPECT_TRUE(is_like("*", ""));
  EXPECT_TRUE(is_like("a*c*e", "abcde"));
  EXPECT_TRUE(is_like("a*b", "aabab"));
  EXPECT_TRUE(is_like("?b*", "ab"));
  EXPECT_FALSE(is_like("a", "ab"));
  EXPECT_FALSE(is_like("a?", "a"));
  EXPECT_FALSE(is_like("*a", "ab"));
  EXPECT_FALSE(is_like("A", "a"));
}

}  // namespace
}  // namespace sluice::sql
