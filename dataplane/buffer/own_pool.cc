// See own_pool.h. What rte_pktmbuf_pool_create does, but for where it lies.
#include "dataplane/buffer/own_pool.h"

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace sluice::buffer {
namespace {

constexpr unsigned kFlags = RTE_MEMPOOL_F_NO_IOVA_CONTIG;  // objects may cross pages

constexpr const char* kStack = "stack";

// The kernel promises more than it has, and ends who takes it at its word.
std::size_t machine_bytes() {
  return static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// 0, or why not.
int fill(rte_mempool* pool, const PoolShape& shape, HugeMemory& memory, std::size_t bytes) {
  rte_pktmbuf_pool_private rooms{};
  rooms.mbuf_data_room_size = shape.room_bytes;
  if (const int error = rte_mempool_set_ops_byname(pool, pool_ops(), nullptr); error != 0) return -error;
  rte_pktmbuf_pool_init(pool, &rooms);
  auto* at = reinterpret_cast<char*>(memory.data());
  const int made = rte_mempool_populate_iova(pool, at, reinterpret_cast<rte_iova_t>(at), bytes, nullptr, nullptr);
  if (made < 0) return -made;
  if (static_cast<std::uint32_t>(made) < shape.count) return ENOMEM;
  rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
  return 0;
}

}  // namespace

const char* pool_ops() {
  for (std::uint32_t i = 0; i < rte_mempool_ops_table.num_ops; ++i)
    if (std::string_view(rte_mempool_ops_table.ops[i].name) == kStack) return kStack;
  return rte_mbuf_best_mempool_ops();  // a DPDK without that plug-in
}

OwnPool create_own_pool(const PoolShape& shape) {
  const auto element_bytes = static_cast<std::uint32_t>(sizeof(rte_mbuf) + shape.room_bytes);
  OwnPool own;
  own.pool = rte_mempool_create_empty(shape.name.c_str(), shape.count, element_bytes, shape.cache,
                                      sizeof(rte_pktmbuf_pool_private), static_cast<int>(rte_socket_id()), kFlags);
  if (own.pool == nullptr) return own;
  const std::size_t bytes = std::size_t{rte_mempool_calc_obj_size(element_bytes, kFlags, nullptr)} * shape.count;
  const bool fits = bytes <= machine_bytes();
  if (fits) own.memory = std::make_unique<HugeMemory>(bytes);
  if (const int error = fits ? fill(own.pool, shape, *own.memory, bytes) : ENOMEM; error != 0) {
    rte_mempool_free(own.pool);
    rte_errno = error;
    return {};
  }
  return own;
}

}  // namespace sluice::buffer
