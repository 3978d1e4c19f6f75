// See content_view.h. Pieces are found by binary search: many matches lie in few pieces.
#include "dataplane/session/content_view.h"

#include <algorithm>
#include <utility>

#include "dataplane/inspect/mask.h"

namespace sluice::session {

void ContentView::reset(std::uint64_t begin) {
  begin_ = end_ = begin;
  read_.clear();
  wire_.clear();
  starts_.clear();
  marks_.clear();
  coded_.clear();
  wires_.clear();
  joined_.clear();
  row_bytes_.clear();
  has_rows_ = false;
  changed_piece_ = ~std::size_t{0};
}

void ContentView::add(MutableBytes piece) {
  read_.emplace_back(piece);
  wire_.push_back({.bytes = piece});
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
  wire_.push_back({.form = Form::coded});
  starts_.push_back(end_);
  end_ += text.size() - skip;
}

void ContentView::add_wire(MutableBytes bytes) {
  wires_.push_back(bytes);
  coded_.back().wire_bytes += bytes.size();
}

MutableBytes ContentView::rows_of(const Wire& wire) const {
  if (wire.form == Form::rows) return wire.bytes;
  const Joined& row = joined_[wire.joined];
  return MutableBytes(row_bytes_).subspan(row.begin, row.first.size() + row.second.size());
}

void ContentView::add_rows(MutableBytes rows, std::size_t content, std::size_t skip, const DecodedRows& decoded) {
  if (skip < content) add_rows({.form = Form::rows, .bytes = rows, .skipped = skip, .decoded = decoded}, content);
}

void ContentView::add_row(MutableBytes first, MutableBytes second, std::size_t content, std::size_t skip,
                          const DecodedRows& decoded) {
  if (skip >= content) return;
  joined_.push_back({.begin = row_bytes_.size(), .first = first, .second = second});
  row_bytes_.insert(row_bytes_.end(), first.begin(), first.end());
  row_bytes_.insert(row_bytes_.end(), second.begin(), second.end());
  add_rows({.form = Form::joined, .skipped = skip, .joined = joined_.size() - 1, .decoded = decoded}, content);
}

void ContentView::add_rows(const Wire& wire, std::size_t content) {
  Bytes spelled(static_cast<const std::uint8_t*>(nullptr), content - wire.skipped);
  if (!wire.decoded.are_plain()) {
    spelled = wire.decoded.content.subspan(wire.skipped);
  } else if (wire.skipped > 0) {
    cut_.resize(content);
    write_rows(rows_of(wire), cut_);
    spelled = Bytes(cut_).subspan(wire.skipped);
  }
  has_rows_ |= spelled.data() == nullptr;
  read_.push_back(spelled);
  wire_.push_back(wire);
  starts_.push_back(end_);
  end_ += spelled.size();
}

void ContentView::spell_out() {
  if (!std::exchange(has_rows_, false)) return;
  std::size_t bytes = 0;
  for (const Bytes piece : read_) bytes += piece.data() == nullptr ? piece.size() : 0;
  spelled_.resize(bytes);
  MutableBytes room = spelled_;
  for (std::size_t i = 0; i < read_.size(); ++i) {
    if (read_[i].data() != nullptr) continue;
    const MutableBytes out = room.first(read_[i].size());
    write_rows(rows_of(wire_[i]), out);
    read_[i] = out;
    room = room.subspan(out.size());
  }
}

void ContentView::pieces_from(std::uint64_t from, std::vector<Bytes>& out) const {
  SLUICE_ASSERT(from >= begin_ && from <= end_);
  SLUICE_ASSERT(!has_rows_);
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
    const std::size_t offset = at - starts_[index];
    const std::size_t count = std::min<std::uint64_t>(read_[index].size() - offset, to - at);
    fn(index, offset, count, at - from);
    at += count;
  }
}

void ContentView::copy(std::uint64_t from, std::uint64_t to, std::uint8_t* out) const {
  overlap(from, to, [&](std::size_t index, std::size_t offset, std::size_t count, std::uint64_t at) {
    const Bytes piece = read_[index];
    if (piece.data() != nullptr) {
      std::memcpy(out + at, piece.data() + offset, count);
      return;
    }
    SLUICE_ASSERT(count == piece.size());
    write_rows(rows_of(wire_[index]), {out + at, count});
  });
}

void ContentView::star(std::uint64_t from, Bytes masked) {
  if (changed_piece_ < starts_.size() && from >= starts_[changed_piece_]) {
    const std::size_t offset = from - starts_[changed_piece_];
    if (offset + masked.size() <= read_[changed_piece_].size()) return star_piece(changed_piece_, offset, masked);
  }
  overlap(from, from + masked.size(), [&](std::size_t index, std::size_t offset, std::size_t count, std::uint64_t at) {
    star_piece(index, offset, masked.subspan(at, count));
  });
}

void ContentView::star_piece(std::size_t index, std::size_t offset, Bytes stars) {
  const Wire& wire = wire_[index];
  if (wire.form == Form::coded) {
    if (std::ranges::find(stars, '*') != stars.end()) blank_coded(index);
    return;
  }
  if (wire.form == Form::plain) return inspect::copy_stars(stars, wire.bytes.subspan(offset, stars.size()));
  change_rows(index, offset,
              [&](MutableBytes rows, std::size_t from) { star_rows(rows, wire.decoded, from, stars, changed_); });
}

// Calls fn(rows, offset in their content).
template <class Fn>
void ContentView::change_rows(std::size_t index, std::size_t offset, Fn&& fn) {
  const Wire& wire = wire_[index];
  offset += wire.skipped;
  if (std::exchange(changed_piece_, index) != index || changed_.content > offset) changed_ = {};
  const MutableBytes rows = rows_of(wire);
  fn(rows, offset);
  if (wire.form == Form::rows) return;
  const Joined& row = joined_[wire.joined];
  std::ranges::copy(rows.first(row.first.size()), row.first.begin());
  std::ranges::copy(rows.subspan(row.first.size()), row.second.begin());
}

void ContentView::blank(std::uint64_t from, std::uint64_t to, postgres::Blank how, std::uint64_t value_begin,
                        std::uint64_t value_end) {
  overlap(from, to, [&](std::size_t index, std::size_t begin, std::size_t count, std::uint64_t offset) {
    const Wire& wire = wire_[index];
    if (wire.form == Form::coded) return blank_coded(index);
    if (wire.form != Form::plain)
      return change_rows(index, begin, [&](MutableBytes rows, std::size_t content) {
        blank_rows(rows, wire.decoded, content, content + count, how, changed_);
      });
    postgres::blank(how, from + offset - value_begin, value_end - value_begin, wire.bytes.subspan(begin, count));
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
