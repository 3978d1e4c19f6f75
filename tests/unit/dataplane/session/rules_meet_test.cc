// Where rules meet in the same bytes: which verdict holds, and what is hidden. And what a rule asks of its matches, as
// the peers see it.
#include <gtest/gtest.h>

#include "tests/support/relay_harness.h"

namespace sluice::session {
namespace {

constexpr std::string_view kServices = R"(services:
  - {name: web, address: "10.0.0.2:80", protocol: http, mode: enforce, rules: [local/*]}
rules:
)";

std::string post(std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}
std::string response(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}
std::string policy(std::string_view rules) {
  return std::string(kServices) + std::string(rules);
}

TEST(RulesThatMeet, WhatAnyMaskHidesIsHidden) {
  RelayHarness h(policy(R"(
  - {name: all, match: 'ab-[0-9]{6}', where: response, action: mask, mask: {keep_last: 4, on: [wire, record]}}
  - {name: tail, match: '[0-9]{4}-cd', where: response, action: mask, mask: {keep_last: 3, on: [wire]}}
)"));
  h.client("GET / HTTP/1.1\r\nHost: web\r\n\r\n");
  h.server(response("ab-123456-cd"));
  // By itself the first would keep 3456, the second hides 345 of them; neither changes what the other keeps.
  EXPECT_EQ(h.to_client, response("**-*****6-cd"));
  EXPECT_EQ(h.response(0).body, "**-**3456-cd") << "on the record only one of them masks";
  EXPECT_EQ(h.response(0).hits.size(), 2U);
}

TEST(RulesThatMeet, TheStrongestVerdictHoldsWhateverTheirOrder) {
  const std::string mask = "  - {name: m, match: 'secret=[a-z]{4}', where: request, action: mask}\n";
  const std::string deny = "  - {name: d, match: '=word', where: request, action: deny}\n";
  const std::string observe = "  - {name: o, match: 'cret=wo', where: request, action: observe}\n";
  for (const std::string& rules : {mask + deny + observe, observe + deny + mask, deny + observe + mask}) {
    RelayHarness h(policy(rules));
    h.client(post("secret=word"));
    EXPECT_EQ(h.to_server, "") << rules;
    EXPECT_EQ(h.request(0).end.verdict, Verdict::deny) << rules;
    EXPECT_EQ(h.request(0).body, "******=****") << rules;
    EXPECT_EQ(h.request(0).hits.size(), 3U) << rules;
  }
  RelayHarness h(policy(observe + mask));
  h.client(post("secret=word"));
  EXPECT_TRUE(h.to_server.ends_with("******=****"));
  EXPECT_EQ(h.request(0).end.verdict, Verdict::mask);
}

TEST(RulesThatMeet, WhatOneDeniesOrOnlySeesIsHiddenOnTheRecordAsItSays) {
  RelayHarness h(policy(R"(
  - {name: d, match: 'pin [0-9]{4}', where: request, action: deny}
  - {name: o, match: 'tan [0-9]{6}', where: request, action: observe, mask: {keep_last: 2, on: record}}
)"));
  h.client(post("tan 123456"));
  EXPECT_TRUE(h.to_server.ends_with("tan 123456"));
  EXPECT_EQ(h.request(0).body, "*** ****56");
  h.server(response(""));
  h.client(post("pin 1234"));
  EXPECT_EQ(h.request(1).end.verdict, Verdict::deny);
  EXPECT_EQ(h.request(1).body, "*** ****");
}

TEST(Conditions, AreTheSameHoweverTheStreamIsCut) {
  const std::string rules = policy(R"yaml(
  - name: key
    match: 'key="([A-Za-z0-9]{8,40})"'
    group: 1
    entropy: 2.5
    allow: {contain: [example]}
    where: response
    action: mask
  - name: number
    match: '\b\d{9}\b'
    context: {words: [ssn], within: 12, side: both}
    where: response
    action: mask
)yaml");
  const std::string plain = R"(key="aaaaaaaaaa" key="anExample9z" 219099999 )";
  const std::string body = R"(key="aB3dE5gH" )" + plain + "123456789, see ssn no 123456789";
  const std::string masked = R"(key="********" )" + plain + "*********, see ssn no *********";
  for (const std::size_t step : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{33}}) {
    RelayHarness h(rules);
    h.client("GET / HTTP/1.1\r\nHost: web\r\n\r\n");
    h.server(response(body), step);
    EXPECT_EQ(h.to_client, response(masked)) << step;
    EXPECT_EQ(h.response(0).body, masked) << step;
  }
}

}  // namespace
}  // namespace sluice::session
