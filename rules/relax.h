// What Hyperscan is given to look for. Its ends are only anchors: the automaton decides what matches. So a pattern may
// leave out what is costly and says little.
#pragma once

#include <string>
#include <string_view>

namespace sluice::rules {

// The expression with its first item no more often than it must be there, and then without \b and \B before it:
// \b[a-z]{1,64}@ becomes [a-z]{1}@. Where a match of the expression ends, one of this ends too: its last part. A \b
// before anything else stays: measured, it pays (docs/decisions/0001-scanner.md). What parse_expression() refuses is
// given back as it is.
std::string relaxed(std::string_view expression);

}  // namespace sluice::rules
