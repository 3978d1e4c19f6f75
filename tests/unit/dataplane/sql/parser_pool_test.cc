#include "dataplane/sql/parser_pool.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <map>
#include <string>
#include <thread>

#include "dataplane/sql/grammar.h"
#include "tests/unit/dataplane/sql/facts_text.h"
#include "tests/unit/dataplane/sql/statements.h"

namespace sluice::sql {
namespace {

Answer wait_for(ParserPool& pool, std::uint32_t worker) {
  Answer answer;
  while (!pool.poll(worker, answer)) std::this_thread::yield();
  return answer;
}

TEST(SqlParserPool, AnswersComeBackToWhoAsked) {
  ParserPool pool({.workers = 3, .helpers = 2});
  for (std::uint64_t worker = 0; worker < 3; ++worker)
    ASSERT_EQ(pool.post(static_cast<std::uint32_t>(worker), 1, {worker, 7}, "drop table t" + std::to_string(worker)),
              ErrorCode::ok);
  for (std::uint64_t worker = 0; worker < 3; ++worker) {
    const Answer answer = wait_for(pool, static_cast<std::uint32_t>(worker));
    EXPECT_EQ(answer.shape, (ShapeId{worker, 7}));
    EXPECT_EQ(test::text_of(*answer.facts), "drop table | writes t" + std::to_string(worker));
    EXPECT_EQ(pool.under_way(static_cast<std::uint32_t>(worker)), 0U);
  }
}

TEST(SqlParserPool, EverythingIsBounded) {
  ParserPool pool({.jobs = 4, .source_jobs = 2, .text_bytes = 16});
  EXPECT_EQ(pool.post(0, 1, {1, 1}, "select a, b from t where c"), ErrorCode::sql_too_long);
  EXPECT_EQ(pool.post(0, 1, {1, 1}, "select 1"), ErrorCode::ok);
  EXPECT_EQ(pool.post(0, 1, {1, 1}, "select 1"), ErrorCode::ok) << "on its way already";
  EXPECT_EQ(pool.under_way(0), 1U);
  EXPECT_EQ(pool.post(0, 1, {2, 2}, "select a"), ErrorCode::ok);
  EXPECT_EQ(pool.post(0, 1, {3, 3}, "select b"), ErrorCode::sql_source_busy);
  EXPECT_EQ(pool.post(0, 2, {3, 3}, "select b"), ErrorCode::ok) << "another source has room";
  EXPECT_EQ(pool.post(0, 2, {4, 4}, "select c"), ErrorCode::ok);
  EXPECT_EQ(pool.post(0, 3, {5, 5}, "select d"), ErrorCode::sql_helpers_busy);
  // What is not polled is under way.
  for (int i = 0; i < 4; ++i) wait_for(pool, 0);
  EXPECT_EQ(pool.post(0, 1, {5, 5}, "select d"), ErrorCode::ok);
  wait_for(pool, 0);
}

TEST(SqlParserPool, AMistakeIsAnAnswer) {
  ParserPool pool({});
  ASSERT_EQ(pool.post(0, 1, {1, 1}, "select select"), ErrorCode::ok);
  EXPECT_EQ(test::text_of(*wait_for(pool, 0).facts), "mistake: syntax error at or near \"select\"");
}

TEST(SqlParserPool, WhatIsRetiredIsFreed) {
  ParserPool pool({.retired = 4});
  std::vector<std::weak_ptr<const Facts>> watched;
  for (int i = 0; i < 10; ++i) {
    auto facts = std::make_shared<const Facts>();
    watched.push_back(facts);
    pool.retire(0, std::move(facts));
  }
  pool.retire(0, nullptr);
  // The helper frees before it serves.
  ASSERT_EQ(pool.post(0, 1, {1, 1}, "select 1"), ErrorCode::ok);
  wait_for(pool, 0);
  for (const auto& one : watched) EXPECT_TRUE(one.expired());
}

TEST(SqlParserPool, EndsWithWorkUnderWay) {
  for (int round = 0; round < 20; ++round) {
    ParserPool pool({.workers = 2, .helpers = 2, .source_jobs = 64});
    for (std::uint64_t i = 0; i < 40; ++i)
      ASSERT_EQ(pool.post(i % 2, 1, {i, i}, "select a from t where b = 1 order by c"), ErrorCode::ok);
  }
}

// The deepest that a skeleton can be, each way that the grammar nests: the helper's stack holds, and an answer comes.
TEST(SqlParserPool, NoNestingIsTooDeepForAHelper) {
  ParserPool pool({.text_bytes = 64 * 1024});
  struct Nest {
    std::string_view open;
    std::string_view close;
  };
  constexpr Nest kNests[] = {{"1 + ", ""},
                             {"- ", ""},
                             {"not ", ""},
                             {"(", ")"},
                             {"(select ", ")"},
                             {"f(", ")"},
                             {"case when 1 then ", " end"},
                             {"a[", "]"},
                             {"array[", "]"},
                             {"(values(", "))"},
                             {"1 :: int + ", ""},
                             {"select 1 union ", ""},
                             {"row(", ")"},
                             {"x || ", ""}};
  std::uint64_t number = 0;
  for (const Nest& nest : kNests) {
    for (const std::size_t most : {std::size_t{1900}, std::size_t{100'000}}) {
      std::string text = nest.open.starts_with("select") ? "" : "select ";
      const std::size_t times = std::min(most, (64 * 1024 - 32) / (nest.open.size() + nest.close.size()));
      for (std::size_t i = 0; i < times; ++i) text += nest.open;
      text += nest.open.starts_with("select") ? "select 1" : "1";
      for (std::size_t i = 0; i < times; ++i) text += nest.close;
      ++number;
      ASSERT_EQ(pool.post(0, 1, {number, 0}, text), ErrorCode::ok);
      const Answer answer = wait_for(pool, 0);
      EXPECT_EQ(answer.shape.high, number);
      EXPECT_TRUE(answer.facts->mistake() != nullptr || !answer.facts->statements().empty()) << nest.open;
    }
  }
}

// The grammar keeps memory for its thread; what a parse takes it gives back.
TEST(SqlParserPool, TheGrammarDoesNotGrow) {
  const auto read_all = [] {
    for (const char* statement : test::kStatements) static_cast<void>(read_facts(statement));
    for (const char* statement : test::kMalformed) static_cast<void>(read_facts(statement));
  };
  read_all();
  const std::size_t before = mallinfo2().uordblks;
  for (int round = 0; round < 50; ++round) read_all();
  const std::size_t after = mallinfo2().uordblks;
  EXPECT_LE(after, before + 4096) << "in " << 50 * std::size(test::kStatements) << " parses";
}

}  // namespace
}  // namespace sluice::sql
