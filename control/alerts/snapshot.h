// The data plane's counts as alerts look at them: for each subject that a rule may ask about, one row.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/time.h"
#include "common/waits.h"
#include "control/alerts/rule.h"
#include "control/approvals/hold.h"
#include "control/channel/counters.h"

namespace sluice::control {

// Whose numbers: `name` is a principal's, a limit's, or an event's; empty for a service and for the appliance as a
// whole. `source` is where a principal calls from that gave itself the name (common/source.h): another's is not its.
struct AlertKey {
  AlertPer per = AlertPer::service;
  std::string service = {};
  std::string name = {};
  std::uint64_t source = 0;

  auto operator<=>(const AlertKey&) const = default;
};
// "ci-chunker at orders", "alice from 10.0.0.9 at orders", "orders", "limit orders/rate", "the appliance"
std::string describe(const AlertKey& key);

enum class Count : std::uint8_t {
  requests,
  responses,
  errors,
  denied,
  bytes_in,
  bytes_out,
  refused,
  record_stalls,
  record_gaps,
  events
};
inline constexpr std::size_t kCounts = 10;

struct CountRow {
  AlertKey key = {};
  std::array<std::uint64_t, kCounts> counts{};      // since the data plane began
  std::array<std::uint64_t, kWaitBuckets> waits{};  // answers by how long they took
  std::uint64_t held = 0;                           // now
  std::uint64_t archive_failed = 0;                 // now: 0 or 1

  [[nodiscard]] std::uint64_t& operator[](Count count) { return counts[static_cast<std::size_t>(count)]; }
  [[nodiscard]] std::uint64_t operator[](Count count) const { return counts[static_cast<std::size_t>(count)]; }
};

struct AlertSnapshot {
  WallNs epoch = 0;  // when the data plane began: counts of another are not to be compared
  WallNs wall_ns = 0;
  std::vector<CountRow> rows = {};
};

// `pers`: bit n, whether rows of AlertPer n are needed.
AlertSnapshot snapshot_of(const Counters& counters, WallNs epoch, std::span<const HeldCount> held, unsigned pers);

}  // namespace sluice::control
