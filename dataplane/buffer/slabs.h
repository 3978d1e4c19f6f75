// Room for objects of one size that come and go with connections, in chunks of 2 MiB: on pages of that size where the
// kernel gives some, as many as are needed and a few more. A chunk of which nothing is used goes back to the kernel.
// How many objects there are is bounded by their owner. Single-threaded; outlives what lies in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace sluice::buffer {

class Slabs {
 public:
  static constexpr std::size_t kChunkBytes = std::size_t{2} << 20;
  static constexpr std::size_t kSpareChunks = 8;  // kept although empty

  // Of objects of at most so many bytes; a multiple of a cache line.
  explicit Slabs(std::size_t object_bytes);
  ~Slabs();
  Slabs(const Slabs&) = delete;
  Slabs& operator=(const Slabs&) = delete;

  // Aligned to a cache line, with anything in it. The process ends where there is no memory.
  [[nodiscard]] void* take();
  static void give_back(void* object);

  // What was taken from the kernel.
  [[nodiscard]] std::size_t memory_bytes() const { return chunks_ * kChunkBytes; }

  struct Delete {
    template <class T>
    void operator()(T* object) const {
      std::destroy_at(object);
      give_back(object);
    }
  };
  template <class T>
  using Owned = std::unique_ptr<T, Delete>;
  template <class T, class... Args>
  [[nodiscard]] Owned<T> make(Args&&... args) {
    return Owned<T>(new (take()) T(std::forward<Args>(args)...));
  }

 private:
  struct Free {
    Free* next;
  };
  // At the beginning of its memory, which is aligned to its size: so an object finds its chunk.
  struct Chunk {
    Slabs* owner;
    Chunk* next;  // of those with room
    Chunk* previous;
    Free* free;
    std::uint32_t fresh;  // objects never used yet begin here
    std::uint32_t used;
  };
  static constexpr std::size_t kHeadBytes = 64;
  static_assert(sizeof(Chunk) <= kHeadBytes);

  Chunk* add_chunk();
  void drop_chunk(Chunk* chunk);
  void link(Chunk* chunk);
  void unlink(Chunk* chunk);
  [[nodiscard]] bool is_full(const Chunk& chunk) const { return chunk.used == objects_; }

  std::size_t object_bytes_;
  std::size_t objects_;  // of a chunk
  std::size_t chunks_ = 0;
  std::size_t empty_ = 0;
  Chunk* with_room_ = nullptr;
};

}  // namespace sluice::buffer
