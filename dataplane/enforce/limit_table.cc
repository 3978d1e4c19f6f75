// See limit_table.h. An entry changes hands in three steps: its word, when it is no longer live, becomes kBusy by
// compare-and-swap; then its key is written; then its word, with the first take already in it. Who takes from an entry
// reads the word before the key, so that a word which is still the same was the key's.
#include "dataplane/enforce/limit_table.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace sluice::enforce {
namespace {

constexpr unsigned kPatience = 1000;  // looks at an entry that changes hands, or attempts

// A TAT that lies before this has passed for every thread.
TimeNs passed_by(TimeNs now) {
  return now - std::min(now, LimitTable::kSkew);
}

// What a word becomes; nothing when there is no room.
struct TakeStep {
  const Terms& terms;
  DurationNs cost_ns;
  TimeNs now;

  [[nodiscard]] std::uint64_t fresh() const { return passed_by(now); }  // up to here a word is as a new one
  [[nodiscard]] std::optional<std::uint64_t> next(std::uint64_t word, DurationNs& wait_ns) const {
    const std::uint64_t tat = (word > now ? word : now) + cost_ns;
    if (tat <= now + terms.capacity_ns()) return tat;
    wait_ns = tat - now - terms.capacity_ns();
    return std::nullopt;
  }
  void undo(BucketWord& word) const { give_back(word, cost_ns); }
};

struct TakeSomeStep {
  const Terms& terms;
  std::uint64_t want;
  std::uint64_t least;
  TimeNs now;

  [[nodiscard]] std::uint64_t fresh() const { return passed_by(now); }
  [[nodiscard]] std::optional<std::uint64_t> next(std::uint64_t word, DurationNs& wait_ns) const {
    const std::uint64_t tat = word > now ? word : now;
    const std::uint64_t full = now + terms.capacity_ns();
    units = std::min(want, tat < full ? terms.units_in(full - tat) : 0);
    if (units >= least) return tat + terms.cost_of(units);
    const std::uint64_t needs = tat + terms.cost_of(least);
    wait_ns = needs > full ? needs - full : 1;
    return std::nullopt;
  }
  void undo(BucketWord& word) const { give_back(word, terms.cost_of(units)); }

  mutable std::uint64_t units = 0;
};

struct ChargeStep {
  static constexpr DurationNs kMaxDebt = 24 * 3600 * kSecond;
  const Terms& terms;
  DurationNs cost_ns;
  TimeNs now;

  [[nodiscard]] std::uint64_t fresh() const { return passed_by(now); }
  [[nodiscard]] std::optional<std::uint64_t> next(std::uint64_t word, DurationNs&) const {
    const std::uint64_t tat = word > now ? word : now;
    return std::max(tat, std::min(tat + cost_ns, now + terms.capacity_ns() + kMaxDebt));
  }
  void undo(BucketWord& word) const { give_back(word, cost_ns); }
};

struct LineStep {
  TimeNs earliest;
  DurationNs each_ns;
  TimeNs latest;
  TimeNs now;

  [[nodiscard]] std::uint64_t fresh() const { return passed_by(now); }
  [[nodiscard]] std::optional<std::uint64_t> next(std::uint64_t word, DurationNs&) const {
    return at = std::min(std::max(word + each_ns, earliest), latest);
  }
  static void undo(BucketWord&) {}

  mutable TimeNs at = 0;
};

struct EnterStep {
  std::uint64_t most;

  [[nodiscard]] static std::uint64_t fresh() { return 0; }
  [[nodiscard]] std::optional<std::uint64_t> next(std::uint64_t word, DurationNs&) const {
    return word < most ? std::optional(word + 1) : std::nullopt;
  }
  static void undo(BucketWord& word) { LimitTable::release(word); }
};

}  // namespace

LimitTable::LimitTable(std::size_t entries)
    : memory_(std::bit_ceil(entries < 2 * kWays ? 2 * kWays : entries) * sizeof(Entry)),
      lines_(reinterpret_cast<Line*>(memory_.data())),
      mask_(std::bit_ceil(entries < 2 * kWays ? 2 * kWays : entries) / kWays - 1) {}

LimitTable::Answer LimitTable::take(std::uint64_t key, std::uint64_t limit, const Terms& terms, DurationNs cost_ns,
                                    TimeNs now) {
  return run(key, limit, TakeStep{terms, cost_ns, now});
}

LimitTable::Answer LimitTable::take_some(std::uint64_t key, std::uint64_t limit, const Terms& terms, std::uint64_t want,
                                         std::uint64_t least, TimeNs now) {
  const TakeSomeStep step{terms, want, least, now};
  Answer answer = run(key, limit, step);
  if (answer.fits) answer.units = step.units;
  return answer;
}

