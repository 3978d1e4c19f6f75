// PostgreSQL at the edges: COPY data where none is asked for, what servers say unasked, ends, windows, pushes.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/postgres_peers.h"

namespace sluice::session {
namespace {

using namespace std::string_literals;

// Every way of cutting what is said must come to the same.
const std::size_t kCuts[] = {0, 1, 3, 5, 7};

TEST(PostgresRelay, CopyDataWithoutACopyHidesNothingOfWhatFollows) {
  for (const std::size_t cut : kCuts) {
    Connected h(policy(), cut);
    h.says(message('d', "x") + query("drop table users") + query("select 1"));
    EXPECT_EQ(h.to_server, message('d', "x") + query("refused by policy") + query("select 1")) << cut;
    Connected denied(policy(), cut);
    denied.says(message('d', "drop table users") + bind("", "s", {"v"}) + query("drop table b") + sync());
    EXPECT_EQ(denied.to_server,
              message('f', text("refused by policy")) + bind("", "s", {"v"}) + query("refused by policy") + sync())
        << cut;
  }
}

TEST(PostgresRelay, ManySmallPiecesOfCopyDataAreOneText) {
  for (const std::size_t cut : {0, 1448}) {
    Connected h(policy(), cut);
    std::string pieces = message('d');
    for (int i = 0; i < 2047; ++i) pieces += message('d', std::string(1, "drop table users "[i % 17]));
    h.says(pieces + sync() + query("select 1"));
    EXPECT_EQ(h.at_server("select 1"), 1U) << cut;
    EXPECT_EQ(h.relay().fate(), Fate::run);
  }
}

TEST(PostgresRelay, EachCopyIsATextOfItsOwn) {
  for (const std::size_t cut : kCuts) {
    Connected h(policy(), cut);
    const auto copy = [](const std::string& data) {
      return message('H', "\0"s + be16(1) + be16(0)) + message('d', data) + message('c') + complete("COPY 1");
    };
    h.says(query("copy a to stdout; copy b to stdout"));
    h.answers(copy("1\n") + copy(kCard + "\n") + ready());
    EXPECT_EQ(h.to_client, copy("1\n") + copy(kStarred + "\n") + ready()) << cut;
    EXPECT_EQ(told(h.response(0).body), "1\n;COPY 1;" + kStarred + "\n;COPY 1;");
  }
}

TEST(PostgresRelay, WhatServersSayUnaskedIsMaskedAndRecorded) {
  for (const std::size_t cut : kCuts) {
    Connected h(policy(), cut);
    const auto said = [](char type, const std::string& card) {
      return message(type, "S" + text("NOTICE") + "M" + text("see " + card) + '\0');
    };
    const auto notified = [](const std::string& card) { return message('A', be32(1) + text("c") + text(card)); };
    h.answers(said('N', kCard) + notified(kCard));
    h.says(sync());
    h.answers(said('E', kCard) + ready());
    EXPECT_EQ(h.to_client, said('N', kStarred) + notified(kStarred) + said('E', kStarred) + ready()) << cut;
    EXPECT_EQ(told(h.response(0).body), "NOTICE;see " + kStarred + ";");
    EXPECT_EQ(h.recorder.everything().find(kCard), std::string::npos);
    for (const std::uint32_t unit : {0U, 1U, 2U}) {
      EXPECT_EQ(h.request(unit).ends, 1U);
      EXPECT_EQ(h.response(unit).ends, 1U);
    }
  }
}

TEST(PostgresRelay, ARowWaitsForNothingThatComesAfterIt) {
  Connected h;
  h.says(query("select"));
  const std::string rows = rows_of({"a"}) + row({"write to ann"});
  h.answers(rows);
  EXPECT_EQ(h.to_client, rows) << "its last value may not become an address any more";
}

TEST(PostgresRelay, WhatTheServerSkipsIsNotAwaited) {
  Connected h;
  h.says(parse("", "bad"));
  const std::string late = bind_of("", "");
  h.says(late.substr(0, 4));
  h.answers(failure());
  h.says(late.substr(4) + execute("") + sync());
  h.answers(ready());
  EXPECT_EQ(h.relay().fate(), Fate::run);
  EXPECT_EQ(h.relay().pending(), 0U);
  h.says(parse("", "bad"));
  h.answers(failure());
  for (int i = 0; i < 3000; ++i) h.says(execute(""));
  EXPECT_EQ(h.relay().pending(), 0U);
  EXPECT_TRUE(h.relay().accepts(Direction::request));
}

TEST(PostgresRelay, EncryptionIsAskedForTwiceAtMost) {
  PostgresHarness h(policy());
  for (int i = 0; i < 100; ++i) h.client(kSslRequestPacket);
  EXPECT_TRUE(h.to_client.starts_with("NNE")) << h.to_client;
  EXPECT_EQ(h.relay().fate(), Fate::close);
}

TEST(PostgresRelay, ALateMatchAtTheEndOfTheStreamNeverLeaves) {
  Connected h(policy("enforce", "    window: 8KiB"));
  h.says(query("copy t from stdin"));
  h.answers(message('G', "\0"s + be16(1) + be16(0)));
  h.says(message('d', std::string(9000, 'x')) + message('d', "drop table users"));
  h.client_finishes();
  EXPECT_EQ(h.at_server("drop table"), 0U);
  EXPECT_EQ(h.relay().fate(), Fate::abort);
}

TEST(PostgresRelay, ANoticeBeforeTheErrorOfADenialKeepsTheSession) {
  for (const std::size_t cut : kCuts) {
    Connected h(policy(), cut);
    const std::string notice = message('N', "S" + text("NOTICE") + "M" + text("write to ann") + '\0');
    h.says(query("drop table users"));
    h.answers(notice + failure() + ready());
    EXPECT_EQ(h.to_client, notice + refusal("a rule denies this") + ready()) << cut;
  }
}

TEST(PostgresRelay, APushDoesNotChangeTheModeOfWhatIsUnderWay) {
  Connected h;
  h.says(query("select 1"));
  h.answers(rows_of({"a"}));
  h.use(policy("observe"));
  h.says(query("select 2"));
  h.to_client.clear();
  h.answers("\x01nonsense"s);
  EXPECT_EQ(h.relay().fate(), Fate::abort) << "the first answer is enforced";
  EXPECT_EQ(h.to_client, "");
}

const std::string kReplica = startup(text("user") + text("ann") + text("replication") + text("true"));
const std::string kDecoder = startup(text("user") + text("ann") + text("replication") + text("database"));

std::string with_replication(std::string_view what, std::string_view mode = "enforce") {
  std::string out = policy(mode);
  const std::string key = "protocol: postgres";
  out.replace(out.find(key), key.size(), key + "\n    replication: " + std::string(what));
  return out;
}

TEST(PostgresRelay, ReplicationIsRefusedBeforeTheServerHearsOfIt) {
  for (const std::size_t cut : {0, 1, 7}) {
    PostgresHarness h(policy());
    h.client(kReplica, cut);
    EXPECT_EQ(h.to_server, "");
    EXPECT_EQ(h.to_client, message('E', "S" + text("FATAL") + "V" + text("FATAL") + "C" + text("42501") + "M" +
                                            text("refused by the gateway: replication is not allowed by the policy of "
                                                 "this service") +
                                            '\0'));
    EXPECT_EQ(h.relay().fate(), Fate::close);
    EXPECT_EQ(h.request(0).head, "STARTUP replication\n");
    EXPECT_EQ(h.request(0).end.verdict, Verdict::deny);
    EXPECT_EQ(h.request(0).end.error, ErrorCode::postgres_replication_denied);
    EXPECT_EQ(h.response(0).ends, 1U);
  }
}

TEST(PostgresRelay, ObservedReplicationIsNotedAndPasses) {
  PostgresHarness h(policy("observe"));
  h.client(kReplica);
  h.server(ok());
  EXPECT_EQ(h.to_server, kReplica);
  EXPECT_EQ(h.to_client, ok());
  EXPECT_EQ(h.request(0).end.verdict, Verdict::deny);
  EXPECT_TRUE(h.request(0).end.observed);
}

TEST(PostgresRelay, WhatIsReplicatedPassesUnreadWhereThePolicySaysSo) {
  for (const std::size_t cut : {0, 1, 7}) {
    PostgresHarness h(with_replication("pass"));
    const std::string asked = query("START_REPLICATION 0/0");
    const std::string log = message('W', "\0\0\0"s) + message('d', "w" + kCard) + message('d', "k" + kCard);
    const std::string heard = message('d', "r" + kCard);
    h.client(kReplica, cut);
    h.server(ok(), cut);
    h.client(asked, cut);
    h.server(log, cut);
    h.client(heard + message('c'), cut);
    h.server(message('c') + complete("START_STREAMING") + ready(), cut);
    h.client(query("select '" + kCard + "'"), cut);
    EXPECT_EQ(h.to_server, kReplica + asked + heard + message('c') + query("select '" + kStarred + "'"));
    EXPECT_EQ(h.to_client, ok() + log + message('c') + complete("START_STREAMING") + ready());
    EXPECT_EQ(told(h.request(0).body), "START_REPLICATION 0/0;");
    EXPECT_EQ(h.recorder.everything().find(kCard), std::string::npos);
    EXPECT_EQ(h.relay().fate(), Fate::run);
  }
}

TEST(PostgresRelay, SqlInAReplicationConnectionIsMaskedAsEver) {
  const std::string copy = message('H', "\0\0\0"s) + message('d', kCard + "\n") + message('c');
  const std::string starred = message('H', "\0\0\0"s) + message('d', kStarred + "\n") + message('c');
  for (const auto& [begin, out] : {std::pair(kDecoder, starred), std::pair(kReplica, copy)}) {
    PostgresHarness h(with_replication("pass"));
    h.client(begin);
    h.server(ok());
    h.client(query("copy"));
    h.server(copy + complete("COPY 1") + ready());
    EXPECT_EQ(h.to_client, ok() + out + complete("COPY 1") + ready());
    EXPECT_EQ(h.recorder.everything().find(kCard), std::string::npos);
  }
}

TEST(PostgresRelay, HalfAStartupPacketNeverLeaves) {
  PostgresHarness h(policy());
  h.client(startup().substr(0, startup().size() - 1));
  EXPECT_EQ(h.to_server, "");
  h.client(startup().substr(startup().size() - 1));
  EXPECT_EQ(h.to_server, startup());
}

TEST(PostgresRelay, TheRecordSaysWhichValuesAreBinary) {
  const auto bound = [](const std::string& formats, const std::string& results) {
    return message('B', text("") + text("") + formats + be16(3) + sized("a") + sized("b") + sized("c") + results);
  };
  const std::string all = be16(1) + be16(1);
  const std::string some = be16(3) + be16(1) + be16(0) + be16(1);
  const std::string none = be16(3) + be16(0) + be16(0) + be16(0);
  Connected h;
  h.says(parse("", "select $1, $2, $3"));
  for (const auto& [formats, results] : {std::pair(be16(0), all), std::pair(all, some), std::pair(some, none)})
    h.says(bound(formats, results) + execute(""));
  h.says(sync());
  h.answers(message('1'));
  for (int i = 0; i < 3; ++i) h.answers(message('2') + row({"a", "b", "c"}) + complete("SELECT 1"));
  h.answers(ready());
  const std::vector<std::string> asked = {"BIND \"\" \"\"\n", "BIND \"\" \"\" binary\n",
                                          "BIND \"\" \"\" binary $1 $3\n"};
  const std::vector<std::string> answered = {"ROWS binary\n", "ROWS binary 1 3\n", "ROWS\n"};
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(h.request(1 + 2 * i).head, asked[i]);
    EXPECT_EQ(h.response(2 + 2 * i).head, answered[i]);
  }
}

// A value has a mark before it, which is content, too: however the bytes come, what lies behind the window is behind
// it.
TEST(PostgresRelay, TheWindowEndsAtTheSameByteOfAValueHoweverItComes) {
  const std::string more = "    window: 1KiB\n    after_window: stream";
  for (std::size_t length = 990; length < 1040; ++length) {
    std::string told;
    for (const std::size_t cut : {0, 1, 7, 16}) {
      Connected h(policy("enforce", more), cut);
      h.says(bind("", "s", {std::string(length, 'y') + " drop table users " + std::string(500, 'z')}));
      const bool runs = h.relay().fate() == Fate::run;  // else it hangs on the cut how much went before
      const std::string all = (runs ? h.to_server : "aborted") + " " + std::string(error_name(h.request(0).end.error));
      if (cut == 0) told = all;
      EXPECT_EQ(all, told) << length << " " << cut;
      EXPECT_EQ(h.at_server("drop table"), 0U);
    }
  }
}

// What ends no COPY says nothing of the statement before it: the server heeds neither.
TEST(PostgresRelay, ADeniedCopyFailOutsideOfACopyRefusesNothingBeforeIt) {
  const std::string begins = message('G', "\0"s + be16(1) + be16(0));
  const std::string stray = message('f', text("drop table users"));
  for (const std::size_t cut : {0, 1, 6}) {
    Connected h(policy(), cut);
    h.says(query("select 1/0") + stray);
    EXPECT_EQ(h.at_server("drop table"), 0U);
    h.answers(failure("22012") + ready());
    EXPECT_EQ(h.to_client, failure("22012") + ready()) << cut;
    EXPECT_EQ(h.request(1).end.error, ErrorCode::rule_denied);
    h.to_client.clear();
    h.says(query("copy nowhere from stdin") + stray);
    h.answers(failure("42P01") + ready());
    EXPECT_EQ(h.to_client, failure("42P01") + ready()) << "it never began";
    h.to_client.clear();
    h.says(query("copy t from stdin") + message('d', "1\n") + message('c') + stray);
    h.answers(begins + failure("23505") + ready());
    EXPECT_EQ(h.to_client, begins + failure("23505") + ready()) << "it was over";
    h.to_client.clear();
    h.says(query("copy t from stdin; copy t from stdin") + message('c') + stray);
    h.answers(begins + complete("COPY 0") + begins + failure("57014") + ready());
    EXPECT_EQ(h.to_client, begins + complete("COPY 0") + begins + refusal("a rule denies this") + ready());
    EXPECT_EQ(h.relay().fate(), Fate::run);
  }
}

// Its data waits for its end, which never comes, and the Sync must not wait with it.
TEST(PostgresRelay, ACopyThatTheServerFailedKeepsNoSync) {
  Connected h;
  h.says(parse("", "copy t from stdin") + bind("", "", {}) + execute("") + message('d', "1\n"));
  h.answers(message('1') + message('2') + failure("42501"));
  h.to_server.clear();
  h.says(sync());
  EXPECT_TRUE(h.to_server.ends_with(sync()));
  h.answers(ready());
  EXPECT_TRUE(h.to_client.ends_with(failure("42501") + ready()));
  h.says(query("select 1"));
  EXPECT_EQ(h.relay().pending(), 1U);
}

TEST(PostgresRelay, SaysNothingBehindTheEndOfADirection) {
  PostgresHarness h(policy());
  h.server_finishes();
  ASSERT_TRUE(h.relay().finished(Direction::response));
  h.client(std::string("\0\0\0\x08\x04\xd2\x16\x2f", 8));  // a request for TLS
  EXPECT_FALSE(h.relay().has_output(Direction::response));
  EXPECT_EQ(h.to_client, "");
}

}  // namespace
}  // namespace sluice::session
