// Runs the recorded statements of a PostgreSQL session, in their order and with the recorded values, at another server,
// and compares its answers with the recorded ones, value by value.
#pragma once

#include <atomic>
#include <string>

#include "control/replay/postgres_target.h"
#include "control/replay/replay.h"
#include "rules/policy.h"

namespace sluice::control {

struct PostgresReplayOptions {
  PostgresTarget target;  // with a user
  std::string to;         // as people wrote it
  bool is_forced = false;
  std::string passfile;  // empty: no password
  int timeout_seconds = 30;
  std::uint64_t policy_version = 0;  // the current one
};

// `policy` is the current one, and `redactor` made of its rules. Errors as of replay_session().
Result<ReplayReport> replay_postgres_session(const SessionRecords& records, const PostgresReplayOptions& options,
                                             const rules::Policy& policy, const Redactor& redactor,
                                             const std::atomic<bool>& stopping);

}  // namespace sluice::control
