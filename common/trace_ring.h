// The newest records of one worker: a ring that its one writer overwrites without lock, system call or branch, and that
// any thread may copy meanwhile. Left out of core files; in a file's memory it is still there when the process died.
#pragma once

#include <atomic>
#include <cstring>
#include <vector>

#include "common/huge_memory.h"
#include "common/trace_record.h"

namespace sluice {

class TraceRing {
 public:
  static constexpr std::size_t kRecords = 64 * 1024;  // a power of two

  static constexpr std::size_t kBytes = sizeof(TraceHeader) + kRecords * sizeof(TraceRecord);

  // `file`: of kBytes and empty; -1 for memory of its own. `now` and `wall` are the same moment.
  explicit TraceRing(int file = -1, std::uint32_t worker = 0, TimeNs now = 0, WallNs wall = 0);

  // The writer. The record is put together in registers: a store of a part before a load of the whole would wait.
  void write(const TraceRecord& r) {
    const std::uint64_t next = next_->load(std::memory_order_relaxed);
    Word* at = words_ + (next & (kRecords - 1)) * kWords;
    at[0].store(r.time_ns, std::memory_order_relaxed);
    at[1].store(r.session, std::memory_order_relaxed);
    at[2].store(static_cast<std::uint64_t>(r.kind) | static_cast<std::uint64_t>(r.leg) << 8 |
                    std::uint64_t{r.code} << 16 | std::uint64_t{r.a} << 32,
                std::memory_order_relaxed);
    at[3].store(r.b | std::uint64_t{r.c} << 32 | std::uint64_t{r.d} << 48, std::memory_order_relaxed);
    next_->store(next + 1, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_release);  // no word of the next record before that
  }

  // Any thread: appends the newest records, oldest first, and returns how many were ever written. What was overwritten
  // while it was copied is left out.
  std::uint64_t copy(std::vector<TraceRecord>& out) const;

 private:
  using Word = std::atomic<std::uint64_t>;
  static constexpr std::size_t kWords = sizeof(TraceRecord) / sizeof(std::uint64_t);
  static_assert(sizeof(Word) == sizeof(std::uint64_t) && Word::is_always_lock_free);

  HugeMemory memory_;
  Word* next_;   // TraceHeader::next
  Word* words_;  // of the records
};

}  // namespace sluice
