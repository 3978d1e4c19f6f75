// PostgreSQL between two peers: what is judged, masked, refused and recorded, however the streams are cut.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/postgres_peers.h"

namespace sluice::session {
namespace {

using namespace std::string_literals;

TEST(PostgresRelay, WhatNoRuleNamesPassesUnchanged) {
  PostgresHarness h(policy());
  const std::string asked = query("select 1");
  const std::string answered = rows_of({"n"}) + row({"1"}) + complete("SELECT 1") + ready();
  h.client(startup());
  EXPECT_EQ(h.to_server, startup());
  h.server(ok());
  h.client(asked);
  h.server(answered);
  EXPECT_EQ(h.to_server, startup() + asked);
  EXPECT_EQ(h.to_client, ok() + answered);
  EXPECT_EQ(h.relay().principal(), "ann");
  EXPECT_EQ(h.request(0).head, "QUERY\n");
  EXPECT_EQ(told(h.request(0).body), "select 1;");
  EXPECT_EQ(h.response(0).head, "ROWS\n");
  EXPECT_EQ(told(h.response(0).body), "n;|1|row(1)SELECT 1;");
  EXPECT_EQ(h.response(0).ends, 1U);
  EXPECT_EQ(h.relay().pending(), 0U);
}

TEST(PostgresRelay, EncryptionIsDeclinedAndNeverAskedOfTheServer) {
  PostgresHarness h(policy());
  h.client(kGssRequestPacket);
  EXPECT_EQ(h.to_client, "N");
  h.client(kSslRequestPacket);
  EXPECT_EQ(h.to_client, "NN");
  h.client(startup());
  EXPECT_EQ(h.to_server, startup());
}

TEST(PostgresRelay, WhatProvesTheClientIsNotOnTheRecord) {
  PostgresHarness h(policy());
  h.client(startup());
  h.server(message('R', be32(3)));
  h.client(message('p', text("hunter2")));
  h.server(ok());
  EXPECT_EQ(h.to_server, startup() + message('p', text("hunter2")));
  EXPECT_EQ(h.recorder.everything().find("hunter2"), std::string::npos);
}

TEST(PostgresRelay, MasksValuesBothWaysAndOnTheRecordHoweverTheStreamsAreCut) {
  for (const std::size_t cut : {0, 1, 2, 3, 7, 16}) {
    Connected h(policy(), cut);
    h.says(query("insert into t values ('" + kCard + "')"));
    h.answers(rows_of({"a", "b"}) + row({kCard, kNull}) + row({"x", "y " + kCard}) + complete("SELECT 2") + ready());
    EXPECT_EQ(h.to_server, query("insert into t values ('" + kStarred + "')"));
    EXPECT_EQ(h.to_client, rows_of({"a", "b"}) + row({kStarred, kNull}) + row({"x", "y " + kStarred}) +
                               complete("SELECT 2") + ready())
        << cut;
    EXPECT_EQ(told(h.request(0).body), "insert into t values ('" + kStarred + "');");
    EXPECT_EQ(told(h.response(0).body), "a;b;|" + kStarred + "|NULL|row(2)|x|y " + kStarred + "|row(2)SELECT 2;");
    EXPECT_EQ(h.recorder.everything().find(kCard), std::string::npos);
  }
}

TEST(PostgresRelay, CellsAreValuesOfTheirOwn) {
  Connected h;
  const std::string parts = rows_of({"a", "b"}) + row({"41111111", "11111111"}) + complete("SELECT 1") + ready();
  h.says(query("select"));
  h.answers(parts);
  EXPECT_EQ(h.to_client, parts) << "no match spans two cells";
}

TEST(PostgresRelay, ALengthThatLooksLikeADigitIsNoPartOfACell) {
  Connected h;
  const std::string cell = kCard + std::string(0x31 - kCard.size(), ' ');  // whose length is a '1' on the wire
  h.says(query("select"));
  h.answers(rows_of({"a"}) + row({cell}) + complete("SELECT 1") + ready());
  EXPECT_EQ(h.to_client, rows_of({"a"}) + row({kStarred + cell.substr(kCard.size())}) + complete("SELECT 1") + ready());
}

TEST(PostgresRelay, MasksBoundValuesAndErrors) {
  for (const std::size_t cut : {0, 1, 5}) {
    Connected h(policy(), cut);
    h.says(parse("s", "insert into t values ($1, $2)") + bind("", "s", {kCard, kNull}) + execute("") + sync());
    EXPECT_EQ(h.to_server,
              parse("s", "insert into t values ($1, $2)") + bind("", "s", {kStarred, kNull}) + execute("") + sync());
    const std::string error = message(
        'E', "S" + text("ERROR") + "C" + text("23505") + "D" + text("Key (card)=(" + kCard + ") exists") + '\0');
    h.answers(message('1') + message('2') + error + ready());
    EXPECT_EQ(h.to_client, message('1') + message('2') +
                               message('E', "S" + text("ERROR") + "C" + text("23505") + "D" +
                                                text("Key (card)=(" + kStarred + ") exists") + '\0') +
                               ready());
    EXPECT_EQ(h.request(0).head, "PARSE \"s\"\n");
    EXPECT_EQ(h.request(1).head, "BIND \"\" \"s\"\n");
    EXPECT_EQ(told(h.request(1).body), "|" + kStarred + "|NULL");
    EXPECT_EQ(h.request(2).head, "EXECUTE \"\"\n");
    EXPECT_EQ(told(h.response(2).body), "ERROR;23505;Key (card)=(" + kStarred + ") exists;");
    EXPECT_EQ(h.recorder.everything().find(kCard), std::string::npos);
  }
}

TEST(PostgresRelay, ADeniedQueryNeverReachesTheServerAndTheSessionLivesOn) {
  for (const std::size_t cut : {0, 1, 4}) {
    Connected h(policy(), cut);
    h.says(query("DROP TABLE users"));
    EXPECT_EQ(h.to_server, query("refused by policy"));
    h.answers(failure() + ready());
    EXPECT_EQ(h.to_client, refusal("a rule denies this") + ready());
    EXPECT_EQ(h.request(0).end.verdict, Verdict::deny);
    EXPECT_EQ(h.response(0).ends, 1U);
    h.says(query("select 1"));
    EXPECT_EQ(h.at_server("select 1"), 1U);
    EXPECT_EQ(h.relay().fate(), Fate::run);
  }
}

TEST(PostgresRelay, ADenialInAPipelineIsToldInItsPlace) {
  Connected h;
  h.says(parse("", "select 1") + bind_of("", "") + execute("") + parse("bad", "drop table users") + bind_of("", "bad") +
         execute("") + sync() + query("select 2"));
  EXPECT_EQ(h.at_server("drop table"), 0U);
  EXPECT_EQ(h.at_server("bad"), 2U) << "the name stays with the server, which knows no such statement";
  h.answers(message('1') + message('2') + row({"1"}) + complete("SELECT 1") + failure() + ready());
  EXPECT_EQ(h.to_client,
            message('1') + message('2') + row({"1"}) + complete("SELECT 1") + refusal("a rule denies this") + ready());
  h.answers(rows_of({"n"}) + row({"2"}) + complete("SELECT 1") + ready());
  EXPECT_EQ(h.relay().pending(), 0U);
  EXPECT_EQ(h.response(4).end.error, ErrorCode::postgres_skipped);
  EXPECT_EQ(told(h.response(6).body), "n;|2|row(1)SELECT 1;");
}

TEST(PostgresRelay, DeniedValuesAreRefusedAsAStatementThatIsNotThere) {
  Connected h;
  h.says(parse("s", "select $1") + bind("", "s", {"drop table users"}) + execute("") + sync());
  EXPECT_EQ(h.at_server("drop table"), 0U);
  h.answers(message('1') + failure("26000") + ready());
  EXPECT_EQ(h.to_client, message('1') + refusal("a rule denies this") + ready());
}

TEST(PostgresRelay, AStatementBeyondTheWindowIsRefusedOrScannedAsItPasses) {
  const std::string large = "select '" + std::string(9000, 'x') + "' -- drop table users";
  {
    Connected h(policy("enforce", "    window: 8KiB"));
    h.says(query(large));
    EXPECT_EQ(h.to_server, query("refused by policy"));
    EXPECT_EQ(h.request(0).end.error, ErrorCode::postgres_beyond_window);
  }
  for (const std::size_t cut : {0, 1, 1448}) {
    Connected h(policy("enforce", "    window: 8KiB\n    after_window: stream"), cut);
    h.says(query(large));
    EXPECT_EQ(h.relay().fate(), Fate::abort) << cut;
    EXPECT_EQ(h.at_server("drop table"), 0U);
  }
}

TEST(PostgresRelay, CopyDataIsOneTextHoweverItComes) {
  for (const std::size_t cut : {0, 1, 6}) {
    Connected h(policy(), cut);
    h.says(query("copy t from stdin"));
    h.answers(message('G', "\0"s + be16(1) + be16(0)));
    h.to_server.clear();
    h.says(message('d', "a\t" + kCard.substr(0, 7)) + message('d', kCard.substr(7) + "\nb\t") + message('d', "2\n") +
           message('c'));
    EXPECT_EQ(h.to_server, message('d', "a\t" + kStarred.substr(0, 7)) + message('d', kStarred.substr(7) + "\nb\t") +
                               message('d', "2\n") + message('c'));
    h.answers(complete("COPY 2") + ready());
    EXPECT_EQ(h.request(1).head, "COPY\n");
    EXPECT_EQ(told(h.request(1).body), "a\t" + kStarred + "\nb\t2\n;");
    EXPECT_EQ(h.response(1).ends, 1U);
    EXPECT_EQ(told(h.response(0).body), "COPY 2;");
    EXPECT_EQ(h.relay().pending(), 0U);
  }
}

TEST(PostgresRelay, DeniedCopyDataFailsTheCopy) {
  for (const std::size_t cut : {0, 1, 6}) {
    Connected h(policy(), cut);
    h.says(query("copy t from stdin"));
    h.answers(message('G', "\0"s + be16(1) + be16(0)));
    h.to_server.clear();
    h.says(message('d', "drop ta") + message('d', "ble users\n") + message('d', "more\n") + message('c'));
    EXPECT_EQ(h.to_server, message('f', text("refused by policy"))) << cut;
    h.answers(failure("57014") + ready());
    EXPECT_EQ(h.to_client, message('G', "\0"s + be16(1) + be16(0)) + refusal("a rule denies this") + ready());
    h.says(query("select 1"));
    EXPECT_EQ(h.at_server("select 1"), 1U);
  }
}

TEST(PostgresRelay, CopyDataThatIsDeniedBeyondTheWindowEndsTheSession) {
  for (const std::size_t cut : {0, 1, 1448}) {
    Connected h(policy("enforce", "    window: 8KiB"), cut);
    h.says(query("copy t from stdin"));
    h.answers(message('G', "\0"s + be16(1) + be16(0)));
    h.says(message('d', std::string(9000, 'x')) + message('d', std::string(9000, 'y') + " drop table users\n"));
    EXPECT_EQ(h.relay().fate(), Fate::abort) << cut;
    EXPECT_EQ(h.at_server("drop table"), 0U);
    EXPECT_GT(h.to_server.size(), 8000U);
  }
}

TEST(PostgresRelay, ManyEmptyValuesAreBoundedAsLongOnesAre) {
  Connected h;
  std::string values;
  for (int i = 0; i < 60'000; ++i) values += kNull;
  h.says(message('B', text("") + text("s") + be16(0) + be16(60'000) + values + be16(0)));
  EXPECT_EQ(h.request(0).end.error, ErrorCode::postgres_beyond_window);
  EXPECT_EQ(h.relay().fate(), Fate::run);
}

TEST(PostgresRelay, CopyOutIsMasked) {
  for (const std::size_t cut : {0, 1, 9}) {
    Connected h(policy(), cut);
    h.says(query("copy t to stdout"));
    h.answers(message('H', "\0"s + be16(1) + be16(0)) + message('d', "x\t" + kCard.substr(0, 3)) +
              message('d', kCard.substr(3) + "\n") + message('c') + complete("COPY 1") + ready());
    EXPECT_EQ(h.to_client, message('H', "\0"s + be16(1) + be16(0)) + message('d', "x\t" + kStarred.substr(0, 3)) +
                               message('d', kStarred.substr(3) + "\n") + message('c') + complete("COPY 1") + ready());
  }
}

TEST(PostgresRelay, ObserveNotesAndPasses) {
  Connected h(policy("observe"));
  h.says(query("drop table users"));
  h.answers(rows_of({"a"}) + row({kCard}) + complete("DROP TABLE") + ready());
  EXPECT_EQ(h.to_server, query("drop table users"));
  EXPECT_EQ(h.to_client, rows_of({"a"}) + row({kCard}) + complete("DROP TABLE") + ready());
  EXPECT_EQ(h.request(0).end.verdict, Verdict::deny);
  EXPECT_TRUE(h.request(0).end.observed);
}

TEST(PostgresRelay, WhatCannotBeReadIsRefusedOrPassesWithoutStructure) {
  Connected enforced;
  enforced.says("\x01nonsense"s);
  EXPECT_EQ(enforced.relay().fate(), Fate::close);
  EXPECT_EQ(enforced.to_server, "");
  EXPECT_NE(enforced.to_client.find(text("FATAL") + "C" + text("08P01")), std::string::npos);
  Connected asked;
  asked.says(query("select 1") + "\x01nonsense"s);
  EXPECT_EQ(asked.relay().fate(), Fate::abort) << "an answer is under way";
  Connected observed(policy("observe"));
  observed.says("\x01nonsense"s);
  EXPECT_EQ(observed.to_server, "\x01nonsense");
  EXPECT_EQ(observed.relay().fate(), Fate::run);
}

TEST(PostgresRelay, HalfAStatementNeverLeaves) {
  Connected h;
  const std::string half = query("select 1").substr(0, 9);
  h.says(half);
  EXPECT_EQ(h.to_server, "");
  h.client_finishes();
  EXPECT_EQ(h.to_server, "");
  EXPECT_TRUE(h.relay().finished(Direction::request));
}

TEST(PostgresRelay, EachUnitHasOneEndInEachDirection) {
  Connected h;
  h.says(query("select 1") + query("select 2"));
  h.answers(rows_of({"n"}) + row({"1"}));
  h.relay().close(h.context, ErrorCode::tcp_reset_by_server);
  for (const std::uint32_t unit : {0U, 1U}) {
    EXPECT_EQ(h.request(unit).ends, 1U);
    EXPECT_EQ(h.response(unit).ends, 1U);
  }
}

TEST(PostgresRelay, AnAnswersEndSaysHowLongItTookInWhatTransactionAndOfHowManyRows) {
  for (const std::size_t cut : {0, 1, 5}) {
    Connected h(policy(), cut);
    h.context.now = 5 * kSecond;
    h.says(query("select 1") + query("copy t to stdout"));
    h.context.now += 12 * kMillisecond;
    h.answers(rows_of({"n"}) + row({"1"}) + row({"2"}));
    h.context.now += kMillisecond;
    h.answers(complete("SELECT 2") + ready('T'));
    EXPECT_EQ(h.response(0).end.duration, 13 * kMillisecond);
    EXPECT_EQ(h.response(0).end.transaction, 'T');
    EXPECT_EQ(h.response(0).end.rows, 2U);
    EXPECT_EQ(h.request(0).end.duration, 0U);
    h.answers(message('H', std::string(1, '\0') + be16(0)) + message('d', "1\n") + message('d', "2\n") +
              message('d', "3\n") + message('c') + complete("COPY 3") + ready('E'));
    EXPECT_EQ(h.response(1).end.rows, 3U);
    EXPECT_EQ(h.response(1).end.transaction, 'E');
  }
}

// A Sync's ReadyForQuery comes behind it.
TEST(PostgresRelay, AnExecutesEndHasTheTransactionAsItWasBefore) {
  Connected h;
  h.says(parse("", "begin") + bind_of("", "") + execute("") + sync());
  h.answers(message('1') + message('2') + complete("BEGIN") + ready('T'));
  EXPECT_EQ(h.response(2).end.transaction, 'I');
  h.says(execute("") + sync());
  h.answers(complete("BEGIN"));
  EXPECT_EQ(h.response(3).end.transaction, 'T');
}

// Each ends with a Sync, or with what needs none.
TEST(PostgresRelay, AnAnswersEndSaysInWhichPipelineItWasAsked) {
  Connected h;
  h.says(parse("", "insert") + bind_of("", "") + execute("") + execute("") + sync() + query("select 1") + execute("") +
         sync() + sync() + execute(""));
  h.answers(message('1') + message('2') + complete("INSERT 0 1") + complete("INSERT 0 1") + ready('I'));
  h.answers(complete("SELECT 0") + ready('I') + complete("INSERT 0 1") + ready('I') + ready('I') +
            complete("INSERT 0 1"));
  for (const std::uint32_t unit : {0U, 1U, 2U, 3U}) EXPECT_EQ(h.response(unit).end.pipeline, 1U) << unit;
  EXPECT_EQ(h.response(4).end.pipeline, 2U);
  EXPECT_EQ(h.response(5).end.pipeline, 3U);
  EXPECT_EQ(h.response(6).end.pipeline, 5U);
  EXPECT_EQ(h.request(3).end.pipeline, 0U);
}

TEST(PostgresRelay, WhatNeverWentIsTimedFromWhenItCame) {
  Connected h;
  h.context.now = 5 * kSecond;
  const std::string refused = query("drop table x");
  h.says(refused.substr(0, 7));
  h.context.now += kSecond;
  h.says(refused.substr(7));
  h.context.now += kSecond;
  h.answers(failure() + ready());
  EXPECT_EQ(h.response(0).end.duration, 2 * kSecond);
}

}  // namespace
}  // namespace sluice::session
