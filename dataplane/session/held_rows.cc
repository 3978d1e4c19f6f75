// Runs of whole rows, see held.h: how they are labelled, and taken apart.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "common/assert.h"
#include "dataplane/protocol/postgres/data_row.h"
#include "dataplane/session/held.h"

namespace sluice::session {
namespace {

// Returns how many bytes they are there.
std::uint32_t append_rows(const DecodedRows& rows, std::string& out) {
  out.append(as_text(rows.blanks)).append(as_text(rows.content));
  return static_cast<std::uint32_t>(rows.blanks.size() + rows.content.size());
}

DecodedRows part_of(const DecodedRows& rows, std::size_t begin, std::size_t bytes) {
  return rows.are_plain() ? rows : DecodedRows{rows.content.subspan(begin, bytes), rows.blanks};
}

}  // namespace

void Held::label_rows(const RowsSize& rows, const DecodedRows& decoded) {
  SLUICE_ASSERT(labelled_bytes_ + rows.wire <= bytes_.length_bytes());
  Run run{.kind = RunKind::rows, .rows_content = rows.content, .bytes = rows.wire};
  if (!decoded.are_plain()) {
    SLUICE_ASSERT(decoded.content.size() == rows.content);
    run.text_bytes = append_rows(decoded, texts().bytes);
  }
  runs_.push_back(run);
  labelled_bytes_ += rows.wire;
  content_end_ += rows.content;
}

bool Held::peek(Place& place, MutableBytes out) const {
  if (out.size() > unlabelled_bytes()) return false;
  const Bytes first = unlabelled(place);
  const std::size_t here = std::min(first.size(), out.size());
  std::ranges::copy(first.first(here), out.begin());
  if (here == out.size()) return true;
  const rte_mbuf* segment = place.segment->next;
  while (segment->data_len == 0) segment = segment->next;
  const MutableBytes left = out.subspan(here);
  if (segment->data_len < left.size()) return false;
  std::memcpy(left.data(), rte_pktmbuf_mtod(segment, const std::uint8_t*), left.size());
  return true;
}

Bytes Held::joined_row(Place& place, MutableBytes out) const {
  const MutableBytes head = out.first(postgres::kRowHeadBytes);
  if (!peek(place, head)) return {};
  const std::size_t bytes = postgres::Row(head).size();
  if (bytes > out.size() || !peek(place, out.first(bytes))) return {};
  return out.first(bytes);
}

DecodedRows Held::decoded_rows(const Run& run, std::size_t text) const {
  if (run.text_bytes == 0) return {};
  const Bytes all = as_bytes(std::string_view(texts_->bytes).substr(text, run.text_bytes));
  const std::size_t blanks = run.text_bytes - run.rows_content;
  return {.content = all.subspan(blanks), .blanks = all.first(blanks)};
}

void Held::open_rows(std::uint64_t content) {
  const Run whole = runs_.front();
  Bytes bytes(rte_pktmbuf_mtod(bytes_.first(), const std::uint8_t*), bytes_.first()->data_len);
  std::array<std::uint8_t, kMostJoinedBytes> joined;
  if (bytes.size() < whole.bytes) {
    SLUICE_ASSERT(whole.bytes <= joined.size());
    bytes_.copy_out(0, whole.bytes, joined.data());
    bytes = joined;
  }
  bytes = bytes.first(whole.bytes);
  const DecodedRows decoded = decoded_rows(whole, texts_ == nullptr ? 0 : texts_->gone);
  std::vector<Run> runs;
  std::string texts;
  const auto add_rows = [&](const RowsSize& begin, const RowsSize& end) {
    if (begin.wire == end.wire) return;
    Run rows{.kind = RunKind::rows, .rows_content = end.content - begin.content, .bytes = end.wire - begin.wire};
    rows.text_bytes = append_rows(part_of(decoded, begin.content, rows.rows_content), texts);
    runs.push_back(rows);
  };
  const RowsSize before = rows_before(bytes, decoded, content);
  const postgres::Row row(bytes.subspan(before.wire));
  const auto row_bytes = static_cast<std::uint32_t>(row_content(row, decoded, before.content));
  const RowsSize after{.wire = before.wire + row.size(), .content = before.content + row_bytes};
  add_rows({}, before);
  add_cells(bytes.subspan(before.wire, row.size()), part_of(decoded, before.content, row_bytes), runs, texts);
  add_rows(after, {.wire = whole.bytes, .content = whole.rows_content});
  if (whole.text_bytes > 0) texts_->bytes.replace(texts_->gone, whole.text_bytes, texts);
  runs_.replace_front(runs);
}

void Held::add_cells(Bytes row, const DecodedRows& decoded, std::vector<Run>& runs, std::string& texts) {
  std::vector<std::uint8_t> written;
  if (decoded.are_plain()) {
    written.resize(row_content(postgres::Row(row), {}, 0));
    write_rows(row, written);
  }
  const DecodedRows all{decoded.are_plain() ? written : decoded.content, decoded.blanks};
  std::size_t wire = 0;
  std::size_t at = 0;  // in the content
  const auto add = [&](const Run& run) {
    if (run.bytes > 0) runs.push_back(run);
    wire += run.bytes;
  };
  const auto add_marks = [&](std::size_t end) {
    while (at < end) {
      const ItemMark mark = *read_mark(as_text(all.content.subspan(at)));
      runs.push_back({.kind = RunKind::mark, .item = mark.item, .bytes = mark.length});
      at += mark.bytes;
    }
  };
  for (const PlacedCell& cell : cells_of(row, all)) {
    add({.kind = RunKind::framing, .bytes = cell.wire - wire});
    add_marks(cell.begin);
    Run value{.kind = RunKind::content, .bytes = cell.length};
    if (cell.decoded) {
      const std::string_view text = as_text(all.content.subspan(cell.begin, cell.end - cell.begin));
      value.kind = RunKind::coded;
      value.blank = *cell.decoded;
      value.text_bytes = static_cast<std::uint32_t>(text.size());
      texts += text;
    }
    add(value);
    at = cell.end;
  }
  add({.kind = RunKind::framing, .bytes = row.size() - wire});
  add_marks(all.content.size());
}

}  // namespace sluice::session
