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

}  // namespace
}  // namespace sluice::session
