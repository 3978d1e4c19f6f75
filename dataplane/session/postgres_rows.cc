#include "dataplane/session/postgres_rows.h"

#include <algorithm>
#include <cstring>

#include "common/assert.h"
#include "dataplane/inspect/mask.h"
#include "dataplane/protocol/postgres/data_row.h"
#include "segment/item_mark.h"

namespace sluice::session {
namespace {

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

std::size_t content_of(const Row& row) {
  std::size_t content = mark_bytes(row.cells());
  row.for_each_cell([&](std::size_t, std::uint32_t length, bool) { content += content_of(length); });
  return content;
}

// What of the cell at `content` lies in the masked content from `from` on.
void star_cell(MutableBytes cell, std::size_t content, std::size_t from, Bytes masked) {
  const std::size_t begin = std::max(from, content);
  const std::size_t end = std::min(from + masked.size(), content + cell.size());
  if (begin < end)
    inspect::copy_stars(masked.subspan(begin - from, end - begin), cell.subspan(begin - content, end - begin));
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

RowsSize rows_before(Bytes rows, std::size_t content) {
  RowsSize before;
  while (before.wire < rows.size()) {
    const Row row(rows.subspan(before.wire));
    const std::size_t more = content_of(row);
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

void star_rows(MutableBytes rows, std::size_t from, Bytes masked, RowPlace& place) {
  const std::size_t to = from + masked.size();
  RowPlace at = place;
  while (at.content < to) {
    if (at.cells_left == 0) {
      at.cells = at.cells_left = Row(rows.subspan(at.wire)).cells();
      at.wire += postgres::kRowHeadBytes;
    }
    std::uint32_t length = load_be32(rows.data() + at.wire);
    if (length == postgres::kNullLength) length = 0;
    const std::size_t content = at.content + mark_bytes(length);
    if (content + length > from) {
      star_cell(rows.subspan(at.wire + postgres::kCellHeadBytes, length), content, from, masked);
      if (content + length >= to) break;  // more of it may be asked for
    }
    at.wire += postgres::kCellHeadBytes + length;
    at.content = content + length;
    if (--at.cells_left == 0) at.content += mark_bytes(at.cells);
  }
  place = at;
}

}  // namespace sluice::session
