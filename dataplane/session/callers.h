// What each caller did of each service, and how long it waited for answers. The worker counts, any thread reads.
//
// A name that a caller gives itself proves nothing, so it is a caller only together with where it calls from: who calls
// himself like another counts in a row of his own. Such names are without end, so there are kMost rows: names that the
// policy declares find one as long as any is free, names from requests only among the first kMostGiven, and
// kMostOfSource of them from one source: so no one source fills them alone. A host that has many IPv6 /64s is many. Who
// finds none is counted under kOthers, in the service's own row for it; when even that has none, in the last row, of no
// service. Rows are never taken away: a reader sees whole names, and counts that only grow.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "common/counts.h"
#include "common/metrics.h"
#include "common/siphash.h"
#include "common/waits.h"

namespace sluice::session {

struct CallerRow {
  static constexpr std::size_t kNameBytes = kMostCallerNameBytes + 1;
  std::array<char, kNameBytes> service{};  // ends with 0
  std::array<char, kNameBytes> principal{};
  std::uint64_t source = 0;  // IpAddress::source() of who gave itself the name; 0: the policy knows it
  Counter requests, responses, errors, denied, request_bytes, response_bytes, waited_ns;
  std::array<Counter, kWaitBuckets> waits;

  void add_answer(DurationNs wait_ns) {
    responses.add();
    waited_ns.add(wait_ns);
    waits[wait_bucket(wait_ns)].add();
  }
};

class Callers {
 public:
  static constexpr std::size_t kMost = 1024;
  static constexpr std::size_t kMostGiven = kMost * 3 / 4;
  static constexpr std::size_t kMostOfSource = 64;

  Callers() : Callers(HashKey{}) {}
  explicit Callers(const HashKey& seed);

  // `source` as a row has it. `last` is where the same caller may have been found before, or null.
  CallerRow& find(std::string_view service, std::string_view principal, std::uint64_t source, CallerRow* last);
  // Those in use; from any thread.
  [[nodiscard]] std::span<const CallerRow> rows() const {
    return std::span(*rows_).first(used_.load(std::memory_order_acquire));
  }

 private:
  using Rows = std::array<CallerRow, kMost>;
  // The row of this caller, a new one while fewer than `most` are in use, or null.
  CallerRow* find_row(std::string_view service, std::string_view principal, std::uint64_t source, std::size_t most);

  HashKey seed_;
  std::unique_ptr<Rows> rows_;
  std::array<std::uint16_t, 2 * kMost> places_{};  // by hash: a row and one, 0 for none
  std::array<std::uint64_t, kMost> sources_{};     // of the rows, close together: all are looked at for a new name
  std::atomic<std::size_t> used_{0};
};

}  // namespace sluice::session
