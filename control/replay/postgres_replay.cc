// See postgres_replay.h.
#include "control/replay/postgres_replay.h"

#include <libpq-fe.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/file.h"
#include "control/replay/startup_settings.h"
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

// What runs at the other server, from its beginning.
class Beginning {
 public:
  Beginning(const PostgresReplayOptions& options, const rules::Policy& policy, const Redactor& redactor,
            const std::atomic<bool>& stopping)
      : options_(options), policy_(policy), redactor_(redactor), stopping_(stopping) {}

  Result<PostgresPeer> connect(const Target& address);
  // With the settings of the session. Gives what is to be told of them: why they are not set, or which the server
  // refuses.
  Result<std::optional<ReplayedUnit>> begin_as(const SessionRecords& records, PostgresPeer& peer);

 private:
  using StartupSettings = std::vector<StartupSetting>;
  [[nodiscard]] Result<StartupSettings> settings_of(const SessionRecords& records, const Unit& unit) const;
  Result<StartupSettings> try_out(PostgresPeer& peer, const StartupSettings& settings, ReplayedUnit& out) const;
  [[nodiscard]] PostgresPeer::Settings with(const StartupSettings& settings) const;

  const PostgresReplayOptions& options_;
  const rules::Policy& policy_;
  const Redactor& redactor_;
  const std::atomic<bool>& stopping_;
  PostgresPeer::Settings settings_;
};

Result<PostgresPeer> Beginning::connect(const Target& address) {
  // libpq says nothing of a file that others may read; it passes over it.
  if (!options_.passfile.empty())
    if (auto read = read_secret_file(options_.passfile, kMaxPassfileBytes); !read) return std::unexpected(read.error());
  settings_.address = address;
  settings_.target = options_.target;
  if (settings_.target.database.empty()) settings_.target.database = settings_.target.user;
  settings_.passfile = options_.passfile;
  settings_.timeout_seconds = options_.timeout_seconds;
  auto peer = PostgresPeer::connect(settings_, stopping_);
  if (!peer) return fail(peer.error().code, options_.to + ": " + redactor_.redact(peer.error().detail));
  return peer;
}

Result<std::vector<StartupSetting>> Beginning::settings_of(const SessionRecords& records, const Unit& unit) const {
  if (const std::string why_not = why_not_run(unit); !why_not.empty()) return fail(ErrorCode::bad_argument, why_not);
  const auto body = recorded_body(records, unit, Direction::request);
  if (!body) return std::unexpected(body.error());
  if (is_masked_for_record(unit.request, *body, policy_.rules, options_.policy_version))
    return fail(ErrorCode::bad_argument, "the record masks parts of its settings, so none of them is set");
  return startup_settings(parse_postgres_head(unit.request.head), *body);
}

// Those that the server takes.
Result<std::vector<StartupSetting>> Beginning::try_out(PostgresPeer& peer, const StartupSettings& settings,
                                                       ReplayedUnit& out) const {
  constexpr std::size_t kMostShownBytes = 160;
  StartupSettings taken;
  for (const StartupSetting& one : settings) {
    if (auto sent = peer.set(one.name, one.value); !sent) return std::unexpected(sent.error());
    const auto result = peer.next();
    if (!result) return std::unexpected(result.error());
    const char* const sqlstate = PQresultErrorField(result->get(), PG_DIAG_SQLSTATE);
    if (PQresultStatus(result->get()) == PGRES_SINGLE_TUPLE) {
      taken.push_back(one);
      continue;
    }
    if (sqlstate == nullptr) return fail(ErrorCode::io_failed, PQresultErrorMessage(result->get()));
    const char* const message = PQresultErrorField(result->get(), PG_DIAG_MESSAGE_PRIMARY);
    const std::string told = redactor_.redact(std::string(sqlstate) + " " + (message == nullptr ? "" : message));
    ++out.values.differing;
    out.values.differences.push_back({"setting " + one.name, one.value.substr(0, kMostShownBytes), told});
  }
  return taken;
}

// What the URL says comes last, so it counts.
PostgresPeer::Settings Beginning::with(const StartupSettings& settings) const {
  PostgresPeer::Settings out = settings_;
  StartupSettings others;
  for (const StartupSetting& one : settings) {
    if (one.name == "client_encoding")
      out.session.client_encoding = one.value;
    else if (one.name == "application_name")
      out.session.application_name = one.value;
    else
      others.push_back(one);
  }
  out.session.options = startup_options(others);
  return out;
}

// A server that refuses a setting at the beginning refuses the client, and says in its own words which it was. So they
// are tried one by one first.
Result<std::optional<ReplayedUnit>> Beginning::begin_as(const SessionRecords& records, PostgresPeer& peer) {
  const Exchanges first = read_exchanges(records, {.first = 0, .limit = 1}, records.begin());
  if (!first.problem.empty()) return fail(ErrorCode::archive_io, first.problem);
  if (first.units.empty() || !first.units[0].request.head.starts_with("STARTUP")) return std::nullopt;
  const Unit& unit = first.units[0];
  if (!is_passed_over(unit, parse_postgres_head(unit.request.head))) return std::nullopt;
  ReplayedUnit out;
  out.unit = unit.number;
  out.request_line = unit.request.head.substr(0, unit.request.head.find('\n'));
  const auto settings = settings_of(records, unit);
  if (!settings) {
    out.outcome = ReplayOutcome::skipped;
    out.reason = settings.error().detail;
    return out;
  }
  const auto taken = try_out(peer, *settings, out);
  if (!taken) return fail(taken.error().code, options_.to + ": " + redactor_.redact(taken.error().detail));
  // Where the server takes no second connection, they are set all the same; only RESET goes back to others.
  if (!taken->empty())
    if (auto again = PostgresPeer::connect(with(*taken), stopping_)) peer = std::move(*again);
  if (out.values.differing == 0) return std::nullopt;
  out.outcome = ReplayOutcome::different;
  return out;
}

}  // namespace

Result<ReplayReport> replay_postgres_session(const SessionRecords& records, const PostgresReplayOptions& options,
                                             const rules::Policy& policy, const Redactor& redactor,
                                             const std::atomic<bool>& stopping) {
  const auto address = replay_target(options.target.host_and_port, options.is_forced, policy.services);
  if (!address) return std::unexpected(address.error());
  Beginning beginning(options, policy, redactor, stopping);
  auto peer = beginning.connect(*address);
  if (!peer) return std::unexpected(peer.error());
  auto told = beginning.begin_as(records, *peer);
  if (!told) return std::unexpected(told.error());
  ReplayReport report;
  report.to = options.to;
  report.has_values = true;
  if (*told) count(report, std::move(**told));
  StatementReplay replay(records, std::move(*peer),
                         {policy.rules, redactor, options.timeout_seconds, options.policy_version},
                         [&](ReplayedUnit unit) { count(report, std::move(unit)); });
  const auto replayed_all = for_each_unit(records, stopping, [&](const Unit& unit) { replay.replay(unit); });
  if (!replayed_all) return std::unexpected(replayed_all.error());
  replay.finish();
  return report;
}

}  // namespace sluice::control
