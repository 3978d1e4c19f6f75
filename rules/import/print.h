// A tree in the words of our language of expressions.
#pragma once

#include <string>

#include "rules/import/regex.h"

namespace sluice::rules::import {

// Whether it is said shorter with `ignore_case`: no part of it tells the cases of a letter apart, and as it was written
// some part would.
bool wants_ignore_case(const Regex& regex);

// It must be bounded. As it was written where our language reads that alike.
std::string print(const Regex& regex, bool caseless);

}  // namespace sluice::rules::import
