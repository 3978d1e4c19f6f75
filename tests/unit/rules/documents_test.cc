// The manual and the published JSON schema say what the parser does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/unit/rules/samples.h"

namespace sluice::rules {
namespace {

std::string read_source(const std::string& path) {
  std::ifstream file(std::string(SLUICE_TEST_SOURCE) + "/" + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Every ```yaml block of a page that is a whole policy.
std::vector<std::string> policies_in(const std::string& page) {
  std::vector<std::string> found;
  for (std::size_t at = page.find("```yaml\n"); at != std::string::npos; at = page.find("```yaml\n", at + 1)) {
    const std::size_t begin = at + 8;
    std::string block = page.substr(begin, page.find("```", begin) - begin);
    if (block.find("services:") != std::string::npos) found.push_back(std::move(block));
  }
  return found;
}

TEST(Documents, policies_in_the_manual_are_valid) {
  for (const char* page : {"docs/policy.md", "docs/policy-postgres.md"}) {
    const auto policies = policies_in(read_source(page));
    ASSERT_GE(policies.size(), 2U) << page;
    for (const std::string& policy : policies) EXPECT_EQ(problems_of(policy), "") << policy;
  }
}

// The keys that the parser names when it meets one that nobody has.
std::set<std::string> known_keys(const std::string& yaml) {
  const std::string text = problems_of(yaml);
  const std::string marker = "unknown key \"qqqqqqqqqqqqqqqqqqqq\"";
  const std::size_t begin = text.find("one of ", text.find(marker));
  EXPECT_NE(begin, std::string::npos) << text;
  std::istringstream list(text.substr(begin + 7, text.find('\n', begin) - begin - 7));
  std::set<std::string> keys;
  for (std::string key; std::getline(list, key, ',');) keys.insert(key.substr(key.find_first_not_of(' ')));
  return keys;
}

TEST(Documents, json_schema_has_the_keys_of_the_parser) {
  const auto schema = nlohmann::json::parse(read_source("schema/policy.schema.json"));
  const auto keys_of = [](const nlohmann::json& object) {
    EXPECT_EQ(object.at("additionalProperties"), false);
    std::set<std::string> keys;
    for (const auto& [key, value] : object.at("properties").items()) keys.insert(key);
    return keys;
  };
  const std::string q = "qqqqqqqqqqqqqqqqqqqq: 1";
  const auto& defs = schema.at("$defs");
  EXPECT_EQ(keys_of(schema), known_keys(q));
  EXPECT_EQ(keys_of(defs.at("service")), known_keys("services: [{" + q + "}]"));
  EXPECT_EQ(keys_of(defs.at("record")), known_keys("services: [{record: {" + q + "}}]"));
  EXPECT_EQ(keys_of(defs.at("http")), known_keys("services: [{http: {" + q + "}}]"));
  EXPECT_EQ(keys_of(defs.at("rule")), known_keys("rules: [{" + q + "}]"));
  EXPECT_EQ(keys_of(defs.at("mask")), known_keys("rules: [{action: mask, mask: {" + q + "}}]"));
  EXPECT_EQ(keys_of(defs.at("context")), known_keys("rules: [{context: {" + q + "}}]"));
  EXPECT_EQ(keys_of(defs.at("allow")), known_keys("rules: [{allow: {" + q + "}}]"));
  EXPECT_EQ(keys_of(defs.at("across")), known_keys("rules: [{across: {" + q + "}}]"));
  EXPECT_EQ(keys_of(defs.at("sql")), known_keys("rules: [{sql: {" + q + "}}]"));
  EXPECT_EQ(keys_of(defs.at("limit")), known_keys("services: [{limits: [{" + q + "}]}]"));
  EXPECT_EQ(keys_of(defs.at("hold")), known_keys("services: [{hold: {" + q + "}}]"));
  EXPECT_EQ(keys_of(defs.at("risk")), known_keys("services: [{risk: {" + q + "}}]"));
  EXPECT_EQ(keys_of(defs.at("risk_line")), known_keys("services: [{risk: {lines: [{" + q + "}]}}]"));
  EXPECT_EQ(keys_of(defs.at("behaviour")), known_keys("services: [{risk: {behaviour: {" + q + "}}}]"));
  for (const char* kind : {"requests", "bytes", "pieces", "errors", "bytes_out", "new_source"})
    EXPECT_EQ(keys_of(defs.at("behaviour").at("properties").at(kind)),
              known_keys("services: [{risk: {behaviour: {" + std::string(kind) + ": {" + q + "}}}}]"));
  EXPECT_EQ(keys_of(defs.at("approvers")), known_keys("services: [{hold: {approvers: {" + q + "}}}]"));
  auto own = keys_of(defs.at("principal_limit"));
  own.insert("per");  // known, and told that it is not for principals
  EXPECT_EQ(own, known_keys("principals: [{limits: [{" + q + "}]}]"));
  EXPECT_EQ(keys_of(defs.at("principal")), known_keys("principals: [{" + q + "}]"));
}

// Every word that the schema lists for a key is one that the parser takes there.
TEST(Documents, json_schema_has_the_words_of_the_parser) {
  const auto schema = nlohmann::json::parse(read_source("schema/policy.schema.json"));
  const auto& defs = schema.at("$defs");
  const auto words_of = [](const nlohmann::json& list) {
    std::string words;
    for (const auto& word : list) words += (words.empty() ? "" : ", ") + word.get<std::string>();
    return words;
  };
  const auto expect = [&](const nlohmann::json& list, const std::string& yaml) {
    EXPECT_THAT(problems_of(yaml), ::testing::HasSubstr(std::string("\"zzzzzzzzzz\" is not known here; ") +
                                                        (list.size() > 1 ? "one of " : "") + words_of(list)))
        << yaml;
  };
  const auto& service = defs.at("service").at("properties");
  expect(service.at("mode").at("enum"), "services: [{mode: zzzzzzzzzz}]");
  expect(service.at("after_window").at("enum"), "services: [{after_window: zzzzzzzzzz}]");
  expect(defs.at("record_mode").at("enum"), "services: [{record: zzzzzzzzzz}]");
  expect(defs.at("record").at("properties").at("durability").at("enum"),
         "services: [{record: {durability: zzzzzzzzzz}}]");
  expect(defs.at("limit").at("properties").at("per").at("enum"), "services: [{limits: [{per: zzzzzzzzzz}]}]");
  expect(defs.at("limit").at("properties").at("of").at("enum"), "services: [{limits: [{of: zzzzzzzzzz}]}]");
  expect(defs.at("then").at("enum"), "services: [{limits: [{then: zzzzzzzzzz}]}]");
  expect(defs.at("risk_line").at("properties").at("then").at("enum"),
         "services: [{risk: {lines: [{then: zzzzzzzzzz}]}}]");
  expect(defs.at("hold").at("properties").at("on_timeout").at("enum"), "services: [{hold: {on_timeout: zzzzzzzzzz}}]");
  expect(service.at("unreadable_sql").at("enum"), "services: [{unreadable_sql: zzzzzzzzzz}]");
  expect(defs.at("sql_kind").at("enum"), "rules: [{sql: {kinds: zzzzzzzzzz}}]");
  for (const char* key : {"copy", "where", "code", "statements"})
    expect(defs.at("sql").at("properties").at(key).at("enum"),
           "rules: [{sql: {" + std::string(key) + ": zzzzzzzzzz}}]");
  expect(defs.at("place").at("enum"), "rules: [{where: zzzzzzzzzz}]");
  expect(defs.at("mask_place").at("enum"), "rules: [{action: mask, mask: {on: zzzzzzzzzz}}]");
  expect(defs.at("rule").at("properties").at("action").at("enum"), "rules: [{action: zzzzzzzzzz}]");
  expect(defs.at("rule").at("properties").at("validate").at("enum"), "rules: [{validate: zzzzzzzzzz}]");
  expect(defs.at("context").at("properties").at("side").at("enum"), "rules: [{context: {side: zzzzzzzzzz}}]");
}

}  // namespace
}  // namespace sluice::rules
