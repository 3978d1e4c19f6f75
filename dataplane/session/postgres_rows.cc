#include "dataplane/session/postgres_rows.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "common/assert.h"
#include "dataplane/inspect/mask.h"
#include "dataplane/protocol/postgres/array_head.h"
#include "segment/item_mark.h"

namespace sluice::session {
namespace {

using postgres::Blank;
using postgres::Row;

constexpr std::size_t kShortBytes = 32;        // copied at once, where there is room for so many on both sides
constexpr std::size_t kMostBytes = 64 * 1024;  // of rows that are looked at together, and of one of them
constexpr std::uint32_t kMostRows = 16;        // of them: a match among them is found from the first on
constexpr std::size_t kAheadBytes = 1024;      // of what is looked at, this far behind is asked for
constexpr std::size_t kLineBytes = 64;

void prefetch(const std::uint8_t* from, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += kLineBytes) __builtin_prefetch(from + at);
}

std::size_t content_of(std::uint32_t length) {
  return mark_bytes(length) + length;
}

// Of the value whose mark `decoded` begins with; an array is its elements.
std::size_t value_bytes(Bytes decoded) {
  const ItemMark mark = *read_mark(as_text(decoded));
  if (mark.item != Item::list) return mark.bytes + mark.length;
  std::size_t bytes = mark.bytes;
  for (std::uint32_t i = 0; i < mark.length; ++i) bytes += value_bytes(decoded.subspan(bytes));
  return bytes;
}

// Calls fn(cell) for those, and for elements of arrays, of which content may lie in [from, to).
template <bool kIsDecoded, class Fn>
void walk_cells(Bytes rows, const DecodedRows& decoded, std::size_t from, std::size_t to, RowPlace& place, Fn&& fn) {
  RowPlace at = place;
  const auto end_cell = [](RowPlace& cell) {
    if (--cell.cells_left == 0) cell.content += mark_bytes(cell.cells);
  };
  while (at.content < to) {
    if (at.cells_left == 0) {
      at.cells = at.cells_left = Row(rows.subspan(at.wire)).cells();
      at.wire += postgres::kRowHeadBytes;
    }
    std::uint32_t length = load_be32(rows.data() + at.wire);
    if (length == postgres::kNullLength) length = 0;
    PlacedCell cell{.wire = at.wire + postgres::kCellHeadBytes, .length = length};
    if constexpr (!kIsDecoded) {
      cell.begin = at.content + mark_bytes(length);
      cell.end = cell.begin + length;
    } else {
      const ItemMark mark = *read_mark(as_text(decoded.content.subspan(at.content)));
      if (mark.item == Item::list) {
        const std::uint32_t dimensions = load_be32(rows.data() + cell.wire);
        at.wire = cell.wire + postgres::kArrayHeadBytes + std::size_t{dimensions} * postgres::kDimensionBytes;
        at.content += mark.bytes;
        at.elements_left = mark.length;
        if (mark.length == 0) end_cell(at);
        continue;
      }
      cell.begin = at.content + mark.bytes;
      cell.end = cell.begin + mark.length;
      if (mark.item == Item::decoded) cell.decoded = static_cast<Blank>(decoded.blanks[at.cells - at.cells_left]);
    }
    if (cell.end > from) {
      fn(cell);
      if (cell.end >= to) break;  // more of it may be asked for
    }
    at.wire = cell.wire + length;
    at.content = cell.end;
    if (at.elements_left == 0 || --at.elements_left == 0) end_cell(at);
  }
  place = at;
}

template <class Fn>
void for_cells(Bytes rows, const DecodedRows& decoded, std::size_t from, std::size_t to, RowPlace& place, Fn&& fn) {
  if (decoded.are_plain()) return walk_cells<false>(rows, decoded, from, to, place, fn);
  walk_cells<true>(rows, decoded, from, to, place, fn);
}

}  // namespace

