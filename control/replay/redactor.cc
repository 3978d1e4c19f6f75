// See redactor.h.
#include "control/replay/redactor.h"

#include <algorithm>
#include <utility>

#include "common/bytes.h"
#include "rules/expression.h"

namespace sluice::control {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
}

// The longest match from every start, those that overlap an earlier one too.
void cover_matches(const rules::Automaton& automaton, Bytes text, std::string& out) {
  std::vector<std::uint32_t> ends;
  for (std::size_t start = 0; (start = automaton.find_start(text, start, text.size())) < text.size(); ++start) {
    if (!automaton.ends_from(text, start, true, ends) || ends.empty()) continue;
    for (std::size_t at = start; at < ends.back(); ++at)
      if (is_letter_or_digit(out[at])) out[at] = '*';
  }
}

}  // namespace

Result<Redactor> Redactor::make(std::span<const rules::Rule> wanted) {
  Redactor redactor;
  for (const rules::Rule& rule : wanted) {
    if (rule.sql) continue;  // it finds nothing to cover
    if (!rule.columns.empty()) {
      redactor.columns_.insert(redactor.columns_.end(), rule.columns.begin(), rule.columns.end());
      continue;
    }
    const auto expression = rules::parse_expression(rule.expression, rule.caseless);
    auto automaton = expression ? rules::Automaton::build(*expression) : std::nullopt;
    if (!automaton) return fail(ErrorCode::policy_invalid, "the expression of rule " + rule.name + " can not be used");
    redactor.max_width_ = std::max<std::size_t>(redactor.max_width_, automaton->max_width());
    redactor.automata_.push_back(*std::move(automaton));
  }
  return redactor;
}

bool Redactor::hides_column(std::string_view name, std::uint32_t type, int attribute) const {
  constexpr std::uint32_t kFirstOwnType = 16'384;
  return std::ranges::any_of(columns_, [&](const rules::ColumnPattern& one) {
    return (one.name.empty() || rules::matches_name(one.name, name)) &&
           (one.attribute == 0 || one.attribute == attribute) &&
           (one.type == 0 || one.type == type || one.type >= kFirstOwnType);
  });
}

std::string Redactor::redact(std::string_view text) const {
  std::string out(text);
  for (const rules::Automaton& automaton : automata_) cover_matches(automaton, as_bytes(text), out);
  return out;
}

}  // namespace sluice::control
