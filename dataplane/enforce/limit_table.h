// The buckets of all limits: a table of fixed size from keys to 64-bit words, for any number of threads. A word is a
// bucket's TAT (bucket.h), or how many are in flight. A key that nobody asked for, or whose word says no more than that
// of a new one (a TAT that has passed for every thread, none in flight), takes no room: its entry is given to who needs
// one.
//
// Overload: a key whose eight places are all taken by live ones shares the overflow word of its limit with all such
// keys, and so does every key that has no entry while that word is live. That never lets more pass than a word of its
// own would; it may let less. The answer says so, and it is counted (limit_keys_exceeded).
//
// Always: of one key no more is taken than its terms allow, whichever threads ask. A key has one entry at most.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/huge_memory.h"
#include "dataplane/enforce/bucket.h"

namespace sluice::enforce {

class LimitTable {
 public:
  // The times that threads come with at one moment differ by less.
  static constexpr DurationNs kSkew = 100 * kMillisecond;

  // Rounded up to a power of two; 16 bytes each.
  explicit LimitTable(std::size_t entries);

  struct Answer {
    bool fits = false;
    bool overflow = false;
    DurationNs wait_ns = 0;
    BucketWord* word = nullptr;  // where it was taken
    std::uint64_t units = 0;     // taken, of take_some()
  };
  // `key` and `limit` are seeded hashes: of what the bucket is for, and of the limit that has it.
  Answer take(std::uint64_t key, std::uint64_t limit, const Terms& terms, DurationNs cost_ns, TimeNs now);
  // As many of `want` units as fit now, and at least `least` of them or nothing.
  Answer take_some(std::uint64_t key, std::uint64_t limit, const Terms& terms, std::uint64_t want, std::uint64_t least,
                   TimeNs now);
  // Whether there is room or not: what comes next waits until it has grown back.
  Answer charge(std::uint64_t key, std::uint64_t limit, const Terms& terms, std::uint64_t units, TimeNs now);
  // Of those that wait for one thing each gets a time of its own to ask again: from `earliest` on, `each_ns` apart, but
  // none later than `latest`. Only a hint: who asks then may be refused again.
  TimeNs line_up(std::uint64_t key, TimeNs earliest, DurationNs each_ns, TimeNs latest, TimeNs now);
  // One more in flight, where there are fewer than `most`; release(*word) ends it.
  Answer enter(std::uint64_t key, std::uint64_t limit, std::uint64_t most);
  static void release(BucketWord& word) { word.fetch_sub(1, std::memory_order_relaxed); }

  // To be written: most keys have their entry in the first of their lines.
  void prefetch(std::uint64_t key) const { __builtin_prefetch(&line_of(key), 1); }

 private:
  static constexpr std::size_t kWays = 4;
  static constexpr std::size_t kOverflowWords = 1024;
  static constexpr std::uint64_t kNoKey = 0;
  static constexpr std::uint64_t kBusy = ~std::uint64_t{0};  // a word whose entry changes hands

  struct Entry {
    std::atomic<std::uint64_t> key;
    BucketWord word;
  };
  struct alignas(64) Line {
    Entry entries[kWays];
  };

  [[nodiscard]] Line& line_of(std::uint64_t key) const { return lines_[key & mask_]; }
  [[nodiscard]] Line& other_line_of(std::uint64_t key) const { return lines_[(key >> 32) & mask_]; }
  [[nodiscard]] Entry* find(std::uint64_t key) const;
  [[nodiscard]] bool has_other(std::uint64_t key, const Entry& but) const;
  [[nodiscard]] Entry* claim(std::uint64_t key, std::uint64_t fresh) const;
  template <class Step>
  Answer run(std::uint64_t key, std::uint64_t limit, const Step& step);
  template <class Step>
  static bool run_on(Entry& entry, std::uint64_t key, const Step& step, Answer& answer);

  HugeMemory memory_;
  Line* lines_;
  std::uint64_t mask_;
  BucketWord overflow_[kOverflowWords] = {};
};

}  // namespace sluice::enforce
