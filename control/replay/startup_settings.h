// The settings with which a recorded session began (its unit STARTUP), for the server that it is replayed to: what a
// client asks for there decides how values are read and written. Who calls, and how they prove it, is none of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/replay/postgres_unit.h"

namespace sluice::control {

struct StartupSetting {
  std::string name;
  std::string value;
};

// `body` is that of the unit; of "options" those that are settings. bad_argument where the record has not all.
Result<std::vector<StartupSetting>> startup_settings(const PostgresHead& head, std::string_view body);

// As a client writes them who begins with them: then they are what RESET and DISCARD ALL go back to.
std::string startup_options(const std::vector<StartupSetting>& settings);

}  // namespace sluice::control
