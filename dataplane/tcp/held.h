// Received bytes that wait to be read, together with the memory they pin.
// Bytes come in by reference. Under memory pressure a payload that pins far more than it holds (one
// byte in a 2 KiB room, 3 KB in a 62 KiB room) is copied into tail room instead: such a copy is
// small against what it frees. pinned_bytes() is an upper estimate that read() makes exact again.
#pragma once

#include <cstddef>

#include "dataplane/buffer/chain.h"

namespace sluice::tcp {

class Held {
 public:
  [[nodiscard]] const buffer::Chain& bytes() const { return bytes_; }
  [[nodiscard]] std::size_t length_bytes() const { return bytes_.length_bytes(); }
  [[nodiscard]] std::size_t pinned_bytes() const { return pinned_bytes_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

  void append(buffer::Chain&& chain, std::size_t pinned_bytes) {
    bytes_.append(std::move(chain));
    pinned_bytes_ += pinned_bytes;
  }
  void append(Held&& other) {
    append(std::move(other.bytes_), other.pinned_bytes_);
    other.clear();
  }
  // Copies where the chain is wasteful; keeps references where no buffer is free for the copy.
  void append_compact(buffer::Pools& pools, buffer::Chain&& chain, std::size_t pinned_bytes);

  // Moves the first `count` bytes to the end of `out`; false (nothing changed) when no view is free.
  [[nodiscard]] bool read(buffer::Pools& pools, std::size_t count, buffer::Chain& out);
  void clear() {
    bytes_.clear();
    pinned_bytes_ = 0;
  }

 private:
  buffer::Chain bytes_;
  std::size_t pinned_bytes_ = 0;
};

// True when the bytes are worth copying to free the rooms that they lie in.
inline bool is_wasteful(std::size_t length_bytes, std::size_t pinned_bytes) {
  return pinned_bytes > 4 * length_bytes;
}

}  // namespace sluice::tcp
