// What statements mean to rules: denied in either protocol however they are disguised and cut, waited for when nobody
// has read them, and refused or let pass when nobody can.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/postgres_peers.h"
#include "tests/support/wait.h"

namespace sluice::session {
namespace {

using namespace std::string_literals;

const std::size_t kCuts[] = {0, 1, 2, 3, 5, 7, 64};

std::string sql_policy(std::string_view more = "", std::string_view mode = "enforce",
                       std::string_view rules = "[local/*]") {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: postgres, mode: " + std::string(mode) +
         ", rules: " + std::string(rules) + std::string(more) + R"(}
rules:
  - name: card
    match: '\b(?:\d[ -]?){12,18}\d\b'
    validate: luhn
    where: [request, response]
    action: mask
    mask: {keep_last: 4}
  - {name: delete-all, sql: {kinds: delete, where: absent}, action: deny}
  - {name: program, sql: {copy: program}, action: deny}
  - {name: files, sql: {functions: [pg_read_file, lo_export]}, action: deny}
  - {name: users, sql: {kinds: [update, delete], tables: hr.users}, action: deny}
  - {name: two, sql: {statements: several, kinds: drop}, action: deny}
  - {name: code, sql: {code: opaque}, action: observe}
)";
}

struct Helpers {
  sql::ParserPool pool{{.jobs = 4, .source_jobs = 3}};
};

struct Asking : Helpers, Connected {
  explicit Asking(const std::string& policy = sql_policy(), std::size_t most = 0) : Connected(policy, most, &pool) {}

