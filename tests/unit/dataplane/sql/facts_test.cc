#include "dataplane/sql/facts.h"

#include <gtest/gtest.h>

#include <string>

#include "dataplane/sql/grammar.h"
#include "dataplane/sql/shape.h"
#include "tests/unit/dataplane/sql/facts_text.h"
#include "tests/unit/dataplane/sql/statements.h"

namespace sluice::sql {
namespace {

std::string skeleton_of(std::string_view statement) {
  Shaper shaper({.high = {1, 2}, .low = {3, 4}});
  Shape shape;
  EXPECT_EQ(shaper.shape(as_bytes(statement), {}, shape), ErrorCode::ok);
  return std::string(shape.skeleton);
}

// As the data plane has them: of the skeleton.
std::string facts_of(std::string_view statement) {
  return test::text_of(read_facts(skeleton_of(statement)));
}

struct Case {
  const char* statement;
  const char* facts;
};

void expect_all(std::span<const Case> cases) {
  for (const Case& one : cases) EXPECT_EQ(facts_of(one.statement), one.facts) << one.statement;
}

TEST(SqlFacts, QueriesAndChanges) {
  constexpr Case kCases[] = {
      {"", ""},
      {"SELECT 1", "select"},
      {"SELECT a.b, c FROM s.t AS a, \"Q\".\"T\"\"x\" WHERE a.id = 5 LIMIT 10",
       "select limit | reads s.t, Q.T\"x | columns a.b, c, a.id"},
      {"SELECT 1 LIMIT ALL", "select"},
      {"SELECT a FROM t x FOR UPDATE OF x", "select locks_rows | reads t | columns a"},
      {"SELECT x FROM a UNION SELECT y FROM b ORDER BY z LIMIT 1", "select limit | reads a, b | columns x, y, z"},
      {"SELECT (SELECT max(v) FROM b LIMIT 1) FROM (SELECT * FROM c) q",
       "select | reads c, b | columns *, v | functions max"},
      {"VALUES (1, f(2)), (3, f(4))", "select | functions f"},
      {"INSERT INTO t (a) VALUES (1) ON CONFLICT (b) DO UPDATE SET c = 1", "insert | writes t | columns a, b, c"},
      {"INSERT INTO t SELECT x FROM u LIMIT 5", "insert | reads u | writes t | columns x"},
      {"UPDATE s.t SET a = 1 FROM u WHERE t.id = u.id", "update | reads u | writes s.t | columns a, t.id, u.id"},
      {"DELETE FROM t USING u WHERE t.a = u.a", "delete | reads u | writes t | columns t.a, u.a"},
      {"MERGE INTO t USING s ON t.i = s.i WHEN MATCHED THEN UPDATE SET a = s.a WHEN NOT MATCHED THEN INSERT (b) VALUES "
       "(1)",
       "merge | reads s | writes t | columns t.i, s.i, a, s.a, b"},
      {"SELECT a INTO n FROM t", "create table | writes n\n>select | reads t | columns a"},
  };
  expect_all(kCases);
}

TEST(SqlFacts, AWhereThatAsksNothingOfARowIsNone) {
  for (const char* none :
       {"", "WHERE true", "WHERE 1 = 1", "WHERE 1=2", "WHERE $1", "WHERE 'a' = 'a'", "WHERE id = id",
        "WHERE t.id >= t.id", "WHERE id = 5 OR true", "WHERE (a = 1 AND b = 2) OR (1 = 1)",
        "WHERE NOT (a = 1 AND false)", "WHERE now() > '2000-01-01'", "WHERE 1 = 1 AND 2 = 2", "WHERE NOT false",
        "WHERE EXISTS (SELECT 1)", "WHERE 1 IN (1, 2)", "WHERE /* id = 5 */ 1 = 1"}) {
    EXPECT_TRUE(facts_of(std::string("DELETE FROM t ") + none).starts_with("delete without_where")) << none;
    EXPECT_TRUE(facts_of(std::string("UPDATE t SET a = 1 ") + none).starts_with("update without_where")) << none;
  }
  for (const char* some :
       {"WHERE id = 5", "WHERE id = $1 AND true", "WHERE 1 = 1 AND id = 5", "WHERE NOT (a = 1 OR false)",
        "WHERE id IN (SELECT id FROM u)", "WHERE CURRENT OF c", "WHERE a = b", "WHERE active"})
    EXPECT_TRUE(facts_of(std::string("DELETE FROM t ") + some).starts_with("delete |")) << some;
}

TEST(SqlFacts, StatementsInsideOthersAreFound) {
  constexpr Case kCases[] = {
      {"WITH d AS (DELETE FROM t RETURNING *), e AS (SELECT * FROM d) INSERT INTO log SELECT * FROM e",
       "insert | writes log | columns *\n>delete without_where | writes t | columns *"},
      {"WITH a AS (WITH b AS (UPDATE t SET x = 1 WHERE true RETURNING x) SELECT * FROM b) SELECT * FROM a",
       "select | columns *\n>update without_where | writes t | columns x"},
      {"EXPLAIN SELECT a FROM t", "explain\n>select only_explained | reads t | columns a"},
      {"EXPLAIN DELETE FROM t", "explain\n>delete without_where only_explained | writes t"},
      {"EXPLAIN (ANALYZE, BUFFERS) DELETE FROM t", "explain\n>delete without_where | writes t"},
      {"explain analyze update t set a = 1", "explain\n>update without_where | writes t | columns a"},
      {"PREPARE p AS DELETE FROM t", "prepare\n>delete without_where | writes t"},
      {"COPY (SELECT a FROM t) TO '/tmp/x'", "copy_to file\n>select | reads t | columns a"},
      {"COPY (DELETE FROM t RETURNING *) TO STDOUT", "copy_to client\n>delete without_where | writes t | columns *"},
      {"CREATE TABLE c AS SELECT * FROM t", "create table | writes c\n>select | reads t | columns *"},
      {"CREATE VIEW v AS SELECT a FROM t", "create view | writes v\n>select | reads t | columns a"},
      {"DECLARE c CURSOR FOR SELECT a FROM t", "declare\n>select | reads t | columns a"},
      {"CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; SELECT 1)",
       "create rule | writes t | objects r\n>delete without_where | writes a\n>select"},
      {"CREATE FUNCTION g() RETURNS int BEGIN ATOMIC DELETE FROM t; SELECT 2; END",
       "create function | objects g\n>delete without_where | writes t\n>select"},
      {"SELECT 1; DROP TABLE users; --", "select\ndrop table | writes users"},
      {"DO $$ BEGIN DELETE FROM t; END $$", "do opaque"},
      {"CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'DELETE FROM t'", "create function opaque | objects s.f"},
  };
  expect_all(kCases);
}

TEST(SqlFacts, NamesOfWithAreNoTables) {
  constexpr Case kCases[] = {
      {"WITH q AS (SELECT * FROM q) SELECT * FROM q", "select | reads q | columns *"},  // inside, q is not known yet
      {"WITH RECURSIVE q AS (SELECT 1 UNION SELECT * FROM q) SELECT * FROM q", "select | columns *"},
      {"WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b, public.b", "select | reads public.b | columns *"},
      {"SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) x, a", "select | reads a | columns *"},
      {"WITH t AS (SELECT 1) DELETE FROM t WHERE a = 1", "delete | writes t | columns a"},
      {"WITH a AS (SELECT 1) SELECT 1 WHERE EXISTS (SELECT * FROM a)", "select | columns *"},
  };
  expect_all(kCases);
}

TEST(SqlFacts, DefinitionsAndRights) {
  constexpr Case kCases[] = {
      {"CREATE TABLE s.t (id int, r int REFERENCES o(id)) INHERITS (p)",
       "create table | reads p, o | writes s.t | columns id, r"},
      {"ALTER TABLE t ADD x int, DROP COLUMN y, DROP CONSTRAINT z",
       "alter table | writes t | columns x, y | objects z"},
      {"ALTER TABLE t RENAME a TO b", "alter column | writes t | columns a"},
      {"ALTER VIEW v RENAME TO w", "alter view | writes v"},
      {"ALTER TABLE t OWNER TO bob", "alter table | writes t"},
      {"ALTER ROLE bob SUPERUSER", "alter role | objects bob"},
      {"ALTER SYSTEM SET x = 1", "alter system | objects x"},
      {"DROP TABLE IF EXISTS a, s.b CASCADE", "drop table | writes a, s.b"},
      {"DROP VIEW s.v", "drop view | writes s.v"},
      {"DROP SCHEMA s CASCADE", "drop schema | objects s"},
      {"DROP DATABASE d", "drop database | objects d"},
      {"DROP FUNCTION s.f(int)", "drop function | objects s.f"},
      {"DROP TRIGGER x ON s.t", "drop trigger | writes s.t | objects t.x"},
      {"CREATE INDEX i ON s.t (a, lower(b)) WHERE c > 0",
       "create index | writes s.t | columns a, b, c | functions lower | objects i"},
      {"CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION s.f()",
       "create trigger | writes t | functions s.f | objects x"},
      {"CREATE POLICY p ON t USING (a IN (SELECT b FROM u))",
       "create policy | reads u | writes t | columns b, a | objects p"},
      {"CREATE EXTENSION dblink", "create extension | objects dblink"},
      {"CREATE SEQUENCE s.q", "create sequence | objects s.q"},
      {"TRUNCATE a, s.b", "truncate table | writes a, s.b"},
      {"COMMENT ON COLUMN s.t.a IS 'x'", "comment column | writes s.t | columns t.a"},
      {"GRANT SELECT (a) ON s.t TO bob", "grant table | writes s.t | columns a"},
      {"REVOKE ALL ON SCHEMA s FROM PUBLIC", "revoke schema | objects s"},
      {"REVOKE ALL ON ALL TABLES IN SCHEMA s FROM PUBLIC", "revoke table | objects s"},
      {"GRANT admin TO bob", "grant role | objects admin"},
      {"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO bob", "grant table"},
  };
  expect_all(kCases);
}

TEST(SqlFacts, TheRest) {
  constexpr Case kCases[] = {
      {"COPY t (a) FROM STDIN", "copy_from client | writes t | columns a"},
      {"COPY t FROM PROGRAM 'curl x'", "copy_from program | writes t"},
      {"COPY t TO '/tmp/x'", "copy_to file | reads t"},
      {"CALL s.p(1)", "call | functions s.p"},
      {"SET search_path TO x", "set | objects search_path"},
      {"RESET ALL", "set"},
      {"SHOW work_mem", "show | objects work_mem"},
      {"EXECUTE p(1)", "execute"},
      {"DEALLOCATE p", "deallocate"},
      {"BEGIN", "transaction"},
      {"ROLLBACK TO x", "transaction"},
      {"LISTEN ch", "listen | objects ch"},
      {"NOTIFY ch, 'x'", "notify | objects ch"},
      {"VACUUM t (a)", "vacuum | reads t | columns a"},
      {"ANALYZE t", "analyze | reads t"},
      {"LOCK TABLE s.t", "lock table | reads s.t"},
      {"FETCH 5 FROM c", "fetch"},
      {"CLOSE c", "close"},
      {"DISCARD ALL", "discard"},
      {"LOAD 'x'", "load"},
      {"REINDEX TABLE t", "maintain | reads t"},
      {"CHECKPOINT", "maintain system"},
  };
  expect_all(kCases);
}

TEST(SqlFacts, DressIsNoDisguise) {
  constexpr const char* kPlain = "delete without_where | writes secret.users";
  EXPECT_EQ(facts_of("DELETE FROM secret.users"), kPlain);
  EXPECT_EQ(facts_of("dElEtE/**/fRoM/* x */SECRET . Users--"), kPlain);
  EXPECT_EQ(facts_of("DELETE FROM \"secret\".\"users\" WHERE 'x'='x';"), kPlain);
  EXPECT_EQ(facts_of("DELETE FROM U&\"s\\0065cret\".U&\"us!0065rs\" UESCAPE '!'"), kPlain);
  EXPECT_EQ(facts_of("delete\f\r\n\tfrom only secret.users as u where/*/*nested*/*/true"), kPlain);
  EXPECT_EQ(facts_of("DELETE FROM \"Users\""), "delete without_where | writes Users");
  EXPECT_EQ(facts_of("SELECT \"pg_read_file\"($$/etc/passwd$$)"), "select | functions pg_read_file");
  EXPECT_EQ(facts_of("SELECT 'DROP TABLE x' AS \"DELETE FROM t\""), "select");
}

// What is said of a skeleton is said of the statement: nothing in the facts depends on a literal.
TEST(SqlFacts, AStatementAndItsSkeletonHaveTheSameFacts) {
  for (const char* statement : test::kStatements) {
    const Facts whole = read_facts(statement);
    if (whole.mistake() != nullptr) continue;
    EXPECT_EQ(facts_of(statement), test::text_of(whole)) << statement;
  }
}

// The server goes on with a string behind a comment; libpg-query, given the statement itself, would not.
TEST(SqlFacts, StringsAreTheServersNotTheLibrarys) {
  EXPECT_EQ(facts_of("SELECT a FROM t WHERE b = 'one' -- c\n 'two'"), "select | reads t | columns a, b");
}

TEST(SqlFacts, AMistakeIsToldWithItsPlace) {
  const Facts facts = read_facts("select \"\xc3\xa4\", 1 frmo t x");
  ASSERT_NE(facts.mistake(), nullptr);
  EXPECT_EQ(facts.mistake()->text, "syntax error at or near \"t\"");
  EXPECT_EQ(facts.mistake()->position, 20U);
  EXPECT_TRUE(facts.statements().empty());
  EXPECT_EQ(test::text_of(read_facts("select \"\xff\"")).substr(0, 7), "mistake");
}

TEST(SqlFacts, BoundsAreTold) {
  const FactsBounds bounds{.statements = 2, .uses = 2, .name_bytes = 10, .depth = 100};
  EXPECT_FALSE(read_facts("select a, b; select 1", bounds).incomplete());
  const Facts statements = read_facts("select 1; select 2; drop table a", bounds);
  EXPECT_TRUE(statements.incomplete());
  EXPECT_EQ(statements.statements().size(), 2U);
  EXPECT_TRUE(read_facts("select a, b, c", bounds).incomplete());
  EXPECT_TRUE(read_facts("select abcdefgh, ijklmnop", bounds).incomplete());
  std::string deep = "1";
  for (int i = 0; i < 60; ++i) deep += "+a";
  EXPECT_TRUE(read_facts("select " + deep, bounds).incomplete());
  EXPECT_TRUE(read_facts("select 1; select 2").several());
  EXPECT_FALSE(read_facts("with a as (delete from t) select 1").several());
}

}  // namespace
}  // namespace sluice::sql
