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
  coded_.clear();
  wires_.clear();
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

void ContentView::add_coded(Bytes text, std::size_t skip, postgres::Blank blank) {
  coded_.push_back({read_.size(), blank, wires_.size(), 0});
  read_.push_back(text.subspan(skip));
  write_.emplace_back();
  starts_.push_back(end_);
  end_ += text.size() - skip;
}

void ContentView::add_wire(MutableBytes bytes) {
  wires_.push_back(bytes);
  coded_.back().wire_bytes += bytes.size();
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
    const std::size_t begin = at - starts_[index];
    const std::size_t count = std::min<std::uint64_t>(read_[index].size() - begin, to - at);
    fn(index, begin, count, at - from);
    at += count;
  }
}

void ContentView::copy(std::uint64_t from, std::uint64_t to, std::uint8_t* out) const {
  overlap(from, to, [&](std::size_t index, std::size_t begin, std::size_t count, std::uint64_t offset) {
    std::memcpy(out + offset, read_[index].data() + begin, count);
  });
}

void ContentView::star(std::uint64_t from, Bytes masked) {
  overlap(from, from + masked.size(),
          [&](std::size_t index, std::size_t begin, std::size_t count, std::uint64_t offset) {
            const Bytes stars = masked.subspan(offset, count);
            if (write_[index].empty()) {
              if (std::ranges::find(stars, '*') != stars.end()) blank_coded(index);
              return;
            }
            const MutableBytes piece = write_[index].subspan(begin, count);
            for (std::size_t i = 0; i < piece.size(); ++i)
              if (stars[i] == '*') piece[i] = '*';
          });
}

void ContentView::blank(std::uint64_t from, std::uint64_t to, postgres::Blank how, std::uint64_t value_begin,
                        std::uint64_t value_end) {
  overlap(from, to, [&](std::size_t index, std::size_t begin, std::size_t count, std::uint64_t offset) {
    if (write_[index].empty()) return blank_coded(index);
    postgres::blank(how, from + offset - value_begin, value_end - value_begin, write_[index].subspan(begin, count));
  });
}

void ContentView::blank_coded(std::size_t piece) {
  const Coded& value = *std::ranges::lower_bound(coded_, piece, {}, &Coded::piece);
  std::uint64_t offset = 0;
  for (std::size_t i = value.first_wire; offset < value.wire_bytes; ++i) {
    postgres::blank(value.blank, offset, value.wire_bytes, wires_[i]);
    offset += wires_[i].size();
  }
}

}  // namespace sluice::session
