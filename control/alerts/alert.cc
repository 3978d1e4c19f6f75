// See alert.h.
#include "control/alerts/alert.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::control {

std::string lost_text(std::uint64_t lost) {
  return fmt::format("{} events of alerts were not told, and will not be: see `sluice alerts list --all`", lost);
}

std::string alert_text(const Alert& alert) {
  std::string out = fmt::format("{}: {} of {}: ", alert.rule, alert.measure, describe(alert.key));
  if (alert.cleared == 0)
    out += fmt::format("{}, above {}", format_amount(alert.value, alert.unit), format_amount(alert.above, alert.unit));
  else if (alert.rule_is_gone)
    out += "watched no more";
  else
    out += fmt::format("{} again", format_amount(alert.cleared_value, alert.unit));
  std::ranges::replace_if(out, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return out;
}

}  // namespace sluice::control
