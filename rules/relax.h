// What Hyperscan is given to look for. Its ends are only anchors: the automaton decides what matches. So a pattern may
// leave out what is costly and says little.
#pragma once

#include <string>
#include <string_view>

namespace sluice::rules {

// The expression without \b, \B and $, and with its first item no more often than it must be there: \b[a-z]{1,64}@\b
// becomes [a-z]{1}@. Where a match of the expression ends, one of this ends too: its last part. What parse_expression()
// refuses is given back as it is.
std::string relaxed(std::string_view expression);

}  // namespace sluice::rules
