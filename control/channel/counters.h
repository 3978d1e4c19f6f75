// What the data plane counted and when, and how a report is put together from its parts.
#pragma once

#include <cstdint>
#include <optional>

#include "common/counts.h"
#include "common/time.h"

namespace sluice::schema::channel {
struct Counts;
struct Counters;
}  // namespace sluice::schema::channel

namespace sluice::control {

struct Counters : CounterReport {
  WallNs wall_ns = 0;
};

// A part of a report: rules, limits and callers of it.
struct CountsPart {
  std::uint64_t report = 0;
  Counters counters;
};

// Its end: all else, and how many parts came before.
struct CountersEnd {
  std::uint64_t report = 0;
  std::uint32_t parts = 0;
  Counters counters;
};

CountsPart decode(const schema::channel::Counts& counts);
CountersEnd decode(const schema::channel::Counters& counters);

// Puts reports together; one that lacks a part is forgotten.
class ReportBuilder {
 public:
  void take(CountsPart&& part);
  std::optional<Counters> finish(CountersEnd&& end);

 private:
  static constexpr std::uint32_t kMostParts = 256;

  std::uint64_t report_ = 0;
  std::uint32_t parts_ = 0;
  Counters lists_;
};

}  // namespace sluice::control
