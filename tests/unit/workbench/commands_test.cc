// What the commands print: what was found and where, with everything hidden that a rule hides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "rules/sample_text.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/workbench/packs.h"
#include "workbench/cost_command.h"
#include "workbench/explain_command.h"
#include "workbench/test_command.h"

namespace sluice::workbench {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string tested(const std::string& text, bool json, bool expected = true, const char* pack = "secrets") {
  std::istringstream in(text);
  std::ostringstream out;
  const auto found = test_text(named({"pii", pack}), in, json, out);
  EXPECT_TRUE(found && *found == expected) << (found ? "" : found.error().message());
  return out.str();
}

TEST(TestCommand, says_what_was_found_and_hides_it) {
  const std::string out = tested("{\"pan\":\"4111 1111 1111 1111\",\"mail\":\"ada@example.com\"}", false);
  EXPECT_THAT(out, HasSubstr("8-27 "));
  EXPECT_THAT(out, HasSubstr("pii/card"));
  EXPECT_THAT(out, HasSubstr("mask: responses, record"));
  EXPECT_THAT(out, HasSubstr("**** **** **** 1111"));
  EXPECT_THAT(out, HasSubstr("pii/email is looked for by its literal \"@\""));
  EXPECT_THAT(out, Not(HasSubstr("4111")));
  EXPECT_THAT(out, Not(HasSubstr("ada")));
}

TEST(TestCommand, neighbours_are_hidden_too_across_reads) {
  std::string text(64 * 1024 - 24, '.');
  text += " 4111111111111111 ada@example.com 5555555555554444";
  const std::string out = tested(text, false);
  EXPECT_THAT(out, HasSubstr("65513-65529"));
  EXPECT_THAT(out, Not(HasSubstr("41111111")));
  EXPECT_THAT(out, Not(HasSubstr("55555555")));
}

TEST(TestCommand, what_is_denied_and_not_hidden_is_shown) {
  const auto json = nlohmann::json::parse(tested("q=x DROP TABLE users\x1b[2J", true, true, "risk"));
  ASSERT_EQ(json.at("matches").size(), 1U);
  const auto& match = json.at("matches").at(0);
  EXPECT_EQ(match.at("rule"), "risk/sql-drop");
  EXPECT_EQ(match.at("begin"), 4);
  EXPECT_EQ(match.at("verdict"), "deny");
  EXPECT_EQ(match.at("excerpt"), "q=x DROP TABLE users?[2J");
}

TEST(TestCommand, nothing_found_is_said) {
  EXPECT_EQ(nlohmann::json::parse(tested("nothing", true, false)).at("matches").size(), 0U);
}

TEST(TestCommand, samples_are_as_their_packs_say) {
  std::ostringstream out;
  const auto right = test_samples(named({"pii"}), false, out);
  EXPECT_TRUE(right && *right);
  EXPECT_THAT(out.str(), HasSubstr(" 0 not as they should be"));
}

TEST(ExplainCommand, tells_how_a_rule_is_found_and_what_it_does) {
  const auto text = explain_rule(named({}), "pii/card", false);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("shape [2-6]"));
  EXPECT_THAT(*text, HasSubstr("luhn holds"));
  EXPECT_THAT(*text, HasSubstr("mask: responses, record, but for the last 4"));
  const auto unknown = explain_rule(named({}), "pii/crad", false);
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message(), HasSubstr("did you mean \"pii/card\"?"));
}

TEST(Commands, know_rules_that_ask_what_statements_mean) {
  std::ostringstream samples;
  const auto right = test_samples(named({"sql"}), false, samples);
  EXPECT_TRUE(right && *right) << samples.str();
  const auto text = explain_rule(named({}), "sql/delete-all", false);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("is a SQL statement delete without WHERE?"));
  std::istringstream none("DELETE FROM users");
  std::ostringstream ignored;
  const auto looked = test_text(named({"sql"}), none, false, ignored);
  ASSERT_FALSE(looked);
  EXPECT_THAT(looked.error().detail, HasSubstr("none of these rules looks for something in a text"));
}

TEST(ExplainCommand, says_of_a_rule_that_hides_columns_which_those_are) {
  const test::TempDir dir;
  std::ofstream(dir.file("p.yaml"))
      << "services:\n  - {name: hr, address: 10.0.0.1:5432, protocol: postgres, mode: enforce, rules: [local/*]}\n"
         "rules:\n  - name: pay\n    action: mask\n    columns: [salary, {name: pay, type: numeric}, "
         "{table: 16402, attribute: 3}, {type: 600}]\n";
  GivenNames names = named({});
  names.policies = {dir.file("p.yaml")};
  const auto text = explain_rule(names, "local/pay", false);
  ASSERT_TRUE(text) << text.error().message();
  EXPECT_THAT(*text,
              HasSubstr("hides        cells of results in the columns salary, pay of type numeric, attribute 3 of "
                        "table 16402, any of type 600\n"));
  EXPECT_THAT(*text, Not(HasSubstr("expression")));
  EXPECT_THAT(*text, Not(HasSubstr("widths")));
  const auto json = explain_rule(names, "local/pay", true);
  ASSERT_TRUE(json);
  EXPECT_EQ(nlohmann::json::parse(*json).at("columns"),
            "salary, pay of type numeric, attribute 3 of table 16402, any of type 600");
}

TEST(CostCommand, has_a_row_for_each_rule_and_counts_what_it_does) {
  CostOptions options{.names = named({"pii"}), .json = true, .shares = false};
  const std::string text = rules::sample_text().substr(0, 20'000) + " 4111111111111111 ";
  const auto report = cost_report(options, as_bytes(text));
  ASSERT_TRUE(report) << report.error().message();
  const auto json = nlohmann::json::parse(*report);
  EXPECT_EQ(json.at("rules").size(), rules_of({"pii"}).size());
  double last = 1e9;
  for (const auto& row : json.at("rules")) {
    EXPECT_LE(row.at("alone_ns_per_kb"), last);
    last = row.at("alone_ns_per_kb");
    if (row.at("rule") != "pii/card") continue;
    EXPECT_EQ(row.at("anchor"), "shape");
    EXPECT_NEAR(row.at("matches_per_mb"), 1e6 / static_cast<double>(text.size()), 0.01);
    EXPECT_GE(row.at("starts_per_mb"), row.at("matches_per_mb"));
    EXPECT_GE(row.at("steps_per_mb"), 16 * row.at("matches_per_mb").get<double>());
  }
}

}  // namespace
}  // namespace sluice::workbench
