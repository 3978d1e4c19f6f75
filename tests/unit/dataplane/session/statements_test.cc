// Who waits for facts: woken when they come, and gone when it goes.
#include "dataplane/session/statements.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "tests/support/wait.h"

namespace sluice::session {
namespace {

// Only their addresses count.
Session* session(std::uintptr_t number) {
  return reinterpret_cast<Session*>(number * 64);  // NOLINT(performance-no-int-to-ptr)
}

class StatementsTest : public testing::Test {
 protected:
  sql::Shape shape(std::string_view statement) {
    sql::Shape shape;
    EXPECT_EQ(statements_.shape(as_bytes(statement), {}, shape), ErrorCode::ok);
    return shape;
  }
  ErrorCode ask(std::string_view statement, FactsWait& wait, std::uintptr_t number, std::uint64_t source = 1) {
    return statements_.ask(source, shape(statement), wait, session(number));
  }
  std::vector<Session*> take_all() {
    std::vector<Session*> woken;
    EXPECT_TRUE(test::eventually([&] {
      statements_.take([&](Session& one) { woken.push_back(&one); });
      return !statements_.pending();
    }));
    return woken;
  }

  sql::ParserPool pool_{{.jobs = 2, .source_jobs = 1}};
  Statements statements_{{.parsers = &pool_}};
};

TEST_F(StatementsTest, WakesThoseThatWaitForTheShape) {
  FactsWait a;
  FactsWait b;
  EXPECT_EQ(ask("select 1 from t", a, 1), ErrorCode::ok);
  EXPECT_EQ(ask("SELECT 2 FROM t", b, 2), ErrorCode::ok);
  EXPECT_TRUE(statements_.pending());
  EXPECT_EQ(statements_.find(shape("select 3 from t").id), nullptr);
  EXPECT_EQ(take_all(), (std::vector{session(1), session(2)}));
  EXPECT_FALSE(a.is_waiting());
  ASSERT_NE(statements_.find(shape("select 3 from t").id), nullptr);
  EXPECT_EQ(statements_.find(shape("select 3 from u").id), nullptr);
}

TEST_F(StatementsTest, WhoLeavesIsNotWoken) {
  std::optional<FactsWait> gone(std::in_place);
  FactsWait stays;
  FactsWait leaves;
  EXPECT_EQ(ask("select a", *gone, 1), ErrorCode::ok);
  EXPECT_EQ(ask("select a", leaves, 2), ErrorCode::ok);
  EXPECT_EQ(ask("select a", stays, 3), ErrorCode::ok);
  gone.reset();
  leaves.leave();
  EXPECT_EQ(take_all(), std::vector{session(3)});
}

TEST_F(StatementsTest, WhoFindsNoRoomIsWokenToAskAgain) {
  FactsWait first;
  FactsWait second;
  FactsWait other;
  FactsWait third;
  EXPECT_EQ(ask("select a", first, 1), ErrorCode::ok);
  EXPECT_EQ(ask("select a, b", second, 2), ErrorCode::ok) << "its source has one under way, so it waits";
  EXPECT_EQ(ask("select a, b, c", other, 3, 2), ErrorCode::ok);
  EXPECT_EQ(ask("select a, b, c, d", third, 4, 3), ErrorCode::ok) << "all jobs are under way";
  EXPECT_EQ(pool_.under_way(0), 2U);
  const auto woken = take_all();
  EXPECT_EQ(std::set(woken.begin(), woken.end()), (std::set{session(1), session(2), session(3), session(4)}));
  EXPECT_EQ(statements_.find(shape("select a, b").id), nullptr);
  EXPECT_EQ(ask("select a, b", second, 2), ErrorCode::ok);
  EXPECT_EQ(take_all(), std::vector{session(2)});
}

TEST(Statements, WithoutHelpersNothingIsKnown) {
  Statements statements;
  sql::Shape shape;
  EXPECT_EQ(statements.shape(as_bytes("select 1"), {}, shape), ErrorCode::sql_helpers_busy);
  EXPECT_EQ(statements.find(shape.id), nullptr);
  EXPECT_FALSE(statements.pending());
}

}  // namespace
}  // namespace sluice::session
