// Bounds: how often something repeats that repeats without one, so that matches are no wider and tables no larger than
// rules/bounds.h and rules/automaton.h allow.
#pragma once

#include <expected>
#include <string>

#include "rules/import/note.h"
#include "rules/import/translate.h"

namespace sluice::rules::import {

std::expected<Expressed, std::string> fit(const Regex& regex, Notes& notes);

}  // namespace sluice::rules::import
