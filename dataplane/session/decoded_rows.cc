// See decoded_rows.h.
#include "dataplane/session/decoded_rows.h"

#include <algorithm>
#include <cstring>

#include "dataplane/protocol/postgres/array_head.h"
#include "dataplane/protocol/postgres/data_row.h"
#include "dataplane/protocol/postgres/value_texts.h"
#include "dataplane/session/cell_plan.h"
#include "dataplane/session/coded_value.h"

namespace sluice::session {

RowsSize DecodedRowsWriter::write(Bytes rows, std::span<const PlannedCell> plan) {
  content_.clear();
  hidden_.clear();
  RowsSize size;
  while (size.wire < rows.size()) {
    const Bytes row = rows.subspan(size.wire, postgres::Row(rows.subspan(size.wire)).size());
    const std::size_t hidden = hidden_.size();
    if (!write_row(row, plan)) {
      content_.resize(size.content);
      hidden_.resize(hidden);
      break;
    }
    size.wire += row.size();
    size.content = static_cast<std::uint32_t>(content_.size());
    size.last = static_cast<std::uint32_t>(row.size());
    ++size.rows;
  }
  blanks_.clear();
  for (const PlannedCell& cell : plan) blanks_.push_back(static_cast<std::uint8_t>(cell.blank));
  return size;
}

// False: nothing of it counts.
bool DecodedRowsWriter::write_row(Bytes row, std::span<const PlannedCell> plan) {
  const postgres::Row cells(row);
  bool is_written = true;
  cell_ = 0;
  cells.for_each_cell([&](std::size_t offset, std::uint32_t length, bool null) {
    const PlannedCell& cell = plan[cell_];
    const Bytes value = row.subspan(offset, length);
    is_hidden_ = !cell.hidden_by.empty();
    if (null)
      write_item(Item::null, 0);
    else
      is_written = is_written && (cell.is_array ? write_array(*cell.coded, value) : write_value(cell.coded, value));
    ++cell_;
  });
  write_item(Item::row, cells.cells());
  return is_written && content_.size() <= kMostContentBytes;
}

bool DecodedRowsWriter::write_array(const postgres::Type& type, Bytes value) {
  if (value.size() < postgres::kArrayHeadBytes) return false;
  const std::uint32_t head = postgres::array_head_bytes(value, type.oid);
  if (head == 0 || head > value.size()) return false;
  const auto most = static_cast<std::uint32_t>((value.size() - head) / postgres::kElementHeadBytes);
  const auto elements = postgres::array_elements(value.first(head), most);
  if (!elements) return false;
  value = value.subspan(head);
  write_item(Item::list, *elements);
  for (std::uint32_t i = 0; i < *elements; ++i) {
    if (value.size() < postgres::kElementHeadBytes) return false;
    const std::uint32_t length = load_be32(value.data());
    value = value.subspan(postgres::kElementHeadBytes);
    if (length == postgres::kNullLength) {
      write_item(Item::null, 0);
      continue;
    }
    if (length > value.size()) return false;
    if (!write_value(CodedValue::is_single(type) ? &type : nullptr, value.first(length))) return false;
    value = value.subspan(length);
  }
  return value.empty();
}

// What is not what its type says is content as it stands. False: it is too long.
bool DecodedRowsWriter::write_value(const postgres::Type* coded, Bytes value) {
  if (coded != nullptr) {
    text_.clear();
    postgres::BoundedText text(text_, kMostContentBytes);
    const ErrorCode error = coded->text(value, text);
    if (text.is_full()) return false;
    if (error != ErrorCode::ok || text_.empty()) coded = nullptr;
  }
  const Bytes content = coded == nullptr ? value : as_bytes(text_);
  if (content.size() > kMostContentBytes - std::min(kMostContentBytes, content_.size())) return false;
  write_item(coded == nullptr ? Item::value : Item::decoded, content.size(), content);
  if (is_hidden_) hidden_.push_back({.cell = cell_, .begin = content_.size() - content.size(), .end = content_.size()});
  return true;
}

// Its mark, and behind it its bytes, if it has some.
void DecodedRowsWriter::write_item(Item item, std::size_t length, Bytes bytes) {
  const std::size_t begin = content_.size();
  content_.resize_and_overwrite(begin + kMostMarkBytes + bytes.size(), [&](char* content, std::size_t) {
    auto* const out = reinterpret_cast<std::uint8_t*>(content) + begin;
    const std::size_t mark = write_mark(item, static_cast<std::uint32_t>(length), out);
    if (!bytes.empty()) std::memcpy(out + mark, bytes.data(), bytes.size());
    return begin + mark + bytes.size();
  });
}

}  // namespace sluice::session
