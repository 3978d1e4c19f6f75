// A payload cut into requests is one payload: what lies across the seams is found in the piece that completes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "tests/support/relay_harness.h"

namespace sluice::session {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::string policy(std::string_view more = "", std::string_view mode = "enforce") {
  return "services:\n  - name: web\n    address: 10.0.0.2:80\n    protocol: http\n    mode: " + std::string(mode) +
         "\n    rules: [local/*]\n" + std::string(more) + R"(
rules:
  - name: card
    match: '\b(?:\d[ -]?){12,18}\d\b'
    validate: luhn
    where: [request.body]
    action: mask
    mask: {keep_last: 4, on: [wire, record]}
    across: {by: [principal, header X-Upload], offset: header Upload-Offset, for: 1m}
  - name: drop
    match: 'drop table [a-z]{1,20}'
    ignore_case: true
    where: [request]
    action: deny
    across: {by: [principal, header X-Upload], offset: header Upload-Offset, for: 1m}
  - name: word
    match: 'secretword'
    where: [request.body]
    action: observe
    across: {by: [path, query id]}
  - name: plain
    match: 'ordinary'
    where: [request.body]
    action: observe
)";
}

std::string post(std::string_view body, std::string_view more = "", std::string_view target = "/u") {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: web\r\n" + std::string(more) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string at(std::uint64_t offset, std::string_view upload = "1") {
  return "X-Upload: " + std::string(upload) + "\r\nUpload-Offset: " + std::to_string(offset) + "\r\n";
}

const std::string kOk = "HTTP/1.1 204 No Content\r\n\r\n";

// Sends pieces of one upload, each answered, and says what became of the bodies.
class AcrossTest : public ::testing::Test {
 protected:
  explicit AcrossTest(const std::string& yaml = policy()) : h(yaml) {}

  // The body that the server got, or the status with which the piece was refused.
  std::string send(std::string_view body, const std::string& more, std::string_view target = "/u") {
    h.to_server.clear();
    h.to_client.clear();
    h.client(post(body, more, target), cut);
    if (!h.to_client.empty()) return h.to_client.substr(9, 3);
    h.server(kOk);
    const std::size_t end = h.to_server.find("\r\n\r\n");
    return end == std::string::npos ? "nothing" : h.to_server.substr(end + 4);
  }

  RelayHarness h;
  std::size_t cut = 0;
};

TEST_F(AcrossTest, ARiskCutAtEveryByteIsDeniedInThePieceThatCompletesIt) {
  const std::string payload = "select 1; drop table users; select 2";
  for (std::size_t seam = 1; seam < payload.size(); ++seam) {
    const std::string upload = std::to_string(seam);
    const std::string first = send(payload.substr(0, seam), at(0, upload));
    const std::string second = send(payload.substr(seam), at(seam, upload));
    const bool in_first = seam > payload.find("users");
    EXPECT_EQ(first, in_first ? "403" : payload.substr(0, seam)) << seam;
    // A piece that was denied is no part of the payload.
    const bool in_second = seam <= payload.find("drop");
    EXPECT_EQ(second, in_first && !in_second ? payload.substr(seam) : "403") << seam;
  }
}

TEST_F(AcrossTest, ACardCutAtEveryByteIsMaskedInThePieceThatCompletesIt) {
  const std::string card = "4111 1111 1111 1111";
  const std::string masked = "**** **** **** 1111";
  const std::string payload = "card " + card + " end";
  for (std::size_t seam = 6; seam < 5 + card.size(); ++seam) {
    const std::string upload = std::to_string(seam);
    EXPECT_EQ(send(payload.substr(0, seam), at(0, upload)), payload.substr(0, seam));
    EXPECT_EQ(send(payload.substr(seam), at(seam, upload)), ("card " + masked + " end").substr(seam)) << seam;
    const auto& record = h.request(h.relay().units() - 1);
    EXPECT_EQ(record.body, ("card " + masked + " end").substr(seam)) << seam;
    EXPECT_THAT(record.hits, ElementsAre(Pair("local/card", 1U)));
    EXPECT_EQ(record.end.verdict, Verdict::mask);
  }
}

