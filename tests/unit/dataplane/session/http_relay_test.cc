// What a client and a server see of each other through the relay, and what is on the record.
#include <gtest/gtest.h>

#include "tests/support/relay_harness.h"

namespace sluice::session {
namespace {

using testing::Test;

const std::string kGet = "GET /a HTTP/1.1\r\nHost: web\r\n\r\n";
const std::string kCard = "4111 1111 1111 1111";
const std::string kMaskedCard = "**** **** **** 1111";
const std::string kMail = "jane.doe@example.com";
const std::string kMaskedMail = "****.***@*******.***";

std::string response(std::string_view body, std::string_view more = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(more) + "\r\n" +
         std::string(body);
}

std::string chunked(std::string_view body, std::size_t chunk) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  while (!body.empty()) {
    const std::string_view piece = body.substr(0, chunk);
    body.remove_prefix(piece.size());
    out += std::string{kHex[piece.size() / 16], kHex[piece.size() % 16]} + "\r\n" + std::string(piece) + "\r\n";
  }
  return out + "0\r\n\r\n";
}

std::string without_chunks(std::string_view message) {
  std::string body;
  std::size_t at = message.find("\r\n\r\n") + 4;
  while (true) {
    const std::size_t size = std::stoul(std::string(message.substr(at, 2)), nullptr, 16);
    at = message.find("\r\n", at) + 2;
    if (size == 0) return body;
    body += message.substr(at, size);
    at += size + 2;
  }
}

TEST(HttpRelay, WhatNoRuleNamesPassesUnchanged) {
  RelayHarness h(test::masking_policy());
  h.client(kGet);
  h.server(response("hello"));
  EXPECT_EQ(h.to_client, response("hello"));
  EXPECT_NE(h.to_server.find("GET /a HTTP/1.1\r\n"), std::string::npos);
  EXPECT_EQ(h.request(0).head, kGet);
  EXPECT_EQ(h.response(0).body, "hello");
  EXPECT_EQ(h.response(0).end.verdict, Verdict::pass);
  EXPECT_TRUE(h.response(0).end.complete);
  EXPECT_EQ(h.request(0).principal, "ci");
}

TEST(HttpRelay, MasksOnTheWireAndOnTheRecord) {
  RelayHarness h(test::masking_policy());
  h.client(kGet);
  h.server(response("card " + kCard + ", mail " + kMail + "."));
  EXPECT_EQ(h.to_client, response("card " + kMaskedCard + ", mail " + kMaskedMail + "."));
  EXPECT_EQ(h.response(0).body, "card " + kMaskedCard + ", mail " + kMaskedMail + ".");
  EXPECT_EQ(h.response(0).end.verdict, Verdict::mask);
  ASSERT_EQ(h.response(0).hits.size(), 2U);
  EXPECT_EQ(h.recorder.everything().find("4111"), std::string::npos);
}

TEST(HttpRelay, HowTheStreamsAreCutChangesNothing) {
  const std::string body = "a " + kCard + "; " + kMail + "; 4111111111111111 2025; 5500-0055-5555-5559 end";
  const std::string request = "POST /q?card=" + std::string("4111111111111111") +
                              " HTTP/1.1\r\nHost: web\r\nX-Mail: " + kMail +
                              "\r\nContent-Length: 24\r\n\r\nmail=jane.doe@example.com";
  for (const std::string& answer : {response(body), chunked(body, 3), chunked(body, 1)}) {
    RelayHarness whole(test::masking_policy());
    whole.client(request + kGet);
    whole.server(answer + response("x"));
    EXPECT_EQ(whole.to_client.find("4111"), std::string::npos);
    for (std::size_t cut = 1; cut < 40; ++cut) {
      RelayHarness h(test::masking_policy());
      h.client(request + kGet, cut);
      h.server(answer + response("x"), cut);
      ASSERT_EQ(h.to_client, whole.to_client) << "cut " << cut;
      ASSERT_EQ(h.to_server, whole.to_server) << "cut " << cut;
      ASSERT_EQ(h.recorder.everything(), whole.recorder.everything()) << "cut " << cut;
    }
  }
}

TEST(HttpRelay, AMatchAcrossChunksIsFound) {
  RelayHarness h(test::masking_policy());
  h.client(kGet);
  h.server(chunked("card " + kCard + " mail " + kMail + " end", 1), 1);
  EXPECT_EQ(without_chunks(h.to_client), "card " + kMaskedCard + " mail " + kMaskedMail + " end");
}

TEST(HttpRelay, NoPartOfAPossibleMatchIsReleasedEarly) {
  RelayHarness h(test::masking_policy());
  h.client(kGet);
  const std::string answer = response("card " + kCard + " end");
  h.server(answer.substr(0, answer.find("1111 1111 end")));
  EXPECT_EQ(h.to_client.substr(h.to_client.size() - 5), "card ");
}

TEST(HttpRelay, MasksTheRequestToo) {
  RelayHarness h(test::masking_policy());
  h.client("POST /pay?card=4111111111111111 HTTP/1.1\r\nHost: web\r\nContent-Length: 16\r\n\r\n5500005555555559");
  EXPECT_NE(h.to_server.find("/pay?card=************1111"), std::string::npos);
  EXPECT_NE(h.to_server.find("************5559"), std::string::npos);
  EXPECT_EQ(h.request(0).body, "************5559");
}

TEST(HttpRelay, FramingHeadersAreNeverMasked) {
  RelayHarness h(test::masking_policy());
  h.client(kGet);
  h.server("HTTP/1.1 200 OK\r\nX-Card: 4111111111111111\r\nContent-Length: 4111111111111111\r\n\r\n");
  EXPECT_NE(h.to_client.find("X-Card: ************1111"), std::string::npos);
  EXPECT_NE(h.to_client.find("Content-Length: 4111111111111111"), std::string::npos);
}

TEST(HttpRelay, CredentialsAreNotOnTheRecordButReachTheServer) {
  RelayHarness h(test::masking_policy());
  const std::string get = "GET / HTTP/1.1\r\nHost: web\r\nAuthorization: Basic am9lOnMzY3JldA==\r\n\r\n";
  h.client(get);
  EXPECT_NE(h.to_server.find("am9lOnMzY3JldA=="), std::string::npos);
  EXPECT_EQ(h.recorder.everything().find("am9lOnMzY3JldA=="), std::string::npos);
  EXPECT_EQ(h.request(0).principal, "joe");
}

TEST(HttpRelay, ADeniedRequestNeverReachesTheServerAndTheConnectionLivesOn) {
  RelayHarness h(test::masking_policy());
  h.client("POST /sql HTTP/1.1\r\nHost: web\r\nContent-Length: 16\r\n\r\nDROP TABLE users");
  EXPECT_EQ(h.to_server, "");
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403 ")) << h.to_client;
  EXPECT_NE(h.to_client.find("rule_denied"), std::string::npos);
  EXPECT_EQ(h.relay().fate(), Fate::run);
  EXPECT_EQ(h.request(0).end.verdict, Verdict::deny);
  EXPECT_TRUE(h.response(0).synthesized);
  h.client(kGet);
  EXPECT_TRUE(h.to_server.starts_with("GET /a"));
  h.to_client.clear();
  h.server(response("x"));
  EXPECT_EQ(h.to_client, response("x"));
}

TEST(HttpRelay, ADeniedRequestIsAnsweredInItsTurn) {
  RelayHarness h(test::masking_policy());
  h.client(kGet + "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 12\r\n\r\ndrop table x" + kGet);
  EXPECT_EQ(h.to_client, "");
  h.server(response("one") + response("three"));
  const std::size_t one = h.to_client.find("one");
  const std::size_t denied = h.to_client.find("403");
  const std::size_t three = h.to_client.find("three");
  ASSERT_NE(three, std::string::npos) << h.to_client;
  EXPECT_LT(one, denied);
  EXPECT_LT(denied, three);
}

TEST(HttpRelay, NothingLeavesBeforeTheVerdict) {
  RelayHarness h(test::masking_policy());
  const std::string post = "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 100\r\n\r\n" + std::string(99, 'x');
  h.client(post, 7);
  EXPECT_EQ(h.to_server, "");
  h.client("x");
  EXPECT_TRUE(h.to_server.ends_with(std::string(100, 'x')));
}

TEST(HttpRelay, ABodyBeyondTheWindowIsRefused) {
  RelayHarness h(test::masking_policy("    window: 1KiB\n    after_window: deny"));
  h.client("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 5000\r\n\r\n" + std::string(2000, 'x'));
  EXPECT_EQ(h.to_server, "");
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 413 ")) << h.to_client;
  EXPECT_EQ(h.relay().fate(), Fate::close);
}

TEST(HttpRelay, AMatchAfterTheWindowIsRefusedAndEndsTheSession) {
  RelayHarness h(test::masking_policy("    window: 1KiB\n    after_window: stream"));
  h.client("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 5000\r\n\r\n" + std::string(2000, 'x'));
  EXPECT_NE(h.to_server, "");
  h.client("drop table x ");
  EXPECT_EQ(h.to_server.find("drop table"), std::string::npos);
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403 ")) << h.to_client;
  EXPECT_EQ(h.relay().fate(), Fate::close) << "which resets the server's leg";
  EXPECT_EQ(h.request(0).end.error, ErrorCode::rule_denied_late);
}

TEST(HttpRelay, ABodyThatBreaksTheGrammarAfterItsHeadWasLetGoGets400) {
  for (const std::size_t cut : {0U, 1U}) {
    RelayHarness each(R"(services:
  - {name: web, address: "10.0.0.2:80", protocol: http, mode: enforce}
)");
    each.client("POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", cut);
    EXPECT_TRUE(each.to_client.starts_with("HTTP/1.1 400 ")) << each.to_client;
    EXPECT_EQ(each.relay().fate(), Fate::close);
    EXPECT_EQ(each.request(0).end.error, ErrorCode::http_bad_chunk);
  }
}

TEST(HttpRelay, OnceTheServersAnswerHasBegunABadRequestIsAborted) {
  RelayHarness h(test::masking_policy("    window: 1KiB\n    after_window: stream"));
  h.client("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 5000\r\n\r\n" + std::string(2000, 'x'));
  h.server("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc ");
  h.client("drop table x ");
  EXPECT_EQ(h.relay().fate(), Fate::abort);
  EXPECT_EQ(h.to_client.find("403"), std::string::npos);
}

TEST(HttpRelay, ARequestThatBreaksTheGrammarGets400AndIsRecorded) {
  RelayHarness h(test::masking_policy());
  h.client("GET / HTTP/1.1\r\nHost : web\r\nAuthorization: Basic c2VjcmV0\r\n\r\n");
  EXPECT_EQ(h.to_server, "");
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 400 ")) << h.to_client;
  EXPECT_NE(h.to_client.find("\"http_space_before_colon\""), std::string::npos);
  EXPECT_EQ(h.relay().fate(), Fate::close);
  EXPECT_EQ(h.request(0).head, "GET / HTTP/1.1");
  EXPECT_EQ(h.request(0).end.error, ErrorCode::http_space_before_colon);
}

TEST(HttpRelay, RangesAndEncodingsThatDefeatMaskingAreTakenOut) {
  RelayHarness h(test::masking_policy());
  h.client("GET / HTTP/1.1\r\nHost: web\r\nRange: bytes=0-7\r\nAccept-Encoding: gzip, br\r\n\r\n");
  EXPECT_EQ(h.to_server.find("Range"), std::string::npos);
  EXPECT_EQ(h.to_server.find("gzip"), std::string::npos);
}

TEST(HttpRelay, AnUnreadableEncodingFailsClosed) {
  RelayHarness h(test::masking_policy());
  h.client(kGet);
  h.server(response("\x1f\x8b....", "Content-Encoding: gzip\r\n"));
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 502 ")) << h.to_client;
  EXPECT_EQ(h.response(0).end.error, ErrorCode::http_encoding_unreadable);
  EXPECT_EQ(h.relay().fate(), Fate::close);
}

TEST(HttpRelay, HeadAndInterimResponsesKeepTheirPlaces) {
  RelayHarness h(test::masking_policy());
  h.client("HEAD / HTTP/1.1\r\nHost: web\r\n\r\n" + kGet);
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  const std::string interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
  h.server(head + interim + response("x"), 3);
  EXPECT_EQ(h.to_client, head + interim + response("x"));
  EXPECT_EQ(h.response(1).body, "x");
}

TEST(HttpRelay, AResponseNobodyAskedForAborts) {
  RelayHarness h(test::masking_policy());
  h.client(kGet);
  h.server(response("x") + response("smuggled"));
  EXPECT_EQ(h.to_client.find("smuggled"), std::string::npos);
  EXPECT_EQ(h.relay().fate(), Fate::abort);
}

TEST(HttpRelay, UntilCloseEndsWithTheServer) {
  RelayHarness h(test::masking_policy());
  h.client("GET / HTTP/1.0\r\n\r\n");
  h.server("HTTP/1.0 200 OK\r\n\r\ncard " + kCard);
  EXPECT_TRUE(h.to_client.ends_with("card "));
  h.server_finishes();
  EXPECT_TRUE(h.to_client.ends_with("card " + kMaskedCard));
  EXPECT_TRUE(h.relay().finished(Direction::response));
  EXPECT_TRUE(h.response(0).end.complete);
}

// All but the last digit of a card are no match, and yet nobody's business.
TEST(HttpRelay, ATruncatedResponseIsRecordedAsCutAndNothingOfASecretIsShown) {
  for (std::size_t digits = 1; digits < kCard.size(); ++digits) {
    RelayHarness h(test::masking_policy());
    h.client(kGet);
    h.server("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncard " + kCard.substr(0, digits));
    h.server_finishes();
    EXPECT_TRUE(h.to_client.ends_with("card "));
    EXPECT_EQ(h.response(0).body, "card " + std::string(digits, '*'));
    EXPECT_FALSE(h.response(0).end.complete);
    EXPECT_EQ(h.response(0).end.error, ErrorCode::http_incomplete);
  }
}

TEST(HttpRelay, ATruncatedResponsePassesToItsEndWhereNothingIsMasked) {
  std::string policy = test::masking_policy();
  policy.replace(policy.find("mode: enforce"), 13, "mode: observe");
  RelayHarness h(policy);
  h.client(kGet);
  h.server("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncard 4111");
  h.server_finishes();
  EXPECT_TRUE(h.to_client.ends_with("card 4111"));
}

TEST(HttpRelay, ATruncatedRequestIsRecordedWithNothingOfASecret) {
  RelayHarness h(test::masking_policy());
  h.client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\ncard " + kCard.substr(0, 15));
  h.client_finishes();
  EXPECT_EQ(h.request(0).body, "card " + std::string(15, '*'));
  EXPECT_EQ(h.request(0).end.error, ErrorCode::http_incomplete);
}

TEST(HttpRelay, ExpectContinueIsAnsweredWhereTheBodyIsJudgedFirst) {
  RelayHarness h(test::masking_policy());
  h.client("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(h.to_client, "HTTP/1.1 100 Continue\r\n\r\n");
  h.client("body");
  EXPECT_EQ(h.to_server.find("Expect"), std::string::npos);
  EXPECT_TRUE(h.to_server.ends_with("body"));
}

TEST(HttpRelay, ObserveNotesAndPasses) {
  RelayHarness h(test::masking_policy("", "observe"));
  h.client("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 12\r\n\r\ndrop table x");
  h.server(response("card " + kCard));
  EXPECT_TRUE(h.to_server.ends_with("drop table x"));
  EXPECT_EQ(h.to_client, response("card " + kCard));
  EXPECT_EQ(h.request(0).end.verdict, Verdict::deny);
  EXPECT_TRUE(h.request(0).end.observed);
  EXPECT_EQ(h.response(0).body, "card " + kMaskedCard) << "the record is masked in every mode";
}

TEST(HttpRelay, ObservePassesWhatItCannotRead) {
  RelayHarness h(test::masking_policy("", "observe"));
  const std::string strange = "GET / HTTP/1.1\r\nHost : web\r\n\r\n";
  h.client(strange, 5);
  h.server("HTTP/1.1 200 OK\r\n\r\nwhatever");
  EXPECT_EQ(h.to_server, strange);
  EXPECT_EQ(h.to_client, "HTTP/1.1 200 OK\r\n\r\nwhatever");
}

TEST(HttpRelay, AUnitRunsUnderOnePolicyAndTheNextTakesTheNewest) {
  RelayHarness h(test::masking_policy());
  h.client(kGet);
  h.use(R"(services:
  - {name: web, address: "10.0.0.2:80", protocol: http, mode: enforce}
)");
  h.server(response(kCard));
  EXPECT_EQ(h.to_client, response(kMaskedCard));
  h.to_client.clear();
  h.client(kGet);
  h.server(response(kCard));
  EXPECT_EQ(h.to_client, response(kCard));
  EXPECT_EQ(h.response(0).end.policy_version, 1U);
  EXPECT_EQ(h.response(1).end.policy_version, 2U);
}

TEST(HttpRelay, TrailersAreMaskedAndKept) {
  RelayHarness h(test::masking_policy());
  h.client(kGet);
  h.server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Mail: " + kMail + "\r\n\r\n", 4);
  EXPECT_TRUE(h.to_client.ends_with("X-Mail: " + kMaskedMail + "\r\n\r\n")) << h.to_client;
  EXPECT_EQ(h.recorder.everything().find(kMail), std::string::npos);
}

TEST(HttpRelay, EveryBufferComesBack) {
  const std::uint32_t before = test_pools().in_use();
  {
    RelayHarness h(test::masking_policy());
    h.client(kGet + "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 100\r\n\r\nabc", 3);
    h.server(chunked(std::string(500, 'x') + kCard, 10).substr(0, 700), 3);
    h.relay().close(h.context, ErrorCode::tcp_reset_by_client);
  }
  EXPECT_EQ(test_pools().in_use(), before);
}

}  // namespace
}  // namespace sluice::session
