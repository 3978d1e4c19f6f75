// See postgres_replay.h.
#include "control/replay/postgres_replay.h"

#include <libpq-fe.h>

#include <algorithm>
#include <utility>

#include "common/file.h"
#include "control/replay/statement_replay.h"

namespace sluice::control {
namespace {

constexpr std::size_t kMaxPassfileBytes = 64 * 1024;

void count(ReplayReport& report, ReplayedUnit unit) {
  report.count(unit.outcome);
  report.values.add(unit.values);
  const bool is_worth_more = unit.outcome != ReplayOutcome::same;  // of thousands of units, few differ
  if (report.units.size() < (is_worth_more ? kMaxReportedUnits : kMaxReportedUnits / 2))
    report.units.push_back(std::move(unit));
}

Result<PostgresPeer> connect(const PostgresReplayOptions& options, const Target& address, const Redactor& redactor,
                             const std::atomic<bool>& stopping) {
  // libpq says nothing of a file that others may read; it passes over it.
  if (!options.passfile.empty())
    if (auto read = read_secret_file(options.passfile, kMaxPassfileBytes); !read) return std::unexpected(read.error());
  PostgresTarget target = options.target;
  if (target.database.empty()) target.database = target.user;
  auto peer = PostgresPeer::connect({.address = address,
                                     .target = std::move(target),
                                     .passfile = options.passfile,
                                     .timeout_seconds = options.timeout_seconds},
                                    stopping);
  if (!peer) return fail(peer.error().code, options.to + ": " + redactor.redact(peer.error().detail));
  return peer;
}

}  // namespace

Result<ReplayReport> replay_postgres_session(const SessionRecords& records, const PostgresReplayOptions& options,
                                             const rules::Policy& policy, const Redactor& redactor,
                                             const std::atomic<bool>& stopping) {
  const auto address = replay_target(options.target.host_and_port, options.is_forced, policy.services);
  if (!address) return std::unexpected(address.error());
  auto peer = connect(options, *address, redactor, stopping);
  if (!peer) return std::unexpected(peer.error());
  ReplayReport report;
  report.to = options.to;
  report.has_values = true;
  StatementReplay replay(records, std::move(*peer),
                         {policy.rules, redactor, options.timeout_seconds, options.policy_version},
                         [&](ReplayedUnit unit) { count(report, std::move(unit)); });
  const auto replayed_all = for_each_unit(records, stopping, [&](const Unit& unit) { replay.replay(unit); });
  if (!replayed_all) return std::unexpected(replayed_all.error());
  replay.finish();
  return report;
}

}  // namespace sluice::control
