// What a limit does to requests: what the server sees of them, what the client is told, and what is on the record.
#include <gtest/gtest.h>

#include "tests/support/relay_harness.h"

namespace sluice::session {
namespace {

const std::string kGet = "GET /a HTTP/1.1\r\nHost: web\r\n\r\n";
const std::string kPost = "POST /b HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\n";
const std::string kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string policy(const std::string& limits, const std::string& mode = "enforce", const std::string& more = "") {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: http, mode: " + mode +
         ", rules: [local/drop], limits: [" + limits + "]}\n" +
         "rules:\n  - {name: drop, match: 'drop', where: [request.head], action: observe}\n" +
         "principals:\n  - {name: ci, from: 10.0.0.64/26" + more + "}\n";
}

struct Bed : RelayHarness {
  using RelayHarness::RelayHarness;
  enforce::LimitCounters& counters(std::size_t index = 0) { return *context.policy->limits[index]; }
  // One request passes and is answered; of the next, the client has heard nothing yet.
  void use_up_and_post() {
    context.now = kSecond;
    client(kGet);
    server(kAnswer);
    client(kPost + "hello");
    to_client.clear();
  }
  // Time goes on to what the relay waits for.
  void wait() {
    context.now = relay().next_deadline(context.now);
    relay().resume(context);
    take();
  }
};

// Counters of a policy text live as long as the process, so each test counts from where it began.
struct Since {
  explicit Since(enforce::LimitCounters& c)
      : counters(c),
        passed0(c.passed.value()),
        denied0(c.denied.value()),
        throttled0(c.throttled.value()),
        observed0(c.observed.value()) {}
  [[nodiscard]] std::uint64_t passed() const { return counters.passed.value() - passed0; }
  [[nodiscard]] std::uint64_t denied() const { return counters.denied.value() - denied0; }
  [[nodiscard]] std::uint64_t throttled() const { return counters.throttled.value() - throttled0; }
  [[nodiscard]] std::uint64_t observed() const { return counters.observed.value() - observed0; }
  enforce::LimitCounters& counters;
  std::uint64_t passed0, denied0, throttled0, observed0;
};

TEST(HttpLimits, BeyondTheBurstARequestIsAnsweredAndTheServerSeesNothingOfIt) {
  Bed h(policy("{per: principal, rate: 2/m, burst: 2, then: deny}"));
  h.context.now = kSecond;
  const Since since(h.counters());
  for (int i = 0; i < 2; ++i) {
    h.client(kGet);
    h.server(kAnswer);
  }
  h.to_client.clear();
  h.client(kPost + "hello");
  EXPECT_EQ(h.at_server("POST"), 0U);
  EXPECT_EQ(h.at_server("hello"), 0U);
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 429 Too Many Requests\r\n")) << h.to_client;
  EXPECT_NE(h.to_client.find("\r\nRetry-After: 30\r\n"), std::string::npos) << h.to_client;
  EXPECT_NE(h.to_client.find("\"web/requests-per-principal\""), std::string::npos) << h.to_client;
  EXPECT_EQ(h.request(2).end.verdict, Verdict::deny);
  EXPECT_EQ(h.request(2).end.error, ErrorCode::limit_exceeded);
  EXPECT_EQ(h.request(2).limit, "web/requests-per-principal");
  EXPECT_EQ(since.passed(), 2U);
  EXPECT_EQ(since.denied(), 1U);
  // The connection lives on, and so does the limit.
  h.context.now += 30 * kSecond;
  h.client(kPost + "hello");
  EXPECT_EQ(h.at_server("hello"), 1U);
}

TEST(HttpLimits, OneSourceDoesNotTakeFromAnother) {
  Bed h(policy("{per: source, rate: 1/m, then: deny}"));
  h.context.now = kSecond;
  for (std::uint32_t i = 0; i < 20; ++i) {
    h.session(100 + i, test::kClientAddress + i);
    h.client(kGet + kGet);
  }
  EXPECT_EQ(h.at_server("GET"), 20U);
}

TEST(HttpLimits, RoutesAreToldApartByTheirPathHoweverItIsWritten) {
  Bed h(policy("{per: route, rate: 1/m, then: deny}"));
  h.context.now = kSecond;
  for (const char* target : {"/a", "/%61", "/a?x=1", "http://web/a", "/b"})
    h.client("GET " + std::string(target) + " HTTP/1.1\r\nHost: web\r\n\r\n");
  EXPECT_EQ(h.at_server("GET"), 2U) << h.to_server;
}

TEST(HttpLimits, OfARuleOnlyRequestsCountThatItMatches) {
  Bed h(policy("{per: rule, rate: 1/m, then: deny}"));
  h.context.now = kSecond;
  for (int i = 0; i < 3; ++i) h.client("GET /drop HTTP/1.1\r\nHost: web\r\n\r\n" + kGet);
  EXPECT_EQ(h.at_server("GET /drop"), 1U);
  EXPECT_EQ(h.at_server("GET /a"), 3U);
}

// The wide one refuses: what the narrow one gave is given back.
TEST(HttpLimits, AUnitPassesAllLimitsOrIsChargedToNone) {
  Bed h(policy("{per: source, rate: 4/m, then: deny}, {per: service, rate: 2/m, then: deny}", "enforce",
               ", limits: [{rate: 3/m, then: deny}]"));
  h.context.now = kSecond;
  const Since source(h.counters(0));
  for (int i = 0; i < 8; ++i) h.client(kGet);
  EXPECT_EQ(h.at_server("GET"), 2U);
  EXPECT_EQ(source.passed(), 2U);
  h.context.now += 30 * kSecond;  // the service's grew by one, the principal's by one and a half
  for (int i = 0; i < 8; ++i) h.client(kGet);
  EXPECT_EQ(h.at_server("GET"), 3U);
  h.context.now += 120 * kSecond;  // all but the source's bucket, which had 4, would give no more than these
  for (int i = 0; i < 8; ++i) h.client(kGet);
  EXPECT_EQ(h.at_server("GET"), 5U);
}

TEST(HttpLimits, APrincipalsOwnLimitHolds) {
  Bed h(policy("", "enforce", ", limits: [{rate: 3/m, then: deny}]"));
  h.context.now = kSecond;
  for (int i = 0; i < 8; ++i) h.client(kGet);
  EXPECT_EQ(h.at_server("GET"), 3U);
  EXPECT_EQ(h.request(7).limit, "principal:ci/requests");
}

TEST(HttpLimits, ObservedItPassesAndIsCounted) {
  for (const auto& [limits, mode] : {std::pair{"{per: principal, rate: 2/m, then: observe}", "enforce"},
                                     std::pair{"{per: principal, rate: 2/m, then: deny}", "observe"},
                                     std::pair{"{per: principal, rate: 2/m, then: throttle}", "observe"}}) {
    Bed h(policy(limits, mode));
    h.context.now = kSecond;
    const Since since(h.counters());
    for (int i = 0; i < 5; ++i) h.client(kGet);
    EXPECT_EQ(h.at_server("GET"), 5U);
    EXPECT_EQ(since.passed(), 2U);
    EXPECT_EQ(since.observed(), 3U);
    EXPECT_EQ(since.denied() + since.throttled(), 0U);
    EXPECT_EQ(h.request(1).limit, "");
    EXPECT_EQ(h.request(4).limit, "web/requests-per-principal");
    EXPECT_EQ(h.request(4).end.observed, std::string_view(mode) == "observe");
  }
}

TEST(HttpLimits, EachObservedLimitIsCountedAndTheStrictestIsOnTheRecord) {
  Bed h(policy("{per: principal, rate: 1/h, then: throttle}, {per: source, rate: 1/m, then: deny}", "observe"));
  h.context.now = kSecond;
  const Since first(h.counters(0));
  const Since second(h.counters(1));
  for (int i = 0; i < 3; ++i) h.client(kGet);
  EXPECT_EQ(h.at_server("GET"), 3U);
  EXPECT_EQ(first.observed(), 2U);
  EXPECT_EQ(second.observed(), 2U);
  EXPECT_EQ(h.request(2).end.verdict, Verdict::deny) << "although the other would wait longer";
}

TEST(HttpLimits, FlightsEndWithTheirAnswerOrTheirSession) {
  Bed h(policy("{per: principal, of: concurrent, most: 2, then: deny}"));
  h.context.now = kSecond;
  h.client(kGet + kGet + kGet);
  EXPECT_EQ(h.at_server("GET"), 2U);
  h.server(kAnswer);
  h.client(kGet);
  EXPECT_EQ(h.at_server("GET"), 2U + 1U);
  h.session(8);
  h.client(kGet);
  EXPECT_EQ(h.at_server("GET"), 3U);
  h.session(7);
  h.relay().close(h.context, ErrorCode::tcp_reset_by_client);
  h.session(9);
  h.client(kGet);
  EXPECT_EQ(h.at_server("GET"), 4U);
}

TEST(HttpLimits, ThrottledItWaitsUntilThereIsRoomAndNothingBehindItIsRead) {
  for (const std::size_t cut : {0U, 1U, 7U}) {
    Bed h(policy("{per: principal, rate: 60/m, burst: 1, then: throttle}"));
    h.context.now = kSecond + cut * 1000 * kSecond;
    const Since since(h.counters());
    h.client(kGet, cut);
    h.client(kPost + "hello" + kGet, cut);
    EXPECT_EQ(h.at_server("POST"), 0U);
    EXPECT_TRUE(h.relay().is_throttled());
    EXPECT_FALSE(h.relay().accepts(Direction::request));
    h.server(kAnswer);
    EXPECT_EQ(h.relay().next_deadline(h.context.now), h.context.now + kSecond);
    h.wait();
    EXPECT_EQ(h.at_server("POST /b"), 1U);
    EXPECT_EQ(h.at_server("hello"), 1U);
    EXPECT_EQ(h.at_server("GET"), 1U);  // the next waits again
    EXPECT_TRUE(h.relay().is_throttled());
    h.wait();
    EXPECT_EQ(h.at_server("GET"), 2U);
    EXPECT_FALSE(h.relay().is_throttled());
    EXPECT_EQ(since.passed(), 3U);
    EXPECT_EQ(since.throttled(), 2U);
    h.server(kAnswer + kAnswer);
    EXPECT_EQ(h.request(0).end.verdict, Verdict::pass);
    EXPECT_EQ(h.request(1).end.verdict, Verdict::throttle);
    EXPECT_EQ(h.request(1).body, "hello");
    EXPECT_EQ(h.relay().pending(), 0U);
  }
}

TEST(HttpLimits, AClientThatGivesUpWhileItWaitsTakesNothing) {
  Bed h(policy("{per: principal, rate: 60/m, burst: 1, then: throttle}"));
  h.context.now = kSecond;
  h.client(kGet + kGet);
  EXPECT_TRUE(h.relay().is_throttled());
  h.relay().close(h.context, ErrorCode::tcp_reset_by_client);
  EXPECT_EQ(h.at_server("GET"), 1U);
  EXPECT_EQ(h.relay().next_deadline(h.context.now), kNever);
  EXPECT_EQ(h.request(1).ends, 1U);
  h.context.now += kSecond;
  h.session(8);
  h.client(kGet);
  EXPECT_EQ(h.at_server("GET"), 2U);
}

TEST(HttpLimits, AClientThatFinishesWhileItWaitsGetsItsAnswer) {
  Bed h(policy("{per: principal, rate: 60/m, burst: 1, then: throttle}"));
  h.context.now = kSecond;
  h.client(kGet + kGet);
  h.client_finishes();
  EXPECT_EQ(h.at_server("GET"), 1U);
  h.wait();
  EXPECT_EQ(h.at_server("GET"), 2U);
  h.server(kAnswer + kAnswer);
  EXPECT_EQ(h.to_client, kAnswer + kAnswer);
  EXPECT_EQ(h.relay().fate(), Fate::run);
}

TEST(HttpLimits, WhatWaitsForAMinuteIsRefused) {
  Bed h(policy("{per: principal, rate: 1/h, burst: 1, then: throttle}"));
  h.context.now = kSecond;
  const Since since(h.counters());
  h.client(kGet + kPost + "hello");
  h.server(kAnswer);
  h.to_client.clear();
  h.wait();
  EXPECT_EQ(h.context.now, 61 * kSecond);
  EXPECT_EQ(h.at_server("POST"), 0U);
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 429 ")) << h.to_client;
  EXPECT_EQ(since.throttled(), 1U);
  EXPECT_EQ(since.denied(), 1U);
  EXPECT_EQ(h.request(1).end.verdict, Verdict::deny);
  EXPECT_EQ(h.relay().fate(), Fate::run);
}

// A server that has seen nothing of the request may still speak: nginx answers a connection that idles with 408.
TEST(HttpLimits, AnAnswerThatNobodyAskedForIsNoAnswerToARequestThatWaits) {
  for (const bool closes : {false, true}) {
    Bed h(policy("{per: principal, rate: 60/m, burst: 1, then: throttle}"));
    h.use_up_and_post();
    h.server("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    if (closes) h.server_finishes();
    EXPECT_FALSE(h.relay().is_throttled());
    EXPECT_EQ(h.to_client, "");
    EXPECT_EQ(h.relay().fate(), Fate::abort);
    h.relay().close(h.context, h.relay().error());
    EXPECT_EQ(h.at_server("POST"), 0U);
    EXPECT_EQ(h.request(1).ends, 1U);
    EXPECT_EQ(h.response(1).ends, 1U);
  }
}

TEST(HttpLimits, WhatWaitsBehindABadAnswerGoesNowhere) {
  Bed h(policy("{per: principal, rate: 60/m, burst: 1, then: throttle}"));
  h.context.now = kSecond;
  const Since since(h.counters());
  h.client(kGet + kPost + "hello");
  h.server("no answer at all\r\n\r\n");
  EXPECT_FALSE(h.relay().is_throttled());
  h.context.now += 100 * kSecond;
  h.relay().resume(h.context);
  EXPECT_EQ(since.passed(), 1U);
  EXPECT_EQ(h.at_server("POST"), 0U);
}

TEST(HttpLimits, WhenTheServerClosesWhileARequestWaitsTheClientIsTold) {
  Bed h(policy("{per: principal, rate: 60/m, burst: 1, then: throttle}"));
  h.use_up_and_post();
  h.server_finishes();
  EXPECT_EQ(h.at_server("POST"), 0U);
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 429 ")) << h.to_client;
  EXPECT_NE(h.to_client.find("\r\nConnection: close\r\n"), std::string::npos) << h.to_client;
  EXPECT_EQ(h.relay().fate(), Fate::close);
  EXPECT_EQ(h.request(1).ends, 1U);
  EXPECT_EQ(h.response(1).ends, 1U);
}

TEST(HttpLimits, BytesAreReadAsFastAsTheirLimitSays) {
  constexpr std::size_t kMuch = 48 * 1024;
  Bed h(policy("{per: principal, of: bytes, rate: 100000B/s, burst: 65536B, then: throttle}"));
  h.context.now = kSecond;
  const auto share = [&] { return h.relay().share_of(h.context, Direction::request, kMuch); };
  EXPECT_EQ(share(), kMuch);
  std::string post = "POST /b HTTP/1.1\r\nHost: web\r\nContent-Length: 100000\r\n\r\n";
  post.resize(kMuch, 'x');
  h.client(post);
  EXPECT_EQ(share(), 16U * 1024);
  EXPECT_EQ(share(), 16U * 1024) << "charged once: they could not be read";
  h.client(std::string(16 * 1024, 'x'));
  EXPECT_EQ(share(), 0U);
  EXPECT_EQ(h.relay().next_deadline(h.context.now), h.context.now + 163'840 * kMicrosecond);
  h.context.now += 163'840 * kMicrosecond;
  EXPECT_EQ(share(), 16U * 1024);
}

TEST(HttpLimits, BeyondALimitOfBytesTheNextRequestIsRefused) {
  Bed h(policy("{per: principal, of: bytes, rate: 1KiB/s, burst: 4KiB, then: deny}"));
  h.context.now = kSecond;
  EXPECT_EQ(h.relay().share_of(h.context, Direction::response, 8 * 1024), 8U * 1024);
  h.client(kGet);
  EXPECT_EQ(h.at_server("GET"), 0U);
  EXPECT_NE(h.to_client.find("\r\nRetry-After: 5\r\n"), std::string::npos) << h.to_client;
}

}  // namespace
}  // namespace sluice::session
