// `sluice alerts`: what Sluice itself found, and whether a file of alerts is right.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "control/cli/client.h"
#include "control/cli/tell.h"

namespace sluice::cli {

std::string alerts_text(const Json& list);
std::string alert_text(const Json& alert);
std::string alerts_checked_text(const Json& answer);

// `shared` and `exit` outlive the app.
void add_alerts(CLI::App& app, const Shared& shared, Exit& exit);

}  // namespace sluice::cli
