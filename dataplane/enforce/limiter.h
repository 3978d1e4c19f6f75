// Asks the buckets of all limits that a unit meets. A unit passes all of them or is charged to none; what is only
// observed is charged where it fits, for units that pass. One that is held was charged all that had room: when it goes
// on, nothing is asked again.
// One a worker today; the table takes any number of threads.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "common/ip_address.h"
#include "common/siphash.h"
#include "dataplane/enforce/limit.h"
#include "dataplane/enforce/limit_table.h"

namespace sluice::enforce {

// What limits tell units apart by.
struct LimitedUnit {
  std::string_view principal;  // empty: the address stands for it
  IpAddress address;
  std::uint64_t caller = 0;                 // Limiter::caller_of() them, by who knows it
  std::string_view path;                    // looked at where a limit is per route
  std::span<const std::string_view> rules;  // that the head matches; looked at where one is per rule
};

// A unit in flight as limits count it, until this goes.
class Flight {
 public:
  Flight() = default;
  explicit Flight(BucketWord& word) : word_(&word) {}
  Flight(Flight&& other) noexcept : word_(std::exchange(other.word_, nullptr)) {}
  Flight& operator=(Flight&& other) noexcept {
    std::swap(word_, other.word_);
    return *this;
  }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  ~Flight() {
    if (word_ != nullptr) LimitTable::release(*word_);
  }

 private:
  BucketWord* word_ = nullptr;
};

// Those of one unit. The first few need no memory of their own.
class Flights {
 public:
  void add(BucketWord& word) {
    if (count_ < first_.size())
      first_[count_++] = Flight(word);
    else
      more_.emplace_back(word);
  }
  [[nodiscard]] std::size_t size() const { return count_ + more_.size(); }
  void clear() {
    first_ = {};
    count_ = 0;
    more_.clear();
  }

 private:
  std::array<Flight, 2> first_;
  std::size_t count_ = 0;
  std::vector<Flight> more_;
};

// What limits a unit meets: those of its principal, and those of its service.
struct LimitLists {
  std::span<const Limit> principal;
  std::span<const Limit> service;
  bool observe = false;         // all of them are
  const Limit* pace = nullptr;  // of a line that its score crossed

  [[nodiscard]] bool empty() const { return principal.empty() && service.empty() && pace == nullptr; }
  template <class Fn>
  void for_each(Fn&& fn) const {
    for (const Limit& limit : principal) fn(limit);
    for (const Limit& limit : service) fn(limit);
    if (pace != nullptr) fn(*pace);
  }
  [[nodiscard]] LimitThen then_of(const Limit& limit) const { return observe ? LimitThen::observe : limit.then; }
};

struct Admission {
  const Limit* by = nullptr;            // the one that had no room; nullptr: all had
  LimitThen then = LimitThen::observe;  // what becomes of the unit; observe: it passes
  DurationNs wait_ns = 0;               // deny: until it would fit, if nobody else came; throttle: when to ask again
};

class Limiter {
 public:
  static constexpr std::size_t kMostText = 512;  // of a path; longer ones with the same beginning share a bucket
  static constexpr std::size_t kEntries = std::size_t{1} << 21U;  // 32 MiB, of which is used what is touched
  explicit Limiter(const HashKey& key = {}, std::size_t entries = 4096)
      : key_(key), everybody_(hash_of(kAll, {})), rates_(entries), flights_(entries / 16), lines_(entries / 16) {}

  // As which limits per principal know it: the same for each of its units.
  [[nodiscard]] std::uint64_t caller_of(std::string_view principal, const IpAddress& address) const;
  // A unit will soon be asked to be admitted: has the memory of its buckets on its way.
  void expect(const LimitLists& limits, const LimitedUnit& unit) const;

  // `counters` are those of the snapshot's limits. `again`: the unit waits already, and was counted. What is in flight
  // from now on is added to `flights`.
  Admission admit(const LimitLists& limits, const LimitedUnit& unit, std::span<LimitCounters* const> counters,
                  bool again, TimeNs now, Flights& flights);

  struct Share {
    std::uint64_t bytes = 0;
    DurationNs wait_ns = 0;  // with 0 bytes
  };
  // How many of `want` bytes may be read from a peer, and charges them.
  Share share(const LimitLists& limits, const LimitedUnit& unit, std::span<LimitCounters* const> counters,
              std::uint64_t want, TimeNs now);

  // Charges rows that came, whether there is room or not; returns how long none may follow.
  DurationNs charge_rows(const LimitLists& limits, const LimitedUnit& unit, std::span<LimitCounters* const> counters,
                         std::uint64_t rows, TimeNs now);

  // Times that keys shared a bucket because there were too many, since the last call.
  std::uint64_t take_overflows() { return std::exchange(overflows_, 0); }

 private:
  static constexpr std::size_t kMostTaken = 64;  // by one unit; what would take from more is refused
  struct Taken {
    const Limit* limit;
    BucketWord* word;
  };
  // Put in front of what is hashed, so that a name is never an address.
  enum Tag : std::uint8_t { kAll, kName, kAddress, kPath, kRule };
  [[nodiscard]] std::uint64_t hash_of(Tag tag, Bytes bytes) const;
  [[nodiscard]] std::uint64_t hash_of(const IpAddress& address) const;
  [[nodiscard]] std::uint64_t key_of(const Limit& limit, const LimitedUnit& unit, std::string_view rule) const;
  template <class Fn>
  void each_key(const Limit& limit, const LimitedUnit& unit, Fn&& fn) const;
  [[nodiscard]] DurationNs line_up(const Limit& limit, std::uint64_t key, DurationNs wait_ns, std::uint64_t units,
                                   TimeNs now);
  LimitTable::Answer ask(const Limit& limit, std::uint64_t key, TimeNs now);

  HashKey key_;
  std::uint64_t everybody_;
  LimitTable rates_;
  LimitTable flights_;
  LimitTable lines_;  // of those that wait
  std::uint64_t overflows_ = 0;
};

}  // namespace sluice::enforce
