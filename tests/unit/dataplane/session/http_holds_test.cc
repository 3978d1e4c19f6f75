// Requests that wait for a decision: what the server sees of them, what the client is told, and what is on the record.
#include <gtest/gtest.h>

#include "common/session_id.h"
#include "tests/support/holds_bed.h"

namespace sluice::session {
namespace {

const std::string kGet = "GET /a HTTP/1.1\r\nHost: web\r\n\r\n";
const std::string kPost = "POST /b HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\n";
const std::string kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kOneAMinute = "{per: principal, rate: 60/m, burst: 1, then: hold}";

std::string policy(std::string_view limits, const std::string& hold = "{timeout: 15m}",
                   const std::string& mode = "enforce") {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: http, mode: " + mode +
         ", rules: [local/*], hold: " + hold + ", limits: [" + std::string(limits) + "]}\n" +
         "rules:\n  - {name: drop, match: 'drop', where: [request], action: hold}\n"
         "  - {name: never, match: 'never', where: [request], action: deny}\n"
         "  - {name: key, match: 'key-[0-9]{4}', where: [request], action: observe, mask: {on: [record]}}\n"
         "principals:\n  - {name: ci, from: 10.0.0.64/26}\n";
}

struct Bed : HoldsBed<RelayHarness> {
  using HoldsBed::HoldsBed;
  void use_up() {
    client(kGet);
    server(kAnswer);
    to_client.clear();
  }
};

enforce::Order order_of(std::uint64_t id, OrderVerdict verdict, bool once = false) {
  return {.id = id, .verdict = verdict, .principal = "ci", .once = once, .by = "bob", .reason = "because"};
}

TEST(HttpHolds, WhatALimitHoldsGoesOnAsItCameOnceItPasses) {
  for (std::size_t cut = 1; cut <= kPost.size() + 5; ++cut) {
    Bed h(policy(kOneAMinute));
    h.use_up();
    h.client(kPost + "hello", cut);
    h.burst();
    EXPECT_EQ(h.at_server("POST"), 0U);
    EXPECT_EQ(h.at_server("hello"), 0U);
    EXPECT_EQ(h.to_client, "");
    EXPECT_EQ(h.shown, kPost + "hello") << cut;
    EXPECT_EQ(h.cause, "web/requests-per-principal");
    h.context.now += 600 * kSecond;
    h.decide(true);
    EXPECT_EQ(h.to_server, kGet + kPost + "hello");
    h.server(kAnswer);
    EXPECT_EQ(h.to_client, kAnswer);
    const auto& recorded = h.request(1);
    EXPECT_EQ(recorded.end.verdict, Verdict::hold);
    EXPECT_EQ(recorded.ends, 1U);
    EXPECT_EQ(recorded.body, "hello");
    ASSERT_TRUE(recorded.held);
    EXPECT_EQ(recorded.held->hold, h.id);
    EXPECT_EQ(recorded.held->waited, 600 * kSecond);
    EXPECT_TRUE(recorded.held->passed);
    EXPECT_EQ(recorded.held_texts, (std::array<std::string, 3>{"limit/web/requests-per-principal", "alice", "seen"}));
    EXPECT_EQ(h.endings, std::vector{HoldEnding::passed});
    EXPECT_EQ(h.holds().size(), 0U);
  }
}

TEST(HttpHolds, WhatIsRejectedIsAnsweredAndTheConnectionLivesOn) {
  for (std::size_t cut = 1; cut <= kPost.size() + 5; ++cut) {
    Bed h(policy(kOneAMinute));
    h.use_up();
    h.client(kPost + "hello", cut);
    h.client(kGet);  // waits behind it
    h.burst();
    const HoldId rejected = h.id;
    h.decide(false);
    EXPECT_EQ(h.at_server("POST"), 0U);
    EXPECT_EQ(h.at_server("hello"), 0U);
    EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403 Forbidden\r\n")) << h.to_client;
    EXPECT_NE(h.to_client.find("{\"error\":\"hold_rejected\""), std::string::npos);
    EXPECT_NE(h.to_client.find("\"hold\":\"" + format_session_id(rejected) + "\""), std::string::npos) << h.to_client;
    EXPECT_EQ(h.request(1).end.error, ErrorCode::hold_rejected);
    EXPECT_EQ(h.request(1).end.verdict, Verdict::deny);
    EXPECT_FALSE(h.request(1).held->passed);
    EXPECT_EQ(h.endings.front(), HoldEnding::denied);
    EXPECT_TRUE(h.relay().is_held());  // the one behind it
    h.burst();
    h.decide(true);
    EXPECT_EQ(h.at_server("GET"), 2U);
  }
}

TEST(HttpHolds, NobodyDecidesAndThePolicyDoes) {
  for (const bool passes : {false, true}) {
    Bed h(policy(kOneAMinute, passes ? "{timeout: 1h, on_timeout: pass}" : "{timeout: 1h}"));
    h.use_up();
    h.client(kPost + "hello");
    h.burst();
    EXPECT_EQ(h.relay().next_deadline(h.context.now), 3601 * kSecond);
    h.context.now = 3601 * kSecond - 1;
    h.burst();
    EXPECT_TRUE(h.relay().is_held());
    h.context.now = 3601 * kSecond;
    h.burst();
    EXPECT_FALSE(h.relay().is_held());
    EXPECT_EQ(h.at_server("hello"), passes ? 1U : 0U);
    EXPECT_EQ(h.to_client.starts_with("HTTP/1.1 403 "), !passes);
    EXPECT_EQ(h.endings, std::vector{HoldEnding::expired});
    EXPECT_EQ(h.request(1).held->passed, passes);
    EXPECT_EQ(h.request(1).end.error, passes ? ErrorCode::ok : ErrorCode::hold_expired);
  }
}

TEST(HttpHolds, ARuleHoldsByHeadOrBodyHoweverItCame) {
  const std::string by_head = "POST /drop HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\nhello";
  const std::string chunked =
      "POST /b HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na d\r\n5\r\nrop b\r\n0\r\n\r\n";
  for (const std::string& request :
       {by_head, std::string("POST /b HTTP/1.1\r\nHost: web\r\nContent-Length: 11\r\n\r\nplease drop"), chunked}) {
    for (std::size_t cut = 1; cut <= request.size(); ++cut) {
      Bed h(policy(""));
      h.client(request, cut);
      h.burst();
      ASSERT_TRUE(h.relay().is_held()) << request << cut;
      EXPECT_EQ(h.to_server, "");
      EXPECT_EQ(h.cause, "local/drop");
      h.decide(true);
      EXPECT_EQ(h.to_server, request);
      EXPECT_EQ(h.request(0).ends, 1U);
      EXPECT_EQ(h.request(0).held_texts[0], "rule/local/drop");
    }
  }
}

TEST(HttpHolds, ARuleThatDeniesStillDecidesWhatWaits) {
  for (std::size_t cut = 1; cut <= kPost.size() + 5; ++cut) {
    Bed h(policy(kOneAMinute));
    h.use_up();
    h.client(kPost + "never", cut);
    h.burst();
    EXPECT_FALSE(h.relay().is_held());
    EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403 "));
    EXPECT_EQ(h.request(1).end.error, ErrorCode::rule_denied);
    EXPECT_EQ(h.holds().size(), 0U);
    h.client(kGet);
    h.burst();
    EXPECT_TRUE(h.relay().is_held());
  }
}

TEST(HttpHolds, WhatRulesHideFromTheRecordNobodyIsShown) {
  Bed h(policy(kOneAMinute));
  h.use_up();
  h.client(
      "POST /b?k=key-1234 HTTP/1.1\r\nHost: web\r\nAuthorization: Bearer abc\r\nContent-Length: 8\r\n\r\nkey-5678");
  h.burst();
  EXPECT_EQ(h.shown.find("1234"), std::string::npos) << h.shown;
  EXPECT_EQ(h.shown.find("5678"), std::string::npos) << h.shown;
  EXPECT_EQ(h.shown.find("abc"), std::string::npos) << h.shown;
  h.decide(true);
  EXPECT_EQ(h.at_server("key-1234"), 1U);
  EXPECT_EQ(h.at_server("key-5678"), 1U);
}

TEST(HttpHolds, AClientThatGoesAwayEndsIt) {
  Bed h(policy(kOneAMinute));
  h.use_up();
  h.client(kPost + "hel");
  h.burst();
  h.client_finishes();
  h.burst();
  EXPECT_FALSE(h.relay().is_held());
  EXPECT_EQ(h.at_server("POST"), 0U);
  EXPECT_EQ(h.relay().fate(), Fate::close);
  EXPECT_EQ(h.endings, std::vector{HoldEnding::abandoned});
  EXPECT_EQ(h.request(1).end.error, ErrorCode::hold_abandoned);
  EXPECT_EQ(h.request(1).held->ending, static_cast<std::uint8_t>(HoldEnding::abandoned));
  EXPECT_EQ(h.response(1).ends, 1U);
}

TEST(HttpHolds, OfABodyIsTakenWhatThePolicySays) {
  Bed h(
      "services:\n  - {name: web, address: 10.0.0.2:80, protocol: http, mode: enforce, hold: {body: 16KiB}, limits: [" +
      std::string(kOneAMinute) + "]}\n");
  h.use_up();
  h.client("POST /b HTTP/1.1\r\nHost: web\r\nContent-Length: 100000\r\n\r\n");
  std::size_t fed = 0;
  while (h.relay().accepts(Direction::request)) {
    ASSERT_LT(fed, 20'000U);
    h.client(std::string(1000, 'x'));
    fed += 1000;
  }
  EXPECT_GE(fed, 16'000U);
  h.burst();
  h.decide(true);
  EXPECT_EQ(h.at_server("x"), fed);
  EXPECT_TRUE(h.relay().accepts(Direction::request));
}

TEST(HttpHolds, OrdersPauseAndBanAndGrant) {
  Bed h(policy(kOneAMinute));
  h.order({order_of(1, OrderVerdict::hold)});
  h.client(kGet);
  h.burst();
  ASSERT_TRUE(h.relay().is_held());
  EXPECT_EQ(h.to_server, "");
  h.order({});  // the pause is taken back
  EXPECT_EQ(h.to_server, kGet);
  EXPECT_EQ(h.request(0).held_texts[0], "order/1");
  h.server(kAnswer);
  h.to_client.clear();

  h.order({order_of(2, OrderVerdict::deny), order_of(3, OrderVerdict::pass)});
  h.client(kGet);
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403 ")) << h.to_client;
  EXPECT_EQ(h.request(1).end.error, ErrorCode::order_denied);
  EXPECT_EQ(h.at_server("GET"), 1U);

  h.order({order_of(4, OrderVerdict::pass, true)});
  h.client(kPost + "hello");  // the limit would hold it
  h.burst();
  EXPECT_EQ(h.at_server("hello"), 1U);
  EXPECT_EQ(h.used, std::vector<std::uint64_t>{4});
  EXPECT_EQ(h.request(2).held->hold, 0U);
  EXPECT_EQ(h.request(2).held_texts,
            (std::array<std::string, 3>{"limit/web/requests-per-principal", "bob", "because"}));
  h.client(kPost + "hello");  // and the order is used up
  h.burst();
  EXPECT_EQ(h.at_server("hello"), 1U);
  ASSERT_TRUE(h.relay().is_held());
  h.order({order_of(4, OrderVerdict::pass, true), order_of(5, OrderVerdict::pass)});  // what waits is decided by it
  EXPECT_EQ(h.at_server("hello"), 2U);
  EXPECT_EQ(h.request(3).held_texts[1], "bob");
  EXPECT_EQ(h.endings.back(), HoldEnding::passed);
}

TEST(HttpHolds, WhereAServiceIsObservedNothingWaits) {
  Bed h(policy(kOneAMinute, "{timeout: 15m}", "observe"));
  h.order({order_of(1, OrderVerdict::hold)});
  h.client("GET /drop HTTP/1.1\r\nHost: web\r\n\r\n");
  h.client(kGet);
  h.burst();
  EXPECT_EQ(h.at_server("GET"), 2U);
  EXPECT_EQ(h.request(0).end.verdict, Verdict::hold);
  EXPECT_EQ(h.request(1).end.verdict, Verdict::hold);
  EXPECT_EQ(h.holds().size(), 0U);
}

TEST(HttpHolds, ControlThatComesBackIsToldAgainOfWhatLives) {
  Bed h(policy(kOneAMinute));
  h.use_up();
  h.client(kPost + "hello");
  h.burst();
  const HoldId first = h.id;
  EXPECT_EQ(h.told, 1U);
  h.id = 0;
  h.holds().tell_again(1);
  h.burst();
  EXPECT_EQ(h.id, first);
  EXPECT_EQ(h.told, 2U);
  EXPECT_EQ(h.all_told, 1U);
  h.decide(true);
  EXPECT_EQ(h.at_server("hello"), 1U);
}

TEST(HttpHolds, BeyondTheBoundThePolicyDecidesAtOnce) {
  Bed h(policy("{per: principal, rate: 1/h, burst: 1, then: hold}"));
  h.client(kGet);
  std::vector<Hold*> holds;
  for (std::uint32_t i = 0; i < HoldTable::kMost; ++i)
    holds.push_back(h.holds().open(
        {.session = 100, .unit = i, .service = "web", .principal = "ci", .client_address = {}, .timeout = kSecond},
        h.context.now, 0));
  EXPECT_EQ(h.holds().size(), HoldTable::kMost);
  EXPECT_EQ(h.at_server("GET"), 1U);
  h.session(50);
  h.to_client.clear();
  h.client(kGet);
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 503 ")) << h.to_client;
  EXPECT_EQ(h.errors.value(ErrorCode::holds_exhausted), 1U);
  for (int i = 0; i < 20; ++i) h.burst();  // all are told, however few fit the ring
  EXPECT_EQ(h.told, HoldTable::kMost);
  for (Hold* hold : holds) h.holds().end(*hold, HoldEnding::cut, 0);
  for (int i = 0; i < 20; ++i) h.burst();  // more ends than the ring takes: what lives is told anew
  EXPECT_GE(h.all_told, 1U);
}

// What a decision is about is what people could see: the rest waits in its turn.
TEST(HttpHolds, WhatARuleFindsAfterItWasSeenIsHeldAgain) {
  Bed h(policy(kOneAMinute));
  h.use_up();
  h.client(kPost + "dro");
  h.burst();
  EXPECT_EQ(h.told, 1U);
  h.decide(true);  // the limit's hold; of the body nothing was there that a rule looks for
  EXPECT_EQ(h.at_server("POST"), 0U);
  h.client("pX");
  EXPECT_EQ(h.at_server("drop"), 0U);
  h.burst();
  EXPECT_EQ(h.told, 2U);
  EXPECT_EQ(h.cause, "local/drop");
  EXPECT_NE(h.shown.find("drop"), std::string::npos);
  h.decide(true);
  EXPECT_EQ(h.at_server("dropX"), 1U);
}

TEST(HttpHolds, TheEndOfAPauseSettlesNothingThatARuleHolds) {
  Bed h(policy(""));
  h.order({{.id = 7, .verdict = OrderVerdict::hold, .principal = "ci"}});
  h.client(kPost + "dropX");
  h.burst();
  EXPECT_EQ(h.told, 1U);
  h.order({});
  EXPECT_EQ(h.at_server("drop"), 0U);
  h.burst();
  EXPECT_EQ(h.cause, "local/drop");
  h.decide(false);
  EXPECT_EQ(h.at_server("drop"), 0U);
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403 ")) << h.to_client;
}

// A server may answer before it was asked (408): then nobody waits for the request any more.
TEST(HttpHolds, WhatTheServerAnsweredAlreadyIsRefusedInsteadOfHeld) {
  for (const char* answer : {"HTTP/1.1 408 Slow\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 408 Slow\r\nContent-Len",
                             "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun"}) {
    Bed h(policy(""));
    h.client(kPost + "dro");
    h.server(answer);
    h.client("pX");
    h.burst();
    EXPECT_EQ(h.told, 0U) << answer;
    EXPECT_EQ(h.at_server("drop"), 0U) << answer;
    EXPECT_EQ(h.relay().fate(), Fate::abort) << answer;
    h.context.now += 3600 * kSecond;
    h.burst();
    h.relay().close(h.context, ErrorCode::tcp_aborted);
  }
}

// A name that a caller gives itself proves nothing: it escapes no pause and earns no grant.
TEST(HttpHolds, ATypedNameEscapesNoPauseAndEarnsNoGrant) {
  const std::string typed = "GET /a HTTP/1.1\r\nHost: web\r\nAuthorization: Basic Zm9vOng=\r\n\r\n";  // foo
  Bed h(policy(""));
  h.order({{.id = 7, .verdict = OrderVerdict::hold, .principal = "ci"}});
  h.client(typed);
  h.burst();
  EXPECT_EQ(h.told, 1U);
  EXPECT_EQ(h.at_server("GET"), 0U);
  h.order({{.id = 7, .verdict = OrderVerdict::hold, .principal = "ci"},
           {.id = 8, .verdict = OrderVerdict::deny, .principal = "foo"}});
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403 ")) << h.to_client;

  Bed grant(policy("{per: service, rate: 1/h, burst: 1, then: hold}"));
  grant.use_up();
  grant.order({{.id = 9, .verdict = OrderVerdict::pass, .principal = "foo"}});
  grant.client(typed);
  grant.burst();
  EXPECT_EQ(grant.told, 1U);
  EXPECT_EQ(grant.at_server("GET"), 1U);
}

}  // namespace
}  // namespace sluice::session
