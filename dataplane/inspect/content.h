// One section of content as the scanner sees it: the context byte (if any) and the window's pieces behind
// it, addressed by one running position. Small pieces are gathered into a buffer of fixed size, so that
// neither the number of pieces nor the cost of a piece is in the peer's hand. Never allocates after birth.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/bytes.h"

namespace sluice::inspect {

// Of the places of a content those in [from, to).
struct Stretch {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
};

class Content {
 public:
  // No more than this goes into one section; the scanner then takes the next.
  static constexpr std::size_t kSectionBytes = 256 * 1024;

  Content();

  void clear();
  // Takes as much of `piece` as there is room for; returns how many bytes it took.
  std::size_t append(Bytes piece);

  [[nodiscard]] std::uint32_t length() const { return length_; }
  // Bytes [from, to) in one run: a view where they lie in one piece, else a copy that the next call
  // overwrites. to - from <= kViewBytes.
  [[nodiscard]] Bytes view(std::uint32_t from, std::uint32_t to) {
    // Most of what is looked at lies in the last piece.
    if (from < to && from >= begins_.back() && to <= length_) return in_last_piece(from).first(to - from);
    return view_of_pieces(from, to);
  }
  static constexpr std::uint32_t kViewBytes = 16 * 1024;
  // Copies what there is from here on, at most to.size() bytes; tells how many.
  std::size_t copy(std::uint32_t from, MutableBytes to) const;
  // From here to the end of the piece in which it lies. from < length().
  [[nodiscard]] Bytes run_from(std::uint32_t from) const {
    if (from >= begins_.back()) return in_last_piece(from);
    const auto at =
        static_cast<std::size_t>(std::upper_bound(begins_.begin(), begins_.end(), from) - begins_.begin()) - 1;
    const std::uint32_t skip = from - begins_[at];
    return {reinterpret_cast<const std::uint8_t*>(pieces_[at]) + skip, lengths_[at] - skip};
  }

  // As hs_scan_vector takes it.
  [[nodiscard]] const char* const* pieces() const { return pieces_.data(); }
  [[nodiscard]] const unsigned* lengths() const { return lengths_.data(); }
  [[nodiscard]] unsigned piece_count() const { return static_cast<unsigned>(pieces_.size()); }

 private:
  [[nodiscard]] Bytes in_last_piece(std::uint32_t from) const {
    const std::uint32_t skip = from - begins_.back();
    return {reinterpret_cast<const std::uint8_t*>(pieces_.back()) + skip, lengths_.back() - skip};
  }
  [[nodiscard]] Bytes view_of_pieces(std::uint32_t from, std::uint32_t to);

  std::vector<const char*> pieces_;
  std::vector<unsigned> lengths_;
  std::vector<std::uint32_t> begins_;  // position of each piece
  std::vector<std::uint8_t> gathered_;
  std::vector<std::uint8_t> copy_;
  std::size_t gathered_bytes_ = 0;
  bool gathering_ = false;  // the last piece is the end of gathered_
  std::uint32_t length_ = 0;
};

}  // namespace sluice::inspect
