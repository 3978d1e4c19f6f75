// Memory that one process gives to another by descriptor: sealed, so that what was checked is what is used.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/bytes.h"
#include "common/error.h"
#include "common/fd.h"

namespace sluice {

// A memfd with these bytes, sealed against writing, growing and shrinking.
Result<Fd> make_sealed_memory(const char* name, Bytes content);

// Sealed memory mapped read-only.
class SealedMemory {
 public:
  // Refuses what is not sealed whole, or does not have exactly `size_bytes`.
  static Result<SealedMemory> map(const Fd& fd, std::uint64_t size_bytes);
  SealedMemory(SealedMemory&& other) noexcept;
  SealedMemory& operator=(SealedMemory&&) = delete;
  ~SealedMemory();
  [[nodiscard]] Bytes bytes() const { return {data_, size_}; }

 private:
  SealedMemory(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sluice
