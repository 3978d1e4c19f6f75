// See sql_text.h.
#include "rules/sql_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::rules {
namespace {

std::string list_of(std::string_view what, const std::vector<SqlName>& names) {
  std::vector<std::string> texts;
  for (const SqlName& name : names) texts.push_back(text_of(name));
  return texts.empty() ? "" : fmt::format("{} {}", what, fmt::join(texts, " or "));
}

std::string_view text_of(sql::CopyEnd end) {
  switch (end) {
    case sql::CopyEnd::client:
      return "copied from or to its client";
    case sql::CopyEnd::file:
      return "copied from or to a file of the server";
    case sql::CopyEnd::program:
      return "copied from or to a program";
    case sql::CopyEnd::none:
      break;
  }
  return "";
}

}  // namespace

std::string text_of(const SqlCondition& condition) {
  std::vector<std::string_view> kinds;
  for (const sql::Kind kind : condition.kinds) kinds.push_back(sql::word_of(kind));
  std::string out = kinds.empty() ? "any kind" : fmt::format("{}", fmt::join(kinds, " or "));
  if (condition.where_absent) out += " without WHERE";
  const auto add = [&](std::string_view text) {
    if (!text.empty()) out.append(", ").append(text);
  };
  if (condition.copy) add(text_of(*condition.copy));
  add(list_of("tables", condition.tables));
  add(list_of("columns", condition.columns));
  add(list_of("functions", condition.functions));
  if (condition.opaque) add("with code that is not read");
  if (condition.several) add("one of several");
  return out;
}

}  // namespace sluice::rules