RowsSize measure_rows(Bytes input, std::uint32_t cells, std::size_t most, std::uint32_t most_rows) {
  RowsSize size;
  most = std::min(most, kMostBytes);
  most_rows = std::min(most_rows, kMostRows);
  const std::size_t row_mark = mark_bytes(cells);
  prefetch(input.data(), std::min(input.size(), kAheadBytes));
  while (size.wire < most && size.rows < most_rows) {
    std::size_t content = row_mark;
    const std::size_t bytes = postgres::whole_row(input.subspan(size.wire), cells,
                                                  [&](std::uint32_t length, bool) { content += content_of(length); });
    if (bytes == 0 || bytes > kMostBytes) break;  // one that large is looked at as it comes
    prefetch(input.data() + size.wire + kAheadBytes, bytes);
    size.wire += bytes;
    size.content += static_cast<std::uint32_t>(content);
    size.last = static_cast<std::uint32_t>(bytes);
    ++size.rows;
  }
  return size;
}

std::size_t row_content(const Row& row, const DecodedRows& decoded, std::size_t begin) {
  std::size_t end = begin;
  row.for_each_cell([&](std::size_t, std::uint32_t length, bool) {
    end += decoded.are_plain() ? content_of(length) : value_bytes(decoded.content.subspan(end));
  });
  return end + mark_bytes(row.cells()) - begin;
}

RowsSize rows_before(Bytes rows, const DecodedRows& decoded, std::size_t content) {
  RowsSize before;
  while (before.wire < rows.size()) {
    const Row row(rows.subspan(before.wire));
    const std::size_t more = row_content(row, decoded, before.content);
    if (before.content + more > content) break;
    before.wire += row.size();
    before.content += static_cast<std::uint32_t>(more);
  }
  return before;
}

void write_rows(Bytes rows, MutableBytes out) {
  const std::uint8_t* const rows_end = rows.data() + rows.size();
  std::uint8_t* to = out.data();
  std::uint8_t* const end = out.data() + out.size();
  // Where there is still room for a copy of so many bytes; without any, nowhere.
  const std::uint8_t* const last_short = rows.size() < kShortBytes ? nullptr : rows_end - kShortBytes;
  const std::uint8_t* const last_short_to = out.size() < kShortBytes ? nullptr : end - kShortBytes;
  while (!rows.empty()) {
    const Row row(rows);
    row.for_each_cell([&](std::size_t offset, std::uint32_t length, bool null) {
      const std::uint8_t* const cell = rows.data() + offset;
      to += write_mark(null ? Item::null : Item::value, length, to);
      if (length <= kShortBytes && cell <= last_short && to <= last_short_to)
        std::memcpy(to, cell, kShortBytes);
      else
        std::memcpy(to, cell, length);
      to += length;
    });
    to += write_mark(Item::row, row.cells(), to);
    rows = rows.subspan(row.size());
  }
  SLUICE_ASSERT(to == end);
}

std::vector<PlacedCell> cells_of(Bytes rows, const DecodedRows& decoded) {
  std::vector<PlacedCell> cells;
  RowPlace place;
  for_cells(rows, decoded, 0, decoded.content.size(), place, [&](const PlacedCell& cell) { cells.push_back(cell); });
  return cells;
}

void star_rows(MutableBytes rows, const DecodedRows& decoded, std::size_t from, Bytes masked, RowPlace& place) {
  for_cells(rows, decoded, from, from + masked.size(), place, [&](const PlacedCell& cell) {
    const std::size_t begin = std::max(from, cell.begin);
    const std::size_t end = std::min(from + masked.size(), cell.end);
    if (begin >= end) return;
    const Bytes stars = masked.subspan(begin - from, end - begin);
    const MutableBytes bytes = rows.subspan(cell.wire, cell.length);
    if (!cell.decoded)
      inspect::copy_stars(stars, bytes.subspan(begin - cell.begin, stars.size()));
    else if (std::ranges::find(stars, '*') != stars.end())
      postgres::blank(*cell.decoded, 0, bytes.size(), bytes);
  });
}

void blank_rows(MutableBytes rows, const DecodedRows& decoded, std::size_t from, std::size_t to, Blank how,
                RowPlace& place) {
  for_cells(rows, decoded, from, to, place, [&](const PlacedCell& cell) {
    const std::size_t begin = std::max(from, cell.begin);
    const std::size_t end = std::min(to, cell.end);
    if (begin >= end) return;
    const MutableBytes bytes = rows.subspan(cell.wire, cell.length);
    if (cell.decoded)
      postgres::blank(*cell.decoded, 0, bytes.size(), bytes);
    else
      postgres::blank(how, begin - cell.begin, bytes.size(), bytes.subspan(begin - cell.begin, end - begin));
  });
}

}  // namespace sluice::session
