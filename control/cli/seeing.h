// The commands that look into a running data plane: flows, trace.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/tell.h"

namespace sluice::cli {

// `shared` and `exit` outlive the app.
void add_seeing(CLI::App& app, const Shared& shared, Exit& exit);

}  // namespace sluice::cli
