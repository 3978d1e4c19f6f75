#include "tests/unit/dataplane/inspect/oracle.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <tuple>

namespace sluice::inspect {
namespace {

std::unique_ptr<re2::RE2> pattern_of(std::string_view expression, bool caseless) {
  re2::RE2::Options options(re2::RE2::Latin1);
  options.set_case_sensitive(!caseless);
  options.set_max_mem(64 << 20);
  auto pattern = std::make_unique<re2::RE2>(expression, options);
  if (!pattern->ok()) throw std::runtime_error(pattern->error());
  return pattern;
}

// Where the first group's '(' and its ')' stand.
std::pair<std::size_t, std::size_t> find_group(std::string_view text) {
  std::size_t open = text.npos;
  int depth = 0;
  int group_depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '[') {
      for (at += text[at + 1] == '^' ? 3 : 2; text[at] != ']'; ++at)
        if (text[at] == '\\') ++at;
    } else if (text[at] == '(') {
      ++depth;
      if (open != text.npos || text.substr(at, 3) == "(?:") continue;
      open = at;
      group_depth = depth;
    } else if (text[at] == ')') {
      if (open != text.npos && depth == group_depth) return {open, at};
      --depth;
    }
  }
  throw std::runtime_error("no group");
}

// A start within the whole text keeps its context: \b sees the bytes around. The end of an escape such as \n is no
// word where a match begins.
std::string seen_from(std::string_view content, std::size_t start) {
  std::string seen(content);
  if (start >= 2 && content[start - 2] == '\\' &&
      std::string_view("nrtbf").find(content[start - 1]) != std::string_view::npos)
    seen[start - 1] = ' ';
  return seen;
}

bool is_all(const re2::RE2& expression, std::string_view seen, std::size_t begin, std::size_t end) {
  return expression.Match(seen, begin, end, re2::RE2::ANCHOR_BOTH, nullptr, 0);
}

}  // namespace

Oracle::Oracle(const std::vector<TestRule>& rules) {
  for (const TestRule& spec : rules) {
    Rule rule;
    rule.spec = spec;
    rule.expression = pattern_of(spec.expression, spec.caseless);
    for (const std::string& allowed : spec.conditions.allow.match)
      rule.allowed.push_back(pattern_of(allowed, spec.caseless));
    if (spec.conditions.group != 0) {
      const std::string_view text = spec.expression;
      const auto [open, close] = find_group(text);
      rule.before = pattern_of(text.substr(0, open), spec.caseless);
      rule.group = pattern_of(text.substr(open, close + 1 - open), spec.caseless);
      rule.after = pattern_of(text.substr(close + 1), spec.caseless);
      rule.rest = pattern_of(text.substr(open), spec.caseless);
    }
    rules_.push_back(std::move(rule));
  }
}

bool Oracle::accepts(const Rule& rule, std::string_view content, std::size_t start, const Found& found) {
  const std::string_view text = content.substr(found.begin, found.end - found.begin);
  const rules::ConditionSpec& conditions = rule.spec.conditions;
  if (!oracle_validates(rule.spec.validator, text)) return false;
  if (oracle_entropy(text) < conditions.min_entropy_millibits / 1000.0 - 1e-6) return false;
  return conditions.context.words.empty() || oracle_near(conditions.context, content, start, found.match_end);
}

bool Oracle::allows(const Rule& rule, std::string_view content, const Found& found) {
  const std::string seen = seen_from(content, found.begin);
  const auto is_it = [&](const Pattern& allowed) { return is_all(*allowed, seen, found.begin, found.end); };
  return oracle_allows(rule.spec.conditions.allow, content.substr(found.begin, found.end - found.begin)) ||
         std::ranges::any_of(rule.allowed, is_it);
}

std::optional<Oracle::Found> Oracle::at(const Rule& rule, std::string_view content, std::size_t start) {
  const std::string seen = seen_from(content, start);
  const std::size_t length = content.size();
  if (!rule.expression->Match(seen, start, length, re2::RE2::ANCHOR_START, nullptr, 0)) return std::nullopt;
  std::vector<std::size_t> ends;  // the longest first
  for (std::size_t end = length; end > start; --end)
    if (is_all(*rule.expression, seen, start, end)) ends.push_back(end);
  if (ends.empty()) return std::nullopt;
  if (!rule.group) {
    for (const std::size_t end : ends)
      if (const Found found{start, end, end}; accepts(rule, content, start, found)) return found;
    return std::nullopt;
  }
  // As early as it can begin in the longest match; from there as long as it is accepted and the match can go on.
  std::size_t begin = start;
  while (!is_all(*rule.before, seen, start, begin) || !is_all(*rule.rest, seen, begin, ends.front()))
    if (++begin > length) throw std::runtime_error("a match without its group");
  for (std::size_t end = ends.front(); end > begin; --end) {
    if (!is_all(*rule.group, seen, begin, end)) continue;
    for (const std::size_t match_end : ends) {
      if (match_end < end || !is_all(*rule.after, seen, end, match_end)) continue;
      if (const Found found{begin, end, match_end}; accepts(rule, content, start, found)) return found;
      break;
    }
  }
  return std::nullopt;
}

std::vector<Match> Oracle::matches(std::string_view content) const {
  std::vector<Match> matches;
  for (std::size_t r = 0; r < rules_.size(); ++r) {
    for (std::size_t start = 0; start < content.size();) {
      const auto found = at(rules_[r], content, start);
      if (found && !allows(rules_[r], content, *found))
        matches.push_back({static_cast<RuleIndex>(100 + r), found->begin, found->end});
      start = found ? found->match_end : start + 1;
    }
  }
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
    return std::tie(a.begin, a.end, a.rule) < std::tie(b.begin, b.end, b.rule);
  });
  return matches;
}

}  // namespace sluice::inspect