TEST_F(AcrossTest, WhatComesFirstInThePayloadMayComeLast) {
  const std::string payload = "card 4111 1111 1111 1111 end";
  for (std::size_t seam = 6; seam < 24; ++seam) {
    const std::string upload = std::to_string(seam);
    EXPECT_EQ(send(payload.substr(seam), at(seam, upload)), payload.substr(seam));
    // All of what lies in this piece is hidden: its last digits came before.
    std::string masked = payload.substr(0, seam);
    for (char& c : masked)
      if (c >= '0' && c <= '9') c = '*';
    EXPECT_EQ(send(payload.substr(0, seam), at(0, upload)), masked) << seam;
  }
  EXPECT_EQ(send("table users", at(5, "d")), "table users");
  EXPECT_EQ(send("drop ", at(0, "d")), "403");
}

// Pieces of one size each, in order: as much is found as in the whole, and where it ends.
TEST_F(AcrossTest, ManyPiecesAreOnePayload) {
  for (const std::size_t size : {1U, 2U, 3U, 7U, 16U, 100U, 1024U}) {
    for (const std::size_t tcp_cut : {0U, 1U, 13U}) {
      cut = tcp_cut;
      const std::string payload = std::string(1500, '.') + " drop table users " + std::string(700, '.');
      const std::string upload = std::to_string(size) + "-" + std::to_string(tcp_cut);
      std::size_t denied = 0;
      std::size_t offset = 0;
      for (; offset < payload.size() && denied == 0; offset += size)
        if (send(payload.substr(offset, size), at(offset, upload)) == "403")
          denied = std::min(offset + size, payload.size());
      const std::size_t complete = payload.find("users") + 1;
      EXPECT_GE(denied, complete) << size;
      EXPECT_LT(denied, complete + size) << size;
      h.use(policy());  // a refusal may end the connection
      h.session(1000 + size * 10 + tcp_cut);
    }
  }
}

// Wherever the payload is cut: what a match has in the piece that completes it is hidden as it is in the whole.
TEST_F(AcrossTest, ThePiecesMatchesAreThePayloads) {
  const enforce::Service* service = h.context.policy->snapshot->find_service(test::kServerAddress, test::kServerPort);
  const auto group = std::ranges::find_if(service->across, [](const auto& across) { return !across.offset.empty(); });
  ASSERT_NE(group, service->across.end());
  std::size_t seen = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    std::string payload;
    while (payload.size() < 200) {
      static constexpr std::string_view kParts[] = {"4111 1111 1111 1111", " ",  "x", "12",
                                                    "5500005555555559",    "\n", "-", "\\n7 "};
      payload += kParts[random.below(std::size(kParts))];
    }
    std::vector<Match> matches;
    inspect::ScanState state;
    const Bytes window = as_bytes(payload);
    ASSERT_EQ(inspect::Scanner::scan(*group->rules, h.scratch, state, {&window, 1}, true, matches), ErrorCode::ok);
    const std::string whole = send(payload, at(0, "whole" + std::to_string(seed)));
    std::string joined;
    std::vector<std::size_t> ends;
    while (joined.size() < payload.size()) {
      cut = random.below(3);
      const std::string piece = payload.substr(joined.size(), random.below(12) + 1);
      joined += send(piece, at(joined.size(), "cut" + std::to_string(seed)));
      ends.push_back(joined.size());
    }
    cut = 0;
    ASSERT_EQ(joined.size(), payload.size());
    for (const Match& match : matches) {
      ++seen;
      const auto end = std::ranges::lower_bound(ends, match.end);
      const std::size_t begin = std::max(end == ends.begin() ? 0 : *std::prev(end), match.begin);
      for (std::size_t i = begin; i < match.end; ++i)
        ASSERT_TRUE(whole[i] != '*' || joined[i] == '*') << seed << ": " << payload << "\n" << joined << "\n" << whole;
    }
  }
  EXPECT_GT(seen, 100U);
}

TEST_F(AcrossTest, PiecesComeOverAnySessionOfTheWorker) {
  EXPECT_EQ(send("drop ", at(0)), "drop ");
  h.session(8);
  EXPECT_EQ(send("tab", at(5)), "tab");
  h.session(7);
  EXPECT_EQ(send("le users", at(8)), "403");
}

