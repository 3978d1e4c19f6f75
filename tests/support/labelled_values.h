// Well-formed values of what the packs look for, made from a seed by what their issuers say of them and not by the
// rules, and the texts that carry them: JSON, a form, CSV, SQL, a log and a
// head of HTTP. Nothing here looks like a credential before it
// is made.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"

namespace sluice::test {

enum class TextKind : unsigned char { json, form, csv, sql, log, head };
inline constexpr TextKind kTextKinds[] = {TextKind::json, TextKind::form, TextKind::csv,
                                          TextKind::sql,  TextKind::log,  TextKind::head};

struct Labelled {
  std::string text;
  // Of the value, as the text has it.
  std::size_t begin = 0;
  std::size_t end = 0;
};

// The rules that there are values for, "pii/card".
std::vector<std::string> labelled_rules();
// How many ways there are to write a value of a rule.
std::size_t ways_of(std::string_view rule);
std::string value_of(std::string_view rule, std::size_t way, Random& random);
// A value of this rule occurs in such a text: a key of many lines in no head, and what only heads have only there.
bool occurs_in(std::string_view rule, TextKind kind);

// One message or line that carries the value, escaped as its kind has it.
Labelled carried(std::string_view value, TextKind kind, Random& random);

}  // namespace sluice::test
