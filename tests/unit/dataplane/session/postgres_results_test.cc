// What a limit on one answer does: what the client gets of it and of what comes behind, what the server is asked, what
// is on the record.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/postgres_peers.h"

namespace sluice::session {
namespace {

std::string limited(const std::string& limits, const std::string& mode = "enforce", const std::string& more = "") {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: postgres, mode: " + mode + ", limits: [" + limits +
         "]" + more + "}\n";
}

const std::string kTwoRows = "{of: rows, most: 2, then: deny}";

std::string over(const std::string& limit, const std::string& most) {
  return message('E', "S" + text("ERROR") + "V" + text("ERROR") + "C" + text("53400") + "M" +
                          text("refused by the gateway: more rows or bytes than policy lets one statement return") +
                          "D" + text("limit " + limit) + "H" + text("One answer has at most " + most + ".") + '\0');
}

const std::string kOver = over("web/rows", "2 rows");

std::string rows(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += row({std::to_string(i)});
  return out;
}

std::string copied(const std::string& data) {
  return message('d', data);
}

const std::string kCopyOut = message('H', std::string(1, '\0') + be16(0));

TEST(PostgresResults, AnAnswerEndsWhereItHasTooManyRows) {
  for (const std::size_t cut : {0, 1, 3, 7}) {
    Connected h(limited(kTwoRows), cut);
    h.says(query("select"));
    h.answers(rows_of({"n"}) + rows(2));
    EXPECT_EQ(h.to_client, rows_of({"n"}) + rows(2)) << "as many as it may have";
    h.answers(rows(1));
    EXPECT_EQ(h.to_client, rows_of({"n"}) + rows(2) + kOver) << cut;
    EXPECT_EQ(h.relay().pending(), 1U) << "the server has not ended it";
    h.answers(rows(5) + complete("SELECT 8") + ready('T'));
    EXPECT_EQ(h.to_client, rows_of({"n"}) + rows(2) + kOver + ready('T')) << cut;
    EXPECT_EQ(h.relay().pending(), 0U);
    EXPECT_EQ(h.response(0).ends, 1U);
    EXPECT_EQ(h.response(0).end.verdict, Verdict::deny);
    EXPECT_EQ(h.response(0).end.error, ErrorCode::postgres_result_too_large);
    EXPECT_EQ(h.response(0).limit, "web/rows");
    EXPECT_EQ(h.response(0).end.rows, 2U);
    EXPECT_FALSE(h.response(0).end.complete);
    EXPECT_EQ(told(h.response(0).body), "n;|0|row(1)|1|row(1)");
    h.to_client.clear();
    h.says(query("select 1"));
    h.answers(rows_of({"n"}) + rows(2) + complete("SELECT 2") + ready('T'));
    EXPECT_EQ(h.to_client, rows_of({"n"}) + rows(2) + complete("SELECT 2") + ready('T')) << "the session lives on";
    EXPECT_EQ(h.response(1).end.verdict, Verdict::pass);
  }
}

TEST(PostgresResults, StatementsOfOneQueryAreOneAnswer) {
  for (const std::size_t cut : {0, 1}) {
    Connected h(limited(kTwoRows), cut);
    h.says(query("select 1; select 2; select 3"));
    const std::string one = rows_of({"n"}) + rows(1) + complete("SELECT 1");
    h.answers(one + one + one + ready());
    EXPECT_EQ(h.to_client, one + one + rows_of({"n"}) + kOver + ready());
  }
}

// What a server says by itself belongs to no answer then, and rows behind it are nobody's.
TEST(PostgresResults, ANoticeBehindAnEndedAnswerOpensNoOther) {
  const std::string notice = message('N', "S" + text("NOTICE") + "M" + text("halfway") + '\0');
  const std::string hidden = "\nrules:\n  - {name: pay, columns: [salary], action: mask}\n";
  for (const std::size_t cut : {0, 1, 5}) {
    Connected h(limited(kTwoRows, "enforce", ", rules: [\"local/*\"]") + hidden.substr(1), cut);
    h.says(parse("", "select n") + bind("", "", {}) + describe('P', "") + execute("") + parse("", "select salary") +
           bind("", "", {}) + execute("") + sync());
    const std::string first = message('1', "") + message('2', "") + rows_of({"n"}) + rows(2);
    h.answers(first + rows(1) + complete("SELECT 3") + message('1', "") + message('2', ""));
    EXPECT_EQ(h.to_client, first + kOver) << cut;
    h.answers(rows(1));
    h.answers(notice);
    h.answers(rows(5) + complete("SELECT 5"));
    h.answers(notice + ready());
    EXPECT_EQ(h.to_client, first + kOver + notice + notice + ready()) << cut;
    EXPECT_EQ(h.relay().fate(), Fate::run);
    EXPECT_EQ(h.relay().pending(), 0U);
  }
}

TEST(PostgresResults, AnAnswerBehindAnEndedOneIsNoAnswerOnTheRecord) {
  for (const std::size_t cut : {0, 1}) {
    Connected h(limited(kTwoRows), cut);
    h.says(parse("", "select n") + bind("", "", {}) + execute("") + query("select 1"));
    const std::string first = message('1', "") + message('2', "") + rows(2);
    h.answers(first + rows(1) + complete("SELECT 3") + rows_of({"n"}) + rows(1) + complete("SELECT 1") + ready());
    EXPECT_EQ(h.to_client, first + kOver + ready()) << cut;
    const auto& last = h.response(3);
    EXPECT_EQ(last.end.error, ErrorCode::postgres_result_too_large);
    EXPECT_FALSE(last.end.complete);
  }
}

TEST(PostgresResults, BytesAreThoseOfWholeMessages) {
  const std::string two = row({"0123"}) + row({"4567"});
  const std::string most = std::to_string(two.size());
  for (const std::size_t cut : {0, 1}) {
    Connected h(limited("{of: result_bytes, most: " + most + "B, then: deny, name: much}"), cut);
    h.says(query("select") + query("select"));
    h.answers(rows_of({"n"}) + two + complete("SELECT 2") + ready());
    h.answers(rows_of({"n"}) + two + row({""}) + complete("SELECT 3") + ready());
    EXPECT_TRUE(h.to_client.ends_with(two + over("web/much", most + " bytes of rows") + ready()));
    EXPECT_EQ(h.response(0).end.error, ErrorCode::ok);
    EXPECT_EQ(h.response(1).end.rows, 2U);
  }
}

TEST(PostgresResults, MessagesOfACopyCountAsRows) {
  for (const std::size_t cut : {0, 1}) {
    Connected h(limited(kTwoRows), cut);
    h.says(query("copy t to stdout"));
    h.answers(kCopyOut + copied("a\n") + copied("b\n") + copied("c\n") + message('c') + complete("COPY 3") + ready());
    EXPECT_EQ(h.to_client, kCopyOut + copied("a\n") + copied("b\n") + kOver + ready());
    EXPECT_EQ(told(h.response(0).body), "a\nb\n;");
    EXPECT_EQ(h.response(0).end.rows, 2U);
  }
}

// What the server has of a pipeline takes effect, and the client learns nothing of it: it waits for its Sync's end.
TEST(PostgresResults, OfAPipelineNothingFollowsUpToItsSync) {
  for (const std::size_t cut : {0, 1, 5}) {
    Connected h(limited(kTwoRows), cut);
    const std::string once = parse("", "select 1") + bind_of("", "") + execute("");
    h.says(once + once + sync() + once + sync());
    const std::string begun = message('1') + message('2');
    h.answers(begun + rows(9) + complete("SELECT 9") + begun + rows(1) + complete("SELECT 1") + ready('T'));
    EXPECT_EQ(h.to_client, begun + rows(2) + kOver + ready('T')) << cut;
    for (const std::uint32_t unit : {3U, 4U, 5U}) {
      EXPECT_EQ(h.response(unit).end.error, ErrorCode::postgres_result_too_large);
      EXPECT_EQ(h.response(unit).ends, 1U);
      EXPECT_FALSE(h.response(unit).end.complete);
    }
    h.to_client.clear();
    h.answers(begun + rows(1) + complete("SELECT 1") + ready());
    EXPECT_EQ(h.to_client, begun + rows(1) + complete("SELECT 1") + ready());
    EXPECT_EQ(h.relay().pending(), 0U);
  }
}

TEST(PostgresResults, WhatTheClientSendsBehindItUpToItsSyncTheServerRefuses) {
  for (const std::size_t cut : {0, 1, 5}) {
    Connected h(limited(kTwoRows), cut);
    h.says(parse("", "select 1") + bind_of("", "") + execute("") + message('H'));
    h.answers(message('1') + message('2') + rows(3));
    EXPECT_TRUE(h.to_client.ends_with(kOver));
    h.to_client.clear();
    h.to_server.clear();
    h.says(parse("", "delete from t") + bind_of("", "") + execute(""));
    EXPECT_EQ(h.at_server("delete"), 0U);
    EXPECT_EQ(h.at_server("refused by policy"), 3U);
    EXPECT_EQ(h.request(3).end.error, ErrorCode::postgres_skipped);
    h.says(sync() + query("select 2"));
    EXPECT_EQ(h.at_server("select 2"), 1U) << "behind its Sync it goes on";
    h.answers(rows(3) + complete("SELECT 6") + failure() + ready('E'));
    EXPECT_EQ(h.to_client, ready('E'));
    h.answers(failure("25P02") + ready('E'));
    EXPECT_EQ(h.to_client, ready('E') + failure("25P02") + ready('E'));
    EXPECT_EQ(h.relay().pending(), 0U);
  }
}

TEST(PostgresResults, WhatServersSayByThemselvesPassesMeanwhile) {
  for (const std::size_t cut : {0, 1}) {
    Connected h(limited(kTwoRows), cut);
    h.says(query("select"));
    h.answers(rows_of({"n"}) + rows(3));
    h.to_client.clear();
    const std::string setting = message('S', text("TimeZone") + text("UTC"));
    const std::string notice = message('N', "S" + text("NOTICE") + '\0');
    const std::string told_all = message('A', be32(7) + text("c") + text("p"));
    h.answers(setting + notice + rows(1) + complete("SELECT 4") + told_all + ready());
    EXPECT_EQ(h.to_client, setting + notice + told_all + ready());
    EXPECT_EQ(h.relay().pending(), 0U);
  }
}

TEST(PostgresResults, AnErrorOfTheServerBehindItIsNotASecondOne) {
  Connected h(limited(kTwoRows));
  h.says(query("select"));
  h.answers(rows_of({"n"}) + rows(3) + failure("57014") + ready('E'));
  EXPECT_TRUE(h.to_client.ends_with(kOver + ready('E'))) << "what the client is told last is what the server believes";
}

TEST(PostgresResults, AServerThatThenWaitsForDataLosesItsSession) {
  Connected h(limited(kTwoRows));
  h.says(query("select; copy t from stdin"));
  h.answers(rows_of({"n"}) + rows(3) + complete("SELECT 3") + message('G', std::string(1, '\0') + be16(0)));
  EXPECT_EQ(h.relay().fate(), Fate::abort);
}

TEST(PostgresResults, RowsThatAreNotOnTheRecordCountAllTheSame) {
  Connected h(limited("{of: rows, most: 3, then: deny}", "enforce", ", record: {rows: 1}"));
  h.says(query("select"));
  h.answers(rows_of({"n"}) + rows(4) + complete("SELECT 4") + ready());
  EXPECT_EQ(told(h.response(0).body), "n;|0|row(1)|left_out(2)");
  EXPECT_EQ(h.response(0).end.rows, 3U);
}

TEST(PostgresResults, ObservedAllPassesAndIsNoted) {
  for (const bool by_mode : {false, true}) {
    Connected h(limited(by_mode ? kTwoRows + ", {of: result_bytes, most: 1B, then: deny}"
                                : "{of: rows, most: 1, then: observe, name: few}, {of: rows, most: 2, then: observe}",
                        by_mode ? "observe" : "enforce"));
    h.says(query("select"));
    const std::string all = rows_of({"n"}) + rows(5) + complete("SELECT 5") + ready();
    h.answers(all);
    EXPECT_EQ(h.to_client, all);
    EXPECT_EQ(h.response(0).end.verdict, by_mode ? Verdict::deny : Verdict::pass);
    EXPECT_EQ(h.response(0).limit, "web/rows");
    EXPECT_EQ(h.response(0).end.rows, 5U);
  }
}

TEST(PostgresResults, OfAnObservedAndAStricterLimitTheOtherStillEndsIt) {
  Connected h(limited("{of: rows, most: 1, then: observe, name: few}, " + kTwoRows));
  h.says(query("select"));
  h.answers(rows_of({"n"}) + rows(5) + complete("SELECT 5") + ready());
  EXPECT_EQ(h.to_client, rows_of({"n"}) + rows(2) + kOver + ready());
}

TEST(PostgresResults, AClosedSessionHasEachEndOnce) {
  Connected h(limited(kTwoRows));
  h.says(query("select") + query("select"));
  h.answers(rows_of({"n"}) + rows(3));
  h.relay().close(h.context, ErrorCode::tcp_reset_by_server);
  EXPECT_EQ(h.response(0).ends, 1U);
  EXPECT_EQ(h.response(1).ends, 1U);
}

TEST(PostgresResults, RowsComeAsFastAsTheirRateSays) {
  Connected h(limited("{per: principal, of: rows, rate: 10/s, then: throttle}"));
  h.context.now = kSecond;
  h.says(query("select"));
  h.answers(rows_of({"n"}) + rows(10));
  EXPECT_EQ(h.relay().next_deadline(h.context.now), kNever);
  h.answers(rows(4));
  EXPECT_EQ(h.relay().share_of(h.context, Direction::response, 100), 0U);
  EXPECT_EQ(h.relay().next_deadline(h.context.now), h.context.now + 400 * kMillisecond);
  EXPECT_EQ(h.to_client, rows_of({"n"}) + rows(10) + rows(4)) << "what came passes";
  h.context.now += 400 * kMillisecond;
  EXPECT_EQ(h.relay().share_of(h.context, Direction::response, 100), 100U);
}

TEST(PostgresResults, WhereRowsRanOutTheNextStatementIsRefused) {
  Connected h(limited("{per: principal, of: rows, rate: 10/s, then: deny, name: pace}"));
  h.context.now = kSecond;
  h.says(query("select"));
  h.answers(rows_of({"n"}) + rows(15) + complete("SELECT 15") + ready());
  EXPECT_EQ(h.response(0).end.verdict, Verdict::pass) << "it never ends an answer";
  h.says(query("select 2"));
  EXPECT_EQ(h.at_server("select 2"), 0U);
  EXPECT_EQ(h.request(1).limit, "web/pace");
  h.answers(failure() + ready());
  h.context.now += kSecond;
  h.says(query("select 3"));
  EXPECT_EQ(h.at_server("select 3"), 1U);
}

}  // namespace
}  // namespace sluice::session
