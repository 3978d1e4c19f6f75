// PostgreSQL's own grammar (libpg-query), asked what a text says. For threads that may take their time: it allocates,
// keeps state of its own for each thread, and its stack grows with the nesting of the text (kGrammarStackBytes is
// enough for a skeleton of any content).
#pragma once

#include <string>

#include "dataplane/sql/facts.h"

namespace sluice::sql {

inline constexpr std::size_t kGrammarStackBytes = 64U << 20;

// A text that the grammar does not take has a mistake for its facts.
Facts read_facts(const std::string& text, const FactsBounds& bounds = {});

}  // namespace sluice::sql