  // Until nothing waits for helpers any more.
  void settle() {
    EXPECT_TRUE(test::eventually([this] {
      context.statements.take([](Session&) {});
      resume();
      return !context.statements.pending();
    }));
  }
  void asks(const std::string& bytes) {
    says(bytes);
    settle();
  }
  void tells(std::string_view name, std::string_view value) { answers(message('S', text(name) + text(value))); }
};

std::string denied() {
  return refusal("a rule denies this");
}
// How often a rule was found in a unit, on the record.
std::uint32_t found(const test::RecordedUnit& unit, std::string_view rule) {
  for (const auto& [name, count] : unit.hits)
    if (name == rule) return count;
  return 0;
}
std::string unreadable() {
  return refusal(error_text(ErrorCode::sql_unreadable));
}

TEST(PostgresSql, ADeleteOfEveryRowNeverReachesTheServerHoweverItIsWrittenAndCut) {
  for (const std::size_t cut : kCuts)
    for (const char* statement :
         {"DELETE FROM users", "delete/* where */from users -- where id = 1", "dElEtE FROM \"users\"",
          "DELETE FROM ONLY public.users AS u", "SELECT 1; DELETE FROM users",
          "WITH d AS (DELETE FROM a RETURNING *) SELECT * FROM d", "PREPARE p AS DELETE FROM users",
          "DELETE FROM users WHERE 1=1", "EXPLAIN ANALYZE DELETE FROM users"}) {
      Asking h(sql_policy(), cut);
      h.asks(query(statement) + query("select 1"));
      EXPECT_EQ(h.to_server, query("refused by policy") + query("select 1")) << statement << " " << cut;
      h.answers(failure() + ready());
      EXPECT_EQ(h.to_client, denied() + ready()) << statement << " " << cut;
      EXPECT_EQ(h.request(0).end.verdict, Verdict::deny);
      EXPECT_EQ(found(h.request(0), "local/delete-all"), 1U);
      EXPECT_EQ(h.request(1).end.verdict, Verdict::pass);
      EXPECT_EQ(h.relay().pending(), 1U);
    }
}

TEST(PostgresSql, WhatOnlyLooksLikeItPassesUnchanged) {
  for (const std::size_t cut : {0, 1, 5})
    for (const char* statement :
         {"DELETE FROM orders WHERE id = 7", "select 'DELETE FROM users'", "-- DELETE FROM users\nselect 1",
          "EXPLAIN DELETE FROM users", "SELECT * FROM \"DELETE FROM users\"", "", ";", "select $1 -- \xff"}) {
      Asking h(sql_policy(), cut);
      h.asks(query(statement));
      EXPECT_EQ(h.to_server, query(statement)) << cut;
      EXPECT_EQ(h.request(0).end.verdict, Verdict::pass);
    }
}

TEST(PostgresSql, APreparedOneIsDeniedAtItsParseAndThePipelineIsSkippedByTheServer) {
  for (const std::size_t cut : kCuts) {
    Asking h(sql_policy(), cut);
    h.asks(parse("a", "select 1") + bind("", "a", {}) + execute("") + parse("b", "DELETE FROM users") +
           bind("", "b", {}) + execute("") + sync() + query("select 2"));
    EXPECT_EQ(h.to_server, parse("a", "select 1") + bind("", "a", {}) + execute("") + parse("b", "refused by policy") +
                               bind("", "b", {}) + execute("") + sync() + query("select 2"))
        << cut;
    h.answers(message('1') + message('2') + row({"1"}) + complete("SELECT 1") + failure() + ready());
    EXPECT_EQ(h.to_client, message('1') + message('2') + row({"1"}) + complete("SELECT 1") + denied() + ready());
    EXPECT_EQ(h.request(3).end.verdict, Verdict::deny);
    EXPECT_EQ(h.relay().fate(), Fate::run);
  }
}

TEST(PostgresSql, RulesAskOfTablesFunctionsAndCopies) {
  Asking h;
  for (const char* statement :
       {"COPY users TO PROGRAM 'cat'", "select * from pg_catalog.pg_read_file('/etc/passwd')",
        "update hr.users set a = 1 where id = 2", "update users set a = 1 where id = 2", "select 1; drop table a"}) {
    h.to_server.clear();
    h.asks(query(statement));
    EXPECT_EQ(h.to_server, query("refused by policy")) << statement;
  }
  for (const char* statement : {"COPY users TO STDOUT", "update sales.users set a = 1 where id = 2", "drop table a"}) {
    h.to_server.clear();
    h.asks(query(statement));
    EXPECT_EQ(h.to_server, query(statement));
  }
  h.to_server.clear();
  h.asks(query("DO $$ BEGIN DELETE FROM users; END $$"));
  EXPECT_EQ(h.at_server("BEGIN DELETE"), 1U) << "it is only observed";
  EXPECT_EQ(found(h.request(8), "local/code"), 1U);
}

TEST(PostgresSql, AFunctionThatIsCalledByNumberIsUnreadableWhereRulesAskOfFunctions) {
  const std::string call = message('F', be32(765) + be16(0) + be16(0) + be16(0));
  Asking h;
  h.asks(call);
  EXPECT_EQ(h.to_server.find(call), std::string::npos);
  h.answers(failure() + ready());
  EXPECT_EQ(h.to_client, unreadable() + ready());
  Asking without(sql_policy("", "enforce", "[local/delete-all]"));
  without.asks(call);
  EXPECT_EQ(without.to_server, call);
}

TEST(PostgresSql, WhatCannotBeReadIsRefusedWhereARuleMayDenyAndPolicySaysNothingElse) {
  for (const std::size_t cut : {0, 1, 3}) {
    Asking closed(sql_policy(), cut);
    closed.asks(query("selekt 1") + query("select 'abc"));
    EXPECT_EQ(closed.to_server, query("refused by policy") + query("refused by policy")) << cut;
    closed.answers(failure() + ready() + failure() + ready());
    EXPECT_EQ(closed.to_client, unreadable() + ready() + refusal(error_text(ErrorCode::sql_unterminated)) + ready());
    EXPECT_EQ(closed.request(0).end.error, ErrorCode::sql_unreadable);
    Asking open(sql_policy(", unreadable_sql: pass"), cut);
    open.asks(query("selekt 1") + query("select 'abc"));
    EXPECT_EQ(open.to_server, query("selekt 1") + query("select 'abc"));
    EXPECT_EQ(open.errors.value(ErrorCode::sql_unreadable), 1U);
    EXPECT_EQ(open.errors.value(ErrorCode::sql_unterminated), 1U);
    Asking observing(sql_policy("", "enforce", "[local/code]"), cut);
    observing.asks(query("selekt 1"));
    EXPECT_EQ(observing.to_server, query("selekt 1")) << "no rule there could have denied it";
  }
}

TEST(PostgresSql, AnUnknownShapeWaitsAndNothingElseDoes) {
  Asking h;
  h.asks(query("select 1"));
  h.answers(complete("SELECT 1") + ready());
  h.to_server.clear();
  h.to_client.clear();
  h.says(query("select a from b") + query("select 2"));
  EXPECT_EQ(h.to_server, "") << "nothing behind it overtakes it";
  EXPECT_FALSE(h.relay().accepts(Direction::request));
  EXPECT_GT(h.relay().next_deadline(0), 0U);
  const std::string notice = message('N', "S" + text("NOTICE") + "M" + text("hello") + '\0');
  h.answers(notice);
  EXPECT_EQ(h.to_client, notice) << "answers go on";
  h.session(8);
  h.says(startup());
  h.answers(ok());
  h.to_server.clear();
  h.says(query("select 3"));
  EXPECT_EQ(h.to_server, query("select 3")) << "the shape is known, whatever other sessions wait for";
  h.to_server.clear();
  h.session(7);
  h.settle();
  EXPECT_EQ(h.to_server, query("select a from b") + query("select 2"));
  EXPECT_TRUE(h.relay().accepts(Direction::request));
  EXPECT_EQ(h.relay().next_deadline(0), kNever);
}

TEST(PostgresSql, AShapeIsAskedOnceHoweverManyWait) {
  Asking h;
  for (SessionId id = 100; id < 110; ++id) {
    h.session(id);
    h.says(startup());
    h.answers(ok());
    h.to_server.clear();
    h.says(query("select " + std::to_string(id) + " from t"));
    EXPECT_EQ(h.to_server, "");
  }
  EXPECT_EQ(h.pool.under_way(0), 1U);
  h.settle();
  for (SessionId id = 100; id < 109; ++id) {  // the last one went on as it settled
    h.session(id);
    h.to_server.clear();
    h.resume();
    EXPECT_EQ(h.to_server, query("select " + std::to_string(id) + " from t"));
  }
}

TEST(PostgresSql, WhoFindsNoRoomWithTheHelpersAsksAgain) {
  Asking h;
  const auto shape = [](SessionId id) { return query("select a from t" + std::to_string(id)); };
  for (SessionId id = 100; id < 120; ++id) {
    h.session(id);
    h.says(startup());
    h.answers(ok());
    h.says(shape(id));
  }
  EXPECT_EQ(h.pool.under_way(0), 3U) << "one source has no more";
  EXPECT_TRUE(test::eventually([&] {
    h.context.statements.take([](Session&) {});
    for (SessionId id = 100; id < 120; ++id) {
      h.session(id);
      h.resume();
    }
    return !h.context.statements.pending();
  }));
  for (SessionId id = 100; id < 120; ++id) EXPECT_EQ(h.at_server(shape(id)), 1U) << id;
}

TEST(PostgresSql, WhatIsNotReadInTimeCountsAsUnreadable) {
  for (const bool passes : {false, true}) {
    Asking h(sql_policy(passes ? ", unreadable_sql: pass" : ""));
    h.says(query("select a from b"));
    h.context.now = h.relay().next_deadline(0) - 1;
    h.resume();
    EXPECT_EQ(h.to_server, "");
    h.context.now += 1;
    h.resume();
    EXPECT_EQ(h.to_server, passes ? query("select a from b") : query("refused by policy"));
    EXPECT_EQ(h.errors.value(ErrorCode::sql_helpers_busy), 1U);
    h.settle();
    h.to_server.clear();
    h.asks(query("select a from b"));
    EXPECT_EQ(h.to_server, query("select a from b")) << "it is known by now";
  }
}

TEST(PostgresSql, WithoutHelpersNothingIsReadable) {
  Connected h(sql_policy());
  h.says(query("select 1"));
  h.answers(failure() + ready());
  EXPECT_EQ(h.to_client, refusal(error_text(ErrorCode::sql_helpers_busy), "53000") + ready());
}

TEST(PostgresSql, ASessionThatClosesWhileItWaitsLeavesNothing) {
  for (const std::size_t cut : {0, 1}) {
    Asking h(sql_policy(), cut);
    h.says(query("select a from b"));
    h.relay().close(h.context, ErrorCode::tcp_reset_by_client);
    EXPECT_EQ(h.relay().next_deadline(0), kNever);
    h.settle();
    EXPECT_EQ(h.to_server, "");
    EXPECT_EQ(h.request(0).ends, 1U);
    EXPECT_FALSE(h.request(0).end.complete);
    EXPECT_EQ(h.response(0).ends, 1U);
  }
}

TEST(PostgresSql, AClientThatFinishesBehindItsStatementIsHeardOut) {
  Asking h;
  h.says(query("select a from b"));
  h.client_finishes();
  EXPECT_FALSE(h.relay().finished(Direction::request));
  h.settle();
  EXPECT_EQ(h.to_server, query("select a from b"));
  EXPECT_TRUE(h.relay().finished(Direction::request));
  EXPECT_TRUE(h.request(0).end.complete);
}

TEST(PostgresSql, ObserveCountsAndRefusesNothing) {
  for (const std::size_t cut : {0, 1}) {
    Asking h(sql_policy("", "observe"), cut);
    h.asks(query("DELETE FROM users") + query("selekt 1"));
    EXPECT_EQ(h.to_server, query("DELETE FROM users") + query("selekt 1"));
    EXPECT_EQ(h.request(0).end.verdict, Verdict::deny);
    EXPECT_TRUE(h.request(0).end.observed);
    EXPECT_EQ(h.errors.value(ErrorCode::sql_unreadable), 1U);
  }
}

TEST(PostgresSql, AStatementBeyondTheWindowIsUnreadable) {
  const std::string longer = "select '" + std::string(2048, 'x') + "'";
  const std::string exactly = "select '" + std::string(1024 - 9, 'x') + "'";
  for (const std::size_t cut : {0, 1, 100}) {
    Asking closed(sql_policy(", window: 1KiB"), cut);
    closed.asks(query(longer));
    closed.answers(failure() + ready());
    EXPECT_EQ(closed.to_client, refusal(error_text(ErrorCode::sql_too_long), "54001") + ready()) << cut;
    Asking open(sql_policy(", window: 1KiB, unreadable_sql: pass", "enforce", "[local/delete-all]"), cut);
    open.asks(query(longer));
    EXPECT_EQ(open.to_server, query(longer)) << cut;
    EXPECT_EQ(open.errors.value(ErrorCode::sql_too_long), 1U);
    Asking fits(sql_policy(", window: 1KiB"), cut);
    fits.asks(query(exactly));
    EXPECT_EQ(fits.to_server, query(exactly)) << cut;
  }
}

TEST(PostgresSql, AStatementIsJudgedAsTheServerWillReadIt) {
  // With a backslash before it, a quote may end a string or not.
  const std::string text = "select 'a\\'; DELETE FROM users; --'";
  Asking h;
  h.asks(query(text));
  EXPECT_EQ(h.to_server, query("refused by policy"));
  h.answers(failure());
  h.tells("standard_conforming_strings", "off");
  h.answers(ready());
  h.to_server.clear();
  h.asks(query(text));
  EXPECT_EQ(h.to_server, query(text)) << "all of it is one string";
  h.to_server.clear();
  h.asks(query("select 'a\\b'") + query(text));
  EXPECT_EQ(h.to_server, query("select 'a\\b'") + query("refused by policy"))
      << "what is under way may change it, and then it is none";
}

TEST(PostgresSql, AHalfOfACharacterIsNoBackslash) {
  // In SJIS the first two bytes of the string are one character, and the quote behind them ends it.
  const std::string text = "select E'\x83\\'; DELETE FROM users; --'";
  Asking h;
  h.tells("client_encoding", "SJIS");
  const auto says = [&](const std::string& statement, const std::string& arrives) {
    h.to_server.clear();
    h.asks(query(statement));
    EXPECT_EQ(h.to_server, query(arrives)) << statement;
    h.answers(failure() + ready());
  };
  says(text, "refused by policy");
  says("select * from t\xc3\xa4", "refused by policy");  // nobody knows what table that is
  says("select 'k\xc3\xa4se'", "select 'k\xc3\xa4se'");
  h.tells("client_encoding", "UTF8");
  says("select * from t\xc3\xa4", "select * from t\xc3\xa4");
}

TEST(PostgresSql, WhatIsMaskedIsJudgedMasked) {
  Asking h;
  h.asks(query("select '" + kCard + "' from t") + query("select '5500 0000 0000 0004' from t"));
  EXPECT_EQ(h.to_server, query("select '" + kStarred + "' from t") + query("select '**** **** **** 0004' from t"));
  EXPECT_EQ(h.recorder.everything().find(kCard), std::string::npos);
}

}  // namespace
}  // namespace sluice::session
