// Allow-lists: what of gitleaks' can be said of one secret is said so, as a whole match of it.
#pragma once

#include <vector>

#include "rules/import/note.h"
#include "rules/import/rule.h"
#include "rules/import/source.h"
#include "rules/import/translate.h"

namespace sluice::rules::import {

// Adds to `rule` what allows its secrets. `secret` is what they can be.
void add_allow(const SourceAllow& allow, const Regex& secret, bool whole_match, NewRule& rule, Notes& notes);

}  // namespace sluice::rules::import
