// What the scanner must find, said as plainly as possible: try every start, and for each every end, with
// another regular expression engine (RE2). Slow, and sees the whole content at once.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "tests/unit/dataplane/inspect/oracle_conditions.h"
#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {

class Oracle {
 public:
  // A rule's group, if it has one, stands between parentheses of its own and not in others.
  explicit Oracle(const std::vector<TestRule>& rules);
  // In the order in which the scanner reports.
  [[nodiscard]] std::vector<Match> matches(std::string_view content) const;

 private:
  using Pattern = std::unique_ptr<re2::RE2>;
  struct Rule {
    Pattern expression;
    Pattern before;  // and so on: of rules with a group
    Pattern group;
    Pattern after;
    Pattern rest;  // group and after
    std::vector<Pattern> allowed;
    TestRule spec;
  };
  struct Found {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t match_end = 0;
  };

  static std::optional<Found> at(const Rule& rule, std::string_view content, std::size_t start);
  static bool accepts(const Rule& rule, std::string_view content, std::size_t start, const Found& found);
  static bool allows(const Rule& rule, std::string_view content, const Found& found);

  std::vector<Rule> rules_;
};

}  // namespace sluice::inspect