TEST_F(AcrossTest, UploadsThatInterleaveDoNotMix) {
  EXPECT_EQ(send("drop ", at(0, "1")), "drop ");
  EXPECT_EQ(send("table users", at(5, "2")), "table users") << "another upload";
  EXPECT_EQ(send("table users", "Upload-Offset: 5\r\n"), "table users") << "no upload";
  h.session(8, test::kClientAddress - 0x41 + 0x90);
  EXPECT_EQ(send("table users", at(5, "1")), "table users") << "another principal";
  h.session(7);
  EXPECT_EQ(send("table users", at(6, "1")), "table users") << "not behind it";
  EXPECT_EQ(send("table users", at(5, "1")), "403");
}

TEST_F(AcrossTest, WithoutAnOffsetPiecesComeInOrder) {
  const std::string tie = "X-Upload: 9\r\n";
  EXPECT_EQ(send("drop ", tie), "drop ");
  EXPECT_EQ(send("ta", tie), "ta");
  EXPECT_EQ(send("", tie), "") << "an empty body is no piece";
  EXPECT_EQ(send("XX", tie + "Upload-Offset: 2X\r\n"), "XX");
  EXPECT_EQ(h.errors.value(ErrorCode::piece_offset_unreadable), 1U);
  EXPECT_EQ(send("drop ta", tie), "drop ta");
  EXPECT_EQ(send("ble users", tie), "403");
  EXPECT_EQ(send("ble fine", tie), "403") << "what was denied is no part; this follows what came before it";
}

TEST_F(AcrossTest, TiesByPathAndQuery) {
  const auto hits = [&] { return h.request(h.relay().units() - 1).hits; };
  send("secret", "", "/a?x=1&id=7");
  EXPECT_TRUE(hits().empty());
  send("word", "", "/a?id=8");
  EXPECT_TRUE(hits().empty());
  send("word", "", "/b?id=7");
  EXPECT_TRUE(hits().empty());
  send("word", "", "/a");
  EXPECT_TRUE(hits().empty());
  send("word ordinary", "", "/%61?y=2&i%64=%37");
  EXPECT_THAT(hits(), ElementsAre(Pair("local/word", 1U), Pair("local/plain", 1U)));
}

TEST_F(AcrossTest, AnAmbiguousTieIsRefused) {
  EXPECT_EQ(send("x", at(0) + "x-upload: 2\r\n"), "400");
  h.session(8);
  EXPECT_EQ(send("x", "", "/a?id=1&id=2"), "400");
  EXPECT_EQ(h.errors.value(ErrorCode::piece_ambiguous), 2U);
}

TEST_F(AcrossTest, ContentRangeSaysWhereAPieceLies) {
  std::string yaml = policy();
  for (std::size_t at = 0; (at = yaml.find("Upload-Offset", at)) != std::string::npos;)
    yaml.replace(at, 13, "Content-Range");
  h.use(yaml);
  h.session(8);
  EXPECT_EQ(send("table users", "X-Upload: 1\r\nContent-Range: bytes 5-15/16\r\n"), "table users");
  EXPECT_EQ(send("drop ", "X-Upload: 1\r\nContent-Range: bytes 0-4/16\r\n"), "403");
  h.session(9);
  EXPECT_EQ(send("drop ", "X-Upload: 1\r\nContent-Range: bytes */16\r\n"), "400") << "part of what, nobody can say";
  h.session(10);
  EXPECT_EQ(send("drop ", "Content-Range: bytes 0-4/16\r\n"), "400") << "part of nothing that is looked at";
}

TEST_F(AcrossTest, APayloadIsForgottenWhenItsTimeIsOver) {
  h.context.now = kSecond;
  EXPECT_EQ(send("drop ", at(0)), "drop ");
  h.context.now += 59 * kSecond;
  EXPECT_EQ(send("table ", at(5)), "table ");
  h.context.now += 60 * kSecond;
  EXPECT_EQ(send("users", at(11)), "users");
}

TEST_F(AcrossTest, RulesWithoutPiecesAreAsEver) {
  EXPECT_EQ(send("drop table users", ""), "403");
  EXPECT_EQ(send("card 4111 1111 1111 1111", ""), "card **** **** **** 1111");
  h.to_client.clear();
  h.client("GET /?drop%20table HTTP/1.1\r\nHost: web\r\nX: drop table users\r\n\r\n");
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403"));
}

// Until a piece's verdict falls, others may come: what lies before it is looked for then.
TEST_F(AcrossTest, APieceThatBeganBeforeTheOneBeforeItIsStillJoined) {
  const std::string late = post("table users", at(5));
  h.client(late.substr(0, late.size() - 3));
  h.session(8);
  EXPECT_EQ(send("drop ", at(0)), "drop ");
  h.session(7);
  h.to_client.clear();
  h.client(late.substr(late.size() - 3));
  EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403")) << h.to_client;
}

