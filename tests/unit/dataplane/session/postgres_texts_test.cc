// What PostgreSQL's messages carry beside statements and values: settings of a startup packet, the reason of a failed
// COPY, what a Describe is answered, what a server says unasked, and which of its errors count as its own.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/postgres_peers.h"

namespace sluice::session {
namespace {

const std::string kWho = text("user") + text("ann") + text("database") + text("shop");

// Of which one rule denies, and one holds.
std::string strict(const std::string& mode = "enforce") {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: postgres, mode: " + mode +
         ", rules: [local/*]}\n" +
         "rules:\n  - {name: card, match: '\\b\\d{12}(\\d{4})\\b', where: [request], action: mask, mask: {keep_last: "
         "4}}\n"
         "  - {name: bad, match: 'DROP', where: [request], action: deny, mask: {on: nowhere}}\n"
         "  - {name: slow, match: 'WAIT', where: [request], action: hold}\n";
}

std::string with(const std::string& options, const std::string& who = kWho) {
  return startup(who + text("options") + text(options) + text("application_name") + text("psql"));
}

TEST(PostgresTexts, SettingsOfAStartupAreAUnitAndMasked) {
  for (const std::size_t cut : {0, 1, 3, 16}) {
    PostgresHarness h(policy());
    h.client(with("-c a.b=" + kCard), cut);
    EXPECT_EQ(h.to_server, with("-c a.b=" + kStarred)) << cut;
    EXPECT_EQ(h.request(0).head, "STARTUP \"options\" \"application_name\"\n");
    EXPECT_EQ(told(h.request(0).body), "-c a.b=" + kStarred + ";psql;");
    EXPECT_EQ(h.request(0).ends, 1U);
    EXPECT_EQ(h.response(0).ends, 1U);
    EXPECT_EQ(h.recorder.everything().find(kCard), std::string::npos);
    h.server(ok());
    h.client(query("select 1"), cut);
    EXPECT_EQ(told(h.request(1).body), "select 1;");
  }
}

TEST(PostgresTexts, WhoCallsIsInNoUnitAndNotMasked) {
  PostgresHarness h(policy());
  const std::string who = text("user") + text(kCard) + text("database") + text(kCard);
  h.client(startup(who));
  EXPECT_EQ(h.to_server, startup(who));
  EXPECT_EQ(h.relay().principal(), kCard);
  h.server(ok());
  h.client(query("select 1"));
  EXPECT_EQ(told(h.request(0).body), "select 1;");
}

TEST(PostgresTexts, ADeniedSettingEndsTheSessionBeforeTheServerHearsOfIt) {
  for (const char* word : {"DROP", "WAIT"})
    for (const std::size_t cut : {0, 1, 7}) {
      PostgresHarness h(strict());
      h.client(with(word), cut);
      EXPECT_EQ(h.to_server, "") << cut;
      EXPECT_NE(h.to_client.find(text("FATAL") + "C" + text("42501")), std::string::npos);
      EXPECT_EQ(h.relay().fate(), Fate::close);
      EXPECT_EQ(h.request(0).end.verdict, Verdict::deny);
      EXPECT_EQ(h.request(0).end.error, ErrorCode::rule_denied);
      EXPECT_EQ(h.request(0).ends, 1U);
    }
}

TEST(PostgresTexts, AnObservedSettingPassesAndIsNoted) {
  for (const std::size_t cut : {0, 1}) {
    PostgresHarness h(strict("observe"));
    h.client(with("DROP " + kCard), cut);
    EXPECT_EQ(h.to_server, with("DROP " + kCard));
    EXPECT_EQ(told(h.request(0).body), "DROP " + kStarred + ";psql;");
    EXPECT_EQ(h.request(0).end.verdict, Verdict::deny);
  }
}

TEST(PostgresTexts, WhyACopyFailsIsItsContent) {
  const std::string starts = message('G', std::string(1, '\0') + be16(0));
  for (const std::size_t cut : {0, 1, 3}) {
    Connected h(policy(), cut);
    h.says(query("copy t from stdin"));
    h.answers(starts);
    h.says(message('d', "a\n") + message('f', text("no " + kCard)));
    EXPECT_TRUE(h.to_server.ends_with(message('d', "a\n") + message('f', text("no " + kStarred)))) << cut;
    EXPECT_EQ(told(h.request(1).body), "a\n;no " + kStarred + ";");
    h.answers(failure("57014") + ready());
    h.says(query("copy t from stdin"));
    h.answers(starts);
    h.says(message('f', text(kCard)));
    EXPECT_TRUE(h.to_server.ends_with(message('f', text(kStarred)))) << "without any data";
    EXPECT_EQ(h.request(3).head, "COPY\n");
    EXPECT_EQ(told(h.request(3).body), kStarred + ";");
    EXPECT_EQ(h.request(3).ends, 1U);
    h.answers(failure("57014") + ready());
    EXPECT_EQ(h.relay().pending(), 0U);
  }
}

TEST(PostgresTexts, ADeniedReasonFailsTheCopyInOurWords) {
  for (const std::size_t cut : {0, 1}) {
    Connected h(strict(), cut);
    h.says(query("copy t from stdin"));
    h.answers(message('G', std::string(1, '\0') + be16(0)));
    h.says(message('f', text("DROP")));
    EXPECT_EQ(h.at_server("DROP"), 0U);
    EXPECT_TRUE(h.to_server.ends_with(message('f', text("refused by policy"))));
    h.answers(failure("57014") + ready());
    EXPECT_NE(h.to_client.find(text("42501")), std::string::npos);
    h.says(query("select 1"));
    EXPECT_EQ(h.at_server("select 1"), 1U);
  }
}

TEST(PostgresTexts, ADescribeIsAUnitWithItsAnswer) {
  for (const std::size_t cut : {0, 1, 5}) {
    Connected h(policy(), cut);
    const std::string asked =
        parse("s", "select 1") + describe('S', "s") + bind_of("", "s") + describe('P', "") + execute("") + sync();
    h.says(asked);
    EXPECT_EQ(h.to_server, asked);
    const std::string answered = message('1') + message('t', be16(0)) + rows_of({"n"}) + message('2') + rows_of({"n"}) +
                                 row({"1"}) + complete("SELECT 1") + ready();
    h.answers(answered);
    EXPECT_EQ(h.to_client, answered);
    EXPECT_EQ(h.request(1).head, "DESCRIBE statement \"s\"\n");
    EXPECT_EQ(h.response(1).head, "COLUMNS\n");
    EXPECT_EQ(told(h.response(1).body), "n;");
    EXPECT_EQ(h.request(3).head, "DESCRIBE portal \"\"\n");
    EXPECT_EQ(told(h.response(3).body), "n;");
    EXPECT_EQ(told(h.response(4).body), "|1|row(1)SELECT 1;");
    EXPECT_EQ(h.response(5).ends, 0U) << "nothing that nobody asked";
    for (std::uint32_t unit = 0; unit < 5; ++unit) EXPECT_EQ(h.response(unit).ends, 1U);
  }
}

TEST(PostgresTexts, ADescribeWithoutRowsAndOneThatFails) {
  Connected h;
  h.says(parse("", "begin") + describe('S', "") + describe('S', "none") + execute("") + sync());
  h.answers(message('1') + message('t', be16(0)) + message('n') + failure() + ready());
  EXPECT_EQ(h.response(1).head, "COLUMNS\n");
  EXPECT_TRUE(h.response(1).end.complete);
  EXPECT_EQ(h.response(2).head, "ERROR\n");
  EXPECT_EQ(h.response(3).end.error, ErrorCode::postgres_skipped);
  EXPECT_EQ(h.relay().pending(), 0U);
}

TEST(PostgresTexts, ADescribeOfADeniedNameFailsThePipelineInItsPlace) {
  Connected h(strict());
  h.says(describe('S', "DROP") + sync());
  EXPECT_EQ(h.at_server("DROP"), 0U);
  h.answers(failure("08P01") + ready());
  EXPECT_EQ(h.to_client, refusal(error_text(ErrorCode::rule_denied)) + ready());
}

TEST(PostgresTexts, WhatAServerSaysUnaskedIsMasked) {
  for (const std::size_t cut : {0, 1, 5}) {
    Connected h(policy(), cut);
    h.answers(message('A', be32(7) + text("c " + kCard) + text("p " + kCard)));
    EXPECT_EQ(h.to_client, message('A', be32(7) + text("c " + kStarred) + text("p " + kStarred)));
    EXPECT_EQ(told(h.response(0).body), "c " + kStarred + ";p " + kStarred + ";");
  }
}

TEST(PostgresTexts, OnlyErrorsOfTheServerItselfAreCounted) {
  Connected h;
  const PolicyRef policy = h.context.policy;
  const enforce::Service* service = policy->snapshot->find_service(test::kServerAddress, test::kServerPort);
  const auto counted = [&] { return policy->counters(*service).errors.value(); };
  for (const auto& [sqlstate, is_servers] : {std::pair("53300", true),
                                             {"57P01", true},
                                             {"58030", true},
                                             {"XX000", true},
                                             {"57014", false},
                                             {"42601", false},
                                             {"23505", false},
                                             {"40001", false},
                                             {"28P01", false}}) {
    const std::uint64_t before = counted();
    h.says(query("select 1"));
    h.answers(failure(sqlstate) + ready());
    EXPECT_EQ(counted() - before, is_servers ? 1U : 0U) << sqlstate;
  }
}

}  // namespace
}  // namespace sluice::session
