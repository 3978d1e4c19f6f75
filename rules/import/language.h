// Questions on what regular expressions match. They are answered on automata in which every repetition is at least as
// free as it was: so what is ruled out here is ruled out, and the rest is taken for possible.
#pragma once

#include <span>
#include <string>

#include "rules/import/regex.h"

namespace sluice::rules::import {

// Every match holds one of the words, in either case.
bool always_holds(const Regex& regex, std::span<const std::string> words);

// One and the same text may be matched by both as a whole. Looks at neighbours and ends are taken to be true.
bool may_meet(const Regex& a, const Regex& b);

}  // namespace sluice::rules::import
