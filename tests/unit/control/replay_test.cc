#include "control/replay/replay.h"

#include <gtest/gtest.h>

#include "tests/unit/control/archive_fixture.h"
#include "tests/unit/control/http_stub.h"

namespace sluice::control {
namespace {

using test::Archive;
using test::HttpStub;
using test::RecordMaker;

constexpr SessionId kSession = 0x0005f00000000001;
constexpr const char* kCard = "4111111111111111";

rules::Rule card_rule() {
  rules::Rule rule;
  rule.name = "pii/card";
  rule.expression = "[0-9]{16}";
  rule.max_width = 16;
  return rule;
}

class ReplayTest : public ::testing::Test {
 protected:
  void record(std::vector<RecordMaker::Record> records) {
    records.insert(records.begin(), maker_.open(kSession));
    archive_.block(records).seal();
    archive_.refresh();
  }
  Result<ReplayReport> replay(const std::string& to, const std::vector<rules::Service>& services = {},
                              bool force = false) {
    const auto records = SessionRecords::open(archive_.index(), kSession);
    if (!records) return std::unexpected(records.error());
    const std::vector<rules::Rule> rules = {card_rule()};
    const auto redactor = Redactor::make(rules);
    return replay_session(*records, {to, force, 20}, services, *redactor, stopping_);
  }

  RecordMaker maker_;
  Archive archive_;
  std::atomic<bool> stopping_{false};
};

TEST_F(ReplayTest, TheSameAnswersAreTheSameHoweverTheyAreFramed) {
  auto records = maker_.exchange(kSession, 0, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "",
                                 "HTTP/1.1 200 OK\r\nDate: then\r\nX-A: 1\r\nContent-Length: 5\r\n\r\n", "hello");
  for (const auto& more :
       {maker_.exchange(kSession, 1, "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "body",
                        "HTTP/1.1 204 No Content\r\n\r\n", ""),
        maker_.exchange(kSession, 2, "HEAD /c HTTP/1.1\r\nHost: x\r\n\r\n", "",
                        "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n", ""),
        maker_.exchange(kSession, 3, "GET /d HTTP/1.1\r\nHost: x\r\n\r\n", "", "HTTP/1.0 200 OK\r\n\r\n",
                        "to the end")})
    records.insert(records.end(), more.begin(), more.end());
  record(records);
  std::vector<std::string> requests;
  {
    HttpStub server(
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nDate: now\r\nX-A: 1\r\n"
         "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: 1\r\n\r\n",
         "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n",
         "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end"});
    const auto report = replay(server.address());
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(report->same, 4U);
    for (const ReplayedUnit& unit : report->units) EXPECT_EQ(unit.outcome, ReplayOutcome::same) << unit.reason;
    server.stop();
    requests = server.requests;
  }
  ASSERT_EQ(requests.size(), 4U);
  EXPECT_EQ(requests[0], "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(requests[1], "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n");
}

TEST_F(ReplayTest, DifferencesAreFoundAndShown) {
  record(maker_.exchange(kSession, 0, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "",
                         "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-Gone: g\r\nContent-Length: 11\r\n\r\n", "hello world"));
  HttpStub server({"HTTP/1.1 500 No\r\nX-A: 2\r\nX-New: n\r\nContent-Length: 11\r\n\r\nhello there"});
  const auto report = replay(server.address());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->different, 1U);
  const ReplayedUnit& unit = report->units.at(0);
  EXPECT_EQ(unit.recorded_status, 200);
  EXPECT_EQ(unit.replayed_status, 500);
  ASSERT_EQ(unit.headers.size(), 3U);
  EXPECT_EQ(unit.headers[0].name, "x-a");
  EXPECT_EQ(unit.headers[1].replayed, "");
  EXPECT_EQ(unit.headers[2].recorded, "");
  EXPECT_EQ(unit.body.first_difference, 6U);
  EXPECT_EQ(unit.body.replayed_excerpt, "hello there");
}

TEST_F(ReplayTest, WhatTheRecordMasksIsNoDifferenceAndIsNeverShown) {
  const std::string masked = "************1111";
  auto records = maker_.exchange(kSession, 0, "GET /same HTTP/1.1\r\nHost: x\r\n\r\n", "",
                                 "HTTP/1.1 200 OK\r\nX-Card: " + masked + "\r\n\r\n", "card " + masked + " end", 2);
  const auto more = maker_.exchange(kSession, 1, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n", "",
                                    "HTTP/1.1 200 OK\r\n\r\n", "no card", 0);
  records.insert(records.end(), more.begin(), more.end());
  record(records);
  const std::string body = "card " + std::string(kCard) + " end";
  HttpStub server({"HTTP/1.1 200 OK\r\nX-Card: " + std::string(kCard) + "\r\nContent-Length: 25\r\n\r\n" + body,
                   "HTTP/1.1 200 OK\r\nX-Card: " + std::string(kCard) + "\r\nContent-Length: 25\r\n\r\n" + body});
  const auto report = replay(server.address());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->units.at(0).outcome, ReplayOutcome::same);
  const ReplayedUnit& other = report->units.at(1);
  EXPECT_EQ(other.outcome, ReplayOutcome::different);
  EXPECT_EQ(other.headers.at(0).replayed, "****************");
  EXPECT_EQ(other.body.replayed_excerpt, "card **************** end");
}

