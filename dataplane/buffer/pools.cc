// Makes, measures and frees the mbuf pools. Their memory holds payload, so it is kept out of core files.
#include "dataplane/buffer/pools.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_memory.h>
#include <rte_mempool.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "dataplane/buffer/own_pool.h"

namespace sluice::buffer {
namespace {

constexpr std::uint16_t kFrameRoomBytes = RTE_PKTMBUF_HEADROOM + 2 * 1024;
// buf_len has 16 bits. One frame buffer and one jumbo hold the largest IPv4 packet under the longest link header.
constexpr std::uint16_t kJumboRoomBytes = RTE_PKTMBUF_HEADROOM + 62 * 1024;

void exclude_from_core(rte_mempool*, void* failed, rte_mempool_memhdr* chunk, unsigned) {
  const rte_memseg_list* list = rte_mem_virt2memseg_list(chunk->addr);
  const std::uintptr_t page_bytes = list != nullptr ? list->page_sz : 4096;
  const auto begin = reinterpret_cast<std::uintptr_t>(chunk->addr) / page_bytes * page_bytes;
  const std::uintptr_t end = reinterpret_cast<std::uintptr_t>(chunk->addr) + chunk->len;
  const std::uintptr_t length = (end - begin + page_bytes - 1) / page_bytes * page_bytes;
  if (madvise(reinterpret_cast<void*>(begin), length, MADV_DONTDUMP) != 0) *static_cast<int*>(failed) = errno;
}

OwnPool create_eal_pool(const PoolShape& shape) {
  const auto socket = static_cast<int>(rte_socket_id());
  return {.pool = rte_pktmbuf_pool_create_by_ops(shape.name.c_str(), shape.count, shape.cache, 0, shape.room_bytes,
                                                 socket, pool_ops()),
          .memory = nullptr};
}

Result<OwnPool> create_pool(std::string_view prefix, std::string_view kind, std::uint32_t count,
                            std::uint16_t room_bytes, PoolMemory memory) {
  const std::string name = std::string(prefix) + "." + std::string(kind);
  const PoolShape shape{
      .name = name, .count = count, .cache = std::min<std::uint32_t>(256, count / 2), .room_bytes = room_bytes};
  const bool beside = memory == PoolMemory::own && rte_eal_has_hugepages() == 0;
  OwnPool made = beside ? create_own_pool(shape) : create_eal_pool(shape);
  const std::string what = "packet buffer pool '" + name + "' of " + std::to_string(count) + " buffers";
  if (made.pool == nullptr) {
    const int error = rte_errno;
    std::string advice;
    if (error == ENAMETOOLONG) advice = "; take a shorter name";
    if (error == EEXIST) advice = "; the name is taken";
    if (error == ENOMEM) advice = "; give the EAL more memory or take smaller pools";
    return fail(error == ENOMEM ? ErrorCode::buffers_exhausted : ErrorCode::bad_argument,
                what + ": " + rte_strerror(error) + advice);
  }
  int failed = 0;
  rte_mempool_mem_iter(made.pool, exclude_from_core, &failed);
  if (failed != 0) {
    rte_mempool_free(made.pool);
    return fail(ErrorCode::io_failed, what + ": cannot be kept out of core files: " + rte_strerror(failed));
  }
  return made;
}

std::uint32_t taken_of(const rte_mempool* pool) {
  const rte_mempool_cache* cache = rte_mempool_default_cache(const_cast<rte_mempool*>(pool), rte_lcore_id());
  const std::uint32_t left =
      rte_mempool_get_ops(pool->ops_index)->get_count(pool) + (cache != nullptr ? cache->len : 0);
  return pool->size - std::min(pool->size, left);
}

}  // namespace

Result<Pools> Pools::create(std::string_view name, const PoolSizes& sizes, PoolMemory memory) {
  struct Kind {
    std::string_view name;
    std::uint32_t count;
    std::uint16_t room_bytes;
    rte_mempool* Pools::* pool;
  };
  Pools pools;
  for (const Kind& kind : {Kind{"frames", sizes.frames, kFrameRoomBytes, &Pools::frames_},
                           Kind{"jumbos", sizes.jumbos, kJumboRoomBytes, &Pools::jumbos_},
                           Kind{"views", sizes.views, 0, &Pools::views_}}) {
    auto made = create_pool(name, kind.name, kind.count, kind.room_bytes, memory);
    if (!made) return std::unexpected(std::move(made.error()));
    pools.*kind.pool = made->pool;
    pools.memory_.push_back(std::move(made->memory));
  }
  pools.blocks_ = std::make_unique<Blocks>(sizes.blocks);
  return pools;
}

Pools::Pools(Pools&& other) noexcept
    : memory_(std::move(other.memory_)),
      frames_(std::exchange(other.frames_, nullptr)),
      jumbos_(std::exchange(other.jumbos_, nullptr)),
      views_(std::exchange(other.views_, nullptr)),
      blocks_(std::move(other.blocks_)) {}

Pools& Pools::operator=(Pools&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(frames_, other.frames_);
  std::swap(jumbos_, other.jumbos_);
  std::swap(views_, other.views_);
  std::swap(blocks_, other.blocks_);
  return *this;
}

Pools::~Pools() {
  rte_mempool_free(frames_);
  rte_mempool_free(jumbos_);
  rte_mempool_free(views_);
}

std::uint32_t Pools::in_use() const {
  return rte_mempool_in_use_count(frames_) + rte_mempool_in_use_count(jumbos_) + rte_mempool_in_use_count(views_) +
         blocks_->in_use();
}

BufferCounts Pools::sizes() const {
  return {.frames = frames_->size, .jumbos = jumbos_->size, .views = views_->size};
}

BufferCounts Pools::taken() const {
  return {.frames = taken_of(frames_), .jumbos = taken_of(jumbos_), .views = taken_of(views_)};
}

}  // namespace sluice::buffer
