// sluice rules import: another scanner's rule file as a pack. It needs no control process.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/tell.h"

namespace sluice::cli {

// Adds `import` to the group of commands `rules`.
void add_rules_import(CLI::App& rules, const Shared& shared, Exit& exit);

}  // namespace sluice::cli
