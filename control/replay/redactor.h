// Takes what the policy's rules name out of text that did not come through the data plane, such as a
// replayed response: what is shown of it must hold no secret. Blunter than a mask, on purpose: everything
// that any expression could match goes, validators and keep_last are not asked.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "rules/automaton.h"
#include "rules/rule.h"

namespace sluice::control {

class Redactor {
 public:
  // Without rules nothing is taken out.
  static Result<Redactor> make(std::span<const rules::Rule> wanted);

  // The same text, letters and digits of every possible match overwritten with '*'. A match that the end of `text`
  // cuts is not seen: see max_width().
  [[nodiscard]] std::string redact(std::string_view text) const;
  [[nodiscard]] std::size_t max_width() const { return max_width_; }

  // A rule hides the column of a result. Tables and types of one's own have other numbers at another server, so a rule
  // that asks for them hides whatever is else as it asks.
  [[nodiscard]] bool hides_column(std::string_view name, std::uint32_t type, int attribute) const;

 private:
  std::vector<rules::Automaton> automata_;
  std::vector<rules::ColumnPattern> columns_;
  std::size_t max_width_ = 0;
};

}  // namespace sluice::control
