// Keeps runs apart, ordered and merged.
#include "dataplane/tcp/reassembly.h"

#include <algorithm>
#include <cstring>

#include "dataplane/tcp/sequence.h"

namespace sluice::tcp {

std::size_t Reassembly::length_bytes() const {
  std::size_t sum = 0;
  for (const Run& run : runs_) sum += run.held.length_bytes();
  return sum;
}

bool Reassembly::reaches_beyond(std::uint32_t seq) const {
  return !runs_.empty() && after(runs_.back().end(), seq);
}

// The first run that ends after `seq`.
std::size_t Reassembly::find(std::uint32_t seq) const {
  const auto it =
      std::partition_point(runs_.begin(), runs_.end(), [seq](const Run& run) { return !after(run.end(), seq); });
  return static_cast<std::size_t>(it - runs_.begin());
}

// A run that was touched before takes one place only. Numbers whose run was delivered or given up are
// found to lie in none, and are passed over.
void Reassembly::touch(std::uint32_t seq) {
  const std::size_t index = find(seq);
  if (index == runs_.size() || after(runs_[index].seq, seq)) return;
  const Run& run = runs_[index];
  const Touched former = runs_.head();
  Touched& touched = runs_.head();
  touched.last[0] = seq;
  touched.count = 1;
  for (std::uint8_t i = 0; i < former.count && touched.count < touched.last.size(); ++i) {
    const bool inside = !before(former.last[i], run.seq) && before(former.last[i], run.end());
    if (!inside) touched.last[touched.count++] = former.last[i];
  }
}

std::size_t Reassembly::list_blocks(std::span<wire::SackBlock> out) const {
  if (runs_.empty()) return 0;
  std::size_t count = 0;
  const auto add = [&](const Run& run) {
    const wire::SackBlock block{run.seq, run.end()};
    if (count < out.size() && std::find(out.begin(), out.begin() + count, block) == out.begin() + count)
      out[count++] = block;
  };
  const Touched& touched = runs_.head();
  for (std::uint8_t i = 0; i < touched.count; ++i) {
    const std::size_t index = find(touched.last[i]);
    if (index < runs_.size() && !after(runs_[index].seq, touched.last[i])) add(runs_[index]);
  }
  for (std::size_t i = runs_.size(); i > 0 && count < out.size(); --i) add(runs_[i - 1]);
  return count;
}

ErrorCode Reassembly::insert(buffer::Pools& pools, std::uint32_t seq, buffer::Chain&& bytes, bool compact,
                             wire::SackBlock* repeated) {
  ErrorCode result = ErrorCode::ok;
  while (!bytes.empty()) {
    const std::size_t index = find(seq);
    const bool has_next = index < runs_.size();
    if (has_next && !after(runs_[index].seq, seq)) {
      const Run& run = runs_[index];
      const std::size_t count = std::min<std::size_t>(run.end() - seq, bytes.length_bytes());
      if (!same_bytes(run.held.bytes(), seq - run.seq, bytes, 0, count))
        result = ErrorCode::tcp_differing_retransmission;
      if (repeated != nullptr) *repeated = {seq, seq + static_cast<std::uint32_t>(count)};
      bytes.drop_front(count);
      seq += static_cast<std::uint32_t>(count);
      touch(seq - 1);
      continue;
    }
    const std::size_t gap = has_next ? runs_[index].seq - seq : bytes.length_bytes();
    const std::size_t count = std::min(gap, bytes.length_bytes());
    buffer::Chain part;
    if (!bytes.take_front(pools, count, part)) return ErrorCode::buffers_exhausted;
    const ErrorCode placed = place(pools, index, seq, std::move(part), compact);
    if (placed != ErrorCode::ok) return placed;
    seq += static_cast<std::uint32_t>(count);
    touch(seq - 1);
  }
  return result;
}

// Puts bytes that overlap nothing before runs_[index], as part of a run that they touch if there is one.
ErrorCode Reassembly::place(buffer::Pools& pools, std::size_t index, std::uint32_t seq, buffer::Chain&& bytes,
                            bool compact) {
  const bool joins_previous = index > 0 && runs_[index - 1].end() == seq;
  const bool joins_next =
      index < runs_.size() && runs_[index].seq == seq + static_cast<std::uint32_t>(bytes.length_bytes());
  if (!joins_previous && !joins_next) {
    if (full()) return ErrorCode::tcp_queue_full;
    if (!runs_.reserve()) return ErrorCode::buffers_exhausted;
  }

  const std::size_t bytes_pinned = bytes.pinned_bytes();
  Held fresh;
  Held& target = joins_previous ? runs_[index - 1].held : fresh;
  const std::size_t pinned_before = target.pinned_bytes();
  if (compact) {
    target.append_compact(pools, std::move(bytes), bytes_pinned);
  } else {
    target.append(std::move(bytes), bytes_pinned);
  }
  pinned_bytes_ += static_cast<std::uint32_t>(target.pinned_bytes() - pinned_before);

  if (joins_next) {
    target.append(std::move(runs_[index].held));
    if (joins_previous) {
      runs_.erase(index);
    } else {
      runs_[index].seq = seq;
      runs_[index].held = std::move(fresh);
    }
  } else if (!joins_previous) {
    runs_.insert(index, Run{seq, std::move(fresh)});
  }
  return ErrorCode::ok;
}

std::size_t Reassembly::take_ready(std::uint32_t next, Held& out) {
  if (runs_.empty() || runs_.front().seq != next) return 0;
  const std::size_t count = runs_.front().held.length_bytes();
  pinned_bytes_ -= static_cast<std::uint32_t>(runs_.front().held.pinned_bytes());
  out.append(std::move(runs_.front().held));
  runs_.erase(0);
  return count;
}

void Reassembly::shed_last() {
  if (runs_.empty()) return;
  pinned_bytes_ -= static_cast<std::uint32_t>(runs_.back().held.pinned_bytes());
  runs_.erase(runs_.size() - 1);
}

void Reassembly::clear() {
  runs_.clear();
  pinned_bytes_ = 0;
}

bool same_bytes(const buffer::Chain& a, std::size_t a_offset, const buffer::Chain& b, std::size_t b_offset,
                std::size_t count) {
  const rte_mbuf* m = b.first();
  while (m != nullptr && b_offset >= m->data_len) {
    b_offset -= m->data_len;
    m = m->next;
  }
  bool same = true;
  a.for_each(a_offset, count, [&](Bytes run) {
    while (same && !run.empty()) {
      const std::size_t here = std::min<std::size_t>(run.size(), m->data_len - b_offset);
      same = std::memcmp(run.data(), rte_pktmbuf_mtod_offset(m, const std::uint8_t*, b_offset), here) == 0;
      run = run.subspan(here);
      b_offset += here;
      if (b_offset == m->data_len) {
        m = m->next;
        b_offset = 0;
      }
    }
  });
  return same;
}

}  // namespace sluice::tcp
