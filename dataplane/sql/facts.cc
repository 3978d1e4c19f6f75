// See facts.h.
#include "dataplane/sql/facts.h"

#include <algorithm>
#include <utility>

namespace sluice::sql {
std::uint8_t FactsBuilder::add(const Statement& statement) {
  if (facts_.statements_.size() >= std::min<std::size_t>(bounds_.statements, 256)) {
    mark_incomplete();
  } else {
    facts_.statements_.push_back(statement);
    if (statement.depth == 0) ++facts_.top_level_;
  }
  return static_cast<std::uint8_t>(facts_.statements_.size() - 1);
}

void FactsBuilder::use(std::uint8_t statement, Role role, std::string_view qualifier, std::string_view name) {
  if (facts_.uses_.size() >= bounds_.uses) return mark_incomplete();
  for (const Use& known : facts_.uses_)
    if (known.statement == statement && known.role == role && facts_.name(known) == name &&
        facts_.qualifier(known) == qualifier)
      return;
  const std::size_t bytes = qualifier.size() + name.size();
  if (facts_.names_.size() + bytes > bounds_.name_bytes || bytes > 0xffff) return mark_incomplete();
  facts_.uses_.push_back({.role = role,
                          .statement = statement,
                          .qualifier_bytes = static_cast<std::uint16_t>(qualifier.size()),
                          .name_bytes = static_cast<std::uint16_t>(name.size()),
                          .at = static_cast<std::uint32_t>(facts_.names_.size())});
  facts_.names_.append(qualifier).append(name);
}

void FactsBuilder::refuse(std::uint32_t position, std::string_view text) {
  facts_ = {};
  facts_.refused_ = true;
  facts_.mistake_ = {position, std::string(text.substr(0, 256))};
}

Facts FactsBuilder::take() {
  facts_.statements_.shrink_to_fit();
  facts_.uses_.shrink_to_fit();
  facts_.names_.shrink_to_fit();
  return std::exchange(facts_, {});
}

}  // namespace sluice::sql
