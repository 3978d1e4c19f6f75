// The evidence of an incident as text.
#include "control/cli/incident.h"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

IncidentParts parts() {
  IncidentParts out{.principal = "ci-chunker", .service = "", .since = "1h"};
  out.status = {{"policy", {{"version", 7}}},
                {"counters", {{"limits", {{"orders/pieces", {{"passed", 20}, {"held", 1}}}}}}}};
  out.callers = Json::parse(R"({"at": "2026-11-21T12:00:09.000000000Z", "callers": [
      {"service": "orders", "principal": "shop", "requests": 999},
      {"service": "orders", "principal": "ci-chunker", "requests": 21, "responses": 20, "waited_ns": 40000000}]})");
  out.sessions =
      Json::parse(R"({"sessions": [{"id": "00000000000000a1", "service": "orders", "client": "10.77.0.65:4000",
      "opened": "2026-11-21T12:00:00.000000000Z", "requests": 21, "denied": 1, "error": "ok"}]})");
  out.orders = Json::parse(R"({"orders": [{"order": 3, "verdict": "deny", "created": "2026-11-21T12:00:05.000000000Z",
      "state": "expired", "ended": "2026-11-21T12:00:08.000000000Z", "principal": "ci-chunker", "service": "orders",
      "by": "alice", "reason": "runaway"}]})");
  out.holds.push_back(
      Json::parse(R"({"id": "00000000000000b2", "state": "denied", "session": "00000000000000a1", "unit": 20,
      "client": "10.77.0.65:4000", "service": "orders", "cause": "limit", "cause_name": "orders/pieces",
      "body_bytes": 9, "opened": "2026-11-21T12:00:01.000000000Z", "ended": "2026-11-21T12:00:06.000000000Z",
      "head": {"text": "PUT /upload/20 HTTP/1.1\r\nHost: orders\r\n\r\n"}, "body": {"text": "# not a\ntitle"},
      "decision": {"decision": "reject", "by": "alice", "at": "2026-11-21T12:00:05.000000000Z", "reason": "runaway"},
      "votes": [{"at": "2026-11-21T12:00:05.000000000Z", "decision": "reject", "by": "alice", "reason": "runaway"}]})"));
  return out;
}

TEST(Incident, TellsWhatHappenedInOrder) {
  const std::string text = incident_text(parts());
  std::size_t at = 0;
  for (const char* next :
       {"# Incident: ci-chunker\n", "Policy version 7", "12:00:00.000  session 00000000000000a1",
        "12:00:01.000  hold 00000000000000b2: a request is held, by limit orders/pieces", "reject, by alice: runaway",
        "order 3: deny for principal ci-chunker, service orders, by alice: runaway",
        "12:00:06.000  hold 00000000000000b2: denied", "12:00:08.000  order 3 is expired\n", "## Held requests",
        "Decision: **reject**", "    PUT /upload/20 HTTP/1.1\n", "## Sessions", "| 00000000000000a1 |",
        "| orders | - | 21 | 20 | 0 | 0 | 0 | 2.0 ms |", "| orders/pieces | 20 | 0 | 0 | 1 | 0 |"}) {
    const std::size_t found = text.find(next, at);
    ASSERT_NE(found, std::string::npos) << next << "\n" << text;
    at = found;
  }
  EXPECT_EQ(text.find("999"), std::string::npos) << "another caller's counts";
}

TEST(Incident, WhatCallersSentStaysInItsPlace) {
  IncidentParts hostile = parts();
  hostile.holds[0]["body"]["text"] = "\n# a title\n| a | table |\n\x1b[2J";
  hostile.sessions["sessions"][0]["client"] = "a|b\n# c <img>";
  hostile.orders["orders"][0]["reason"] = "![a](b) *c* _d_ `e`";
  const std::string text = incident_text(hostile);
  EXPECT_NE(text.find("\n    # a title\n    | a | table |\n    ?[2J\n"), std::string::npos) << text;
  EXPECT_NE(text.find("| a\\|b # c \\<img> |"), std::string::npos) << text;
  EXPECT_NE(text.find("alice: \\!\\[a\\](b) \\*c\\* \\_d\\_ \\`e\\`\n"), std::string::npos) << text;
}

TEST(Incident, HasTheOrdersThatCountedAndWereAboutTheCaller) {
  const IncidentParts of = parts();
  const auto has = [&](const char* order) { return belongs(Json::parse(order), of, "2026-11-21T11:00:09"); };
  EXPECT_TRUE(has(R"({"principal": "ci-chunker", "created": "2026-10-01T00:00:00.0Z", "ended": null})"));
  EXPECT_TRUE(has(R"({"principal": "ci-chunker", "ended": "2026-11-21T11:30:00.000000000Z"})"));
  EXPECT_FALSE(has(R"({"principal": "ci-chunker", "ended": "2026-11-21T10:30:00.000000000Z"})"));
  EXPECT_FALSE(has(R"({"principal": "shop", "service": "orders", "ended": null})"));
  EXPECT_TRUE(has(R"({"principal": "", "service": "orders", "ended": null})"));
  EXPECT_FALSE(has(R"({"principal": "", "service": "billing", "ended": null})"));
  EXPECT_TRUE(has(R"({"source": "10.77.0.64/26", "session": null})"));
  EXPECT_TRUE(has(R"({"source": "10.77.0.65"})"));
  EXPECT_FALSE(has(R"({"source": "10.77.0.0/26"})"));
  EXPECT_FALSE(has(R"({"source": "2001:db8::/32"})"));
  EXPECT_TRUE(has(R"({"session": "00000000000000a1"})"));
  EXPECT_FALSE(has(R"({"session": "00000000000000a2", "service": "orders"})"));
  IncidentParts billing = parts();
  billing.service = "billing";
  EXPECT_FALSE(belongs(Json::parse(R"({"principal": "ci-chunker", "service": "orders"})"), billing, ""));
}

TEST(Incident, WithoutAnythingItSaysSo) {
  const std::string text = incident_text({.principal = "nobody", .service = "orders", .since = "1h"});
  EXPECT_NE(text.find("# Incident: nobody at orders\n"), std::string::npos);
  EXPECT_NE(text.find("Nothing is on record."), std::string::npos);
}

}  // namespace
}  // namespace sluice::cli
