// The beginnings and ends of a text and of its lines, on content that streams by.
#pragma once

#include <optional>

#include "rules/import/note.h"
#include "rules/import/regex.h"

namespace sluice::rules::import {

// Only `end` is left, and stands last. Nothing when no alternative is left.
std::optional<Regex> resolve_ends(const Regex& regex, Notes& notes);

}  // namespace sluice::rules::import
