// Owned memory at a multiple of 4096, as O_DIRECT wants it. Zeroed when it is made.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "common/assert.h"
#include "common/bytes.h"
#include "segment/layout.h"

namespace sluice::segment {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t bytes) : size_(align_up(bytes)) {
    data_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(kAlign, size_)));
    SLUICE_ASSERT(data_ != nullptr || size_ == 0);
    if (size_ != 0) std::memset(data_.get(), 0, size_);
  }
  AlignedBuffer(AlignedBuffer&& other) noexcept : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  [[nodiscard]] std::uint8_t* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] MutableBytes bytes() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::uint8_t* p) const { std::free(p); }
  };
  std::unique_ptr<std::uint8_t, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace sluice::segment
