// Every problem is reported, with its place and what would be right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/rules/samples.h"

namespace sluice::rules {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kServices = "services: [{name: a, address: 10.0.0.1:80, protocol: http, mode: enforce}]\n";

// Problems of one rule that is added to a sound policy; it stands in line 3.
std::string problems_of_rule(std::string_view body) {
  return problems_of(std::string(kServices) + "rules:\n  - {name: r, " + std::string(body) + "}\n");
}
// Problems of one service, in line 2.
std::string problems_of_service(std::string_view body) {
  return problems_of("services:\n  - {name: a, address: 10.0.0.1:80, protocol: http, mode: enforce, " +
                     std::string(body) + "}\n");
}
std::string problems_of_address(std::string_view address) {
  return problems_of("services: [{name: a, address: '" + std::string(address) + "', protocol: http, mode: observe}]");
}
std::string problems_of_principal(std::string_view from) {
  return problems_of(std::string(kServices) + "principals: [{name: p, from: " + std::string(from) + "}]");
}

TEST(PolicyProblem, all_are_reported_in_the_order_of_the_file) {
  EXPECT_EQ(problems_of("serivces: []\n"
                        "principals:\n"
                        "  - {name: ci, from: 10.77.0.65/26}\n"
                        "  - {nmae: ci, from: 10.77.0.64/26}\n"
                        "retention: {routine: 90}\n"),
            "p.yaml:1:1: the policy has no \"services\"; add `services: [...]`\n"
            "p.yaml:1:1: unknown key \"serivces\" in the policy; did you mean \"services\"?\n"
            "p.yaml:3:22: \"10.77.0.65/26\" has host bits set; did you mean 10.77.0.64/26 or 10.77.0.65/32?\n"
            "p.yaml:4:5: a principal has no \"name\"; add `name: ci-runner`\n"
            "p.yaml:4:6: unknown key \"nmae\" in a principal; did you mean \"name\"?\n"
            "p.yaml:5:22: \"90\" is no time to keep records; whole days from 1d to 36500d, for example 90d");
}

// The policy of the design page: what later versions read is named, not ignored.
TEST(PolicyProblem, what_later_versions_read_is_named_as_such) {
  EXPECT_EQ(problems_of("services:\n"
                        "  - name: orders\n"
                        "    address: 10.77.0.2:8080\n"
                        "    protocol: http\n"
                        "    mode: enforce                     # observe | enforce\n"
                        "    record: {class: routine, durability: group}\n"
                        "    limits:\n"
                        "      - {per: principal, rate: 200/s, burst: 400, then: hold}\n"
                        "    tls: terminate\n"
                        "    rules: [pii/*, secrets/*, risk/sql-*]\n"
                        "principals:\n"
                        "  - {name: ci-chunker, from: 10.77.0.64/26}\n"
                        "retention: {routine: 90d, privileged: 365d}\n"),
            "p.yaml:9:5: key \"tls\" is not available in this version; remove it, or wait for the version that has it");
}

TEST(PolicyProblem, words) {
  EXPECT_EQ(problems_of_service("record: requried"),
            "p.yaml:2:76: \"requried\" is not known here; did you mean \"required\"?");
  EXPECT_THAT(problems_of("services: [{name: a, address: 10.0.0.1:80, protocol: mysql, mode: enforce}]"),
              HasSubstr("\"mysql\" is not available in this version; one of http, postgres, tcp"));
  EXPECT_THAT(problems_of("services: [{name: a, address: 10.0.0.1:80, protocol: http, mode: block}]"),
              HasSubstr("\"block\" is not known here; one of observe, enforce"));
  EXPECT_THAT(problems_of_service("after_window: allow"), HasSubstr("one of deny, stream"));
  EXPECT_THAT(problems_of_service("allow_upgrade: yes"), HasSubstr("one of true, false"));
  EXPECT_THAT(problems_of_service("record: {mode: off, durability: strict}"), HasSubstr("durability: strict without"));
}

TEST(PolicyProblem, strict_records_and_observing_exclude_each_other) {
  EXPECT_THAT(problems_of("services:\n- {name: a, address: 10.0.0.1:80, protocol: http, mode: observe,\n"
                          "   record: {durability: strict}}"),
              HasSubstr("p.yaml:2:3: mode: observe holds nothing back, durability: strict waits for the record; "
                        "mode: enforce, or durability: group"));
}

TEST(PolicyProblem, what_postgres_has_not_is_refused) {
  const auto of_postgres = [](const std::string& body) {
    return problems_of(
        "rules:\n- {name: slow, match: 'drop table', where: [request], action: hold}\n"
        "- {name: off, match: 'drop table', where: [request], action: deny}\n"
        "services:\n- {name: a, address: 10.0.0.1:5432, protocol: postgres, mode: enforce, " +
        body + "}\n");
  };
  EXPECT_EQ(of_postgres("replication: pass"), "");
  EXPECT_THAT(of_postgres("replication: yes"), HasSubstr("one of deny, pass"));
  EXPECT_EQ(of_postgres("rules: [local/off], window: 1MiB, after_window: stream, record: {durability: strict}"), "");
  for (const std::string key : {"http: {head: 1KiB}", "allow_upgrade: true"})
    EXPECT_THAT(of_postgres(key), HasSubstr("on a service of protocol postgres; remove it, or protocol: http")) << key;
  EXPECT_EQ(of_postgres("rules: [local/slow], hold: {timeout: 5m}, limits: [{per: principal, rate: 1/s, then: hold}]"),
            "");
  EXPECT_EQ(of_postgres("rules: [local/slow], risk: {lines: [{above: 1, then: hold}], behaviour: {requests: {above: 9, "
                        "times: 5, score: 2}, new_source: {score: 1}}}"),
            "");
  EXPECT_THAT(
      of_postgres("risk: {lines: [{above: 1, then: hold}], behaviour: {pieces: {above: 9, of: 1KiB, score: 2}}}"),
      HasSubstr("pieces on a service of protocol postgres, which has no paths"));
  EXPECT_THAT(of_postgres("hold: {ticket: true}"), HasSubstr("a ticket on a service of protocol postgres"));
  EXPECT_THAT(of_postgres("limits: [{per: route, rate: 1/s, then: deny}]"), HasSubstr("which has no paths"));
}

TEST(PolicyProblem, what_is_not_read_takes_no_key_about_reading) {
  const auto of_tcp = [](const std::string& body) {
    return problems_of("services:\n- {name: a, address: 10.0.0.1:80, protocol: tcp, mode: enforce, " + body + "}\n");
  };
  EXPECT_EQ(of_tcp("record: {class: db}"), "");
  EXPECT_EQ(of_tcp("rules: [pii/card]"),
            "p.yaml:2:72: \"rules\" on a service of protocol tcp, whose bytes nothing looks at; "
            "remove it, or protocol: http");
  for (const std::string key : {"http: {head: 1KiB}", "window: 1KiB", "after_window: deny", "allow_upgrade: true",
                                "after_upgrade: pass", "replication: pass"})
    EXPECT_THAT(of_tcp(key), HasSubstr("whose bytes nothing looks at")) << key;
  EXPECT_THAT(of_tcp("record: {durability: strict}"), HasSubstr("durability: strict on a service of protocol tcp"));
  EXPECT_THAT(problems_of_service("replication: pass"), HasSubstr("another protocol than postgres"));
  EXPECT_THAT(problems_of_service("after_upgrade: pass"), HasSubstr("after_upgrade where no upgrade is allowed"));
  EXPECT_EQ(problems_of_service("allow_upgrade: true, after_upgrade: pass"), "");
  EXPECT_THAT(problems_of_service("allow_upgrade: true, after_upgrade: read"), HasSubstr("one of scan, pass"));
}

TEST(PolicyProblem, names) {
  EXPECT_THAT(problems_of("services: [{name: Orders, address: 10.0.0.1:80, protocol: http, mode: enforce}]"),
              HasSubstr("p.yaml:1:19: \"Orders\" is no name for a service; 1 to 63 of a-z, 0-9, - and _"));
  EXPECT_THAT(problems_of_service("record: {class: ../x}"), HasSubstr("\"../x\" is no name for a retention class"));
  EXPECT_THAT(problems_of(std::string(kServices) + "retention: {a/b: 3d}"), HasSubstr("2:13: \"a/b\" is no name"));
  EXPECT_THAT(problems_of("services:\n- {name: a, address: 10.0.0.1:80, protocol: http, mode: enforce}\n"
                          "- {name: a, address: 10.0.0.1:81, protocol: http, mode: enforce}\n"
                          "- {name: b, address: 10.0.0.1:80, protocol: http, mode: enforce}\n"),
              "p.yaml:3:3: service \"a\" is given twice; it already stands in line 2\n"
              "p.yaml:4:3: address \"10.0.0.1:80\" is given twice; it already stands in line 2");
}

TEST(PolicyProblem, addresses_and_networks) {
  for (const char* bad : {"10.0.0.1", "10.0.0:80", "10.0.0.256:80", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:80x",
                          "localhost:80", ":80", "", "10.0.0.1: 80", "010.0.0.1:80", "[10.0.0.1]:80", "[2001:db8::2]",
                          "[2001:db8::2:80", "[2001:db8::g]:80", "[::ffff:10.0.0.1]:80", "[fe80::1%eth0]:80"})
    EXPECT_THAT(problems_of_address(bad), HasSubstr("is no IP address with a port; ")) << bad;
  EXPECT_THAT(problems_of_address("10.0.0:80"), HasSubstr("for example 10.77.0.2:8080 or \"[2001:db8::2]:8080\""));
  EXPECT_THAT(problems_of_address("10.0.0.1"), HasSubstr("with a port: 10.0.0.1:8080"));
  EXPECT_THAT(problems_of_address("2001:db8::2"), HasSubstr("with a port: [2001:db8::2]:8080"));
  EXPECT_THAT(problems_of_address("[2001:db8::x]:80"), HasSubstr("an IPv6 address stands in brackets"));
  for (const char* bad :
       {"0.0.0.0:80", "127.0.0.1:80", "224.0.0.1:80", "255.255.255.255:80", "[::1]:80", "[::]:80", "[ff02::1]:80"})
    EXPECT_THAT(problems_of_address(bad), HasSubstr("is no address of a server")) << bad;
  EXPECT_EQ(problems_of_address("223.255.255.255:65535"), "");
  EXPECT_THAT(problems_of_principal("10.0.0.0/33"), HasSubstr("is no IP network; for example"));
  EXPECT_THAT(problems_of_principal("10.0.0.7"), HasSubstr("is no IP network; one host is 10.0.0.7/32"));
  EXPECT_THAT(problems_of_principal("10.0.0.1/0"), HasSubstr("did you mean 0.0.0.0/0 or 10.0.0.1/32?"));
  EXPECT_EQ(problems_of_principal("10.0.0.1/32"), "");
  EXPECT_EQ(problems_of_address("[2001:db8::2]:8080"), "");
  EXPECT_EQ(problems_of_principal("2001:db8::/32"), "");
  EXPECT_EQ(problems_of_principal("::/0"), "");
  EXPECT_THAT(problems_of_principal("2001:db8::/129"), HasSubstr("is no IP network; for example"));
  EXPECT_THAT(problems_of_principal("2001:db8::7"), HasSubstr("is no IP network; one host is 2001:db8::7/128"));
  EXPECT_THAT(problems_of_principal("2001:db8::7/64"), HasSubstr("did you mean 2001:db8::/64 or 2001:db8::7/128?"));
}

TEST(PolicyProblem, sizes_numbers_and_times) {
  for (const char* bad : {"64", "64K", "64kib", "KiB", "-1KiB", "6.4KiB", "64 KB", "99999999999999999999B"})
    EXPECT_THAT(problems_of_service(std::string("window: ") + bad),
                HasSubstr("is no size; a whole number and its unit"))
        << bad;
  for (const char* bad : {"1023B", "2MiB", "0KiB", "4294967297B", "18446744073709551615MiB"})
    EXPECT_THAT(problems_of_service(std::string("window: ") + bad), HasSubstr("is out of bounds; from 1KiB to 1MiB"))
        << bad;
  for (const char* good : {"1KiB", "1MiB", "1024B", "64 KiB"})
    EXPECT_EQ(problems_of_service(std::string("window: ") + good), "") << good;
  EXPECT_THAT(problems_of_service("http: {headers: 0}"), HasSubstr("\"0\" is no number from 1 to 1024"));
  EXPECT_THAT(problems_of_service("http: {pending: 1025}"), HasSubstr("is no number from 1 to 1024"));
  EXPECT_THAT(problems_of_service("http: {head: 65KiB}"), HasSubstr("from 1KiB to 64KiB"));
  for (const char* bad : {"0d", "90", "1y", "36501d", "d", "-1d"})
    EXPECT_THAT(problems_of(std::string(kServices) + "retention: {routine: " + bad + "}"),
                HasSubstr("is no time to keep records"))
        << bad;
}

TEST(PolicyProblem, shapes) {
  EXPECT_THAT(problems_of("services: orders"), HasSubstr("1:11: services is a plain value; a list is expected"));
  EXPECT_THAT(problems_of("services: [orders]"), HasSubstr("1:12: a service is a plain value; a map"));
  EXPECT_THAT(problems_of("services: []"), HasSubstr("no services; name at least one"));
  EXPECT_THAT(problems_of("services:"), HasSubstr("1:1: key \"services\" has no value"));
  EXPECT_THAT(problems_of("[a, b]"), HasSubstr("the policy is a list; a map"));
  EXPECT_THAT(problems_of("just text"), HasSubstr("the policy is a plain value; a map"));
  EXPECT_THAT(problems_of(std::string(kServices) + "retention: [90d]"), HasSubstr("retention is a list; a map"));
  EXPECT_THAT(problems_of_service("window: [1KiB]"), HasSubstr("a list stands where a plain value is expected"));
}

TEST(PolicyProblem, rules_of_services) {
  EXPECT_EQ(problems_of_service("rules: [pii/crad]"),
            "p.yaml:2:76: there is no rule \"pii/crad\"; did you mean \"pii/card\"?");
  EXPECT_THAT(problems_of_service("rules: [pi/card]"), HasSubstr("did you mean \"pii\"?"));
  EXPECT_THAT(problems_of_service("rules: [card]"),
              HasSubstr("names no rule; write pack/*, pack/rule, pack/begins-so-* or local/rule"));
  EXPECT_THAT(problems_of_service("rules: [pii/]"), HasSubstr("names no rule"));
  EXPECT_THAT(problems_of_service("rules: [pii/crad*]"), HasSubstr("there is no rule \"pii/crad*\""));
  EXPECT_THAT(problems_of_service("rules: [../../etc/passwd/x]"), HasSubstr("there is no pack \"..\""));
  EXPECT_THAT(problems_of_service("rules: [local/x]"), HasSubstr("no rules of its own"));
  EXPECT_THAT(problems_of_service("rules: [pii/card, pii/card]"), HasSubstr("\"pii/card\" is named twice"));
  EXPECT_EQ(problems_of_service("rules: [pii/*, pii/card]"), "");
}

TEST(PolicyProblem, rules) {
  EXPECT_EQ(problems_of_rule("match: 'a.*b', where: [request], action: mask"),
            "p.yaml:3:25: rule local/r: expression at character 3: '*' repeats without a bound; bound it: {0,64} for "
            "example");
  EXPECT_THAT(problems_of_rule("match: 'a.{0,60}b.{0,60}c.{0,60}', where: [request], action: mask"),
              AllOf(HasSubstr("p.yaml:3:25: rule local/r: expression at character 3: it has too many ways to match"),
                    HasSubstr("; shorten {0,60} to {0,")));
  EXPECT_THAT(problems_of_rule("match: ab, where: [request, response], action: deny"),
              HasSubstr("deny is for requests"));
  EXPECT_THAT(problems_of_rule("match: ab, where: [response.head], action: deny"), HasSubstr("deny is for requests"));
  EXPECT_THAT(problems_of_rule("match: ab, where: [response], action: hold"), HasSubstr("hold is for requests"));
  EXPECT_THAT(problems_of_rule("match: ab, where: [request], action: throttle"),
              HasSubstr("\"throttle\" is not available in this version"));
  EXPECT_THAT(problems_of_rule("match: ab, where: [request], action: mask, validate: mod96"),
              HasSubstr("\"mod96\" is not known here; did you mean \"mod97\"?"));
  EXPECT_THAT(problems_of_rule("match: ab, where: [], action: mask"), HasSubstr("where is empty"));
  EXPECT_THAT(problems_of_rule("match: ab, where: [request.trailer], action: mask"), HasSubstr("is not known here"));
  EXPECT_THAT(problems_of_rule("match: ab, action: mask"), HasSubstr("a rule has no \"where\""));
  EXPECT_THAT(problems_of_rule("match: ab, where: request"), HasSubstr("a rule has no \"action\""));
  EXPECT_THAT(problems_of_rule("where: request, action: observe"), HasSubstr("a rule has no \"match\""));
  EXPECT_THAT(problems_of_rule("match: ab, where: request, action: mask, mask: {keep_last: 33}"),
              HasSubstr("from 0 to 32"));
  EXPECT_THAT(problems_of_rule("match: ab, where: request, action: mask, mask: {on: []}"), HasSubstr("on is empty"));
  EXPECT_THAT(problems_of_rule("match: ab, where: request, action: mask, mask: {on: wire.response}"),
              HasSubstr("the rule does not look at responses"));
  EXPECT_THAT(problems_of_rule("match: ab, where: request, action: observe, mask: {on: [wire]}"),
              HasSubstr("only action: mask changes what is on the wire"));
  EXPECT_EQ(problems_of_rule("match: ab, where: request, action: observe, mask: {on: [record]}"), "");
  EXPECT_EQ(problems_of_rule("match: ab, where: request, action: deny, mask: {on: nowhere}"), "");
  EXPECT_THAT(problems_of_rule("match: ab, where: request, action: deny, mask: {on: [nowhere, record]}"),
              HasSubstr("nowhere stands alone"));
  EXPECT_THAT(problems_of_rule("match: ab, where: request, action: mask, mask: {on: nowhere}"),
              HasSubstr("nowhere stands alone, and not with action: mask"));
  EXPECT_THAT(problems_of_rule("match: ab, where: request, action: mask, hits: [ab]"),
              HasSubstr("unknown key \"hits\""));
}

TEST(PolicyProblem, rules_that_name_columns) {
  EXPECT_EQ(problems_of_rule("columns: card, action: mask"), "");
  EXPECT_EQ(problems_of_rule("columns: [card, {type: int8}], where: response, action: observe"), "");
  EXPECT_THAT(problems_of_rule("columns: card, match: ab, action: mask"),
              HasSubstr("\"match\" on a rule that names columns"));
  EXPECT_THAT(problems_of_rule("columns: card, where: request, action: mask"), HasSubstr("only results have columns"));
  EXPECT_THAT(problems_of_rule("columns: card, action: deny"), HasSubstr("deny is for requests"));
  EXPECT_THAT(problems_of_rule("columns: card, action: mask, mask: {keep_last: 4}"),
              HasSubstr("a cell is hidden as a whole"));
  EXPECT_THAT(
      problems_of("services: [{name: a, address: 10.0.0.1:80, protocol: http, mode: enforce, rules: [local/r]}]\n"
                  "rules: [{name: r, columns: card, action: mask}]\n"),
      HasSubstr("names columns, which protocol http has not"));
}

TEST(PolicyProblem, a_rule_with_a_problem_is_not_also_reported_as_missing) {
  EXPECT_THAT(
      problems_of("services: [{name: a, address: 10.0.0.1:80, protocol: http, mode: enforce, rules: [local/r]}]\n"
                  "rules: [{name: r, match: 'a+', where: request, action: deny}]\n"),
      ::testing::StartsWith("p.yaml:2:28: rule local/r: expression at character 2"));
  EXPECT_THAT(
      problems_of("services: [{name: a, address: 10.0.0.1:80, protocol: http, mode: enforce, rules: [local/r]}]\n"
                  "rules: [{name: r, match: 'a+', where: request, action: deny}]\n"),
      ::testing::Not(HasSubstr("there is no rule")));
}

TEST(PolicyProblem, numbers_of_things_are_bounded) {
  std::string many = "services:\n";
  for (int i = 0; i < 257; ++i)
    many += "- {name: s" + std::to_string(i) + ", address: 10.0.0.1:" + std::to_string(i + 1) +
            ", protocol: http, mode: observe}\n";
  EXPECT_EQ(problems_of(many), "p.yaml:2:1: 257 services; at most 256");
}

}  // namespace
}  // namespace sluice::rules
