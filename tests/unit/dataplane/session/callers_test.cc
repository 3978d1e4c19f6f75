// What callers did is counted by service and name, in a bounded number of rows.
#include "dataplane/session/callers.h"

#include <gtest/gtest.h>

#include "tests/support/relay_harness.h"

namespace sluice::session {
namespace {

const std::string kPolicy =
    "services:\n  - {name: web, address: 10.0.0.2:80, protocol: http, mode: enforce, rules: [local/drop]}\n"
    "rules:\n  - {name: drop, match: 'drop', where: [request.head], action: deny}\n"
    "principals:\n  - {name: ci, from: 10.0.0.64/26}\n";
constexpr std::uint64_t kElsewhere = IpAddress(0x0b000001).source();
const std::string kGet = "GET /a HTTP/1.1\r\nHost: web\r\n\r\n";
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string name_of(const CallerRow& row) {
  return std::string(row.service.data()) + "/" + row.principal.data();
}

TEST(Callers, OneRowForEachServiceAndName) {
  Callers callers;
  CallerRow& first = callers.find("web", "ci", 0, nullptr);
  EXPECT_EQ(&callers.find("web", "ci", 0, nullptr), &first);
  EXPECT_EQ(&callers.find("web", "ci", 0, &first), &first);
  CallerRow& second = callers.find("web", "alice", kElsewhere, &first);
  EXPECT_NE(&second, &first);
  EXPECT_NE(&callers.find("webc", "i", kElsewhere, nullptr), &first);
  EXPECT_EQ(callers.rows().size(), 3U);
  EXPECT_EQ(name_of(callers.rows()[1]), "web/alice");
}

// A name that callers give themselves is one's own only where it comes from.
TEST(Callers, WhoCallsHimselfLikeAnotherCountsByHimself) {
  Callers callers;
  CallerRow& declared = callers.find("web", "ci", 0, nullptr);
  CallerRow& given = callers.find("web", "ci", kElsewhere, &declared);
  EXPECT_NE(&given, &declared);
  EXPECT_EQ(given.source, kElsewhere);
  EXPECT_NE(&callers.find("web", "ci", kElsewhere + 1, &given), &given);
  EXPECT_EQ(&callers.find("web", "ci", kElsewhere, nullptr), &given);
  EXPECT_EQ(callers.rows().size(), 3U);
}

TEST(Callers, WhereAGivenNameComesFromIsPartOfWhoItIs) {
  const auto get_as = [](const std::string& credentials) {
    return "GET /a HTTP/1.1\r\nHost: web\r\nAuthorization: Basic " + credentials + "\r\n\r\n";
  };
  RelayHarness h(kPolicy);
  h.client(get_as("Y2k6eA=="));  // ci, whom the policy knows by that name there
  h.session(20, 0x0b000001);
  h.client(get_as("Y2k6eA=="));  // from elsewhere
  h.session(21, 0x0b000002);
  h.client(get_as("Y2k6eA=="));
  h.server(kOk);
  h.client(kGet);  // without a name
  const auto rows = h.context.callers.rows();
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(name_of(rows[0]), "web/ci");
  EXPECT_EQ(rows[0].source, 0U);
  EXPECT_EQ(name_of(rows[1]), "web/ci");
  EXPECT_EQ(rows[1].source, IpAddress(0x0b000001).source());
  EXPECT_EQ(rows[2].source, IpAddress(0x0b000002).source());
  EXPECT_EQ(name_of(rows[3]), "web/anonymous");
  EXPECT_EQ(rows[3].source, 0U);
}

TEST(Callers, NamesThatCallersMakeUpLeaveRoomForThoseOfThePolicy) {
  Callers callers;
  for (std::uint64_t i = 0; i < 5000; ++i)
    callers.find("web", "user-" + std::to_string(i), kElsewhere + i % 100, nullptr).requests.add();
  EXPECT_EQ(callers.rows().size(), Callers::kMostGiven + 1);
  EXPECT_EQ(callers.find("web", "user-4999", kElsewhere, nullptr).requests.value(), 5000 - Callers::kMostGiven);
  EXPECT_EQ(name_of(callers.find("web", "user-4999", kElsewhere, nullptr)), "web/(others)");
  EXPECT_EQ(name_of(callers.find("web", "ci", 0, nullptr)), "web/ci");
}

TEST(Callers, NamesFromOneSourceLeaveRoomForThoseFromOthers) {
  Callers callers;
  for (int i = 0; i < 5000; ++i) callers.find("web", "user-" + std::to_string(i), kElsewhere, nullptr).requests.add();
  EXPECT_EQ(callers.rows().size(), Callers::kMostOfSource + 1);
  EXPECT_EQ(callers.find("web", "user-0", kElsewhere, nullptr).requests.value(), 1U);
  EXPECT_EQ(name_of(callers.find("web", "user-4999", kElsewhere, nullptr)), "web/(others)");
  EXPECT_EQ(name_of(callers.find("web", "alice", kElsewhere + 1, nullptr)), "web/alice");
}

TEST(Callers, WhenAllIsFullTheLastRowTakesTheRest) {
  Callers callers;
  for (int i = 0; i < 5000; ++i) callers.find("service-" + std::to_string(i), "ci", 0, nullptr).requests.add();
  EXPECT_EQ(callers.rows().size(), Callers::kMost);
  EXPECT_EQ(name_of(callers.rows().back()), "/(others)");
  EXPECT_EQ(callers.rows().back().requests.value(), 5000 - (Callers::kMost - 1));
}

TEST(Callers, ANameIsCutToWhatARowHolds) {
  Callers callers;
  CallerRow& cut = callers.find("web", std::string(200, 'x'), kElsewhere, nullptr);
  EXPECT_EQ(std::string(cut.principal.data()), std::string(63, 'x'));
  EXPECT_EQ(&callers.find("web", std::string(300, 'x'), kElsewhere, nullptr), &cut);
  CallerRow& ended = callers.find("web", std::string_view("a\0b", 3), kElsewhere, nullptr);
  EXPECT_EQ(&callers.find("web", std::string_view("a\0c", 3), kElsewhere, nullptr), &ended);
  EXPECT_EQ(callers.rows().size(), 2U);
}

TEST(Callers, RequestsAnswersErrorsAndBytesAreCounted) {
  RelayHarness h(kPolicy);
  h.context.now = kSecond;
  h.client("POST /a HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\nhello");
  h.context.now += 3 * kMillisecond;
  h.server(kOk);
  h.client(kGet);
  h.server("HTTP/1.1 503 Gone\r\nContent-Length: 0\r\n\r\n");
  h.client("GET /drop HTTP/1.1\r\nHost: web\r\n\r\n");
  ASSERT_EQ(h.context.callers.rows().size(), 1U);
  const CallerRow& row = h.context.callers.rows()[0];
  EXPECT_EQ(name_of(row), "web/ci");
  EXPECT_EQ(row.requests.value(), 3U);
  EXPECT_EQ(row.responses.value(), 2U);
  EXPECT_EQ(row.errors.value(), 1U);
  EXPECT_EQ(row.denied.value(), 1U);
  EXPECT_EQ(row.request_bytes.value(), 5U);
  EXPECT_EQ(row.waited_ns.value(), 3 * kMillisecond);
  EXPECT_EQ(row.waits[wait_bucket(3 * kMillisecond)].value(), 1U);
  EXPECT_EQ(row.waits[0].value(), 1U);
}

TEST(Callers, AnAnswerThatIsCutIsAnErrorOfItsCaller) {
  RelayHarness h(kPolicy);
  h.client("GET /a HTTP/1.1\r\nHost: web\r\nAuthorization: Basic YWxpY2U6eA==\r\n\r\n");
  h.server("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nha");
  h.server_finishes();
  ASSERT_EQ(h.context.callers.rows().size(), 1U);
  const CallerRow& row = h.context.callers.rows()[0];
  EXPECT_EQ(name_of(row), "web/alice");
  EXPECT_EQ(row.errors.value(), 1U);
  EXPECT_EQ(row.responses.value(), 0U);
}

// An upgrade is answered when the protocol changes, not when the stream ends.
TEST(Callers, AStreamBehindAnUpgradeDoesNotCountAsWaiting) {
  RelayHarness h(
      "services:\n  - {name: web, address: 10.0.0.2:80, protocol: http, mode: enforce, allow_upgrade: true}\n");
  h.context.now = kSecond;
  h.client("GET /chat HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  h.context.now += kMillisecond;
  h.server("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  h.context.now += 3600 * kSecond;
  h.client_finishes();
  h.server_finishes();
  const CallerRow& row = h.context.callers.rows()[0];
  EXPECT_EQ(row.responses.value(), 1U);
  EXPECT_EQ(row.waited_ns.value(), kMillisecond);
}

}  // namespace
}  // namespace sluice::session
