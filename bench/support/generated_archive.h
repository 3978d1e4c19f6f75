// Archives for benchmarks: sessions from a seed, recorded by the real recorder and writer into a directory of their own
// on a real disk. They are on the disk, and sealed, when the constructor ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/support/scratch_directory.h"

namespace sluice::bench {

// What a gatekeeper's month is: short sessions of one exchange each, 30 days, services and principals in turn; and one
// principal that calls kRareSessions times in all.
struct MonthConfig {
  std::size_t sessions = 0;
  std::uint64_t seed = 0;
};
inline constexpr std::size_t kRareSessions = 10;
inline constexpr const char* kRarePrincipal = "yearly-audit";

// A few sessions with content as services answer it: JSON of 1 KiB, 8 KiB and 64 KiB.
struct ContentConfig {
  std::size_t sessions = 0;
  std::size_t exchanges = 0;  // of each
  std::uint64_t seed = 0;
};

class GeneratedArchive {
 public:
  // Throw what went wrong.
  explicit GeneratedArchive(const MonthConfig& config);
  explicit GeneratedArchive(const ContentConfig& config);

  [[nodiscard]] std::string root() const { return directory_.path() + "/archive"; }
  // For an index of it.
  [[nodiscard]] std::string file(const std::string& name) const { return directory_.path() + "/" + name; }
  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::uint64_t content_bytes() const { return content_bytes_; }  // heads and bodies
  [[nodiscard]] std::uint64_t disk_bytes() const;                               // that its segments take
  [[nodiscard]] double seconds() const { return seconds_; }                     // until all was on the disk

 private:
  template <class Fill>
  void record(Fill&& fill);
  void settle() const;

  ScratchDirectory directory_;
  std::uint64_t records_ = 0;
  std::uint64_t content_bytes_ = 0;
  double seconds_ = 0;
};

}  // namespace sluice::bench
