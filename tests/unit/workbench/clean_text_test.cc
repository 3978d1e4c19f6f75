// What rules find in text that holds nothing of the kind: how often a megabyte, with a bound for each that finds
// anything at all (docs/policy.md has the table).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "rules/sample_text.h"
#include "tests/unit/dataplane/inspect/corpus.h"
#include "tests/unit/workbench/packs.h"
#include "workbench/trial.h"

namespace sluice::workbench {
namespace {

constexpr std::size_t kCleanBytes = 1024 * 1024;

// Matches a megabyte that are still right; all others find nothing.
const std::map<std::string, double> kBounds = {
    {"secrets/basic-auth", 200},  // the word and another; it looks at the heads of requests only
    {"secrets/bearer", 30},
    {"secrets-wide/password-field", 60},  // a member of that name that holds words
    {"risk/sql-stacked", 60},             // one statement behind another
};

TEST(CleanText, holds_no_more_than_is_said) {
  const std::string text = rules::sample_text() + inspect::json_corpus(1, kCleanBytes, 0);
  const auto rules = rules_of({"pii", "pii-wide", "secrets", "secrets-wide", "risk"});
  auto trial = Trial::of(rules);
  ASSERT_TRUE(trial) << trial.error().message();
  std::vector<Match> matches;
  ASSERT_TRUE(trial->scan(as_bytes(text), matches));
  std::vector<std::uint64_t> found(rules.size());
  std::vector<std::string> first(rules.size());
  for (const Match& match : matches)
    if (found[match.rule]++ == 0) first[match.rule] = text.substr(match.begin, match.end - match.begin);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const double per_megabyte = static_cast<double>(found[i]) * 1e6 / static_cast<double>(text.size());
    const auto bound = kBounds.find(rules[i].name);
    EXPECT_LE(per_megabyte, bound == kBounds.end() ? 0 : bound->second) << rules[i].name << " finds " << first[i];
    EXPECT_TRUE(bound == kBounds.end() || per_megabyte > bound->second / 10)
        << rules[i].name << ": the bound can go down to " << per_megabyte;
  }
}

}  // namespace
}  // namespace sluice::workbench
