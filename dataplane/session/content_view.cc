// See content_view.h. Pieces are found by binary search: many matches lie in few pieces.
#include "dataplane/session/content_view.h"

#include <algorithm>

#include "common/assert.h"

namespace sluice::session {

void ContentView::reset(std::uint64_t begin) {
  begin_ = end_ = begin;
  read_.clear();
  write_.clear();
  starts_.clear();
  marks_.clear();
}

void ContentView::add(MutableBytes piece) {
  read_.emplace_back(piece);
  write_.push_back(piece);
  starts_.push_back(end_);
  end_ += piece.size();
}

void ContentView::add_mark(Item item, std::uint32_t length, std::size_t skip) {
  auto& mark = marks_.emplace_back();
  const std::size_t bytes = write_mark(item, length, mark.data());
  if (skip < bytes) add(MutableBytes(mark).subspan(skip, bytes - skip));
}

void ContentView::pieces_from(std::uint64_t from, std::vector<Bytes>& out) const {
  SLUICE_ASSERT(from >= begin_ && from <= end_);
  out.clear();
  for (std::size_t i = 0; i < read_.size(); ++i) {
    const std::uint64_t end = starts_[i] + read_[i].size();
    if (end > from) out.push_back(read_[i].subspan(std::max(from, starts_[i]) - starts_[i]));
  }
}

template <class Fn>
void ContentView::overlap(std::uint64_t from, std::uint64_t to, Fn&& fn) const {
  SLUICE_ASSERT(from >= begin_ && to <= end_ && from <= to);
  if (from == to) return;
  auto index = static_cast<std::size_t>(std::ranges::upper_bound(starts_, from) - starts_.begin()) - 1;
  for (std::uint64_t at = from; at < to; ++index) {
    const MutableBytes piece = write_[index].subspan(at - starts_[index]);
    const std::size_t count = std::min<std::uint64_t>(piece.size(), to - at);
    fn(piece.first(count), at - from);
    at += count;
  }
}

void ContentView::copy(std::uint64_t from, std::uint64_t to, std::uint8_t* out) const {
  overlap(from, to,
          [out](MutableBytes piece, std::uint64_t offset) { std::memcpy(out + offset, piece.data(), piece.size()); });
}

void ContentView::star(std::uint64_t from, Bytes masked) {
  overlap(from, from + masked.size(), [masked](MutableBytes piece, std::uint64_t offset) {
    for (std::size_t i = 0; i < piece.size(); ++i)
      if (masked[offset + i] == '*') piece[i] = '*';
  });
}

}  // namespace sluice::session
