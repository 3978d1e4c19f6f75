// Reads an alerts file: every problem with its place and what would be right. It looks at nothing but the text, so a
// check tells nothing of files that the text names.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "control/alerts/rule.h"
#include "rules/fields.h"

namespace sluice::control {

std::expected<AlertFile, rules::Problems> parse_alerts(std::string_view text, std::string_view file_name);

// The file as control takes it: only its owner may have written it, and that is root or control's own user, for it says
// what is run and who is paused. not_permitted otherwise; bad_argument with all problems.
Result<AlertFile> read_alerts(const std::string& path);

// --- parts of it
std::optional<SinkConfig> read_sink(const rules::YamlNode& node, rules::Report& report);
// "250ms", "30s", "5m", "6h", "3d"
std::optional<DurationNs> read_duration(const rules::YamlNode& node, DurationNs low, DurationNs high,
                                        rules::Report& report);
std::string format_duration(DurationNs duration);  // as it is read
// "200/s", "10MiB/s", "5%", "250ms", "3": what fits the unit.
std::optional<double> read_amount(const rules::YamlNode& node, AlertUnit unit, rules::Report& report);

}  // namespace sluice::control
