#include "dataplane/protocol/postgres/conversation.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/dataplane/protocol/postgres/talk.h"
#include "tests/unit/dataplane/protocol/postgres/wire.h"

namespace sluice::postgres {
namespace {

const std::string kParsed = message('1');
const std::string kBound = message('2');
const std::string kClosed = message('3');
const std::string kNoData = message('n');
const std::string kTwoColumns = row_description(2, column("id") + column("name"));
const std::string kTwoCells = data_row(2, sized("1") + sized("ann"));

std::string bind_as(std::string_view portal, std::string_view statement, std::string_view formats) {
  return message('B', text(portal) + text(statement) + be16(0) + be16(0) +
                          be16(static_cast<std::uint32_t>(formats.size() / 2)) + std::string(formats));
}

struct Started : Talk {
  explicit Started(const ConversationLimits& limits = {}) : Talk(limits) { start(); }
};

#define SAYS(call) EXPECT_EQ(call, ErrorCode::ok)

TEST(Conversation, GoesThroughAStartup) {
  Talk talk;
  EXPECT_EQ(talk.conversation().phase(), Phase::startup);
  SAYS(talk.client(startup()));
  EXPECT_EQ(talk.conversation().phase(), Phase::authenticating);
  SAYS(talk.server(message('v', be32(0) + be32(0)) + authentication(10, text("SCRAM-SHA-256") + '\0')));
  SAYS(talk.client(message('p', "first")));
  SAYS(talk.server(authentication(11, "r=")));
  SAYS(talk.client(message('p', "second")));
  SAYS(talk.server(authentication(12, "v=") + authentication(0)));
  EXPECT_EQ(talk.conversation().phase(), Phase::starting);
  SAYS(talk.server(message('S', text("a") + text("b")) + backend_key() + ready()));
  EXPECT_EQ(talk.conversation().phase(), Phase::ready);
  EXPECT_EQ(talk.conversation().transaction(), 'I');
  EXPECT_FALSE(talk.conversation().is_replication());
}

TEST(Conversation, LetsNobodyAskBeforeTheServerAccepted) {
  Talk talk;
  SAYS(talk.client(startup()));
  EXPECT_EQ(talk.client(query("select 1")), ErrorCode::postgres_not_authenticated);
  Talk late;
  late.start();
  EXPECT_EQ(late.client(message('p', "again")), ErrorCode::postgres_unexpected_message);
}

TEST(Conversation, KnowsReplicationByItsStartup) {
  const auto asks = [](std::string_view value) {
    Talk talk;
    SAYS(talk.client(startup(text("user") + text("ann") + text("replication") + text(value))));
    return talk.conversation().is_replication();
  };
  for (const std::string_view value : {"database", "true", "ON", "1", "yes", "t"}) EXPECT_TRUE(asks(value)) << value;
  for (const std::string_view value : {"false", "Off", "0", "no", "F"}) EXPECT_FALSE(asks(value)) << value;
}

TEST(Conversation, KnowsWhatIsReplicatedFromWhatIsCopied) {
  const auto copies = [](const std::string& settings, char how) {
    Talk talk;
    SAYS(talk.client(startup(text("user") + text("ann") + settings)));
    SAYS(talk.server(authentication(0) + ready()));
    SAYS(talk.client(query("it")));
    SAYS(talk.server(message(how, std::string(3, '\0'))));
    return talk.conversation().is_replicating();
  };
  const auto replication = [](std::string_view value) { return text("replication") + text(value); };
  EXPECT_FALSE(copies("", 'H'));
  EXPECT_FALSE(copies("", 'W'));
  EXPECT_TRUE(copies(replication("true"), 'W'));
  EXPECT_TRUE(copies(replication("true"), 'H'));
  EXPECT_TRUE(copies(replication("database"), 'W'));
  EXPECT_FALSE(copies(replication("database"), 'H')) << "it may be SQL's";
  EXPECT_FALSE(copies(replication("database") + replication("on"), 'H')) << "for the server it is of a database still";
}

TEST(Conversation, WaitsForTheAnswerToARequestForEncryption) {
  Talk talk;
  SAYS(talk.client(kSslRequestPacket));
  EXPECT_EQ(talk.client(startup()), ErrorCode::postgres_unexpected_message);  // sent along in clear: smuggled
  Talk answered;
  SAYS(answered.client(kSslRequestPacket));
  SAYS(answered.server("N"));
  SAYS(answered.client(kGssRequestPacket));
  answered.conversation().encryption_answered();
  SAYS(answered.client(startup()));
  EXPECT_EQ(answered.conversation().phase(), Phase::authenticating);
}

TEST(Conversation, EndsWithTerminateAndWithARequestToCancel) {
  Started talk;
  SAYS(talk.client(query("select 1") + message('X')));
  EXPECT_EQ(talk.conversation().phase(), Phase::over);
  EXPECT_EQ(talk.client(sync()), ErrorCode::postgres_unexpected_message);
  SAYS(talk.server(kTwoColumns + kTwoCells + complete("SELECT 1") + ready()));  // it was asked before
  Talk cancel;
  SAYS(cancel.client(packet(80877102, be32(1) + "abcd")));
  EXPECT_EQ(cancel.conversation().phase(), Phase::over);
}

TEST(Conversation, FollowsSimpleQueries) {
  Started talk;
  SAYS(talk.client(query("select 1; update t; select 2")));
  SAYS(talk.server(kTwoColumns + kTwoCells + kTwoCells + complete("SELECT 2") + complete("UPDATE 1") +
                   row_description(1, column("n", 23, 0, 0, 1)) + data_row(1, kNull) + complete("SELECT 1") +
                   ready('T')));
  EXPECT_EQ(talk.said(),
            "T:query#1 D:query#1(id,name) D:query#1(id,name) C:query#1 C:query#1 T:query#1 D:query#1(n:b) C:query#1 "
            "Z:query#1");
  EXPECT_EQ(talk.conversation().transaction(), 'T');
  EXPECT_EQ(talk.conversation().open_questions(), 0U);
  SAYS(talk.client(query("")));
  SAYS(talk.server(message('I') + ready()));
  EXPECT_EQ(talk.said(), "I:query#2 Z:query#2");
}

TEST(Conversation, TakesAnErrorOfASimpleQueryForItsAnswer) {
  Started talk;
  SAYS(talk.client(query("boom") + query("select 1")));
  SAYS(talk.server(failure() + ready() + complete("SELECT 1") + ready()));
  EXPECT_EQ(talk.said(), "E:query#1 Z:query#1 C:query#2 Z:query#2");
}

TEST(Conversation, FollowsAnExtendedQuery) {
  Started talk;
  SAYS(talk.client(parse("", "select $1", be32(0)) + bind_of("", "") + describe('P', "") + execute("") + sync()));
  EXPECT_EQ(talk.conversation().open_questions(), 5U);
  SAYS(talk.server(kParsed + kBound + kTwoColumns + kTwoCells + complete("SELECT 1") + ready()));
  EXPECT_EQ(talk.said(), "1:parse#1 2:bind#2 T:describe_portal#3 D:execute#4(id,name) C:execute#4 Z:sync#5");
}

TEST(Conversation, KnowsTheStatementOfABindBeforeTheServerAnswered) {
  Started talk;
  SAYS(talk.client(parse("s", "select 1") + parse("", "select 2")));
  const std::uint64_t named = talk.conversation().asking().id - 1;
  SAYS(talk.client(bind_of("", "s")));
  ASSERT_TRUE(talk.conversation().asking().statement);
  EXPECT_EQ(talk.conversation().asking().statement->id, named);
  SAYS(talk.client(bind_of("", "")));
  EXPECT_EQ(talk.conversation().asking().statement->id, named + 1);
  SAYS(talk.client(execute("")));
  EXPECT_EQ(talk.conversation().asking().statement->id, named + 1);
  SAYS(talk.client(bind_of("", "unknown")));
  EXPECT_FALSE(talk.conversation().asking().statement);
}

TEST(Conversation, KnowsCellsOfAStatementThatWasDescribedOnce) {
  Started talk;
  SAYS(talk.client(parse("s", "select") + describe('S', "s") + sync()));
  SAYS(talk.server(kParsed + message('t', be16(1) + be32(23)) + kTwoColumns + ready()));
  EXPECT_EQ(talk.said(), "1:parse#1 t:describe_statement#2 T:describe_statement#2 Z:sync#3");
  SAYS(talk.client(bind_as("", "s", be16(0) + be16(1))));
  EXPECT_EQ(talk.conversation().asking().statement->types, (std::vector<std::uint32_t>{23}));
  SAYS(talk.client(execute("") + sync() + bind_of("", "s") + execute("") + sync()));
  SAYS(talk.server(kBound + kTwoCells + complete("SELECT 1") + ready() + kBound + kTwoCells + complete("SELECT 1") +
                   ready()));
  EXPECT_EQ(talk.said(),
            "2:bind#4 D:execute#5(id,name:b) C:execute#5 Z:sync#6 2:bind#7 D:execute#8(id,name) C:execute#8 Z:sync#9");
}

TEST(Conversation, LearnsAStatementFromItsPortal) {
  Started talk;
  SAYS(talk.client(parse("s", "select") + bind_as("p", "s", be16(1)) + describe('P', "p") + bind_of("q", "s") +
                   execute("q")));
  SAYS(talk.server(kParsed + kBound + kTwoColumns + kBound + kTwoCells));
  EXPECT_EQ(talk.said(), "1:parse#1 2:bind#2 T:describe_portal#3 2:bind#4 D:execute#5(id,name)");
}

TEST(Conversation, KnowsCellsOfAPortalThatWasSuspended) {
  Started talk;
  SAYS(talk.client(parse("", "select") + bind_of("c", "") + describe('P', "c") + execute("c", 1) + message('H')));
  SAYS(talk.server(kParsed + kBound + kTwoColumns + kTwoCells + message('s')));
  SAYS(talk.client(execute("c", 1) + sync()));
  SAYS(talk.server(kTwoCells + message('s') + ready('T')));
  EXPECT_EQ(talk.said(),
            "1:parse#1 2:bind#2 T:describe_portal#3 D:execute#4(id,name) s:execute#4 "
            "D:execute#6(id,name) s:execute#6 Z:sync#7");
}

TEST(Conversation, DoesNotKnowCellsOfWhatWasNeverDescribed) {
  Started talk;
  SAYS(talk.client(parse("s", "select") + bind_of("", "s") + execute("") + execute("made_by_sql")));
  SAYS(talk.server(kParsed + kBound + kTwoCells + complete("SELECT 1") + kTwoCells));
  EXPECT_EQ(talk.said(), "1:parse#1 2:bind#2 D:execute#3(?) C:execute#3 D:execute#4(?)");
}

TEST(Conversation, ANewStatementOfTheSameNameIsAnother) {
  Started talk;
  SAYS(talk.client(parse("", "select") + describe('S', "") + bind_of("old", "") + parse("", "select other") +
                   bind_of("", "") + execute("") + execute("old")));
  SAYS(talk.server(kParsed + message('t', be16(0)) + kTwoColumns + kBound + kParsed + kBound + kTwoCells +
                   complete("x") + kTwoCells));
  EXPECT_EQ(
      talk.said(),
      "1:parse#1 t:describe_statement#2 T:describe_statement#2 2:bind#3 1:parse#4 2:bind#5 D:execute#6(?) C:execute#6 "
      "D:execute#7(id,name)");
}

TEST(Conversation, SkipsUpToSyncAfterAnError) {
  Started talk;
  SAYS(talk.client(parse("", "boom") + bind_of("", "") + execute("") + query("skipped too") + sync() +
                   query("select 1")));
  SAYS(talk.server(failure()));
  EXPECT_FALSE(talk.conversation().skips_until_sync());
  SAYS(talk.server(ready() + complete("SELECT 0") + ready()));
  EXPECT_EQ(talk.said(), "E:parse#1 Z:sync#5 C:query#6 Z:query#6");
}

TEST(Conversation, SkipsWhatComesAfterTheErrorWasSeen) {
  Started talk;
  SAYS(talk.client(parse("", "boom") + message('H')));
  SAYS(talk.server(failure()));
  EXPECT_TRUE(talk.conversation().skips_until_sync());
  SAYS(talk.client(parse("s", "select 1") + query("select 1")));
  EXPECT_TRUE(talk.conversation().asking().skipped);
  EXPECT_EQ(talk.conversation().open_questions(), 0U);
  SAYS(talk.client(sync() + bind_of("", "s")));
  EXPECT_FALSE(talk.conversation().asking().skipped);
  EXPECT_FALSE(talk.conversation().asking().statement);  // its Parse was skipped
  SAYS(talk.server(ready()));
  EXPECT_EQ(talk.said(), "E:parse#1 Z:sync#5");
}

TEST(Conversation, AFailedChangeLeavesWhatWasThere) {
  Started talk;
  SAYS(talk.client(parse("s", "select 1") + describe('S', "s") + sync()));
  SAYS(talk.server(kParsed + message('t', be16(0)) + kTwoColumns + ready()));
  const std::uint64_t first = talk.conversation().asking().id - 2;
  SAYS(talk.client(bind_of("", "none") + close('S', "s") + parse("s", "again") + sync()));
  SAYS(talk.client(bind_of("", "s")));
  EXPECT_NE(talk.conversation().asking().statement->id, first);
  SAYS(talk.server(failure("26000") + ready()));  // Close and Parse were skipped
  SAYS(talk.client(bind_of("", "s")));
  EXPECT_EQ(talk.conversation().asking().statement->id, first);
}

TEST(Conversation, AFailedParseOfTheUnnamedStatementDropsIt) {
  Started talk;
  SAYS(talk.client(parse("", "select 1") + sync() + parse("", "boom") + sync()));
  SAYS(talk.server(kParsed + ready() + failure() + ready()));
  SAYS(talk.client(bind_of("", "")));
  EXPECT_FALSE(talk.conversation().asking().statement);
}

TEST(Conversation, ASimpleQueryDropsTheUnnamedOnes) {
  Started talk;
  SAYS(talk.client(parse("", "select 1") + parse("s", "select 1") + bind_of("", "") + query("begin")));
  SAYS(talk.client(bind_of("", "")));
  EXPECT_FALSE(talk.conversation().asking().statement);
  SAYS(talk.client(execute("") + bind_of("", "s")));
  EXPECT_TRUE(talk.conversation().asking().statement);
}

TEST(Conversation, ClosesStatementsAndPortals) {
  Started talk;
  SAYS(talk.client(parse("s", "select 1") + bind_of("p", "s") + close('S', "s") + close('P', "p") + close('S', "none") +
                   execute("p")));
  EXPECT_FALSE(talk.conversation().asking().portal);
  SAYS(talk.server(kParsed + kBound + kClosed + kClosed + kClosed));
  EXPECT_EQ(talk.said(), "1:parse#1 2:bind#2 3:close_statement#3 3:close_portal#4 3:close_statement#5");
}

TEST(Conversation, PortalsEndWithTheirTransaction) {
  Started talk;
  SAYS(talk.client(parse("s", "select 1") + bind_of("p", "s") + sync()));
  SAYS(talk.server(kParsed + kBound + ready('T')));
  SAYS(talk.client(execute("p")));
  EXPECT_TRUE(talk.conversation().asking().portal);
  SAYS(talk.client(sync() + bind_of("q", "s")));
  SAYS(talk.server(kTwoCells + complete("SELECT 1") + ready('I')));
  SAYS(talk.client(execute("p")));
  EXPECT_FALSE(talk.conversation().asking().portal);
  SAYS(talk.client(execute("q")));  // bound behind that Sync
  EXPECT_TRUE(talk.conversation().asking().portal);
}

TEST(Conversation, DeallocateAllAndDiscardAllForgetStatements) {
  for (const std::string_view tag : {"DEALLOCATE ALL", "DISCARD ALL"}) {
    Started talk;
    SAYS(talk.client(parse("s", "select 1") + sync() + query("x")));
    SAYS(talk.server(kParsed + ready() + complete(tag) + ready()));
    SAYS(talk.client(bind_of("", "s")));
    EXPECT_FALSE(talk.conversation().asking().statement) << tag;
  }
}

// Which statement DEALLOCATE freed does not show; what is prepared next by SQL may have its name.
TEST(Conversation, DoesNotTakeAStatementMadeBySqlForOneThatItKnew) {
  Started talk;
  SAYS(talk.client(parse("s", "select 1") + describe('S', "s") + sync()));
  SAYS(talk.server(kParsed + message('t', be16(0)) + kTwoColumns + ready()));
  SAYS(talk.client(query("deallocate s") + query("prepare s as select secret") + bind_of("", "s") + execute("") +
                   sync()));
  SAYS(talk.server(complete("DEALLOCATE") + ready() + complete("PREPARE") + ready() + kBound));
  talk.said();
  SAYS(talk.server(kTwoCells));
  EXPECT_EQ(talk.said(), "D:execute#7(?)");
}

TEST(Conversation, DoesNotTakeACursorForAPortalThatItKnew) {
  Started talk;
  SAYS(talk.client(query("begin")));
  SAYS(talk.server(complete("BEGIN") + ready('T')));
  SAYS(talk.client(parse("s", "select") + bind_of("c", "s") + describe('P', "c") + sync()));
  SAYS(talk.server(kParsed + kBound + kTwoColumns + ready('T')));
  SAYS(talk.client(query("rollback to a") + query("declare c cursor for select secret") + execute("c") + sync()));
  SAYS(talk.server(complete("ROLLBACK") + ready('T') + complete("DECLARE CURSOR") + ready('T')));
  talk.said();
  SAYS(talk.server(kTwoCells));
  EXPECT_EQ(talk.said(), "D:execute#8(?)");
  EXPECT_FALSE(talk.conversation().format(0).has_value());
}

TEST(Conversation, LongNamesAreOneWhereTheServerCutsThem) {
  const std::string begin(63, 'n');
  Started talk;
  SAYS(talk.client(parse(begin + "a", "select 1") + bind_of("", begin + "b")));
  EXPECT_TRUE(talk.conversation().asking().statement);
  SAYS(talk.client(bind_of("", begin.substr(1))));
  EXPECT_FALSE(talk.conversation().asking().statement);
}

TEST(Conversation, RefusesRowsThatAreNotAsDescribed) {
  Started talk;
  SAYS(talk.client(query("select 1")));
  EXPECT_EQ(talk.server(kTwoColumns + data_row(1, sized("1"))), ErrorCode::postgres_row_mismatch);
  Started none;
  SAYS(none.client(query("select 1")));
  EXPECT_EQ(none.server(data_row(1, sized("1"))), ErrorCode::postgres_row_mismatch);
  Started no_data;
  SAYS(no_data.client(parse("", "select") + bind_of("", "") + describe('P', "") + execute("")));
  EXPECT_EQ(no_data.server(kParsed + kBound + kNoData + kTwoCells), ErrorCode::postgres_row_mismatch);
  Started empty;
  SAYS(empty.client(query("select")));
  EXPECT_EQ(empty.server(kTwoColumns + data_row(0, "")), ErrorCode::postgres_row_mismatch);
}

TEST(Conversation, RefusesAnswersThatNobodyAskedFor) {
  for (const std::string& answer : {kParsed, kBound, kClosed, kNoData, kTwoColumns, kTwoCells, complete("x"), ready(),
                                    message('s'), message('V', kNull), message('d', "x"), message('c'), message('I'),
                                    message('G', std::string(1, '\0') + be16(0)), backend_key(), authentication(0)}) {
    Started talk;
    EXPECT_EQ(talk.server(answer), ErrorCode::postgres_unexpected_answer) << answer;
    Started other;
    SAYS(other.client(close('S', "s")));
    EXPECT_EQ(other.server(answer), answer == kClosed ? ErrorCode::ok : ErrorCode::postgres_unexpected_answer)
        << answer;
  }
  Talk early;
  EXPECT_EQ(early.server(authentication(0)), ErrorCode::postgres_unexpected_answer);
}

TEST(Conversation, TakesWhatComesAtAnyTime) {
  Started talk;
  const std::string any = message('A', be32(1) + text("c") + text("")) + message('S', text("a") + text("b")) +
                          message('N', std::string(1, '\0'));
  SAYS(talk.server(any));
  EXPECT_EQ(talk.said(), "A S N");
  SAYS(talk.client(query("select 1")));
  SAYS(talk.server(kTwoColumns + any + kTwoCells + any));
  EXPECT_EQ(talk.said(), "T:query#1 A S N:query#1 D:query#1(id,name) A S N:query#1");
  Started fatal;
  SAYS(fatal.server(failure("57P01")));
}

TEST(Conversation, FollowsAFunctionCall) {
  Started talk;
  SAYS(talk.client(message('F', be32(1) + be16(0) + be16(0) + be16(0))));
  SAYS(talk.server(message('V', kNull) + ready()));
  EXPECT_EQ(talk.said(), "V:function_call#1 Z:function_call#1");
}

TEST(Conversation, WithdrawsWhatItsOwnerAnswers) {
  Started talk;
  Reader& reader = talk.client_reader();
  const std::string bytes = parse("s", "drop table t");
  Bytes rest = as_bytes(bytes);
  for (Step step = reader.next(rest); step.bytes > 0 || step.kind != StepKind::more; step = reader.next(rest)) {
    SAYS(talk.conversation().request(reader, step, rest.first(step.bytes)));
    rest = rest.subspan(step.bytes);
    if (step.kind == StepKind::message) talk.conversation().withdraw();
  }
  EXPECT_EQ(talk.conversation().open_questions(), 0U);
  SAYS(talk.client(bind_of("", "s")));
  EXPECT_FALSE(talk.conversation().asking().statement);
}

TEST(Conversation, BoundsStatementsPortalsQuestionsAndColumns) {
  Started statements({.statements = 2});
  SAYS(statements.client(parse("", "") + parse("a", "") + parse("a", "")));
  EXPECT_EQ(statements.client(parse("b", "")), ErrorCode::postgres_too_many_statements);
  Started portals({.portals = 2});
  SAYS(portals.client(bind_of("", "") + bind_of("a", "") + bind_of("a", "")));
  EXPECT_EQ(portals.client(bind_of("b", "")), ErrorCode::postgres_too_many_portals);
  Started questions({.questions = 2});
  SAYS(questions.client(sync() + sync() + message('H')));
  EXPECT_EQ(questions.client("S"), ErrorCode::ok);
  EXPECT_EQ(questions.client(be32(4)), ErrorCode::postgres_too_many_questions);
  Started columns({.columns = 3});
  SAYS(columns.client(parse("a", "") + parse("b", "") + describe('S', "a") + close('S', "a") + describe('S', "b") +
                      parse("c", "") + describe('S', "c")));
  const std::string types = message('t', be16(0));
  SAYS(columns.server(kParsed + kParsed + types + kTwoColumns + kClosed + types + kTwoColumns + kParsed + types));
  EXPECT_EQ(columns.server(kTwoColumns), ErrorCode::postgres_too_many_columns);
}

// Questions that were answered leave their room.
TEST(Conversation, GoesOnForever) {
  Started talk({.questions = 8, .statements = 2, .portals = 2, .columns = 4});
  for (int round = 0; round < 1000; ++round) {
    SAYS(talk.client(parse("", "") + bind_of("p", "") + describe('P', "p") + execute("p") + close('P', "p") + sync()));
    SAYS(talk.server(kParsed + kBound + kTwoColumns + kTwoCells + complete("x") + kClosed + ready('T')));
    SAYS(talk.client(parse("s", "boom") + bind_of("x", "s") + sync() + query("select")));
    SAYS(talk.server(failure() + ready('E') + kTwoColumns + complete("x") + ready()));
  }
  EXPECT_EQ(talk.conversation().open_questions(), 0U);
}

}  // namespace
}  // namespace sluice::postgres
