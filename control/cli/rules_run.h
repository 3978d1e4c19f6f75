// `sluice rules test|explain|cost`: runs sluice-rules, the program that has a scanner (docs/decisions/0011), and brings
// it what control has recorded.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/tell.h"

namespace sluice::cli {

// `shared` and `exit` outlive the group, which is that of `rules`.
void add_rules_run(CLI::App& rules, const Shared& shared, Exit& exit);

}  // namespace sluice::cli
