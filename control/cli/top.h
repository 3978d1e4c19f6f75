// `sluice top`: who does how much now, line by line, until it is ended.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/tell.h"

namespace sluice::cli {

// `shared` and `exit` outlive the app.
void add_top(CLI::App& app, const Shared& shared, Exit& exit);

}  // namespace sluice::cli
