// The commands of those who decide: holds, grants, pause, resume.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/tell.h"

namespace sluice::cli {

// `shared` and `exit` outlive the app.
void add_holds(CLI::App& app, const Shared& shared, Exit& exit);
void add_orders(CLI::App& app, const Shared& shared, Exit& exit);

}  // namespace sluice::cli
