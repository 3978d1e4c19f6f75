// What control remembers of alerts: one SQLite file. An alert that is active stays so over a restart, and how far each
// sink was told is kept, and how much of what it was to be told is not there any more. A transaction is on disk when it
// is committed. One owner, who locks around it.
//
// Bounds: of alerts that are over the newest kMaxEndedAlerts; events of those that are kept.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "control/alerts/alert.h"
#include "control/store/sqlite.h"

namespace sluice::control {

inline constexpr std::uint64_t kMaxEndedAlerts = 10'000;

struct AlertQuery {
  bool is_active = false;  // only those
  std::string service = {}, principal = {};
  WallNs since = 0;  // active then or later
  std::uint64_t limit = 100;
};

class AlertStore {
 public:
  static Result<std::unique_ptr<AlertStore>> open(const std::string& path);

  // Both with their event.
  Result<AlertId> raise(const Alert& alert);
  Result<void> clear(AlertId alert, WallNs cleared, double value, bool rule_is_gone);
  // What became of its pause.
  Result<void> set_action(AlertId alert, OrderId order, const std::string& action);

  Result<std::optional<Alert>> alert(AlertId id);
  Result<std::vector<Alert>> alerts(const AlertQuery& query);  // the newest first

  Result<std::vector<AlertEvent>> events_after(std::uint64_t sequence, std::uint64_t limit);
  // How far a sink was told; a new one begins with what comes.
  Result<std::uint64_t> sink_cursor(std::string_view name);
  Result<void> set_sink_cursor(std::string_view name, std::uint64_t sequence);
  // What a sink was to be told and is not: it was down for too long. The sink is told how many.
  struct Lost {
    std::uint64_t count = 0;
    std::uint64_t sequence = 0;  // of the last
  };
  Result<Lost> lost(std::string_view name);
  Result<void> add_lost(std::string_view name, std::uint64_t sequence);
  Result<void> take_lost(std::string_view name, std::uint64_t count);  // it knows of so many
  // One that comes back later is new.
  Result<void> forget_other_sinks(const std::vector<std::string>& names);

 private:
  explicit AlertStore(Database database) : database_(std::move(database)) {}
  Result<void> note(AlertId alert, bool is_raised);
  Result<void> prune();
  static Result<std::vector<Alert>> read(Statement& select);

  Database database_;
};

}  // namespace sluice::control
