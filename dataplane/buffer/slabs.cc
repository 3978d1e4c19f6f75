// See slabs.h.
#include "dataplane/buffer/slabs.h"

#include <sys/mman.h>

#include <cstdint>

#include "common/assert.h"

namespace sluice::buffer {
namespace {

constexpr std::size_t kLineBytes = 64;

// Whoever takes it writes all over it.
void prefetch_all(const void* object, std::size_t bytes) {
  for (std::size_t at = 0; object != nullptr && at < bytes; at += kLineBytes)
    __builtin_prefetch(static_cast<const std::byte*>(object) + at, 1);
}

}  // namespace

Slabs::Slabs(std::size_t object_bytes)
    : object_bytes_(object_bytes), objects_((kChunkBytes - kHeadBytes) / object_bytes) {
  SLUICE_ASSERT(object_bytes >= sizeof(Free) && object_bytes % kHeadBytes == 0 && objects_ > 0);
}

Slabs::~Slabs() {
  SLUICE_ASSERT(empty_ == chunks_);
  while (with_room_ != nullptr) drop_chunk(with_room_);
}

void* Slabs::take() {
  Chunk* chunk = with_room_ != nullptr ? with_room_ : add_chunk();
  if (chunk->used++ == 0) --empty_;
  if (is_full(*chunk)) unlink(chunk);
  if (chunk->free != nullptr) {
    Free* object = chunk->free;
    chunk->free = object->next;
    prefetch_all(chunk->free, object_bytes_);
    return object;
  }
  return reinterpret_cast<std::byte*>(chunk) + kHeadBytes + object_bytes_ * chunk->fresh++;
}

void Slabs::give_back(void* object) {
  auto* chunk = reinterpret_cast<Chunk*>(reinterpret_cast<std::uintptr_t>(object) & ~(kChunkBytes - 1));
  Slabs& owner = *chunk->owner;
  if (owner.is_full(*chunk)) owner.link(chunk);
  chunk->free = new (object) Free{chunk->free};
  if (--chunk->used > 0) return;
  ++owner.empty_;
  if (owner.empty_ > kSpareChunks) owner.drop_chunk(chunk);
}

// Twice as much is asked for, and what does not lie right goes back.
Slabs::Chunk* Slabs::add_chunk() {
  void* memory =
      ::mmap(nullptr, 2 * kChunkBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) assert_failed("no memory for one more session", __FILE__, __LINE__);
  auto* begin = static_cast<std::byte*>(memory);
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(begin) & (kChunkBytes - 1);
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + kChunkBytes, kChunkBytes - before);
  begin += before;
  SLUICE_ASSERT(::madvise(begin, kChunkBytes, MADV_DONTDUMP) == 0);
  (void)::madvise(begin, kChunkBytes, MADV_HUGEPAGE);  // without huge pages it works as well, more slowly
  auto* chunk =
      new (begin) Chunk{.owner = this, .next = nullptr, .previous = nullptr, .free = nullptr, .fresh = 0, .used = 0};
  ++chunks_;
  ++empty_;
  link(chunk);
  return chunk;
}

void Slabs::drop_chunk(Chunk* chunk) {
  unlink(chunk);
  --chunks_;
  --empty_;
  ::munmap(chunk, kChunkBytes);
}

// In front: what was given back last is warm.
void Slabs::link(Chunk* chunk) {
  chunk->previous = nullptr;
  chunk->next = with_room_;
  if (with_room_ != nullptr) with_room_->previous = chunk;
  with_room_ = chunk;
}

void Slabs::unlink(Chunk* chunk) {
  (chunk->previous != nullptr ? chunk->previous->next : with_room_) = chunk->next;
  if (chunk->next != nullptr) chunk->next->previous = chunk->previous;
}

}  // namespace sluice::buffer
