// How rules, anchors and text from outside are shown to people.
#pragma once

#include <string>
#include <string_view>

#include "rules/anchor_report.h"
#include "rules/rule.h"

namespace sluice::workbench {

// "mask: responses, record", "deny", "observe"
std::string verdict_of(const rules::Rule& rule);
// "request head, request body"
std::string places_of(const rules::Rule& rule);
// "shape", "literal", or "none"
std::string_view kind_of(const rules::AnchorReport& anchor);
// In one line, and unable to steer a terminal; what is longer than `most` bytes loses its middle.
std::string shown(std::string_view text, std::size_t most);

}  // namespace sluice::workbench
