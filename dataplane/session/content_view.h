// The content of a message as the contiguous pieces that hold it, addressed by content offset.
// Rebuilt for each scan; the pieces point into mbufs that the session owns.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "common/bytes.h"
#include "segment/item_mark.h"

namespace sluice::session {

class ContentView {
 public:
  // Starts over: the next piece added begins at content offset `begin`.
  void reset(std::uint64_t begin);
  void add(MutableBytes piece);
  // All but the first `skip` bytes of a mark, which is nowhere on the wire.
  void add_mark(Item item, std::uint32_t length, std::size_t skip);

  [[nodiscard]] std::uint64_t begin() const { return begin_; }
  [[nodiscard]] std::uint64_t end() const { return end_; }
  [[nodiscard]] std::span<const Bytes> pieces() const { return read_; }

  // The pieces from content offset `from` on, which lies inside the view.
  void pieces_from(std::uint64_t from, std::vector<Bytes>& out) const;

  // Copies content [from, to), which lies inside the view.
  void copy(std::uint64_t from, std::uint64_t to, std::uint8_t* out) const;
  // Writes '*' at content offset from + i wherever masked[i] is '*'.
  void star(std::uint64_t from, Bytes masked);

 private:
  // Calls fn(piece bytes, offset within [from, to)) for each piece that overlaps.
  template <class Fn>
  void overlap(std::uint64_t from, std::uint64_t to, Fn&& fn) const;

  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::vector<Bytes> read_;
  std::vector<MutableBytes> write_;
  std::vector<std::uint64_t> starts_;
  std::deque<std::array<std::uint8_t, kMostMarkBytes>> marks_;  // a deque: pieces point into it
};

}  // namespace sluice::session
