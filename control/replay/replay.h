// Sends the recorded, masked requests of a session, in order, to a server, and compares its answers with the
// recorded ones. Bodies of any size go through in pieces.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "control/archive/exchange.h"
#include "control/archive/session_records.h"
#include "control/replay/answer_comparison.h"
#include "control/replay/compare.h"
#include "control/replay/http_peer.h"
#include "control/replay/redactor.h"
#include "rules/policy.h"

namespace sluice::control {

struct ReplayOptions {
  std::string to;          // HOST:PORT
  bool is_forced = false;  // also to a protected service's own address
  int timeout_seconds = 30;
};

enum class ReplayOutcome { same, different, skipped, failed };
std::string_view replay_outcome_name(ReplayOutcome outcome);

struct ReplayedUnit {
  std::uint32_t unit = 0;
  std::string request_line;
  ReplayOutcome outcome = ReplayOutcome::same;
  std::string reason;  // skipped, failed: why
  int recorded_status = 0;
  int replayed_status = 0;
  std::vector<HeaderDifference> headers;
  BodyDifference body;
  ValuesCompared values;  // PostgreSQL
};

struct ReplayReport {
  std::string to;
  std::uint64_t same = 0, different = 0, skipped = 0, failed = 0;
  bool has_values = false;  // PostgreSQL; then those of all units
  ValuesCompared values;
  // The first kMaxReportedUnits, of PostgreSQL half as many where they are the same; the counts are of all.
  std::vector<ReplayedUnit> units;

  void count(ReplayOutcome outcome) {
    std::uint64_t* const counts[] = {&same, &different, &skipped, &failed};
    ++*counts[static_cast<std::size_t>(outcome)];
  }
};
inline constexpr std::size_t kMaxReportedUnits = 1000;

// The units of a session in their order, a hundred in memory at a time and of each body 64 KiB. Ends with conflict when
// control stops, and with archive_io where the record cannot be read.
Result<void> for_each_unit(const SessionRecords& records, const std::atomic<bool>& stopping,
                           const std::function<void(const Unit&)>& replay);

// The first address of "HOST:PORT"; conflict for one of `services` unless forced.
Result<Target> replay_target(const std::string& to, bool is_forced, const std::vector<rules::Service>& services);

// `protected_services` and `rules` are those of the current policy. conflict when `to` is a service's own
// address and not forced; bad_argument when it is no address; io_failed when nobody answers there.
Result<ReplayReport> replay_session(const SessionRecords& records, const ReplayOptions& options,
                                    const std::vector<rules::Service>& protected_services, const Redactor& redactor,
                                    const std::atomic<bool>& stopping);

}  // namespace sluice::control
