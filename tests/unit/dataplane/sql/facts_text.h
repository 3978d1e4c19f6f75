// Facts as one line of text a statement: "kind object flags | reads a, s.b | writes c | ...".
#pragma once

#include <string>

#include "dataplane/sql/facts.h"

namespace sluice::sql::test {

inline std::string text_of(const Facts& facts) {
  if (facts.mistake() != nullptr) return "mistake: " + facts.mistake()->text;
  std::string text;
  for (std::size_t i = 0; i < facts.statements().size(); ++i) {
    const Statement& statement = facts.statements()[i];
    if (i > 0) text += "\n";
    text += std::string(statement.depth, '>') + std::string(word_of(statement.kind));
    if (statement.object != Object::none) text += " " + std::string(word_of(statement.object));
    if (statement.copy == CopyEnd::client) text += " client";
    if (statement.copy == CopyEnd::file) text += " file";
    if (statement.copy == CopyEnd::program) text += " program";
    if (statement.without_where) text += " without_where";
    if (statement.limit) text += " limit";
    if (statement.locks_rows) text += " locks_rows";
    if (statement.opaque) text += " opaque";
    if (statement.only_explained) text += " only_explained";
    constexpr std::string_view kRoles[] = {" | reads ", " | writes ", " | columns ", " | functions ", " | objects "};
    for (std::size_t role = 0; role < std::size(kRoles); ++role) {
      std::string names;
      for (const Use& use : facts.uses()) {
        if (use.statement != i || use.role != static_cast<Role>(role)) continue;
        if (!names.empty()) names += ", ";
        if (!facts.qualifier(use).empty()) names += std::string(facts.qualifier(use)) + ".";
        names += facts.name(use);
      }
      if (!names.empty()) text.append(kRoles[role]).append(names);
    }
  }
  if (facts.incomplete()) text += " INCOMPLETE";
  return text;
}

}  // namespace sluice::sql::test
