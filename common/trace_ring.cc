// See trace_ring.h.
#include "common/trace_ring.h"

#include <algorithm>
#include <cstddef>

namespace sluice {

TraceRing::TraceRing(int file, std::uint32_t worker, TimeNs now, WallNs wall)
    : memory_(kBytes, file),
      next_(reinterpret_cast<Word*>(memory_.data() + offsetof(TraceHeader, next))),
      words_(reinterpret_cast<Word*>(memory_.data() + sizeof(TraceHeader))) {
  const TraceHeader header{
      .magic = TraceHeader::kRing, .worker = worker, .records = kRecords, .monotonic_ns = now, .wall_ns = wall};
  std::memcpy(memory_.data(), &header, sizeof header);
}

std::uint64_t TraceRing::copy(std::vector<TraceRecord>& out) const {
  const std::uint64_t end = next_->load(std::memory_order_acquire);
  const std::uint64_t begin = end - std::min<std::uint64_t>(end, kRecords);
  const std::size_t had = out.size();
  out.resize(had + (end - begin));
  for (std::uint64_t i = begin; i < end; ++i) {
    const Word* at = words_ + (i & (kRecords - 1)) * kWords;
    std::uint64_t words[kWords];
    for (std::size_t w = 0; w < kWords; ++w) words[w] = at[w].load(std::memory_order_relaxed);
    std::memcpy(&out[had + (i - begin)], words, sizeof words);
  }
  std::atomic_thread_fence(std::memory_order_acquire);
  // The writer may be in the middle of one more than it has told.
  const std::uint64_t now = next_->load(std::memory_order_relaxed) + 1;
  const std::uint64_t whole = std::clamp(now - std::min<std::uint64_t>(now, kRecords), begin, end);
  out.erase(out.begin() + static_cast<std::ptrdiff_t>(had),
            out.begin() + static_cast<std::ptrdiff_t>(had + (whole - begin)));
  return end;
}

}  // namespace sluice
