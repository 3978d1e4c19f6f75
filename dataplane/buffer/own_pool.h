// A pool of mbufs beside the EAL's memory, on the largest pages that the kernel gives. For machines without hugepages:
// there DPDK lets no buffer cross a page of 4 KiB, so that a frame takes a page, and all mbufs lie at one offset of
// theirs: in one set of a core's caches, which holds eight. Here they lie one behind the other. No device knows the
// memory: for ports that copy.
#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <memory>
#include <string>

#include "common/huge_memory.h"

namespace sluice::buffer {

struct PoolShape {
  std::string name;
  std::uint32_t count;
  std::uint32_t cache;
  std::uint16_t room_bytes;
};

// Goes with the pool, which is to be freed first.
struct OwnPool {
  rte_mempool* pool = nullptr;  // nullptr: rte_errno tells why
  std::unique_ptr<HugeMemory> memory;
};

OwnPool create_own_pool(const PoolShape& shape);

// How a pool keeps what is free: as a stack, so that what was given back last, and is still in the caches, is taken
// first. DPDK's usual ring goes round through all of the pool's memory.
const char* pool_ops();

}  // namespace sluice::buffer