TEST_F(AcrossTest, ChunkedBodiesArePieces) {
  EXPECT_EQ(send("drop ta", at(0)), "drop ta");
  for (const std::size_t tcp_cut : {0U, 1U, 5U}) {
    h.session(20 + tcp_cut);
    h.to_client.clear();
    h.client("POST /u HTTP/1.1\r\nHost: web\r\n" + at(7) +
                 "Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n3\r\nle \r\n5\r\nusers\r\n0\r\n\r\n",
             tcp_cut);
    EXPECT_TRUE(h.to_client.starts_with("HTTP/1.1 403")) << tcp_cut;
  }
}

TEST(AcrossUpgrade, WhatAsksToLeaveHttpIsNoPieceAndIsScannedOn) {
  for (const std::string_view mode : {"enforce", "observe"}) {
    RelayHarness h(policy("    allow_upgrade: true\n", mode));
    h.client("POST /u?id=1 HTTP/1.1\r\nHost: web\r\nConnection: upgrade\r\nUpgrade: x\r\n" + at(0) +
             "Content-Length: 6\r\n\r\nsecret");
    h.server("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    h.client(" card 4111 1111 1111 1111 and more");
    EXPECT_TRUE(h.to_server.ends_with(mode == "enforce" ? "card **** **** **** 1111 and more" : "1111 1111 and more"));
    h.client_finishes();
    h.server_finishes();
    EXPECT_EQ(h.request(0).body, "secret card **** **** **** 1111 and more");
  }
}

class AcrossConditionsTest : public AcrossTest {
 protected:
  AcrossConditionsTest() : AcrossTest(kConditions) {}
  // The pieces of a payload that are no denial and what the record says of the rules.
  void expect(std::string_view payload, std::size_t seam, std::string_view masked, std::size_t hit_by) {
    const std::string upload = "X-Upload: " + std::to_string(++uploads_) + "\r\n";
    const std::string first = send(payload.substr(0, seam), upload);
    const bool early = !h.request(h.relay().units() - 1).hits.empty();
    const std::string second = send(payload.substr(seam), upload);
    const bool late = !h.request(h.relay().units() - 1).hits.empty();
    EXPECT_EQ(first + second, masked) << seam;
    EXPECT_EQ(early, hit_by == 1) << seam;
    EXPECT_EQ(late, hit_by == 2) << seam;
  }

  static constexpr const char* kConditions = R"yaml(services:
  - {name: web, address: "10.0.0.2:80", protocol: http, mode: enforce, rules: [local/*]}
rules:
  - name: password
    match: 'password="([a-z]{4,12})"'
    group: 1
    where: request.body
    action: mask
    across: {by: header X-Upload}
  - name: number
    match: '\b\d{3}-\d{2}-\d{4}\b'
    context: {words: [ssn], within: 20}
    where: request.body
    action: mask
    across: {by: header X-Upload}
)yaml";

 private:
  int uploads_ = 0;
};

TEST_F(AcrossConditionsTest, AGroupIsHiddenAsFarAsItLiesInThePiece) {
  const std::string payload = R"(x password="secret" y)";
  const std::size_t value = payload.find("secret");
  for (std::size_t seam = 3; seam < value + 7; ++seam) {
    std::string masked = payload;
    for (std::size_t i = std::max(value, seam); i < value + 6; ++i) masked[i] = '*';
    expect(payload, seam, masked, 2);  // also where all of the value came before: it is known only now
  }
  std::string masked = payload;
  masked.replace(value, 6, "******");
  expect(payload, value + 7, masked, 1);
}

TEST_F(AcrossConditionsTest, AWordMayStandInThePieceBefore) {
  const std::string payload = "my ssn is 078-05-1120.";
  for (std::size_t seam = 1; seam < payload.size() - 1; ++seam) {
    std::string masked = payload;
    for (std::size_t i = std::max<std::size_t>(seam, 10); i < payload.size() - 1; ++i)
      if (payload[i] != '-') masked[i] = '*';
    expect(payload, seam, masked, 2);
  }
  expect("my ssn is nothing here to be seen 078-05-1120.", 12, "my ssn is nothing here to be seen 078-05-1120.", 0);
}

class AcrossWindowTest : public AcrossTest {
 protected:
  AcrossWindowTest() : AcrossTest(policy("    window: 1KiB\n    after_window: stream\n")) {}
};

TEST_F(AcrossWindowTest, BodiesBeyondTheWindowArePieces) {
  for (const std::size_t tcp_cut : {0U, 1U, 100U, 1023U, 1024U, 1025U}) {
    cut = tcp_cut;
    h.session(30 + tcp_cut);
    const std::string upload = std::to_string(tcp_cut);
    const std::string first = std::string(5000, '.') + " 4111 1111";
    const std::string second =
        " 1111 1111 " + std::string(5000, '.') + "4111-1111-1111-1111" + std::string(900, ',') + "5500";
    const std::string third = "0055 5555 5559 " + std::string(3000, '.') + " drop ";
    EXPECT_EQ(send(first, at(0, upload)), first);
    EXPECT_EQ(send(second, at(first.size(), upload)),
              " **** 1111 " + std::string(5000, '.') + "****-****-****-1111" + std::string(900, ',') + "5500");
    EXPECT_EQ(send(third, at(first.size() + second.size(), upload)),
              "**** **** 5559 " + std::string(3000, '.') + " drop ");
    EXPECT_EQ(h.request(h.relay().units() - 1).body, "**** **** 5559 " + std::string(3000, '.') + " drop ");
    EXPECT_EQ(send("table users" + std::string(3000, '.'), at(first.size() + second.size() + third.size(), upload)),
              "403");
  }
}

TEST_F(AcrossWindowTest, WhatGoesOnBehindAPieceIsFoundAtItsEnd) {
  const std::string body = std::string(3000, '.') + "drop ta";
  EXPECT_EQ(send("ble users", at(body.size())), "ble users");
  h.client(post(body, at(0)), 100);
  EXPECT_EQ(h.relay().fate(), Fate::close) << "late: the server saw an incomplete request";
  EXPECT_EQ(h.request(1).end.error, ErrorCode::rule_denied_late);
  EXPECT_EQ(h.to_server.find("drop ta"), std::string::npos);
}

TEST(AcrossObserved, NothingIsHeldOrChangedAndTheRecordIsMasked) {
  RelayHarness h(policy("", "observe"));
  h.client(post("card 4111 1111", at(0)));
  h.client(post(" 1111 1111 end", at(14)));
  h.client(post("drop ", at(28)));
  h.client(post("table users", at(33)));
  EXPECT_TRUE(h.to_server.ends_with("\r\n\r\ntable users"));
  EXPECT_NE(h.to_server.find(" 1111 1111 end"), std::string::npos);
  EXPECT_EQ(h.request(1).body, " **** 1111 end");
  EXPECT_THAT(h.request(3).hits, ElementsAre(Pair("local/drop", 1U)));
  EXPECT_TRUE(h.request(3).end.complete);
  h.client(post("x", at(0) + at(0)));
  EXPECT_EQ(h.errors.value(ErrorCode::piece_ambiguous), 1U);
  EXPECT_TRUE(h.to_server.ends_with("\r\n\r\nx"));
}

TEST(AcrossHostile, OffsetsOfAnyKindAreTaken) {
  RelayHarness h(policy());
  Random random(7);
  static constexpr std::string_view kOffsets[] = {"0",
                                                  "4611686018427387904",
                                                  "18446744073709551615",
                                                  "-1",
                                                  "bytes 3-1/0",
                                                  "",
                                                  "99999999999999999999999999",
                                                  "5",
                                                  "bytes 5-",
                                                  "4611686018427387900"};
  for (int i = 0; i < 2000; ++i) {
    const std::string offset(kOffsets[random.below(std::size(kOffsets))]);
    h.client(post(std::string(random.below(40), '1'), "X-Upload: 1\r\nUpload-Offset: " + offset + "\r\n"));
    h.server(kOk);
  }
  EXPECT_EQ(h.relay().fate(), Fate::run);
  EXPECT_EQ(h.relay().units(), 2000U);
  EXPECT_GT(h.errors.value(ErrorCode::piece_offset_unreadable), 0U);
  EXPECT_GT(h.errors.value(ErrorCode::piece_overlap), 0U);
}

}  // namespace
}  // namespace sluice::session
