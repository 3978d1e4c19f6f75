// Control's answers as text for people.
#pragma once

#include <string>

#include "control/cli/client.h"

namespace sluice::cli {

std::string error_text(const Json& error);
std::string status_text(const Json& status);
std::string policy_text(const Json& policy);
std::string sessions_text(const Json& list);
std::string session_text(const Json& session);
std::string replay_text(const Json& report);
std::string flows_text(const Json& list);

}  // namespace sluice::cli
