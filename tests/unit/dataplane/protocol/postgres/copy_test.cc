// COPY in all its directions, as a conversation follows it.
#include <gtest/gtest.h>

#include <string>

#include "dataplane/protocol/postgres/conversation.h"
#include "tests/unit/dataplane/protocol/postgres/talk.h"
#include "tests/unit/dataplane/protocol/postgres/wire.h"

namespace sluice::postgres {
namespace {

const std::string kCopyIn = message('G', std::string(1, '\0') + be16(0));
const std::string kCopyOut = message('H', std::string(1, '\0') + be16(0));
const std::string kCopyBoth = message('W', std::string(1, '\0') + be16(0));
const std::string kCopyDone = message('c');
const std::string kRow = message('d', "1\n");
const std::string kCopyStatement = parse("", "copy") + bind_of("", "") + execute("");
const std::string kCopyStatementTaken = message('1') + message('2');

struct Started : Talk {
  Started() { start(); }
};

#define SAYS(call) EXPECT_EQ(call, ErrorCode::ok)

TEST(Copy, GoesOut) {
  Started talk;
  SAYS(talk.client(query("copy t to stdout")));
  SAYS(talk.server(kCopyOut));
  EXPECT_EQ(talk.conversation().phase(), Phase::copy_out);
  SAYS(talk.server(kRow + kRow + kCopyDone));
  EXPECT_EQ(talk.conversation().phase(), Phase::ready);
  SAYS(talk.server(complete("COPY 2") + ready()));
  EXPECT_EQ(talk.said(), "H:query#1 d:query#1 d:query#1 c:query#1 C:query#1 Z:query#1");
}

TEST(Copy, GoesOutUntilTheServerFails) {
  Started talk;
  SAYS(talk.client(query("copy t to stdout")));
  SAYS(talk.server(kCopyOut + kRow + failure()));
  EXPECT_EQ(talk.conversation().phase(), Phase::ready);
  EXPECT_EQ(talk.server(kRow), ErrorCode::postgres_unexpected_answer);
}

TEST(Copy, ComesIn) {
  Started talk;
  SAYS(talk.client(query("copy t from stdin")));
  SAYS(talk.server(kCopyIn));
  EXPECT_EQ(talk.conversation().phase(), Phase::copy_in);
  SAYS(talk.client(kRow + message('H') + kCopyDone));
  EXPECT_EQ(talk.conversation().phase(), Phase::ready);
  SAYS(talk.client(query("select 1")));
  SAYS(talk.server(complete("COPY 1") + ready() + complete("SELECT 1") + ready()));
  EXPECT_EQ(talk.said(), "G:query#1 C:query#1 Z:query#1 C:query#5 Z:query#5");
}

TEST(Copy, TakesNothingElseFromTheClient) {
  for (const std::string& bytes :
       {query("x"), parse("", "x"), bind_of("", ""), describe('S', ""), execute(""), close('S', "")}) {
    Started talk;
    SAYS(talk.client(query("copy t from stdin")));
    SAYS(talk.server(kCopyIn));
    EXPECT_EQ(talk.client(bytes), ErrorCode::postgres_unexpected_message) << bytes;
  }
}

TEST(Copy, MayBeFailedByTheClient) {
  Started talk;
  SAYS(talk.client(query("copy t from stdin")));
  SAYS(talk.server(kCopyIn));
  SAYS(talk.client(kRow + message('f', text("no more"))));
  SAYS(talk.server(failure("57014") + ready()));
  EXPECT_EQ(talk.said(), "G:query#1 E:query#1 Z:query#1");
}

// Sent ahead, and the COPY never began: what it said the next COPY does not take for its own.
TEST(Copy, MayEndBeforeItFailsToBegin) {
  Started talk;
  SAYS(talk.client(query("copy nowhere from stdin") + kRow + kCopyDone + query("copy t from stdin")));
  SAYS(talk.server(failure("42P01") + ready() + kCopyIn));
  EXPECT_EQ(talk.conversation().phase(), Phase::copy_in);
  SAYS(talk.client(kRow + kCopyDone));
  SAYS(talk.server(complete("COPY 1") + ready()));
}

// The server ignores what the client still sends of a COPY that it failed.
TEST(Copy, MayBeFailedByTheServerWhileTheClientSends) {
  Started talk;
  SAYS(talk.client(query("copy t from stdin")));
  SAYS(talk.server(kCopyIn));
  SAYS(talk.client(kRow));
  SAYS(talk.server(failure("22P02") + ready()));
  SAYS(talk.client(kRow + kCopyDone + query("select 1")));
  SAYS(talk.server(complete("SELECT 1") + ready()));
  EXPECT_EQ(talk.said(), "G:query#1 E:query#1 Z:query#1 C:query#5 Z:query#5");
}

// libpq sends Sync behind Execute, and another one behind CopyDone; a COPY swallows the first.
TEST(Copy, SwallowsASyncThatCameBeforeItsEnd) {
  Started talk;
  SAYS(talk.client(kCopyStatement + sync()));
  SAYS(talk.server(kCopyStatementTaken + kCopyIn));
  SAYS(talk.client(kRow + sync() + kCopyDone + sync()));
  EXPECT_EQ(talk.conversation().open_questions(), 2U);
  SAYS(talk.server(complete("COPY 1") + ready()));
  EXPECT_EQ(talk.said(), "1:parse#1 2:bind#2 G:execute#3 C:execute#3 Z:sync#8");
  EXPECT_EQ(talk.server(ready()), ErrorCode::postgres_unexpected_answer);
}

TEST(Copy, FailsBeforeItSwallowedTheSync) {
  Started talk;
  SAYS(talk.client(kCopyStatement + sync()));
  SAYS(talk.server(kCopyStatementTaken + kCopyIn + failure() + ready()));  // that Sync's
  SAYS(talk.client(kRow + kCopyDone + sync()));
  SAYS(talk.server(ready()));
  EXPECT_EQ(talk.server(ready()), ErrorCode::postgres_unexpected_answer);
}

TEST(Copy, FailsAfterItSwallowedTheSync) {
  Started talk;
  SAYS(talk.client(kCopyStatement + sync()));
  SAYS(talk.server(kCopyStatementTaken + kCopyIn));
  SAYS(talk.client(kRow));
  SAYS(talk.server(failure()));
  EXPECT_TRUE(talk.conversation().skips_until_sync());
  SAYS(talk.client(kCopyDone + sync() + query("select 1")));
  SAYS(talk.server(ready() + complete("SELECT 1") + ready()));
  EXPECT_EQ(talk.said(), "1:parse#1 2:bind#2 G:execute#3 E:execute#3 Z:sync#7 C:query#8 Z:query#8");
}

TEST(Copy, MayBeSentAheadWhole) {
  Started talk;
  SAYS(talk.client(query("copy t from stdin; copy u from stdin") + kRow + kCopyDone + kRow + kCopyDone +
                   query("select 1")));
  SAYS(talk.server(kCopyIn));
  EXPECT_EQ(talk.conversation().phase(), Phase::ready);
  SAYS(talk.server(complete("COPY 1") + kCopyIn + complete("COPY 1") + ready() + complete("SELECT 1") + ready()));
  EXPECT_EQ(talk.said(), "G:query#1 C:query#1 G:query#1 C:query#1 Z:query#1 C:query#6 Z:query#6");
}

TEST(Copy, SentAheadToWhatIsNoCopyIsIgnored) {
  Started talk;
  SAYS(talk.client(query("select 1") + kRow + kCopyDone + query("select 2")));
  SAYS(talk.server(complete("SELECT 1") + ready() + complete("SELECT 1") + ready()));
  EXPECT_EQ(talk.said(), "C:query#1 Z:query#1 C:query#4 Z:query#4");
}

TEST(Copy, RefusesWhatWouldFailItBehindIt) {
  Started talk;
  SAYS(talk.client(kCopyStatement + parse("", "x")));
  EXPECT_EQ(talk.server(kCopyStatementTaken + kCopyIn), ErrorCode::postgres_unexpected_message);
}

TEST(Copy, GoesBothWaysUntilBothAreDone) {
  for (const bool client_first : {true, false}) {
    Started talk;
    SAYS(talk.client(query("start_replication")));
    SAYS(talk.server(kCopyBoth));
    EXPECT_EQ(talk.conversation().phase(), Phase::copy_both);
    SAYS(talk.client(kRow));
    SAYS(talk.server(kRow));
    SAYS(client_first ? talk.client(kCopyDone) : talk.server(kCopyDone));
    EXPECT_EQ(talk.conversation().phase(), Phase::copy_both);
    SAYS(client_first ? talk.server(kCopyDone) : talk.client(kCopyDone));
    EXPECT_EQ(talk.conversation().phase(), Phase::ready);
    SAYS(talk.server(complete("START_STREAMING") + ready()));
  }
  Started refused;
  SAYS(refused.client(query("start_replication")));
  SAYS(refused.server(kCopyBoth));
  EXPECT_EQ(refused.client(query("x")), ErrorCode::postgres_unexpected_message);
}

}  // namespace
}  // namespace sluice::postgres
