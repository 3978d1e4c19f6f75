// Tickets: a request that is held is answered at once and passes once when it comes again and was approved; what it is
// known by is all of it.
#include <gtest/gtest.h>

#include "common/session_id.h"
#include "tests/support/relay_harness.h"

namespace sluice::session {
namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string policy(const std::string& hold = "", const std::string& more = "") {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: http, mode: enforce, rules: [local/*], "
         "hold: {ticket: true, timeout: 10m" +
         hold + "}" + more +
         "}\n"
         "rules:\n  - {name: drop, match: 'drop', where: [request.head], action: hold}\n"
         "  - {name: wipe, match: 'wipe', where: [request.body], action: hold}\n"
         "  - {name: never, match: 'never', where: [request], action: deny}\n"
         "  - {name: key, match: 'key-[0-9]{4}', where: [request], action: mask}\n"
         "principals:\n  - {name: ci, from: 10.0.0.64/26}\n";
}

std::string post(const std::string& target, const std::string& body, const std::string& fields = "") {
  return "POST " + target + " HTTP/1.1\r\nHost: web\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

enforce::TicketKey key_of(std::uint8_t byte) {
  enforce::TicketKey key;
  key.fill(byte);
  return key;
}

struct Bed : RelayHarness {
  explicit Bed(const std::string& text = policy()) : RelayHarness(text) {
    context.now = kSecond;
    context.holds.use_key(key_of(7));
  }
  void burst() {
    context.holds.take(context.now, context.wall, [](Session&) {});
    relay().resume(context);
    take();
    context.holds.tell(context.wall);
    for (HoldEvent event; context.holds.take_event(event);) {
      if (event.kind == HoldEvent::Kind::opened) {
        id = event.id;
        fingerprint = event.hold->fingerprint;
        std::vector<std::uint8_t> text;
        event.hold->text.copy(text);
        shown = as_text(text);
        EXPECT_TRUE(event.hold->ticket);
        context.holds.give_back(event.hold);
      } else if (event.kind == HoldEvent::Kind::ended) {
        endings.push_back(event.ending);
      } else if (event.kind == HoldEvent::Kind::order_used) {
        used.push_back(event.order);
      }
    }
  }
  // Sends it and says the ticket that came, or nothing when it went to the server (and has its answer).
  std::string ask(const std::string& request, std::size_t cut = 0) {
    to_client.clear();
    to_server.clear();
    client(request, cut);
    burst();
    if (to_client.empty()) {
      EXPECT_EQ(to_server, request);
      server(kOk);
      return {};
    }
    EXPECT_EQ(to_server, "");
    EXPECT_TRUE(to_client.starts_with("HTTP/1.1 403")) << to_client;
    const std::size_t at = to_client.find("Sluice-Ticket: ");
    if (at == std::string::npos) return "none";
    const std::string ticket = to_client.substr(at + 15, 16);
    EXPECT_NE(to_client.find("\"error\":\"hold_ticket\""), std::string::npos);
    EXPECT_NE(to_client.find("\"ticket\":\"" + ticket + "\""), std::string::npos);
    return ticket;
  }
  // What control does with a decision: an order for the fingerprint, then the hold is over.
  void decide(bool pass, const std::string& principal = "ci") {
    const enforce::Order order{.id = ++orders,
                               .verdict = pass ? OrderVerdict::pass : OrderVerdict::deny,
                               .service = "web",
                               .principal = principal,
                               .fingerprint = fingerprint,
                               .once = pass,
                               .by = "alice",
                               .reason = "seen"};
    list.push_back(order);
    OrdersPtr next = std::make_unique<const enforce::Orders>(list);
    ASSERT_TRUE(context.holds.offer(&next));
    ASSERT_TRUE(context.holds.decide({.id = id, .pass = pass}));
    burst();
    ASSERT_EQ(context.holds.taken(), &next);
    EXPECT_EQ(context.holds.size(), 0U);
  }

  HoldId id = 0;
  std::uint64_t orders = 0;
  std::vector<enforce::Order> list;
  std::optional<enforce::Fingerprint> fingerprint;
  std::string shown;
  std::vector<HoldEnding> endings;
  std::vector<std::uint64_t> used;
};

TEST(HttpTickets, AnApprovedRequestPassesOnceWhenItComesAgain) {
  for (const std::string& request : {post("/drop?a=1", "hello"), post("/b", "please wipe"),
                                     std::string("GET /drop HTTP/1.1\r\nHost: web\r\n\r\n")}) {
    for (std::size_t cut = 1; cut <= request.size(); cut += cut < 8 ? 1 : 7) {
      Bed h;
      const std::string ticket = h.ask(request, cut);
      EXPECT_EQ(ticket, format_session_id(h.id)) << cut;
      EXPECT_EQ(h.shown, request);
      EXPECT_EQ(h.request(0).end.error, ErrorCode::hold_ticket);
      EXPECT_EQ(h.request(0).end.verdict, Verdict::hold);
      EXPECT_EQ(h.request(0).held->hold, h.id);
      EXPECT_EQ(h.request(0).held->ending, kTicketGiven);
      EXPECT_EQ(h.ask(request), ticket);  // nobody decided yet
      EXPECT_EQ(h.context.holds.size(), 1U);
      h.decide(true);
      EXPECT_EQ(h.endings, std::vector{HoldEnding::passed});
      EXPECT_EQ(h.ask(request, cut), "") << cut;
      EXPECT_EQ(h.used, std::vector<std::uint64_t>{1});
      EXPECT_TRUE(h.request(2).held->passed);
      EXPECT_EQ(h.request(2).held_texts[1], "alice");
      const std::string next = h.ask(request);
      EXPECT_NE(next, "");
      EXPECT_NE(next, ticket);
    }
  }
}

TEST(HttpTickets, ARejectedRequestIsRefusedAlsoWhereNothingHoldsItAnyMore) {
  Bed h(policy("", ", limits: [{per: principal, rate: 60/m, burst: 1, then: hold}]"));
  const std::string request = post("/a", "hello");
  EXPECT_EQ(h.ask(request), "");
  EXPECT_NE(h.ask(request), "");
  h.decide(false);
  EXPECT_EQ(h.endings, std::vector{HoldEnding::denied});
  h.context.now += 100 * kSecond;
  EXPECT_EQ(h.ask(request, 3), "none");
  EXPECT_NE(h.to_client.find("hold_rejected"), std::string::npos);
  h.context.now += 100 * kSecond;
  EXPECT_EQ(h.ask(post("/a", "hellO")), "");  // another one
}

TEST(HttpTickets, EverythingThatSaysWhatIsAskedMakesItAnother) {
  const std::string asked = post("/drop?a=1", "hello", "X-Mode: soft\r\n");
  Bed h;
  const std::string ticket = h.ask(asked);
  h.decide(true);
  for (const std::string& other :
       {post("/drop?a=1", "hellO", "X-Mode: soft\r\n"), post("/drop?a=1", "hello!", "X-Mode: soft\r\n"),
        post("/drop?a=2", "hello", "X-Mode: soft\r\n"), post("/drop/?a=1", "hello", "X-Mode: soft\r\n"),
        post("/drop?a=1", "hello", "X-Mode: hard\r\n"), post("/drop?a=1", "hello"),
        post("/drop?a=1", "hello", "X-Mode: soft\r\nX-HTTP-Method-Override: DELETE\r\n"),
        post("/drop?a=1", "hello", "X-Mode: soft\r\nCookie: tenant=2\r\n"),
        post("/drop?a=1", "hello", "X-Mode: soft\r\nAuthorization: Basic Ym9iOng=\r\n"), "PUT" + asked.substr(4)}) {
    const std::string another = h.ask(other);
    EXPECT_NE(another, "") << other;
    EXPECT_NE(another, ticket) << other;
  }
  // Who has another address of the same network is the same principal; somebody else is not.
  h.session(99, 0x0b000001);
  EXPECT_NE(h.ask(asked), "");
  h.session(100, test::kClientAddress + 1);
  EXPECT_EQ(h.ask(asked), "");
}

TEST(HttpTickets, HowItIsFramedAndTracedMakesNoDifference) {
  Bed h;
  h.ask(post("/drop", "hello", "Date: today\r\nX-Request-Id: 1\r\n"));
  h.decide(true);
  const std::string again =
      "POST /drop HTTP/1.1\r\nHost: web\r\nSluice-Ticket: 1\r\n"
      "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
  EXPECT_EQ(h.ask(again), "");
}

TEST(HttpTickets, CredentialsCountWhereNoPrincipalStandsForThem) {
  const auto with = [](const std::string& field) { return post("/drop", "hello", field + "\r\n"); };
  Bed h;
  const std::string bob = h.ask(with("Authorization: Basic Ym9iOjE="));  // bob:1
  EXPECT_EQ(h.ask(with("Authorization: Basic Ym9iOjI=")), bob);          // bob:2
  const std::string bearer = h.ask(with("Authorization: Bearer one"));
  EXPECT_NE(h.ask(with("Authorization: Bearer two")), bearer);
  const std::string proxy = h.ask(with("Proxy-Authorization: Basic Ym9iOjE="));
  EXPECT_NE(h.ask(with("Proxy-Authorization: Basic Ym9iOjI=")), proxy);
}

TEST(HttpTickets, StrangersAreToldApartByTheirAddresses) {
  Bed h;
  h.session(98, 0x0b000001);
  const std::string one = h.ask(post("/drop", "hello"));
  h.session(99, 0x0b000001);
  EXPECT_EQ(h.ask(post("/drop", "hello")), one);
  h.session(100, 0x0b000002);
  EXPECT_NE(h.ask(post("/drop", "hello")), one);
}

// What was approved for a name is not used up by another who gives himself the same.
TEST(HttpTickets, AGivenNameIsAnotherCallerElsewhere) {
  const std::string request = post("/drop", "hello", "Authorization: Basic Ym9iOjE=\r\n");  // bob:1
  Bed h;
  h.session(98, 0x0b000001);
  const std::string ticket = h.ask(request);
  h.decide(true, "bob");
  h.session(99, 0x0b000002);
  const std::string other = h.ask(request);
  EXPECT_NE(other, "");
  EXPECT_NE(other, ticket);
  h.session(100, 0x0b000001);
  EXPECT_EQ(h.ask(request), "");
  // Nor in a network that the policy knows: it knows no bob there.
  Bed known;
  known.ask(request);
  known.decide(true, "bob");
  known.session(99, test::kClientAddress + 1);
  EXPECT_NE(known.ask(request), "");
  known.session(100);
  EXPECT_EQ(known.ask(request), "");
}

TEST(HttpTickets, AFieldThatMakesNoDifferenceBringsNothingThatIsHeld) {
  Bed h;
  const std::string ticket = h.ask(post("/drop", "hello", "Baggage: calm\r\n"));
  EXPECT_EQ(h.ask(post("/drop", "hello", "Baggage: other\r\n")), ticket);
  EXPECT_NE(h.ask(post("/drop", "hello", "Baggage: drop\r\n")), ticket);
}

TEST(HttpTickets, ABanThatComesWhileItIsTakenWholeCounts) {
  Bed h;
  const std::string request = post("/drop", "hello");
  h.ask(request);
  h.decide(true);
  h.to_client.clear();
  h.client(request.substr(0, request.size() - 1));
  h.list.push_back({.id = 60, .verdict = OrderVerdict::deny, .principal = "ci"});
  OrdersPtr next = std::make_unique<const enforce::Orders>(h.list);
  ASSERT_TRUE(h.context.holds.offer(&next));
  h.burst();
  ASSERT_EQ(h.context.holds.taken(), &next);
  h.to_server.clear();
  h.client(request.substr(request.size() - 1));
  h.burst();
  EXPECT_EQ(h.to_server, "");
  EXPECT_NE(h.to_client.find("order_denied"), std::string::npos) << h.to_client;
}

TEST(HttpTickets, TrailersAreNoBody) {
  const auto chunked = [](const std::string& body, const std::string& trailer) {
    return "POST /drop HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n" +
           std::string(1, static_cast<char>('0' + body.size())) + "\r\n" + body + "\r\n0\r\n" + trailer + "\r\n";
  };
  Bed h;
  const std::string with = h.ask(chunked("abc", "X-A: b\r\n"));
  EXPECT_EQ(h.ask(chunked("abc", "X-A: b\r\n")), with);
  EXPECT_NE(h.ask(chunked("abc", "")), with);
  EXPECT_NE(h.ask(chunked("abc", "X-A: c\r\n")), with);
}

TEST(HttpTickets, WhatIsMaskedOnTheWireIsKnownByWhatItWas) {
  Bed h;
  const std::string ticket = h.ask(post("/drop", "key-1111"));
  EXPECT_EQ(h.shown.find("key-1111"), std::string::npos);
  EXPECT_NE(h.ask(post("/drop", "key-2222")), ticket);
  EXPECT_EQ(h.ask(post("/drop", "key-1111")), ticket);
}

TEST(HttpTickets, ALongBodyIsRefusedAndSaysSo) {
  const std::string body(16 * 1024 + 1, 'x');
  const std::string chunked =
      "POST /drop HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n4001\r\n" + body + "\r\n0\r\n\r\n";
  for (const std::string& request : {post("/drop", body), chunked}) {
    for (const std::size_t cut : {std::size_t{0}, std::size_t{100}}) {
      Bed h(policy(", body: 16KiB"));
      h.client(request, cut);
      EXPECT_EQ(h.to_server, "");
      EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 413")) << h.to_client;
      EXPECT_NE(h.to_client.find("hold_ticket_too_large"), std::string::npos);
      EXPECT_EQ(h.context.holds.size(), 0U);
    }
  }
  Bed h(policy(", body: 16KiB"));
  EXPECT_NE(h.ask(post("/drop", body.substr(1))), "");
}

TEST(HttpTickets, ALongBodyThatNothingHoldsPassesWhateverWasRejected) {
  Bed h(policy(", body: 16KiB", ", window: 1KiB, after_window: stream"));
  h.ask(post("/drop", "a"));
  h.decide(false);
  const std::string large = post("/a", std::string(40'000, 'x'));
  EXPECT_EQ(h.ask(large, 1000), "");
}

TEST(HttpTickets, WhatARuleDeniesGetsNone) {
  Bed h;
  const std::string request = post("/drop", "never");
  h.client(request);
  EXPECT_NE(h.to_client.find("\"error\":\"rule_denied\""), std::string::npos) << h.to_client;
  EXPECT_EQ(h.to_server, "");
  EXPECT_EQ(h.context.holds.size(), 0U);
}

TEST(HttpTickets, AClientThatGoesAwayInTheMiddleGetsNone) {
  Bed h;
  const std::string request = post("/drop", "hello");
  h.client(request.substr(0, request.size() - 2));
  h.client_finishes();
  EXPECT_EQ(h.context.holds.size(), 0U);
  EXPECT_EQ(h.to_server, "");
  EXPECT_EQ(h.relay().fate(), Fate::close);
  EXPECT_EQ(h.request(0).ends, 1U);
  EXPECT_EQ(h.response(0).ends, 1U);
}

// A server may close while a slow client sends what gets a ticket: it has nothing to do with it.
TEST(HttpTickets, AServerThatClosesMeanwhileIsNotNeeded) {
  Bed h;
  const std::string request = post("/drop", "hello");
  h.client(request.substr(0, request.size() - 2));
  ASSERT_TRUE(h.relay().needs_no_server());
  h.relay().server_left();
  h.client(request.substr(request.size() - 2));
  h.burst();
  EXPECT_NE(h.to_client.find("Sluice-Ticket: " + format_session_id(h.id)), std::string::npos) << h.to_client;
  EXPECT_NE(h.to_client.find("Connection: close"), std::string::npos);
  EXPECT_EQ(h.relay().fate(), Fate::close);
  EXPECT_EQ(h.to_server, "");
  // An approved one that meets that is told to ask once more, and its approval stays.
  h.decide(true);
  h.session(20);
  h.to_client.clear();
  h.client(request.substr(0, request.size() - 2));
  ASSERT_TRUE(h.relay().needs_no_server());
  h.relay().server_left();
  h.client(request.substr(request.size() - 2));
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 503")) << h.to_client;
  EXPECT_NE(h.to_client.find("hold_server_gone"), std::string::npos);
  EXPECT_EQ(h.to_server, "");
  h.session(21);
  EXPECT_EQ(h.ask(request), "");
}

TEST(HttpTickets, WhoWaitsForLeaveToSendItsBodyGetsIt) {
  Bed h;
  h.client("POST /drop HTTP/1.1\r\nHost: web\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 100"));
  h.client("hello");
  EXPECT_NE(h.to_client.find("Sluice-Ticket"), std::string::npos);
}

TEST(HttpTickets, WhatComesBehindGoesOn) {
  Bed h;
  h.client(post("/drop", "hello") + "GET /calm HTTP/1.1\r\nHost: web\r\n\r\n");
  EXPECT_EQ(h.to_server, "GET /calm HTTP/1.1\r\nHost: web\r\n\r\n");
  EXPECT_NE(h.to_client.find("Sluice-Ticket"), std::string::npos);
  EXPECT_EQ(h.to_client.find("Connection: close"), std::string::npos);
}

TEST(HttpTickets, ATicketThatNobodyDecidesOnExpires) {
  Bed h;
  const std::string ticket = h.ask(post("/drop", "hello"));
  EXPECT_EQ(h.context.holds.next_deadline(), kSecond + 600 * kSecond);
  h.context.now += 600 * kSecond;
  h.burst();
  EXPECT_EQ(h.endings, std::vector{HoldEnding::expired});
  EXPECT_EQ(h.context.holds.next_deadline(), kNever);
  EXPECT_NE(h.ask(post("/drop", "hello")), ticket);
}

TEST(HttpTickets, AnApprovedOnePassesAlsoWhileItsCallerIsPaused) {
  Bed h;
  const std::string request = post("/drop", "hello");
  h.ask(request);
  h.list.push_back({.id = 50, .verdict = OrderVerdict::hold, .principal = "ci"});
  h.decide(true);
  EXPECT_NE(h.ask(post("/calm", "")), "");
  EXPECT_EQ(h.ask(request), "");
}

TEST(HttpTickets, OneSourceHasAHundredAndOthersAreNotInItsWay) {
  Bed h;
  for (std::uint32_t i = 0; i < HoldTable::kMostTickets; ++i) EXPECT_NE(h.ask(post("/drop", std::to_string(i))), "");
  h.client(post("/drop", "one more"));
  EXPECT_NE(h.to_client.find("holds_exhausted"), std::string::npos);
  h.session(99, test::kClientAddress + 1);
  EXPECT_NE(h.ask(post("/drop", "one more")), "none");
  EXPECT_EQ(h.context.holds.size(), HoldTable::kMostTickets + 1);
}

// Another process, which is told what the one before knew.
TEST(HttpTickets, WhatWasApprovedPassesInTheNextProcessOnce) {
  const std::string request = post("/drop", "hello");
  Bed before;
  before.ask(request);
  before.decide(true);
  Bed h;
  h.context.holds.use_key(key_of(9));
  EXPECT_NE(h.ask(request), "");  // until then it knows nothing
  const auto tell = [&](std::uint8_t key) {
    OrdersPtr next = std::make_unique<const enforce::Orders>(before.list, key_of(key));
    ASSERT_TRUE(h.context.holds.offer(&next));
    h.burst();
  };
  tell(7);
  EXPECT_EQ(h.endings, std::vector{HoldEnding::cut}) << "nobody could ask for it by its old name";
  EXPECT_EQ(h.ask(request), "");
  EXPECT_EQ(h.used, std::vector<std::uint64_t>{1});
  EXPECT_NE(h.ask(request), "") << "once";
  tell(8);  // only the first list says it
  EXPECT_EQ(h.context.holds.ticket_key(), key_of(7));
}

TEST(HttpTickets, AKeyWithoutOrdersHoldsUpNobody) {
  Bed h;
  OrdersPtr next = std::make_unique<const enforce::Orders>(std::vector<enforce::Order>(), key_of(9));
  ASSERT_TRUE(h.context.holds.offer(&next));
  h.burst();
  EXPECT_FALSE(h.context.holds.has_orders());
  EXPECT_EQ(h.context.holds.ticket_key(), key_of(9));
}

TEST(HttpTickets, AnotherKeyKnowsNothingAgain) {
  Bed h;
  h.ask(post("/drop", "hello"));
  h.decide(true);
  h.context.holds.use_key(key_of(8));
  EXPECT_NE(h.ask(post("/drop", "hello")), "");
}

}  // namespace
}  // namespace sluice::session
