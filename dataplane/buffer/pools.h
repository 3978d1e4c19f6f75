// The mbuf pools of one worker (or one test), and its blocks for what is no packet. Made at start; nothing is allocated
// after.
#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/huge_memory.h"
#include "dataplane/buffer/blocks.h"

namespace sluice::buffer {

struct PoolSizes {
  std::uint32_t frames = 16384;  // 2 KiB data room each: MTU frames, headers, small copies
  std::uint32_t jumbos = 512;    // 62 KiB data room each: the rest of a coalesced frame
  std::uint32_t views = 32768;   // no data room: cuts and shares
  std::uint32_t blocks = 4096;   // 3 KiB each: what is in flight of legs that have much there
};

// Where buffers lie when the EAL has no hugepages; with them, always in those.
enum class PoolMemory : std::uint8_t {
  own,      // beside the EAL, on the largest pages that the kernel gives: no DPDK device finds it
  devices,  // in the EAL's plain memory, which DPDK's devices know
};

// Buffers of each kind: how many there are, or are in use.
struct BufferCounts {
  std::uint32_t frames = 0;
  std::uint32_t jumbos = 0;
  std::uint32_t views = 0;
};

// Owns its pools; freed when it goes.
class Pools {
 public:
  // EAL must be up. `name` makes the pools' names unique.
  static Result<Pools> create(std::string_view name, const PoolSizes& sizes, PoolMemory memory = PoolMemory::own);
  Pools(Pools&& other) noexcept;
  Pools& operator=(Pools&& other) noexcept;
  Pools(const Pools&) = delete;
  Pools& operator=(const Pools&) = delete;
  ~Pools();

  [[nodiscard]] rte_mempool* frames() const { return frames_; }
  [[nodiscard]] rte_mempool* jumbos() const { return jumbos_; }
  [[nodiscard]] rte_mempool* views() const { return views_; }
  [[nodiscard]] Blocks& blocks() const { return *blocks_; }
  // Buffers and blocks in use over all pools; a test that gave everything back reads 0.
  [[nodiscard]] std::uint32_t in_use() const;
  [[nodiscard]] BufferCounts sizes() const;
  // What this thread can no longer get: cheap enough for every burst. (What other threads keep in their caches counts
  // as used.)
  [[nodiscard]] BufferCounts taken() const;

 private:
  Pools() = default;
  std::vector<std::unique_ptr<HugeMemory>> memory_;  // of pools that do not lie in the EAL's
  rte_mempool* frames_ = nullptr;
  rte_mempool* jumbos_ = nullptr;
  rte_mempool* views_ = nullptr;
  std::unique_ptr<Blocks> blocks_;
};

}  // namespace sluice::buffer
