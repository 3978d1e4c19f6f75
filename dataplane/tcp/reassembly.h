// Bytes that came before their turn, as runs ordered by sequence number that neither touch nor
// overlap. The first copy of a byte wins. All runs lie within one receive window, so wrapping
// comparisons order them. Bounded in runs here and in memory by its leg. What it keeps of them lies in a block of the
// worker's; without one nothing out of order is taken.
// Remembers which runs grew last, for the order of SACK blocks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/error.h"
#include "dataplane/buffer/block_list.h"
#include "dataplane/buffer/chain.h"
#include "dataplane/tcp/held.h"
#include "dataplane/wire/frame.h"

namespace sluice::tcp {

class Reassembly {
 public:
  Reassembly(std::uint32_t max_runs, buffer::Blocks& blocks)
      : runs_(blocks), max_runs_(static_cast<std::uint32_t>(std::min<std::size_t>(max_runs, Runs::kMost))) {}

  [[nodiscard]] bool empty() const { return runs_.empty(); }
  [[nodiscard]] bool full() const { return runs_.size() >= max_runs_; }
  [[nodiscard]] std::size_t runs() const { return runs_.size(); }
  [[nodiscard]] std::size_t length_bytes() const;
  [[nodiscard]] std::size_t pinned_bytes() const { return pinned_bytes_; }

  [[nodiscard]] bool reaches_beyond(std::uint32_t seq) const;

  // Takes what is new of [seq, seq + length). tcp_differing_retransmission: bytes that are already
  // here differ (the first copy stays). tcp_queue_full, buffers_exhausted: a part was not taken.
  // `compact`: copy what pins much more than it holds. `repeated`: the last stretch of it that was here before.
  ErrorCode insert(buffer::Pools& pools, std::uint32_t seq, buffer::Chain&& bytes, bool compact,
                   wire::SackBlock* repeated = nullptr);
  // Moves the run that begins at `next` to the end of `out`; returns its length, 0 when there is none.
  std::size_t take_ready(std::uint32_t next, Held& out);
  // The runs as SACK blocks, the one that a segment last fell into first (RFC 2018 section 4). Returns how many.
  std::size_t list_blocks(std::span<wire::SackBlock> out) const;
  // Gives up the run that is farthest away, to make room for bytes whose turn it is.
  void shed_last();
  void clear();

 private:
  struct Run {
    std::uint32_t seq = 0;
    Held held;
    [[nodiscard]] std::uint32_t end() const { return seq + static_cast<std::uint32_t>(held.length_bytes()); }
  };

  struct alignas(8) Touched {  // the last byte in each run that grew, most recent first
    std::array<std::uint32_t, wire::SackBlocks::kMost> last{};
    std::uint8_t count = 0;
  };
  using Runs = buffer::BlockList<Run, Touched>;

  [[nodiscard]] std::size_t find(std::uint32_t seq) const;
  void touch(std::uint32_t seq);
  ErrorCode place(buffer::Pools& pools, std::size_t index, std::uint32_t seq, buffer::Chain&& bytes, bool compact);

  Runs runs_;
  std::uint32_t pinned_bytes_ = 0;
  std::uint32_t max_runs_;
};

// True when [a_offset, a_offset + count) of `a` and [b_offset, b_offset + count) of `b` are the same bytes.
bool same_bytes(const buffer::Chain& a, std::size_t a_offset, const buffer::Chain& b, std::size_t b_offset,
                std::size_t count);

}  // namespace sluice::tcp