LimitTable::Answer LimitTable::charge(std::uint64_t key, std::uint64_t limit, const Terms& terms, std::uint64_t units,
                                      TimeNs now) {
  const DurationNs cost_ns = units / terms.burst() * terms.capacity_ns() + terms.cost_of(units % terms.burst());
  return run(key, limit, ChargeStep{terms, cost_ns, now});
}

TimeNs LimitTable::line_up(std::uint64_t key, TimeNs earliest, DurationNs each_ns, TimeNs latest, TimeNs now) {
  const LineStep step{earliest, each_ns, std::max(latest, earliest), now};
  return run(key, key, step).fits ? step.at : step.latest;
}

LimitTable::Answer LimitTable::enter(std::uint64_t key, std::uint64_t limit, std::uint64_t most) {
  return run(key, limit, EnterStep{most});
}

LimitTable::Entry* LimitTable::find(std::uint64_t key) const {
  for (Line* line : {&line_of(key), &other_line_of(key)})
    for (Entry& entry : line->entries)
      if (entry.key.load(std::memory_order_seq_cst) == key) return &entry;
  return nullptr;
}

bool LimitTable::has_other(std::uint64_t key, const Entry& but) const {
  for (Line* line : {&line_of(key), &other_line_of(key)})
    for (const Entry& entry : line->entries)
      if (&entry != &but && entry.key.load(std::memory_order_seq_cst) == key) return true;
  return false;
}

// An entry that nobody needs, busy and with the key in it; nullptr when all are live.
LimitTable::Entry* LimitTable::claim(std::uint64_t key, std::uint64_t fresh) const {
  for (Line* line : {&line_of(key), &other_line_of(key)}) {
    for (Entry& entry : line->entries) {
      std::uint64_t word = entry.word.load(std::memory_order_relaxed);
      if (word > fresh || !entry.word.compare_exchange_strong(word, kBusy, std::memory_order_seq_cst)) continue;
      entry.key.store(key, std::memory_order_seq_cst);
      return &entry;
    }
  }
  return nullptr;
}

// False: the entry is no longer the key's, nothing was taken.
template <class Step>
bool LimitTable::run_on(Entry& entry, std::uint64_t key, const Step& step, Answer& answer) {
  for (unsigned looks = 0; looks < kPatience; ++looks) {
    std::uint64_t word = entry.word.load(std::memory_order_acquire);
    if (entry.key.load(std::memory_order_acquire) != key) return false;
    if (word == kBusy) {
      __builtin_ia32_pause();
      continue;
    }
    const auto next = step.next(word, answer.wait_ns);
    if (!next) return true;
    if (!entry.word.compare_exchange_weak(word, *next, std::memory_order_seq_cst)) continue;
    if (entry.key.load(std::memory_order_relaxed) != key) {  // a word that came to be the same again
      step.undo(entry.word);
      return false;
    }
    answer.fits = true;
    answer.word = &entry.word;
    return true;
  }
  answer.wait_ns = 1;
  return true;
}

template <class Step>
LimitTable::Answer LimitTable::run(std::uint64_t key, std::uint64_t limit, const Step& step) {
  if (key == kNoKey) key = 1;
  BucketWord& shared = overflow_[limit % kOverflowWords];
  const auto shared_is_live = [&] { return shared.load(std::memory_order_seq_cst) > step.fresh(); };
  for (unsigned attempt = 0; attempt < kPatience; ++attempt) {
    Answer answer;
    if (Entry* mine = find(key)) {
      if (run_on(*mine, key, step, answer)) return answer;
      continue;
    }
    if (!shared_is_live()) {
      if (Entry* mine = claim(key, step.fresh())) {
        const auto next = step.next(0, answer.wait_ns);
        if (next && !has_other(key, *mine) && !shared_is_live()) {
          mine->word.store(*next, std::memory_order_release);
          answer.fits = true;
          answer.word = &mine->word;
          return answer;
        }
        mine->key.store(kNoKey, std::memory_order_seq_cst);
        mine->word.store(0, std::memory_order_release);
        if (!next) return answer;
        continue;
      }
    }
    answer.overflow = true;
    std::uint64_t word = shared.load(std::memory_order_relaxed);
    for (;;) {
      const auto next = step.next(word, answer.wait_ns);
      if (!next) return answer;
      if (shared.compare_exchange_weak(word, *next, std::memory_order_seq_cst)) break;
    }
    if (find(key) == nullptr) {
      answer.fits = true;
      answer.word = &shared;
      return answer;
    }
    step.undo(shared);  // another thread found room for this key meanwhile
  }
  return {.fits = false, .overflow = true, .wait_ns = 1, .word = nullptr};
}

}  // namespace sluice::enforce
