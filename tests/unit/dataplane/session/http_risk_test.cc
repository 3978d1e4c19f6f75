// Scores of requests: what is added up, which line counts, what becomes of the request, and how the record says that it
// came about.
#include <gtest/gtest.h>

#include "tests/support/relay_harness.h"

namespace sluice::session {
namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
using Parts = std::vector<std::pair<std::string, std::uint32_t>>;

std::string policy(const std::string& lines, const std::string& behaviour = "", const std::string& mode = "enforce",
                   const std::string& more = "") {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: http, mode: " + mode +
         ", rules: [local/*], risk: {lines: [" + lines + "]" +
         (behaviour.empty() ? "" : ", behaviour: {interval: 10s, " + behaviour + "}") + "}" + more + "}\n" +
         "rules:\n  - {name: drop, match: 'drop', where: [request], score: 30}\n"
         "  - {name: all, match: 'all-of-it', where: [request], score: 40, action: observe}\n"
         "  - {name: wipe, match: 'wipe', where: [request.head], score: 100}\n"
         "  - {name: asked, match: 'ask-first', where: [request], action: hold}\n"
         "principals:\n  - {name: ci, from: 10.0.0.64/26}\n";
}

std::string get(const std::string& path) {
  return "GET /" + path + " HTTP/1.1\r\nHost: web\r\n\r\n";
}

std::string post(const std::string& body, const std::string& path = "b") {
  return "POST /" + path + " HTTP/1.1\r\nHost: web\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

struct Bed : RelayHarness {
  explicit Bed(const std::string& text) : RelayHarness(text) { context.now = 1000 * kSecond; }
  enforce::LimitCounters& line(std::size_t index = 0) { return *context.policy->limits[index]; }
  void burst() {
    context.holds.take(context.now, context.wall, [](Session&) {});
    relay().resume(context);
    take();
    context.holds.tell(context.wall);
    for (HoldEvent event; context.holds.take_event(event);) {
      if (event.kind != HoldEvent::Kind::opened) continue;
      id = event.id;
      score = event.hold->score;
      why = event.hold->cause_name;
      cause = event.hold->cause;
      context.holds.give_back(event.hold);
    }
  }
  void decide(bool pass) {
    ASSERT_TRUE(context.holds.decide({.id = id, .pass = pass}));
    burst();
    burst();
  }
  // A request and its answer; what its score was.
  std::uint32_t ask(const std::string& request, const std::string& answer = kOk) {
    const std::uint32_t unit = relay().units();
    const std::size_t sent = to_server.size();
    client(request);
    if (to_server.size() != sent) server(answer);
    const auto& recorded = this->request(unit);
    return recorded.score ? recorded.score->total : 0;
  }

  HoldId id = 0;
  std::uint32_t score = 0;
  std::string why;
  HoldCause cause = HoldCause::limit;
};

TEST(HttpRisk, WhatRulesFindAddsUpOnceEach) {
  const std::string text = post("drop drop all-of-it drop");
  for (std::size_t cut = 1; cut <= text.size(); ++cut) {
    Bed h(policy("{above: 69, then: observe}, {above: 70, then: deny}"));
    h.client(text, cut);
    EXPECT_EQ(h.to_server, text);
    const auto& recorded = h.request(0);
    ASSERT_TRUE(recorded.score) << cut;
    EXPECT_EQ(recorded.score->total, 70U);
    EXPECT_EQ(recorded.score->line, 69U);
    EXPECT_EQ(recorded.score_parts, (Parts{{"local/drop", 30}, {"local/all", 40}})) << cut;
    EXPECT_EQ(recorded.end.verdict, Verdict::pass);
  }
}

TEST(HttpRisk, WhatIsBelowEveryLineIsOnTheRecordAndNoMore) {
  Bed h(policy("{above: 50, then: deny}"));
  const std::uint64_t before = h.line().denied.value();
  EXPECT_EQ(h.ask(get("drop")), 30U);
  EXPECT_EQ(h.request(0).score->line, 0U);
  EXPECT_EQ(h.ask(get("calm")), 0U);
  EXPECT_FALSE(h.request(1).score);
  EXPECT_EQ(h.line().denied.value() - before, 0U);
}

TEST(HttpRisk, ALineThatDeniesDoesSoBeforeAnythingLeaves) {
  for (const std::string& text : {get("drop?all-of-it"), post("all-of-it and drop")}) {
    for (std::size_t cut = 1; cut <= text.size(); ++cut) {
      Bed h(policy("{above: 50, then: deny}"));
      const std::uint64_t before = h.line().denied.value();
      h.client(text, cut);
      EXPECT_EQ(h.to_server, "") << cut;
      EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403")) << h.to_client;
      EXPECT_NE(h.to_client.find("score_denied"), std::string::npos);
      EXPECT_EQ(h.to_client.find("Connection: close"), std::string::npos);
      EXPECT_EQ(h.request(0).end.verdict, Verdict::deny);
      EXPECT_EQ(h.request(0).end.error, ErrorCode::score_denied);
      EXPECT_EQ(h.line().denied.value() - before, 1U);
      h.ask(get("after"));
      EXPECT_EQ(h.to_server, get("after"));
    }
  }
}

TEST(HttpRisk, ALineThatHoldsShowsHowTheScoreCameAbout) {
  for (const std::string& text : {get("drop?all-of-it"), post("drop and all-of-it")}) {
    Bed h(policy("{above: 50, then: hold}"));
    h.client(text);
    h.burst();
    EXPECT_EQ(h.to_server, "");
    EXPECT_EQ(h.score, 70U);
    EXPECT_EQ(h.cause, HoldCause::score);
    EXPECT_EQ(h.why, "above 50: local/drop 30, local/all 40");
    h.decide(true);
    EXPECT_EQ(h.to_server, text);
    ASSERT_TRUE(h.request(0).held);
    EXPECT_EQ(h.request(0).held_texts[0], "score/70");
    EXPECT_EQ(h.request(0).score->total, 70U);
    EXPECT_EQ(h.request(0).end.verdict, Verdict::hold);
  }
}

TEST(HttpRisk, WhatIsRejectedGoesNowhere) {
  Bed h(policy("{above: 50, then: hold}"));
  h.client(get("wipe"));
  h.burst();
  h.decide(false);
  EXPECT_EQ(h.to_server, "");
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403"));
}

TEST(HttpRisk, WhatPeopleCouldNotSeeWaitsInItsTurn) {
  Bed h(policy("{above: 50, then: hold}"));
  const std::string text = post("first ... all-of-it", "wipe");
  h.client(text.substr(0, text.size() - 12));
  h.burst();
  EXPECT_EQ(h.score, 100U);
  h.client(text.substr(text.size() - 12));
  h.decide(true);
  // Decided on before the rest was shown, or with it: either way it is not passed unseen.
  h.burst();
  if (h.to_server.empty()) {
    EXPECT_EQ(h.score, 140U);
    h.decide(true);
  }
  EXPECT_EQ(h.to_server, text);
  EXPECT_EQ(h.request(0).score->total, 140U);
}

TEST(HttpRisk, ARuleThatHoldsIsToldBeforeAScore) {
  Bed h(policy("{above: 50, then: hold}"));
  h.client(get("wipe?ask-first"));
  h.burst();
  EXPECT_EQ(h.cause, HoldCause::rule);
  EXPECT_EQ(h.why, "local/asked");
  EXPECT_EQ(h.score, 100U);
  h.decide(true);
  EXPECT_EQ(h.to_server, get("wipe?ask-first"));
}

TEST(HttpRisk, ALineThatThrottlesPacesThosePrincipalsRequests) {
  Bed h(policy("{above: 50, then: throttle, rate: 1/s, burst: 1}"));
  h.ask(get("wipe"));
  h.client(get("wipe") + get("calm"));
  EXPECT_EQ(h.to_server, get("wipe"));
  EXPECT_TRUE(h.relay().is_throttled());
  h.context.now += kSecond;
  h.burst();
  EXPECT_EQ(h.to_server, get("wipe") + get("wipe") + get("calm"));
  EXPECT_EQ(h.request(1).limit, "web/risk:50");
  EXPECT_EQ(h.request(1).end.verdict, Verdict::throttle);
  h.server(kOk + kOk);
  h.ask(get("calm"));
  EXPECT_FALSE(h.relay().is_throttled());
}

TEST(HttpRisk, TheHighestLineCountsAndAllThatAreCrossedAreCounted) {
  Bed h(policy("{above: 20, then: observe}, {above: 60, then: hold}, {above: 90, then: deny}"));
  const std::uint64_t observed = h.line(0).observed.value();
  const std::uint64_t held = h.line(1).held.value();
  const std::uint64_t denied = h.line(2).denied.value();
  h.client(get("wipe"));
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403"));
  EXPECT_EQ(h.line(0).observed.value() - observed, 1U);
  EXPECT_EQ(h.line(1).held.value() - held, 1U);
  EXPECT_EQ(h.line(2).denied.value() - denied, 1U);
  EXPECT_EQ(h.request(0).score->line, 90U);
}

TEST(HttpRisk, InObserveModeNothingHappensButTheRecordAndTheCounters) {
  const std::string text = post("drop all-of-it");
  const std::pair<std::string, Verdict> cases[] = {{"{above: 50, then: hold}", Verdict::hold},
                                                   {"{above: 50, then: deny}", Verdict::deny},
                                                   {"{above: 50, then: observe}", Verdict::pass}};
  for (const auto& [line, verdict] : cases) {
    Bed h(policy(line, "", "observe"));
    const std::uint64_t before = h.line().observed.value();
    h.client(text);
    EXPECT_EQ(h.to_server, text);
    EXPECT_EQ(h.request(0).end.verdict, verdict);
    EXPECT_TRUE(h.request(0).end.observed);
    EXPECT_EQ(h.request(0).score->total, 70U);
    EXPECT_EQ(h.line().observed.value() - before, 1U);
    EXPECT_EQ(h.context.holds.size(), 0U);
  }
}

TEST(HttpRisk, BehaviourIsPartOfTheScore) {
  Bed h(policy("{above: 50, then: hold}", "pieces: {above: 5, of: 4KiB, score: 40}"));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(h.ask(post("some", "up/" + std::to_string(i))), 0U) << i;
  EXPECT_EQ(h.ask(post("some", "up/x")), 40U);
  h.client(post("drop", "up/y"));
  h.burst();
  EXPECT_EQ(h.score, 70U);
  EXPECT_EQ(h.why, "above 50: behaviour/pieces 40, local/drop 30");
  h.decide(true);
  h.server(kOk);
  EXPECT_EQ(h.request(7).score_parts, (Parts{{"behaviour/pieces", 40}, {"local/drop", 30}}));
  h.context.now += 60 * kSecond;
  EXPECT_EQ(h.ask(get("calm")), 0U);
}

TEST(HttpRisk, ErrorsOfAllItsConnectionsAreACallers) {
  Bed h(policy("{above: 10, then: deny}", "errors: {above: 3, percent: 50, score: 20}"));
  for (SessionId session = 20; session < 24; ++session) {
    h.session(session);
    EXPECT_EQ(h.ask(get("x"), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), 0U);
  }
  h.session(30);
  EXPECT_EQ(h.ask(get("x")), 20U);
  EXPECT_NE(h.to_client.find("score_denied"), std::string::npos);
  h.session(31, 0x0b000001);  // somebody else
  EXPECT_EQ(h.ask(get("x")), 0U);
}

TEST(HttpRisk, WhoCallsHimselfLikeAnotherHasAScoreOfHisOwn) {
  Bed h(policy("{above: 10, then: deny}", "errors: {above: 3, percent: 50, score: 20}"));
  const std::string as_alice = "GET /x HTTP/1.1\r\nHost: web\r\nAuthorization: Basic YWxpY2U6eA==\r\n\r\n";
  h.session(20, 0x0b000001);
  for (int i = 0; i < 4; ++i) h.ask(as_alice, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(h.ask(as_alice), 20U);
  h.session(21, 0x0b000002);
  EXPECT_EQ(h.ask(as_alice), 0U);
  h.session(22, 0x0b000001);  // another connection of who it was
  EXPECT_EQ(h.ask(as_alice), 20U);
}

TEST(HttpRisk, WhatSluiceRefusesIsNoErrorOfTheServer) {
  Bed h(policy("{above: 10, then: deny}", "errors: {above: 3, percent: 1, score: 20}"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(h.ask(get("wipe")), 100U);
  EXPECT_EQ(h.ask(get("calm")), 0U);
}

TEST(HttpRisk, WhatGoesOutCountsForTheNextRequest) {
  Bed h(policy("{above: 10, then: deny}", "bytes_out: {above: 1KiB, score: 20}"));
  EXPECT_EQ(h.ask(get("x"), "HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n" + std::string(1025, 'x')), 0U);
  EXPECT_EQ(h.ask(get("x")), 20U);
}

TEST(HttpRisk, AnOrderLetsPassWhatAScoreHoldsAndNotWhatItDenies) {
  Bed h(policy("{above: 50, then: hold}, {above: 120, then: deny}"));
  OrdersPtr orders = std::make_unique<const enforce::Orders>(std::vector<enforce::Order>{
      {.id = 5, .verdict = OrderVerdict::pass, .principal = "ci", .by = "bob", .reason = "known"}});
  ASSERT_TRUE(h.context.holds.offer(&orders));
  h.burst();
  h.ask(get("wipe"));
  EXPECT_EQ(h.to_server, get("wipe"));
  EXPECT_EQ(h.request(0).held_texts, (std::array<std::string, 3>{"score/100", "bob", "known"}));
  h.ask(get("wipe?drop"));
  EXPECT_EQ(h.to_server, get("wipe"));
}

TEST(HttpRisk, WithoutLinesNothingIsAddedUp) {
  Bed h(
      "services:\n  - {name: web, address: 10.0.0.2:80, protocol: http, mode: enforce, rules: [local/*]}\n"
      "rules:\n  - {name: drop, match: 'drop', where: [request], score: 30}\n");
  EXPECT_EQ(h.ask(get("drop")), 0U);
  EXPECT_EQ(h.request(0).hits, (std::vector<std::pair<std::string, std::uint32_t>>{{"local/drop", 1}}));
}

}  // namespace
}  // namespace sluice::session
