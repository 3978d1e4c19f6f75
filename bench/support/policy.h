// The policy that benchmarks run under, as the README has it: packs pii and secrets, masking and recording.
#pragma once

#include <string>

#include "common/bytes.h"
#include "dataplane/inspect/scanner.h"
#include "dataplane/session/policy.h"
#include "rules/platform.h"
#include "rules/policy.h"

namespace sluice::bench {

// Grows the scratch for it. Compiled once a process, or taken from the file that $SLUICE_BENCH_BUNDLE names (compiling
// takes minutes under valgrind). Throws what went wrong.
// With `limits` it has one of each principal's and one of the service's requests, and one of what is in flight.
session::PolicyRef bench_policy(inspect::Scratch& scratch, bool limits = false);
// Compiled, signed, and taken as the data plane takes it. Throws what went wrong.
session::PolicyRef policy_of(const rules::Policy& policy);
// What bench_policy() is compiled from.
rules::Policy parsed_bench_policy();
// Writes such a file, for a CPU of that kind (valgrind shows another one than the machine has).
void save_bench_bundle(const std::string& path, const rules::Platform& platform);

}  // namespace sluice::bench
