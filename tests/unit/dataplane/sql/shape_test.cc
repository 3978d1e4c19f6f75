#include "dataplane/sql/shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pg_query.h>

#include <string>
#include <vector>

#include "common/random.h"
#include "tests/unit/dataplane/sql/statements.h"

namespace sluice::sql {
namespace {

constexpr ShapeKeys kKeys{.high = {1, 2}, .low = {3, 4}};

std::string skeleton_of(std::string_view statement, LexerOptions options = {}) {
  Shaper shaper(kKeys);
  Shape shape;
  const ErrorCode code = shaper.shape(as_bytes(statement), options, shape);
  return code == ErrorCode::ok ? std::string(shape.skeleton) : std::string(error_name(code));
}

std::vector<std::string> literals_of(std::string_view statement) {
  Shaper shaper(kKeys);
  Shape shape;
  EXPECT_EQ(shaper.shape(as_bytes(statement), {}, shape), ErrorCode::ok);
  std::vector<std::string> literals;
  for (const Token& token : shape.literals) literals.emplace_back(statement.substr(token.begin, token.bytes()));
  return literals;
}

std::string fingerprint_of(const std::string& statement) {
  const PgQueryFingerprintResult result = pg_query_fingerprint(statement.c_str());
  std::string text =
      result.error == nullptr ? result.fingerprint_str : std::string("refused: ") + result.error->message;
  pg_query_free_fingerprint_result(result);
  return text;
}

// The statement with nothing changed but its literals: those of utility statements are part of a fingerprint.
std::string without_values(const std::string& statement) {
  Shaper shaper(kKeys);
  Shape shape;
  EXPECT_EQ(shaper.shape(as_bytes(statement), {}, shape), ErrorCode::ok);
  std::string text;
  std::size_t at = 0;
  for (const Token& token : shape.literals) {
    text += statement.substr(at, token.begin - at);
    text += token.kind == TokenKind::integer          ? "1"
            : token.kind == TokenKind::decimal        ? "1.0"
            : token.kind == TokenKind::bit_string     ? "B'0'"
            : token.kind == TokenKind::hex_string     ? "X'0'"
            : token.kind == TokenKind::unicode_string ? "U&''"
                                                      : "''";
    at = token.end;
  }
  return text + statement.substr(at);
}

TEST(SqlShape, LiteralsAndDressAreOut) {
  const std::string expected = "select a from t where b = 1 and c = '' and d = 1.0";
  EXPECT_EQ(skeleton_of("SELECT a FROM t WHERE b = 42 AND c = 'x' AND d = 1.5"), expected);
  EXPECT_EQ(skeleton_of("select/**/A\nfrom T where b=7 -- x\nand c=$$y$$ and d=1e5;"), expected);
  EXPECT_EQ(skeleton_of("select a from t where b = 1 and c = E'\\'' and d = 99999999999"), expected);
  EXPECT_EQ(skeleton_of("select a from t where b = 1 and c = U&'!0061' UESCAPE '!' and d = .1;;"), expected);
  EXPECT_EQ(skeleton_of("SELECT $7, N'x', B'1', X'F'"), "select $1, nchar '', B'0', X'0'");
}

TEST(SqlShape, WhatMakesMeaningStays) {
  EXPECT_NE(skeleton_of("select a from t"), skeleton_of("select \"A\" from t"));
  EXPECT_NE(skeleton_of("select a from t"), skeleton_of("select a, a from t"));
  EXPECT_NE(skeleton_of("select f(1)"), skeleton_of("select f(1, 2)"));
  EXPECT_NE(skeleton_of("select 1"), skeleton_of("select 1.0"));
  EXPECT_NE(skeleton_of("select 1"), skeleton_of("select '1'"));
  EXPECT_NE(skeleton_of("select a - -b"), skeleton_of("select a -b"));
  EXPECT_NE(skeleton_of("select n '1'"), skeleton_of("select n'1'"));
  EXPECT_NE(skeleton_of("select U&\"d!0061\" UESCAPE '!'"), skeleton_of("select U&\"d!0061\" UESCAPE '?'"));
  EXPECT_NE(skeleton_of("select x from t where x in (select a, a, b from t)"),
            skeleton_of("select x from t where x in (select a, b from t)"));
}

TEST(SqlShape, ListsAreAsLongAsTheirElementsDiffer) {
  const std::string in = skeleton_of("select a from t where b in (1)");
  EXPECT_EQ(skeleton_of("select a from t where b in (1, 2, 3)"), in);
  EXPECT_EQ(skeleton_of("select a from t where b in (1, -2, 'x', -3, 'y', 4)"),
            "select a from t where b in(1, - 1, '')");
  EXPECT_EQ(skeleton_of("select a from t where (b, c) in ((1, 2), (3, 4), (5, 6))"),
            "select a from t where(b, c) in((1, 1))");
  EXPECT_EQ(skeleton_of("select array[1, 2], array[[1, 2], [3, 4]]"), "select array[1], array[[1]]");
  EXPECT_EQ(skeleton_of("insert into t (a, a2) values (1, 'x'), (2, 'y'), (NULL, 'z'), (3, 'w') returning a"),
            "insert into t(a, a2) values(1, ''), (null, '') returning a");
  EXPECT_EQ(skeleton_of("values (1), (2) union values (1, 2), (3, 4)"), "values(1) union values(1, 1)");
  EXPECT_EQ(skeleton_of("select * from (values (1, f(2)), (3, f(4))) as v(x, y) where x in (values (1), (2))"),
            "select * from(values(1, f(1))) as v(x, y) where x in(values(1))");
  EXPECT_EQ(skeleton_of("select (values (1, 'a')(1, 'a'), (2, 'b'))"), "select(values(1, '') (1, ''), (1, ''))")
      << "no list goes on without a comma";
}

// A statement and its skeleton say the same, for all that is no literal; and a skeleton's skeleton is itself.
TEST(SqlShape, TheGrammarSaysTheSameOfASkeleton) {
  EXPECT_FALSE(fingerprint_of("select 1").starts_with("refused"));
  for (const std::string statement : test::kStatements) {
    const std::string skeleton = skeleton_of(statement);
    EXPECT_EQ(skeleton_of(skeleton), skeleton) << statement;
    const std::string expected = fingerprint_of(without_values(statement));
    if (expected.starts_with("refused")) continue;
    EXPECT_EQ(fingerprint_of(skeleton), expected) << statement << "\n" << skeleton;
  }
}

// Statements mixed at random: those that share a skeleton share what the grammar says of them.
TEST(SqlShape, TheGrammarSaysTheSameOfMixedStatements) {
  Random random(1);
  int taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string one = test::kStatements[random.below(std::size(test::kStatements))];
    const std::string other = test::kStatements[random.below(std::size(test::kStatements))];
    const std::size_t cut = one.find(' ', random.below(one.size() + 1));
    const std::size_t from = other.find(' ', random.below(other.size() + 1));
    if (cut == std::string::npos || from == std::string::npos) continue;
    one = one.substr(0, cut) + other.substr(from);
    const std::string skeleton = skeleton_of(one);
    if (skeleton.starts_with("sql_")) continue;
    const std::string fingerprint = fingerprint_of(without_values(one));
    if (fingerprint.starts_with("refused")) continue;
    ++taken;
    ASSERT_EQ(fingerprint_of(skeleton), fingerprint) << one << "\n" << skeleton;
    ASSERT_EQ(skeleton_of(skeleton), skeleton) << one;
  }
  EXPECT_GT(taken, 500);
}

TEST(SqlShape, LiteralsAreTold) {
  EXPECT_THAT(literals_of("insert into t values (1, 'x'), (-2.5, $$y$$), ($1, U&'z' UESCAPE '!')"),
              testing::ElementsAre("1", "'x'", "2.5", "$$y$$", "U&'z'"));
  Shaper shaper(kKeys, {.literals = 2});
  Shape shape;
  EXPECT_EQ(shaper.shape(as_bytes("select 1, 2"), {}, shape), ErrorCode::ok);
  EXPECT_FALSE(shape.more_literals);
  EXPECT_EQ(shaper.shape(as_bytes("select 1, 2, 3"), {}, shape), ErrorCode::ok);
  EXPECT_TRUE(shape.more_literals);
  EXPECT_EQ(shape.literals.size(), 2U);
}

TEST(SqlShape, ASkeletonIsBoundedAndAListNeedsNoRoom) {
  Shaper shaper(kKeys, {.skeleton_bytes = 64});
  Shape shape;
  std::string list = "insert into t values (1, 'x')";
  for (int i = 0; i < 10'000; ++i) list += ", (2, 'y')";
  EXPECT_EQ(shaper.shape(as_bytes(list), {}, shape), ErrorCode::ok);
  EXPECT_EQ(shape.skeleton, "insert into t values(1, '')");
  const std::string wide(100, 'x');
  EXPECT_EQ(shaper.shape(as_bytes("select " + wide), {}, shape), ErrorCode::sql_too_long);
  EXPECT_EQ(shaper.shape(as_bytes("select 'open"), {}, shape), ErrorCode::sql_unterminated);
  EXPECT_EQ(shape.refused_at, 7U);
}

TEST(SqlShape, DeepBracketsEnd) {
  for (const std::string_view part : {"(", "array[", "values (", "in (", "in (1,", ")", "values (1),"}) {
    std::string text;
    for (int i = 0; i < 3000; ++i) text += part;
    EXPECT_FALSE(skeleton_of(text).empty());
  }
}

TEST(SqlShape, KeysMakeTheId) {
  Shaper one(kKeys);
  Shaper other({.high = {5, 6}, .low = {7, 8}});
  Shape a;
  Shape b;
  ASSERT_EQ(one.shape(as_bytes("select 1"), {}, a), ErrorCode::ok);
  ASSERT_EQ(other.shape(as_bytes("select 1"), {}, b), ErrorCode::ok);
  EXPECT_NE(a.id, b.id);
  ASSERT_EQ(other.shape(as_bytes("SELECT 2;"), {}, a), ErrorCode::ok);
  EXPECT_EQ(a.id, b.id);
  EXPECT_NE(a.id.high, a.id.low);
}

TEST(SqlShape, APlaceInASkeletonIsFoundInTheStatement) {
  const std::string_view statement = "SELECT 'a long literal' /* and more */ , b FROM 12345 t";
  Shaper shaper(kKeys);
  Shape shape;
  ASSERT_EQ(shaper.shape(as_bytes(statement), {}, shape), ErrorCode::ok);
  const auto position = static_cast<std::uint32_t>(shape.skeleton.find("from"));
  EXPECT_EQ(shaper.place_of(position, as_bytes(statement), {}), statement.find("FROM"));
}

}  // namespace
}  // namespace sluice::sql
