// PostgreSQL statements that wait for a decision: what the server sees of them, what the client is told and when, what
// ends it, and what is on the record.
#include <gtest/gtest.h>

#include <string>

#include "common/session_id.h"
#include "tests/support/holds_bed.h"
#include "tests/support/postgres_peers.h"

namespace sluice::session {
namespace {

using namespace std::string_literals;

const std::string kUpdate = query("update accounts set key = 'key-1234'");
const std::string kAnswer = complete("UPDATE 1") + ready();
const std::string kRefused = query("refused by policy");

std::string held_policy(const std::string& hold = "{timeout: 15m}", const std::string& mode = "enforce",
                        const std::string& more = "") {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: postgres, mode: " + mode +
         ", rules: [local/*], hold: " + hold + more + "}\n" +
         "rules:\n  - {name: update, match: 'update accounts', where: [request], action: hold}\n"
         "  - {name: never, match: 'never', where: [request], action: deny}\n"
         "  - {name: key, match: 'key-[0-9]{4}', where: [request], action: observe, mask: {on: [record]}}\n"
         "principals:\n  - {name: ci, from: 10.0.0.64/26}\n";
}

struct Bed : HoldsBed<PostgresHarness> {
  explicit Bed(const std::string& text = held_policy(), std::size_t most = 0) : HoldsBed(text), cut(most) {
    says(startup());
    answers(ok());
    forget();
  }
  void says(const std::string& bytes) { client(bytes, cut); }
  void answers(const std::string& bytes) { server(bytes, cut); }
  void forget() {
    to_server.clear();
    to_client.clear();
  }
  // What the client hears of a hold when it begins.
  [[nodiscard]] std::string notice() const {
    const std::string hold = format_session_id(id);
    return message('N', "S" + text("NOTICE") + "V" + text("NOTICE") + "C" + text("00000") + "M" +
                            text("this waits for a decision: hold " + hold) + "H" +
                            text("\"sluice holds show " + hold + "\" tells about it; cancel it to give it up.") + '\0');
  }
  std::size_t cut;
};

// What the client gets in place of the server's error.
std::string refusal(std::string_view code, std::string_view why, const std::string& detail = "",
                    std::string_view severity = "ERROR") {
  return message('E', "S" + text(severity) + "V" + text(severity) + "C" + text(code) + "M" +
                          text("refused by the gateway: " + std::string(why)) +
                          (detail.empty() ? "" : "D" + text(detail)) + '\0');
}

enforce::Order order_of(std::uint64_t id, OrderVerdict verdict) {
  return {.id = id, .verdict = verdict, .principal = "ann", .by = "bob", .reason = "because"};
}

TEST(PostgresHolds, AHeldStatementGoesOnAsItCameOnceItPasses) {
  for (std::size_t cut = 1; cut <= kUpdate.size(); ++cut) {
    Bed h(held_policy(), cut);
    h.says(kUpdate + query("select 1"));
    h.burst();
    ASSERT_TRUE(h.relay().is_held());
    EXPECT_EQ(h.to_server, "");
    EXPECT_EQ(h.to_client, h.notice()) << cut;
    EXPECT_EQ(h.shown, "QUERY\nupdate accounts set key = '***-****'");
    EXPECT_EQ(h.cause, "local/update");
    EXPECT_FALSE(h.relay().accepts(Direction::request));
    h.context.now += 600 * kSecond;
    h.decide(true);
    EXPECT_EQ(h.to_server, kUpdate + query("select 1")) << "nothing behind it was read before";
    h.answers(kAnswer);
    EXPECT_EQ(h.to_client, h.notice() + kAnswer);
    EXPECT_EQ(h.request(0).end.verdict, Verdict::hold);
    EXPECT_EQ(h.request(0).ends, 1U);
    ASSERT_TRUE(h.request(0).held);
    EXPECT_EQ(h.request(0).held->waited, 600 * kSecond);
    EXPECT_EQ(h.request(0).held_texts, (std::array<std::string, 3>{"rule/local/update", "alice", "seen"}));
    EXPECT_EQ(h.endings, std::vector{HoldEnding::passed});
    EXPECT_EQ(h.holds().size(), 0U);
  }
}

TEST(PostgresHolds, ARejectedStatementIsRefusedInItsPlaceAndTheSessionLivesOn) {
  for (std::size_t cut = 1; cut <= kUpdate.size(); ++cut) {
    Bed h(held_policy(), cut);
    h.says(query("begin"));
    h.answers(complete("BEGIN") + ready('T'));
    h.forget();
    h.says(kUpdate);
    h.burst();
    h.decide(false);
    EXPECT_EQ(h.to_server, kRefused);
    h.answers(failure() + ready('E'));
    EXPECT_EQ(h.to_client, h.notice() +
                               refusal("42501", "a reviewer rejected this",
                                       "hold " + format_session_id(h.id) + ", decided by alice: seen") +
                               ready('E'))
        << "the transaction is what the server says";
    EXPECT_EQ(h.request(1).end.error, ErrorCode::hold_rejected);
    EXPECT_EQ(h.request(1).end.verdict, Verdict::deny);
    EXPECT_EQ(h.response(1).ends, 1U);
    EXPECT_EQ(h.endings, std::vector{HoldEnding::denied});
    h.says(query("rollback"));
    EXPECT_EQ(h.at_server("rollback"), 1U);
    EXPECT_EQ(h.relay().fate(), Fate::run);
  }
}

TEST(PostgresHolds, InAPipelineOneRejectionIsEnoughUpToItsSync) {
  const std::string first = parse("", "select 1") + bind_of("", "") + execute("");
  const std::string held = parse("u", "update accounts") + bind_of("", "u") + execute("");
  const std::string pipeline = first + held + held + sync();
  for (const std::size_t cut : {0, 1, 3, 7, 50}) {
    Bed h(held_policy(), cut);
    h.says(pipeline + kUpdate);
    h.burst();
    EXPECT_EQ(h.to_server, first) << cut;
    h.answers(message('1') + message('2') + row({"1"}) + complete("SELECT 1"));
    EXPECT_EQ(h.to_client, h.notice() + message('1') + message('2') + row({"1"}) + complete("SELECT 1"))
        << "answers go on";
    const HoldId rejected = h.id;
    h.forget();
    h.decide(false);
    EXPECT_EQ(h.to_server, message('P', text("u") + text("refused by policy") + be16(0)) + bind_of("", "u") +
                               execute("") + held + sync());
    EXPECT_TRUE(h.relay().is_held()) << "behind the Sync it counts again";
    h.burst();
    EXPECT_NE(h.id, rejected);
    h.decide(true);
    EXPECT_TRUE(h.to_server.ends_with(sync() + kUpdate));
    h.answers(failure() + ready() + kAnswer);
    EXPECT_EQ(h.relay().pending(), 0U);
    EXPECT_EQ(h.response(4).end.error, ErrorCode::postgres_skipped);
  }
}

TEST(PostgresHolds, TheNoticeComesBetweenTheServersMessages) {
  const std::string rows = rows_of({"n"}) + row({"one"}) + row({"two"});
  for (std::size_t at = 1; at < rows.size(); ++at) {
    Bed h;
    h.says(query("select n"));
    h.answers(rows.substr(0, at));
    h.says(kUpdate);
    h.burst();
    h.answers(rows.substr(at) + complete("SELECT 2") + ready());
    const std::size_t notice = h.to_client.find(h.notice());
    ASSERT_NE(notice, std::string::npos) << at;
    std::string without = h.to_client;
    EXPECT_EQ(without.erase(notice, h.notice().size()), rows + complete("SELECT 2") + ready());
    const std::string whole[] = {"",
                                 rows_of({"n"}),
                                 rows_of({"n"}) + row({"one"}),
                                 rows,
                                 rows + complete("SELECT 2"),
                                 rows + complete("SELECT 2") + ready()};
    EXPECT_TRUE(std::ranges::find(whole, h.to_client.substr(0, notice)) != std::end(whole)) << at;
  }
}

TEST(PostgresHolds, ARequestToCancelGivesItUp) {
  const auto cancel = [](std::uint32_t process, std::uint32_t secret) {
    return packet(80877102, be32(process) + be32(secret));
  };
  for (const std::size_t cut : {0, 1, 5}) {
    Bed h(held_policy(), cut);
    h.says(kUpdate);
    h.burst();
    h.forget();
    h.session(8);
    h.says(cancel(7, 9));
    h.session(9);
    h.says(cancel(6, 8));
    h.session(7);
    h.burst();
    EXPECT_TRUE(h.relay().is_held()) << "a key is told to nobody else";
    h.session(10);
    h.forget();
    h.says(cancel(7, 8));
    EXPECT_EQ(h.to_server, cancel(7, 8)) << "the server hears of it all the same";
    h.session(7);
    h.forget();
    h.burst();
    EXPECT_FALSE(h.relay().is_held());
    EXPECT_EQ(h.to_server, kRefused);
    h.answers(failure() + ready());
    EXPECT_EQ(h.to_client, refusal("57014", "the client cancelled its statement while it was held") + ready());
    EXPECT_EQ(h.endings, std::vector{HoldEnding::abandoned});
    EXPECT_EQ(h.request(0).end.error, ErrorCode::postgres_canceled);
    h.says(query("select 1"));
    EXPECT_EQ(h.at_server("select 1"), 1U);
    EXPECT_EQ(h.relay().fate(), Fate::run);
  }
}

TEST(PostgresHolds, AClientThatGoesAwayEndsItsHold) {
  Bed h;
  h.says(kUpdate);
  h.burst();
  h.client_finishes();
  h.burst();
  EXPECT_EQ(h.endings, std::vector{HoldEnding::abandoned});
  EXPECT_EQ(h.to_server, "");
  EXPECT_EQ(h.request(0).end.error, ErrorCode::hold_abandoned);
  EXPECT_EQ(h.response(0).ends, 1U);
  EXPECT_EQ(h.relay().fate(), Fate::close);
}

TEST(PostgresHolds, AServerThatGoesAwayEndsTheSession) {
  Bed h;
  h.says(kUpdate);
  h.burst();
  h.forget();
  h.server_finishes();
  h.burst();
  EXPECT_EQ(h.to_client, refusal("57P01", error_text(ErrorCode::hold_server_gone), "", "FATAL"));
  EXPECT_EQ(h.to_server, "");
  EXPECT_EQ(h.endings, std::vector{HoldEnding::server_gone});
  EXPECT_EQ(h.relay().fate(), Fate::close);
  EXPECT_EQ(h.request(0).ends, 1U);
  Bed reset;
  reset.says(kUpdate);
  reset.burst();
  reset.relay().close(reset.context, ErrorCode::tcp_reset_by_server);
  reset.burst();
  EXPECT_EQ(reset.endings, std::vector{HoldEnding::server_gone});
}

TEST(PostgresHolds, WhenNobodyDecidesThePolicyDoes) {
  for (const bool passes : {false, true}) {
    Bed h(held_policy(passes ? "{timeout: 1h, on_timeout: pass}" : "{timeout: 1h}"));
    h.says(kUpdate);
    h.burst();
    EXPECT_EQ(h.relay().next_deadline(h.context.now), 3601 * kSecond);
    h.context.now = 3601 * kSecond - 1;
    h.burst();
    EXPECT_TRUE(h.relay().is_held());
    h.context.now = 3601 * kSecond;
    h.burst();
    EXPECT_EQ(h.to_server, passes ? kUpdate : kRefused);
    EXPECT_EQ(h.endings, std::vector{HoldEnding::expired});
  }
}

TEST(PostgresHolds, ARuleThatDeniesComesFirst) {
  Bed h;
  h.says(query("update accounts, never"));
  EXPECT_EQ(h.to_server, kRefused);
  EXPECT_FALSE(h.relay().is_held());
}

TEST(PostgresHolds, APauseHoldsWhatLetsTheServerWork) {
  const std::string prepared = parse("s", "select $1") + bind("p", "s", {"key-1234"});
  for (const std::size_t cut : {0, 1, 6}) {
    Bed h(held_policy(), cut);
    h.order({order_of(1, OrderVerdict::hold)});
    h.says(prepared + execute("p") + sync());
    h.burst();
    EXPECT_EQ(h.to_server, prepared) << cut;
    EXPECT_EQ(h.shown, "EXECUTE \"p\"\nselect $1\n***-****");
    h.order({});
    EXPECT_FALSE(h.relay().is_held());
    EXPECT_EQ(h.to_server, prepared + execute("p") + sync());
    h.order({order_of(2, OrderVerdict::deny)});
    h.forget();
    h.says(query("select 1"));
    EXPECT_EQ(h.to_server, kRefused);
    h.answers(message('1') + message('2') + complete("SELECT 0") + ready() + failure() + ready());
    EXPECT_TRUE(h.to_client.ends_with(
        refusal("42501", "an order of an operator or a reviewer denies this", "order 2: because") + ready()))
        << h.to_client;
  }
}

TEST(PostgresHolds, AGrantLetsPassWhatARuleHolds) {
  Bed h;
  h.order(
      {{.id = 5, .verdict = OrderVerdict::pass, .principal = "ci", .once = true, .by = "bob", .reason = "because"}});
  h.says(kUpdate);
  h.burst();
  EXPECT_EQ(h.to_server, kUpdate);
  EXPECT_EQ(h.used, std::vector<std::uint64_t>{5});
  EXPECT_TRUE(h.request(0).held->passed);
}

TEST(PostgresHolds, CopyDataWaitsBeforeAnyOfItWent) {
  const std::string begins = message('G', "\0"s + be16(1) + be16(0));
  const std::string data = message('d', "a\tupdate acc") + message('d', "ounts\n") + message('c');
  for (const std::size_t cut : {0, 1, 4}) {
    for (const bool passes : {false, true}) {
      Bed h(held_policy(), cut);
      h.says(query("copy t from stdin"));
      h.answers(begins);
      h.forget();
      h.says(data);
      h.burst();
      EXPECT_EQ(h.to_server, "");
      EXPECT_EQ(h.to_client, h.notice());
      EXPECT_EQ(h.shown, "COPY\na\tupdate accounts\n");
      h.forget();
      h.decide(passes);
      EXPECT_EQ(h.to_server, passes ? data : message('f', text("refused by policy"))) << cut;
      h.answers((passes ? complete("COPY 1") : failure("57014")) + ready());
      const std::string why = "hold " + format_session_id(h.id) + ", decided by alice: seen";
      EXPECT_EQ(h.to_client.starts_with(refusal("42501", "a reviewer rejected this", why)), !passes);
      h.says(query("select 1"));
      EXPECT_EQ(h.at_server("select 1"), 1U);
      EXPECT_EQ(h.request(1).ends, 1U);
      EXPECT_EQ(h.response(1).ends, 1U);
    }
  }
}

TEST(PostgresHolds, AStatementLongerThanTheWindowWaitsWhereTheWindowEnds) {
  const std::string large = query("update accounts " + std::string(9000, 'x') + " never");
  for (const std::size_t cut : {0, 1448}) {
    Bed h(held_policy("{timeout: 15m}", "enforce", ", window: 8KiB, after_window: stream"), cut);
    h.says(large + query("select 1"));
    h.burst();
    EXPECT_TRUE(h.relay().is_held());
    EXPECT_EQ(h.to_server, "");
    Bed rejected(held_policy("{timeout: 15m}", "enforce", ", window: 8KiB, after_window: stream"), cut);
    rejected.says(large + query("select 1"));
    rejected.burst();
    rejected.decide(false);
    EXPECT_EQ(rejected.to_server, kRefused + query("select 1")) << cut;
    h.decide(true);
    EXPECT_EQ(h.relay().fate(), Fate::abort) << "what denies beyond the window still does";
    EXPECT_EQ(h.at_server("never"), 0U);
  }
}

// As pgbench and drivers have it: prepared by itself, and asked for its columns before it runs.
TEST(PostgresHolds, AReviewerSeesWhatWasPreparedLongBefore) {
  Bed h(held_policy("{timeout: 15m}", "enforce", ", limits: [{per: principal, rate: 1/h, burst: 1, then: hold}]"));
  h.says(parse("P0_1", "select balance from accounts where id = $1") + sync());
  h.answers(message('1') + ready());
  const std::string run = bind("", "P0_1", {"7"}) + describe('P', "") + execute("") + sync();
  h.says(run);
  h.answers(message('2') + rows_of({"balance"}) + message('D', be16(1) + sized("1")) + complete("SELECT 1") + ready());
  h.says(run);
  h.burst();
  ASSERT_TRUE(h.relay().is_held());
  EXPECT_EQ(h.shown, "EXECUTE \"\"\nselect balance from accounts where id = $1\n7");
}

TEST(PostgresHolds, ABindThatCrossesTheWindowOpensOneHold) {
  constexpr std::uint32_t kTimestamps = 1185, kTimestamp = 1184, kElements = 2000;
  std::string array = be32(1) + be32(0) + be32(kTimestamp) + be32(kElements) + be32(1);
  for (std::uint32_t i = 0; i < kElements; ++i) array += sized(std::string(8, '\0'));
  const std::string values = be16(2) + sized("update accounts") + sized(array);
  const std::string bound = message('B', text("") + text("s") + be16(2) + be16(0) + be16(1) + values + be16(0));
  Bed h(held_policy("{timeout: 15m}", "enforce", ", window: 8KiB, after_window: stream"));
  h.says(parse("s", "select $1, $2", be32(25) + be32(kTimestamps)) + bound);
  h.burst();
  ASSERT_TRUE(h.relay().is_held());
  EXPECT_EQ(h.holds().size(), 1U);
  h.decide(true);
  EXPECT_TRUE(h.to_server.ends_with(bound));
  EXPECT_EQ(h.holds().size(), 0U);
}

TEST(PostgresHolds, WhatTheServerWillSkipWaitsForNobody) {
  Bed h;
  const std::string first = parse("", "select nowhere") + bind_of("", "");
  h.says(first + parse("", "update accounts") + sync());
  h.burst();
  EXPECT_TRUE(h.relay().is_held());
  h.forget();
  h.answers(failure("42P01"));
  h.burst();
  EXPECT_FALSE(h.relay().is_held());
  EXPECT_EQ(h.at_server("update accounts"), 0U);
  EXPECT_TRUE(h.to_server.ends_with(sync()));
  h.answers(ready());
  EXPECT_EQ(h.to_client, failure("42P01") + ready());
  EXPECT_EQ(h.relay().pending(), 0U);
  EXPECT_EQ(h.request(2).end.error, ErrorCode::postgres_skipped);
}

TEST(PostgresHolds, WhatTheServerWasNotAskedItCannotAnswer) {
  Bed h;
  h.says(kUpdate);
  h.burst();
  h.forget();
  h.answers(complete("UPDATE 1"));
  EXPECT_EQ(h.to_client, "");
  EXPECT_EQ(h.relay().fate(), Fate::abort);
}

TEST(PostgresHolds, TooManyAreDecidedByThePolicy) {
  for (const bool passes : {false, true}) {
    Bed h(held_policy(passes ? "{timeout: 1h, on_timeout: pass}" : "{timeout: 1h}"));
    for (std::size_t i = 0; i < HoldTable::kMost; ++i) ASSERT_NE(h.holds().open(NewHold{}, h.context.now, 0), nullptr);
    h.says(kUpdate);
    EXPECT_FALSE(h.relay().is_held());
    EXPECT_EQ(h.to_server, passes ? kUpdate : kRefused);
  }
}

TEST(PostgresHolds, TheNewestTextsAreKeptAndNothingElse) {
  PreparedTexts texts;
  auto statement = std::make_shared<int>(1);
  auto other = std::make_shared<int>(2);
  texts.keep(statement, "select 1");
  EXPECT_EQ(texts.find(statement), "select 1");
  EXPECT_EQ(texts.find(other), "");
  EXPECT_EQ(texts.find(nullptr), "");
  texts.keep(other, std::string(PreparedTexts::kMostBytes - 8, 'x'));
  EXPECT_EQ(texts.find(statement), "select 1");
  texts.keep(other, "y");
  EXPECT_EQ(texts.find(statement), "") << "the oldest went";
  EXPECT_EQ(texts.find(other), "y") << "the newest counts";
  for (std::size_t i = 0; i < PreparedTexts::kMost; ++i) texts.keep(statement, "z");
  EXPECT_EQ(texts.find(other), "");
  const std::weak_ptr<int> gone = statement;
  statement.reset();
  EXPECT_TRUE(gone.expired());
}

TEST(PostgresHolds, ObserveSaysWhatWouldHaveBeen) {
  Bed h(held_policy("{timeout: 1h}", "observe"));
  h.says(kUpdate);
  h.burst();
  EXPECT_EQ(h.to_server, kUpdate);
  EXPECT_EQ(h.to_client, "");
  EXPECT_EQ(h.request(0).end.verdict, Verdict::hold);
  EXPECT_TRUE(h.request(0).end.observed);
}

}  // namespace
}  // namespace sluice::session
