// Scores of PostgreSQL's statements: what is added up, of which messages, and what becomes of those above a line.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/session_id.h"
#include "tests/support/holds_bed.h"
#include "tests/support/postgres_peers.h"
#include "tests/support/wait.h"

namespace sluice::session {
namespace {

using namespace std::string_literals;
using Parts = std::vector<std::pair<std::string, std::uint32_t>>;

const std::size_t kCuts[] = {0, 1, 3, 7};
const std::string kCopyBegins = message('G', "\0"s + be16(1) + be16(0));
const std::string kOk = complete("SELECT 1") + ready();
const std::string kRefused = query("refused by policy");
const std::string kHold50 = "{above: 50, then: hold}";
const std::string kDeny50 = "{above: 50, then: deny}";
const std::string kErrors = "errors: {above: 2, percent: 50, score: 40}";

std::string scored(const std::string& lines, const std::string& behaviour = "", const std::string& mode = "enforce",
                   const std::string& more = "") {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: postgres, mode: " + mode +
         ", rules: [local/*], window: 8KiB, risk: {lines: [" + lines + "]" +
         (behaviour.empty() ? "" : ", behaviour: {interval: 10s, " + behaviour + "}") + "}" + more + "}\n" +
         "rules:\n  - {name: drop, match: 'drop', where: [request], score: 30}\n"
         "  - {name: all, match: 'all-of-it', where: [request], score: 40}\n"
         "principals:\n  - {name: ci, from: 10.0.0.64/26}\n";
}

// By the meaning of statements.
std::string by_meaning(const std::string& lines, const std::string& mode = "enforce") {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: postgres, mode: " + mode +
         ", rules: [local/*], risk: {lines: [" + lines + "]}}\n" +
         "rules:\n  - {name: salaries, sql: {tables: salaries}, score: 40}\n"
         "  - {name: everybody, sql: {kinds: [update, delete], where: absent}, score: 30}\n"
         "  - {name: boss, match: 'boss', where: [request], score: 25}\n";
}

template <class Harness>
struct Bed : HoldsBed<Harness> {
  explicit Bed(const std::string& text, std::size_t most = 0) : HoldsBed<Harness>(text), cut(most) {
    this->context.now = 1000 * kSecond;
    connect();
  }
  void connect() {
    says(startup());
    answers(ok());
    forget();
  }
  void says(const std::string& bytes) { this->client(bytes, cut); }
  void answers(const std::string& bytes) { this->server(bytes, cut); }
  void forget() {
    this->to_server.clear();
    this->to_client.clear();
  }
  enforce::LimitCounters& line(std::size_t index = 0) { return *this->context.policy->limits[index]; }
  std::uint32_t score(std::uint32_t unit) {
    const auto& recorded = this->request(unit);
    return recorded.score ? recorded.score->total : 0;
  }
  // A statement and its answer; what its score was.
  std::uint32_t ask(const std::string& sql, const std::string& answer = kOk) {
    const std::uint32_t unit = this->relay().units();
    const std::size_t sent = this->to_server.size();
    says(query(sql));
    answers(this->to_server.substr(sent) == kRefused ? failure() + ready() : answer);
    return score(unit);
  }
  std::size_t cut;
};
using Plain = Bed<PostgresHarness>;

struct Pool {
  sql::ParserPool pool{{.jobs = 4, .source_jobs = 3}};
};
struct Knowing : PostgresHarness {
  explicit Knowing(const std::string& text) : PostgresHarness(text, &parsers.pool) {}
  static Pool parsers;
};
Pool Knowing::parsers;
struct Meaning : Bed<Knowing> {
  using Bed::Bed;
  void asks(const std::string& bytes) {
    says(bytes);
    EXPECT_TRUE(test::eventually([this] {
      context.statements.take([](Session&) {});
      resume();
      return !context.statements.pending();
    }));
  }
};

std::string over_line(const std::string& line) {
  return message('E', "S" + text("ERROR") + "V" + text("ERROR") + "C" + text("42501") + "M" +
                          text("refused by the gateway: the score of this is above what the policy lets pass") + "D" +
                          text("line " + line) + "H" +
                          text("The record of this session says what its score came from.") + '\0');
}

TEST(PostgresRisk, WhatRulesFindInAStatementAddsUpOnceEach) {
  for (const std::size_t cut : kCuts) {
    Plain h(scored("{above: 69, then: observe}, {above: 70, then: deny}"), cut);
    const std::uint64_t before = h.line().observed.value();
    const std::string statement = query("drop drop all-of-it drop");
    h.says(statement);
    EXPECT_EQ(h.to_server, statement) << cut;
    ASSERT_TRUE(h.request(0).score);
    EXPECT_EQ(h.score(0), 70U);
    EXPECT_EQ(h.request(0).score->line, 69U);
    EXPECT_EQ(h.request(0).score_parts, (Parts{{"local/drop", 30}, {"local/all", 40}}));
    EXPECT_EQ(h.request(0).end.verdict, Verdict::pass);
    EXPECT_EQ(h.line().observed.value() - before, 1U);
    h.says(query("select 1"));
    EXPECT_FALSE(h.request(1).score);
  }
}

TEST(PostgresRisk, AStatementAboveALineThatDeniesIsRefusedInItsPlaceWithTheLine) {
  for (const std::size_t cut : kCuts) {
    Plain h(scored(kDeny50), cut);
    const std::uint64_t before = h.line().denied.value();
    h.says(query("drop all-of-it") + query("drop"));
    EXPECT_EQ(h.to_server, kRefused + query("drop")) << cut;
    h.answers(failure() + ready('T') + kOk);
    EXPECT_EQ(h.to_client, over_line("web/risk:50") + ready('T') + kOk);
    EXPECT_EQ(h.request(0).end.verdict, Verdict::deny);
    EXPECT_EQ(h.request(0).end.error, ErrorCode::score_denied);
    EXPECT_EQ(h.line().denied.value() - before, 1U);
    EXPECT_EQ(h.relay().fate(), Fate::run);
  }
}

TEST(PostgresRisk, AStatementAboveALineThatHoldsWaitsAndShowsHowItsScoreCameAbout) {
  for (const std::size_t cut : kCuts)
    for (const bool passes : {false, true}) {
      Plain h(scored(kHold50), cut);
      h.says(query("drop all-of-it") + query("select 1"));
      h.burst();
      EXPECT_EQ(h.to_server, "");
      EXPECT_EQ(h.cause, "above 50: local/drop 30, local/all 40");
      EXPECT_EQ(h.shown, "QUERY\ndrop all-of-it");
      h.decide(passes);
      EXPECT_EQ(h.to_server, (passes ? query("drop all-of-it") : kRefused) + query("select 1")) << cut;
      ASSERT_TRUE(h.request(0).held);
      EXPECT_EQ(h.request(0).held_texts[0], "score/70");
      if (passes) continue;
      h.answers(failure() + ready());
      EXPECT_NE(h.to_client.find(text("hold " + format_session_id(h.id) + ", decided by alice: seen")),
                h.to_client.npos);
    }
}

TEST(PostgresRisk, ALineThatThrottlesPacesThosePrincipalsStatements) {
  Plain h(scored("{above: 20, then: throttle, rate: 1/s, burst: 1}"));
  EXPECT_EQ(h.ask("drop"), 30U);
  EXPECT_EQ(h.ask("select 1"), 0U);
  h.forget();
  h.says(query("drop") + query("select 2"));
  EXPECT_EQ(h.to_server, "");
  EXPECT_TRUE(h.relay().is_throttled());
  h.context.now += kSecond;
  h.resume();
  EXPECT_EQ(h.to_server, query("drop") + query("select 2"));
  EXPECT_EQ(h.request(2).limit, "web/risk:20");
  EXPECT_EQ(h.request(2).end.verdict, Verdict::throttle);
}

TEST(PostgresRisk, ThePreparedArePacedWhenTheyRun) {
  Plain h(scored("{above: 20, then: throttle, rate: 1/s, burst: 1}"));
  const std::string run = bind("", "s", {"1"}) + execute("") + sync();
  h.says(parse("s", "drop") + run);
  EXPECT_EQ(h.to_server, parse("s", "drop") + run);
  h.answers(message('1') + message('2') + kOk);
  h.forget();
  h.says(run);
  EXPECT_EQ(h.to_server, bind("", "s", {"1"}));
  EXPECT_TRUE(h.relay().is_throttled());
  h.context.now += kSecond;
  h.resume();
  EXPECT_EQ(h.to_server, run);
  EXPECT_EQ(h.score(4), 30U);
}

TEST(PostgresRisk, WhatWasFoundInAStatementCountsWithItsValues) {
  for (const std::size_t cut : kCuts) {
    Plain h(scored(kDeny50), cut);
    const std::string good = bind("", "s", {"calm"}) + execute("");
    h.says(parse("s", "drop $1") + good + good + sync());
    EXPECT_EQ(h.to_server, parse("s", "drop $1") + good + good + sync()) << cut;
    for (std::uint32_t unit = 0; unit < 5; ++unit) EXPECT_EQ(h.score(unit), 30U) << unit;
    h.answers(message('1') + message('2') + complete("SELECT 1") + message('2') + kOk);
    h.forget();
    h.says(bind("", "s", {"all-of-it"}) + execute("") + sync());
    EXPECT_EQ(h.at_server("all-of-it"), 0U);
    EXPECT_EQ(h.request(5).end.error, ErrorCode::score_denied);
    EXPECT_EQ(h.request(5).score_parts, (Parts{{"local/drop", 30}, {"local/all", 40}}));
    h.answers(failure("08P01") + ready());
    EXPECT_EQ(h.to_client, over_line("web/risk:50") + ready());
    h.forget();
    h.says(good + sync());
    EXPECT_EQ(h.to_server, good + sync()) << "its other runs go on";
  }
}

// The server skips what comes behind an error up to a Sync, so that a name stands for what it stood for.
TEST(PostgresRisk, AChangeThatMayComeToNothingHidesNoStatement) {
  const std::string fails = bind("", "nosuch", {"1"});
  for (const std::string& change : {close('S', "s"), parse("s", "select $1"), query("prepare x as select 1")}) {
    Plain h(scored(kDeny50));
    h.says(parse("s", "drop $1") + sync());
    h.answers(message('1') + ready());
    h.says(fails + change + sync() + bind("", "s", {"all-of-it"}) + execute("") + sync());
    EXPECT_EQ(h.at_server("all-of-it"), 0U) << change;
  }
}

TEST(PostgresRisk, AChangeInTheSamePipelineIsCertain) {
  Plain h(scored(kDeny50));
  h.says(parse("", "drop $1") + sync());
  h.answers(message('1') + ready());
  const std::string run = parse("", "select $1") + bind("", "", {"all-of-it"}) + execute("") + sync();
  h.says(run);
  EXPECT_EQ(h.score(2), 40U) << "and nothing of the one before";
}

TEST(PostgresRisk, AStatementThatSqlMadeDoubtfulKeepsItsScore) {
  Plain h(scored(kDeny50));
  h.says(parse("s", "drop $1") + sync());
  h.answers(message('1') + ready());
  h.says(query("deallocate x; prepare x as select 1"));
  h.answers(complete("DEALLOCATE") + complete("PREPARE") + ready());
  h.says(bind("", "s", {"all-of-it"}) + execute("") + sync());
  EXPECT_EQ(h.at_server("all-of-it"), 0U);
}

TEST(PostgresRisk, WhatAPersonLetPassHasItsPaceAllTheSame) {
  Plain h(scored("{above: 20, then: throttle, rate: 1/s, burst: 1}, " + kHold50));
  h.says(parse("s", "drop all-of-it $1"));
  h.burst();
  h.decide(true);
  const std::string run = bind("", "s", {"1"}) + execute("") + sync();
  h.says(run);
  EXPECT_EQ(h.to_server, parse("s", "drop all-of-it $1") + run);
  h.says(run);
  EXPECT_TRUE(h.relay().is_throttled());
}

TEST(PostgresRisk, ARuleCountsOnceInAStatementAndItsValues) {
  Plain h(scored("{above: 30, then: deny}"));
  h.says(parse("s", "drop $1") + bind("", "s", {"drop"}) + execute("") + sync());
  EXPECT_EQ(h.score(1), 30U);
  EXPECT_EQ(h.score(2), 30U);
  EXPECT_EQ(h.at_server("refused by policy"), 0U);
}

TEST(PostgresRisk, WhatAPersonLetPassIsNotAskedAgainAtItsRuns) {
  Plain h(scored(kHold50));
  const std::uint64_t before = h.line().held.value();
  h.says(parse("s", "drop all-of-it $1"));
  h.burst();
  EXPECT_EQ(h.to_server, "");
  h.decide(true);
  const std::string run = bind("", "s", {"1"}) + execute("") + sync();
  h.says(run + run);
  EXPECT_EQ(h.to_server, parse("s", "drop all-of-it $1") + run + run);
  EXPECT_EQ(h.line().held.value() - before, 1U);
  EXPECT_EQ(h.score(2), 70U) << "it is on the record of its runs";
  EXPECT_EQ(h.request(2).end.verdict, Verdict::pass);
  h.says(bind("", "s", {"drop"}));
  h.burst();
  EXPECT_TRUE(h.relay().is_held()) << "these values nobody saw";
  EXPECT_EQ(h.shown, "BIND \"\" \"s\"\ndrop all-of-it $1\ndrop");
}

TEST(PostgresRisk, TheDataOfACopyCountsWithItsStatement) {
  for (const std::size_t cut : kCuts) {
    Plain h(scored(kDeny50), cut);
    h.says(query("copy drop from stdin"));
    h.answers(kCopyBegins);
    h.forget();
    h.says(message('d', "all-") + message('d', "of-it\n") + message('c'));
    EXPECT_EQ(h.to_server, message('f', text("refused by policy"))) << cut;
    EXPECT_EQ(h.request(1).score_parts, (Parts{{"local/drop", 30}, {"local/all", 40}}));
    h.answers(failure("57014") + ready());
    EXPECT_EQ(h.to_client, over_line("web/risk:50") + ready());
    h.forget();
    const std::string alone = message('d', "all-of-it\n") + message('c');
    h.says(query("copy t from stdin"));
    h.answers(kCopyBegins);
    h.forget();
    h.says(alone);
    EXPECT_EQ(h.to_server, alone);
    EXPECT_EQ(h.score(3), 40U);
  }
}

TEST(PostgresRisk, AStatementBeyondTheWindowIsStoppedBeforeItsEnd) {
  const std::string large = query("drop " + std::string(20'000, 'x') + " all-of-it " + std::string(20'000, 'y'));
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1448}}) {
    for (const std::string& lines : {kDeny50, kHold50}) {
      Plain h(scored(lines, "", "enforce", ", after_window: stream"), cut);
      h.says(large);
      EXPECT_EQ(h.relay().fate(), Fate::abort) << "part of it went, so there is nobody to tell";
      EXPECT_EQ(h.at_server("all-of-it"), 0U);
      EXPECT_EQ(h.score(0), 70U);
    }
    Plain h(scored(kDeny50, "", "enforce", ", after_window: stream"), cut);
    const std::string early = query("drop all-of-it " + std::string(20'000, 'y'));
    h.says(early);
    EXPECT_EQ(h.to_server, kRefused) << "found in the window";
  }
}

TEST(PostgresRisk, WhatStatementsMeanIsWorthPoints) {
  for (const std::size_t cut : kCuts) {
    Meaning h(by_meaning(kDeny50), cut);
    h.asks(query("UPDATE \"salaries\" set n = 0") + query("update salaries set n = 0 where id = 1") +
           query("delete from notes"));
    EXPECT_EQ(h.to_server, kRefused + query("update salaries set n = 0 where id = 1") + query("delete from notes"))
        << cut;
    EXPECT_EQ(h.request(0).score_parts, (Parts{{"local/salaries", 40}, {"local/everybody", 30}}));
    EXPECT_EQ(h.score(1), 40U);
    EXPECT_EQ(h.score(2), 30U);
    h.answers(failure() + ready() + kOk + kOk);
    h.forget();
    h.asks(parse("", "select n from salaries where who = $1") + bind("", "", {"the boss"}) + execute("") + sync());
    EXPECT_EQ(h.at_server("the boss"), 0U) << "its text and its value together";
    EXPECT_EQ(h.request(4).score_parts, (Parts{{"local/salaries", 40}, {"local/boss", 25}}));
  }
}

TEST(PostgresRisk, ErrorsOfItsOtherStatementsAreACallers) {
  Plain h(scored("{above: 30, then: deny}", kErrors));
  const std::string no = failure("42P01") + ready();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(h.ask("select nothing", no), 0U) << i;
  EXPECT_EQ(h.ask("select 1"), 40U);
  EXPECT_NE(h.to_client.find("web/risk:30"), std::string::npos);
  EXPECT_EQ(h.request(3).score_parts, (Parts{{"behaviour/errors", 40}}));
  h.session(8);
  h.connect();
  EXPECT_EQ(h.ask("select 1"), 40U) << "of all its connections";
  h.session(9, 0x0b000001);
  h.connect();
  EXPECT_EQ(h.ask("select 1"), 0U) << "who calls itself ann from elsewhere is somebody else";
  h.session(8);
  h.context.now += 30 * kSecond;
  EXPECT_EQ(h.ask("select 1"), 0U);
}

TEST(PostgresRisk, AnErrorOfAPreparedStatementCountsOnceAndWhatWeRefuseDoesNot) {
  const std::string run = parse("", "select 1") + bind("", "", {}) + execute("") + sync();
  Plain h(scored("{above: 30, then: deny}", kErrors));
  for (int i = 0; i < 2; ++i) {
    h.says(run);
    h.answers(failure() + ready());
  }
  EXPECT_EQ(h.ask("select 1"), 0U) << "two of three answers";
  h.says(run);
  h.answers(message('1') + message('2') + failure() + ready());
  EXPECT_EQ(h.ask("select 1"), 40U);
  Plain calm(scored("{above: 30, then: deny}", kErrors));
  for (int i = 0; i < 9; ++i) EXPECT_EQ(calm.ask("drop all-of-it"), 70U);
  EXPECT_EQ(calm.ask("select 1"), 0U);
}

TEST(PostgresRisk, RowsThatGoOutCountForTheNextStatement) {
  Plain h(scored("{above: 10, then: deny}", "bytes_out: {above: 1KiB, score: 20}"));
  EXPECT_EQ(h.ask("select 1", rows_of({"a"}) + row({std::string(1100, 'x')}) + kOk), 0U);
  EXPECT_EQ(h.ask("select 1"), 20U);
}

// What only prepares work is not weighed, and is no request.
TEST(PostgresRisk, BehaviourIsOfWhatLetsTheServerWork) {
  Plain h(scored("{above: 60, then: hold}", kErrors));
  const std::string no = failure("42P01") + ready();
  for (int i = 0; i < 3; ++i) h.ask("select nothing", no);
  h.forget();
  const std::string prepared = parse("", "drop $1") + bind("", "", {"1"});
  h.says(prepared + execute("") + sync());
  h.burst();
  EXPECT_EQ(h.to_server, prepared);
  EXPECT_TRUE(h.relay().is_held());
  EXPECT_EQ(h.cause, "above 60: behaviour/errors 40, local/drop 30");
  h.decide(true);
  EXPECT_EQ(h.to_server, prepared + execute("") + sync());
  EXPECT_EQ(h.request(5).held_texts[0], "score/70");
}

TEST(PostgresRisk, AStartupIsWorthWhatIsFoundInItsSettings) {
  for (const std::string& lines : {kDeny50, kHold50}) {
    PostgresHarness h(scored(lines));
    h.client(packet(196608, text("user") + text("ann") + text("options") + text("drop all-of-it") + '\0'));
    EXPECT_EQ(h.to_server, "");
    EXPECT_NE(h.to_client.find(text("FATAL")), std::string::npos);
    EXPECT_NE(h.to_client.find(text("line web/risk:50")), std::string::npos);
    EXPECT_EQ(h.request(0).end.error, ErrorCode::score_denied);
    EXPECT_EQ(h.request(0).score->total, 70U);
  }
}

TEST(PostgresRisk, InObserveModeNothingHappensButTheRecordAndTheCounters) {
  const std::pair<std::string, Verdict> cases[] = {{kHold50, Verdict::hold},
                                                   {kDeny50, Verdict::deny},
                                                   {"{above: 50, then: observe}", Verdict::pass},
                                                   {"{above: 50, then: throttle, rate: 1/h, burst: 1}", Verdict::pass}};
  for (const auto& [line, verdict] : cases) {
    Plain h(scored(line, "", "observe"));
    const std::uint64_t before = h.line().observed.value();
    h.says(query("drop all-of-it") + query("select 1"));
    EXPECT_EQ(h.to_server, query("drop all-of-it") + query("select 1"));
    EXPECT_EQ(h.request(0).end.verdict, verdict);
    EXPECT_EQ(h.score(0), 70U);
    EXPECT_EQ(h.line().observed.value() - before, line.find("throttle") == line.npos ? 1U : 0U);
    EXPECT_EQ(h.context.holds.size(), 0U);
  }
}

TEST(PostgresRisk, AnOrderLetsPassWhatAScoreHoldsAndNotWhatItDenies) {
  Plain h(scored("{above: 20, then: hold}, {above: 60, then: deny}"));
  h.order({{.id = 5, .verdict = OrderVerdict::pass, .principal = "ci", .by = "bob", .reason = "known"}});
  h.says(query("drop") + query("drop all-of-it"));
  EXPECT_EQ(h.to_server, query("drop") + kRefused);
  EXPECT_EQ(h.request(0).held_texts, (std::array<std::string, 3>{"score/30", "bob", "known"}));
}

}  // namespace
}  // namespace sluice::session
