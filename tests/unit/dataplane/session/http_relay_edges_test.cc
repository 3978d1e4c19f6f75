// What the relay does at the edges: ends, windows, upgrades, policies that change, streams that cannot be read.
#include <gtest/gtest.h>

#include "tests/support/relay_harness.h"

namespace sluice::session {
namespace {

const std::string kGet = "GET /a HTTP/1.1\r\nHost: web\r\n\r\n";
const std::string kCard = "4111 1111 1111 1111";
const std::string kMaskedCard = "**** **** **** 1111";
const std::string kMail = "jane.doe@example.com";
const std::string kMaskedMail = "****.***@*******.***";

std::string response(std::string_view body, std::string_view more = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(more) + "\r\n" +
         std::string(body);
}

TEST(HttpRelay, NoAnswerOfOurOwnFollowsTheServersEnd) {
  RelayHarness h(test::masking_policy());
  h.client(kGet);
  h.server(response("x"));
  h.server_finishes();
  EXPECT_TRUE(h.relay().finished(Direction::response));
  const std::string before = h.to_client;
  h.client("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  h.client("GET / HTTP/1.1\r\nHost : web\r\n\r\n");
  EXPECT_EQ(h.to_client, before) << "the client's leg has sent its FIN";
  EXPECT_TRUE(h.relay().finished(Direction::response));
}

TEST(HttpRelay, ADenialAfterTheServersEndClosesTheSession) {
  RelayHarness h(test::masking_policy());
  h.server_finishes();
  h.client("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 12\r\n\r\ndrop table x");
  EXPECT_EQ(h.to_client, "");
  EXPECT_EQ(h.relay().fate(), Fate::close);
}

TEST(HttpRelay, RequestsThatWaitForTheirTurnAreReadBeforeTheClientsEnd) {
  RelayHarness h(test::masking_policy("    http: {pending: 2}"));
  h.client(kGet + kGet + kGet + kGet + kGet);
  h.client_finishes();
  EXPECT_FALSE(h.relay().finished(Direction::request));
  for (int i = 0; i < 5; ++i) h.server(response("x"));
  EXPECT_TRUE(h.relay().finished(Direction::request));
  EXPECT_EQ(h.relay().units(), 5U);
  EXPECT_TRUE(h.request(4).end.complete);
}

TEST(HttpRelay, RefusedRequestsMakeRoomForTheNext) {
  RelayHarness h(test::masking_policy("    http: {pending: 2}"));
  const std::string drop = "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 12\r\n\r\ndrop table x";
  h.client(drop + drop + drop + drop + drop + kGet);
  EXPECT_EQ(h.relay().units(), 6U);
  EXPECT_TRUE(h.to_server.starts_with("GET /a"));
}

TEST(HttpRelay, TheWindowsVerdictDoesNotDependOnHowTheBodyIsCut) {
  const auto post = [](const std::string& body) {
    return "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  const std::string in_window = std::string(500, 'x') + " drop table y " + std::string(300, 'z');
  const std::string across = std::string(1015, 'x') + " drop table abcdefgh " + std::string(300, 'z');
  const std::string beyond = std::string(1100, 'x') + " drop table y " + std::string(300, 'z');
  for (const std::string& body :
       {std::string(1023, 'x'), std::string(1024, 'x'), std::string(1025, 'x'), std::string(3000, 'x'), in_window,
        in_window + std::string(900, 'z'), across, beyond}) {
    for (const std::string after : {"deny", "stream"}) {
      const std::string policy = test::masking_policy("    window: 1KiB\n    after_window: " + after);
      RelayHarness whole(policy);
      whole.client(post(body) + kGet);
      for (const std::size_t cut : {1U, 7U, 100U, 1023U, 1024U, 1025U, 1090U}) {
        RelayHarness h(policy);
        h.client(post(body) + kGet, cut);
        ASSERT_EQ(h.to_client, whole.to_client) << body.size() << " " << after << " cut " << cut;
        ASSERT_EQ(h.relay().fate(), whole.relay().fate()) << body.size() << " " << after << " cut " << cut;
        ASSERT_EQ(h.request(0).end.error, whole.request(0).end.error) << body.size() << " " << after << " cut " << cut;
        // A late verdict comes after part of the body left, and how much that was is a matter of the cut.
        if (h.request(0).end.error != ErrorCode::rule_denied_late) {
          ASSERT_EQ(h.to_server, whole.to_server) << body.size() << " " << after << " cut " << cut;
          ASSERT_EQ(h.recorder.everything(), whole.recorder.everything()) << body.size() << " " << after << " " << cut;
        }
      }
    }
  }
}

TEST(HttpRelay, ABodyThatFillsTheWindowIsNotBeyondIt) {
  RelayHarness h(test::masking_policy("    window: 1KiB\n    after_window: deny"));
  h.client("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 1024\r\n\r\n" + std::string(1024, 'x'), 100);
  EXPECT_TRUE(h.to_server.ends_with(std::string(1024, 'x')));
}

TEST(HttpRelay, ADenialThatIsFoundEarlyLeavesTheConnectionUsable) {
  RelayHarness h(test::masking_policy());
  h.client("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 40\r\n\r\ndrop table x " + std::string(27, '.') + kGet, 3);
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403 ")) << h.to_client;
  EXPECT_EQ(h.to_client.find("close"), std::string::npos) << h.to_client;
  EXPECT_TRUE(h.to_server.starts_with("GET /a")) << h.to_server;
}

TEST(HttpRelay, ABodyInManySmallChunksIsReadHoweverItIsCut) {
  std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20'000; ++i) answer += "1\r\nx\r\n";
  answer += "0\r\n\r\n";
  RelayHarness h(test::masking_policy());
  h.client(kGet);
  h.server(answer);
  EXPECT_EQ(h.relay().fate(), Fate::run);
  EXPECT_EQ(h.response(0).body, std::string(20'000, 'x'));
}

TEST(HttpRelay, AnAcceptedUpgradePassesBytesBothWays) {
  for (const std::string mode : {"enforce", "observe"}) {
    RelayHarness h(test::masking_policy("    allow_upgrade: true", mode));
    h.client("GET / HTTP/1.1\r\nHost: web\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly!");
    EXPECT_EQ(h.to_server.find("early!"), std::string::npos);
    h.server("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello!");
    EXPECT_TRUE(h.to_client.ends_with("\r\n\r\nhello!"));
    EXPECT_TRUE(h.to_server.ends_with("\r\n\r\nearly!")) << mode << h.to_server;
    h.client("card " + kCard + " end", 3);
    h.client_finishes();
    EXPECT_TRUE(h.to_server.ends_with(mode == "enforce" ? kMaskedCard + " end" : kCard + " end")) << h.to_server;
    EXPECT_TRUE(h.relay().finished(Direction::request));
    h.server_finishes();
    EXPECT_EQ(h.request(0).body, "early!card " + kMaskedCard + " end");
    EXPECT_EQ(h.response(0).body, "hello!");
    EXPECT_EQ(h.request(0).ends, 1U);
    EXPECT_EQ(h.response(0).ends, 1U);
  }
}

TEST(HttpRelay, ARefusedUpgradeReadsOn) {
  RelayHarness h(test::masking_policy("    allow_upgrade: true"));
  const std::string upgrade = "GET / HTTP/1.1\r\nHost: web\r\nUpgrade: websocket\r\n\r\n";
  h.client(kGet + upgrade + kGet);
  h.server(response("first"));
  EXPECT_EQ(h.relay().units(), 2U) << "what follows the upgrade depends on its answer";
  h.server(response("no"));
  EXPECT_EQ(h.relay().units(), 3U);
  h.server(response("third"));
  EXPECT_TRUE(h.to_client.ends_with("third"));
  EXPECT_EQ(h.request(1).ends, 1U);
}

TEST(HttpRelay, ADeniedUpgradeDoesNotBlockWhatFollows) {
  RelayHarness h(test::masking_policy("    allow_upgrade: true"));
  h.client("GET /?q=drop+table+x HTTP/1.1\r\nHost: web\r\nX-Q: drop table x\r\nUpgrade: websocket\r\n\r\n" + kGet);
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403 "));
  EXPECT_TRUE(h.to_server.starts_with("GET /a")) << h.to_server;
}

TEST(HttpRelay, ObserveGoesOnWithoutStructureAfterWholeUnits) {
  RelayHarness h(test::masking_policy("", "observe"));
  const std::string post = "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\n12345";
  h.client(post);
  h.server(response("hello"));
  h.server("unasked " + kCard + " bytes");
  h.client("and " + kMail + " more");
  h.client_finishes();
  h.server_finishes();
  EXPECT_EQ(h.to_client, response("hello") + "unasked " + kCard + " bytes");
  EXPECT_EQ(h.to_server, post + "and " + kMail + " more");
  EXPECT_EQ(h.request(1).body, "and " + kMaskedMail + " more");
  EXPECT_EQ(h.response(1).body, "unasked " + kMaskedCard + " bytes");
}

TEST(HttpRelay, WhatCannotBeReadMeetsTheNewestPolicy) {
  RelayHarness h(test::masking_policy("", "observe"));
  h.client(kGet);
  h.server(response("x"));
  h.use(test::masking_policy());
  h.to_server.clear();
  h.client("GET / HTTP/1.1\r\nHost : web\r\n\r\n drop table x");
  EXPECT_EQ(h.to_server, "");
  EXPECT_NE(h.to_client.find("HTTP/1.1 400 "), std::string::npos);
}

TEST(HttpRelay, AResponseIsJudgedUnderTheModeOfItsUnit) {
  RelayHarness h(test::masking_policy());
  h.client(kGet);
  h.use(test::masking_policy("", "observe"));
  h.client(kGet);
  h.server(response("\x1f\x8b" + kCard, "Content-Encoding: gzip\r\n"));
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 502 ")) << h.to_client;
  EXPECT_EQ(h.relay().fate(), Fate::close);
}

TEST(HttpRelay, EachUnitHasOneEndInEachDirection) {
  // A malformed response, an unanswered request, a request that was cut.
  {
    RelayHarness h(test::masking_policy());
    h.client(kGet + kGet);
    h.server("HTTP/9.9 what " + kCard + "\r\n\r\n");
    h.relay().close(h.context, ErrorCode::ok);
    EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 502 "));
    for (const std::uint32_t unit : {0U, 1U}) {
      EXPECT_EQ(h.request(unit).ends, 1U);
      EXPECT_EQ(h.response(unit).ends, 1U);
      EXPECT_FALSE(h.response(unit).end.complete);
    }
    EXPECT_EQ(h.recorder.everything().find("4111"), std::string::npos);
  }
  {
    RelayHarness h(test::masking_policy());
    h.client(kGet + "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 9\r\n\r\nabc");
    h.client_finishes();
    h.relay().close(h.context, ErrorCode::ok);
    for (const std::uint32_t unit : {0U, 1U}) {
      EXPECT_EQ(h.request(unit).ends, 1U);
      EXPECT_EQ(h.response(unit).ends, 1U) << unit;
    }
  }
}

TEST(HttpRelay, TheFirstLineOfAMalformedHeadIsRecordedMaskedHoweverItIsCut) {
  const std::string bad = "GET /" + std::string(180, 'a') + "?card=" + std::string("4111111111111111") + "&" +
                          std::string(500, 'b') + " HTTP/1.1\r\nHost : web\r\n\r\n";
  for (std::size_t pad = 0; pad < 80; pad += 8) {
    RelayHarness whole(test::masking_policy());
    whole.client("GET /" + std::string(pad, 'p') + bad.substr(5));
    EXPECT_EQ(whole.recorder.everything().find("4111"), std::string::npos) << pad;
    for (const std::size_t cut : {5U, 100U, 600U}) {
      RelayHarness h(test::masking_policy());
      h.client("GET /" + std::string(pad, 'p') + bad.substr(5), cut);
      ASSERT_EQ(h.recorder.everything(), whole.recorder.everything()) << pad << " cut " << cut;
    }
  }
}

// The answer came before the request was whole, and more bytes behind it: each unit ends once in each direction.
TEST(HttpRelay, WhatFollowsAnEarlyAnswerIsAUnitOfItsOwnWhereOnlyObserved) {
  RelayHarness h(test::masking_policy("", "observe"));
  h.client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  h.server("HTTP/1.1 204 No Content\r\n\r\n");
  h.server("surplus ");
  h.client("defghi ");
  h.relay().close(h.context, ErrorCode::tcp_reset_by_client);
  EXPECT_EQ(h.to_server, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabcdefghi ");
  EXPECT_EQ(h.to_client, "HTTP/1.1 204 No Content\r\n\r\nsurplus ");
  for (const std::uint32_t unit : {0U, 1U}) {
    EXPECT_EQ(h.request(unit).ends, 1U) << unit;
    EXPECT_EQ(h.response(unit).ends, 1U) << unit;
  }
  EXPECT_EQ(h.request(0).body, "abc");
  EXPECT_EQ(h.response(1).body, "surplus ");
  EXPECT_EQ(h.request(1).body, "defghi ");
}

}  // namespace
}  // namespace sluice::session