TEST_F(ReplayTest, WhatNeverReachedTheServerIsSkipped) {
  record({maker_.head(kSession, 0, Direction::request, "GET /denied HTTP/1.1\r\nHost: x\r\n\r\n"),
          maker_.end(kSession, 0, Direction::request, 0, Verdict::deny),
          maker_.head(kSession, 0, Direction::response, "HTTP/1.1 403 Forbidden\r\n\r\n", true),
          maker_.end(kSession, 0, Direction::response, 0),
          maker_.head(kSession, 1, Direction::request, "GET /cut HTTP/1.1\r\nHost: x\r\n\r\n")});
  HttpStub server({});
  const auto report = replay(server.address());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->skipped, 2U);
  EXPECT_NE(report->units.at(0).reason.find("denied"), std::string::npos);
}

TEST_F(ReplayTest, AProtectedServiceIsRefusedUnlessForced) {
  record(maker_.exchange(kSession, 0, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "", "HTTP/1.1 204 No Content\r\n\r\n", ""));
  HttpStub server({"HTTP/1.1 204 No Content\r\n\r\n"});
  rules::Service service;
  service.name = "orders";
  service.address = 0x7f000001;
  service.port = server.port();
  const auto refused = replay(server.address(), {service});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_TRUE(replay(server.address(), {service}, true));
  EXPECT_EQ(replay("nowhere").error().code, ErrorCode::bad_argument);
}

TEST_F(ReplayTest, ALyingServerFailsTheUnitAndNothingElse) {
  record(maker_.exchange(kSession, 0, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "", "HTTP/1.1 200 OK\r\n\r\n", "x"));
  for (const char* answer : {"nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                             "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\nshort",
                             "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"}) {
    HttpStub server({answer});
    const auto report = replay(server.address());
    ASSERT_TRUE(report);
    EXPECT_EQ(report->failed, 1U) << answer;
    EXPECT_FALSE(report->units.at(0).reason.empty());
  }
}

TEST(BodyComparison, EveryCutFindsTheSameDifference) {
  const std::string recorded = "one **** three";
  const std::string replayed = "one 1234 tHree!";
  const auto redactor = Redactor::make({});
  for (std::size_t a = 0; a <= recorded.size(); ++a) {
    for (std::size_t b = 0; b <= replayed.size(); ++b) {
      BodyComparison comparison(true);
      comparison.add_recorded(as_bytes(recorded.substr(0, a)));
      comparison.add_replayed(as_bytes(replayed.substr(0, b)));
      comparison.add_recorded(as_bytes(recorded.substr(a)));
      comparison.add_replayed(as_bytes(replayed.substr(b)));
      const BodyDifference difference = comparison.finish(*redactor);
      EXPECT_TRUE(difference.differs);
      EXPECT_EQ(difference.first_difference, 10U);
    }
  }
}

TEST(BodyComparison, StarsMaskOnlyWhereTheRecordWasMasked) {
  EXPECT_TRUE(matches_masked("a**", "a12", true));
  EXPECT_FALSE(matches_masked("a**", "a12", false));
  EXPECT_FALSE(matches_masked("a**", "a1-", true));
  EXPECT_FALSE(matches_masked("a**", "a123", true));
}

}  // namespace
}  // namespace sluice::control
