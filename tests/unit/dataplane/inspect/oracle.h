// What the scanner must find, said as plainly as possible: try every start, and for each every end, with
// another regular expression engine (RE2). Slow, and sees the whole content at once.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <string_view>
#include <vector>

#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {

class Oracle {
 public:
  explicit Oracle(const std::vector<TestRule>& rules);
  // In the order in which the scanner reports.
  [[nodiscard]] std::vector<Match> matches(std::string_view content) const;

 private:
  struct Rule {
    std::unique_ptr<re2::RE2> expression;
    Validator validator;
  };
  std::vector<Rule> rules_;
};

}  // namespace sluice::inspect
