// See sql_builder.h.
#include "dataplane/enforce/sql_builder.h"

#include <fmt/format.h>

#include "rules/bounds.h"

namespace sluice::enforce {
namespace {

namespace fbs = schema::policy;
using Texts = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>;

bool read_kinds(const Texts* texts, std::vector<sql::Kind>& kinds) {
  if (texts == nullptr) return true;
  if (texts->size() > sql::kind_words().size()) return false;
  for (const auto* text : *texts) {
    const auto kind = sql::kind_of(text->string_view());
    if (!kind) return false;
    kinds.push_back(*kind);
  }
  return true;
}

bool read_names(const Texts* texts, std::vector<rules::SqlName>& names) {
  if (texts == nullptr) return true;
  if (texts->size() > rules::kMaxSqlNames) return false;
  for (const auto* text : *texts) {
    names.push_back(rules::sql_name_of(text->string_view()));
    if (text->size() > rules::kMaxSqlNameBytes || names.back().name.empty()) return false;
  }
  return true;
}

}  // namespace

Result<std::optional<rules::SqlCondition>> build_sql(const fbs::Sql* source, std::string_view rule) {
  if (source == nullptr) return std::nullopt;
  rules::SqlCondition condition;
  const bool is_sound = read_kinds(source->kinds(), condition.kinds) &&
                        read_names(source->tables(), condition.tables) &&
                        read_names(source->columns(), condition.columns) &&
                        read_names(source->functions(), condition.functions) && source->copy() <= fbs::SqlCopyEnd::MAX;
  if (is_sound && source->copy() != fbs::SqlCopyEnd::none) condition.copy = static_cast<sql::CopyEnd>(source->copy());
  condition.where_absent = source->where_absent();
  condition.opaque = source->opaque();
  condition.several = source->several();
  if (!is_sound || condition == rules::SqlCondition{})
    return fail(ErrorCode::bundle_malformed, fmt::format("rule {} asks of SQL what is not known", rule));
  return condition;
}

}  // namespace sluice::enforce
