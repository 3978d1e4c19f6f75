#include "tests/unit/dataplane/inspect/oracle.h"

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace sluice::inspect {
namespace {

bool passes_luhn(std::string_view text) {
  std::vector<int> digits;
  for (const char c : text) {
    if (c >= '0' && c <= '9') digits.push_back(c - '0');
  }
  if (digits.size() < 12 || digits.size() > 19) return false;
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const bool every_second = (digits.size() - 1 - i) % 2 == 1;
    const int value = every_second ? digits[i] * 2 : digits[i];
    sum += value / 10 + value % 10;
  }
  return sum % 10 == 0;
}

}  // namespace

Oracle::Oracle(const std::vector<TestRule>& rules) {
  for (const TestRule& rule : rules) {
    re2::RE2::Options options(re2::RE2::Latin1);
    options.set_case_sensitive(!rule.caseless);
    options.set_max_mem(64 << 20);
    rules_.push_back({std::make_unique<re2::RE2>(rule.expression, options), rule.validator});
    if (!rules_.back().expression->ok()) throw std::runtime_error(rules_.back().expression->error());
  }
}

std::vector<Match> Oracle::matches(std::string_view content) const {
  std::vector<Match> found;
  const std::size_t length = content.size();
  for (std::size_t r = 0; r < rules_.size(); ++r) {
    const re2::RE2& expression = *rules_[r].expression;
    // A start within the whole text keeps its context: \b sees the bytes around. The end of an escape such as \n is no
    // word where a match begins.
    const auto matches_at = [&](std::size_t start, std::size_t end, re2::RE2::Anchor anchor) {
      const bool escape = start >= 2 && content[start - 2] == '\\' &&
                          std::string_view("nrtbf").find(content[start - 1]) != std::string_view::npos;
      std::string seen(content);
      if (escape) seen[start - 1] = ' ';
      return expression.Match(seen, start, end, anchor, nullptr, 0);
    };
    for (std::size_t start = 0; start < length;) {
      std::size_t next = start + 1;
      if (matches_at(start, length, re2::RE2::ANCHOR_START)) {
        for (std::size_t end = length; end > start; --end) {
          if (!matches_at(start, end, re2::RE2::ANCHOR_BOTH)) continue;
          if (rules_[r].validator == Validator::luhn && !passes_luhn(content.substr(start, end - start))) continue;
          found.push_back({static_cast<RuleIndex>(100 + r), start, end});
          next = end;
          break;
        }
      }
      start = next;
    }
  }
  std::sort(found.begin(), found.end(), [](const Match& a, const Match& b) {
    return std::tie(a.begin, a.end, a.rule) < std::tie(b.begin, b.end, b.rule);
  });
  return found;
}

}  // namespace sluice::inspect
