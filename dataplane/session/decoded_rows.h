// Writes the content of rows of which some cells are decoded, or hidden for their column: as if they had been labelled
// cell by cell (coded_value.h), for many of them at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "dataplane/protocol/postgres/types.h"
#include "dataplane/session/postgres_rows.h"
#include "segment/item_mark.h"

namespace sluice::session {

struct PlannedCell;

class DecodedRowsWriter {
 public:
  // Of rows that measure_rows() found as many as have a content of kMostContentBytes at most, and no array that is not
  // sound; none where the first is no such row. `plan` is of each cell of a row.
  RowsSize write(Bytes rows, std::span<const PlannedCell> plan);

  // What was written last: its bytes are this writer's.
  [[nodiscard]] DecodedRows rows() const { return {as_bytes(content_), blanks_}; }
  struct HiddenValue {
    std::uint32_t cell = 0;  // of its row
    std::size_t begin = 0;   // in the content
    std::size_t end = 0;
  };
  [[nodiscard]] const std::vector<HiddenValue>& hidden() const { return hidden_; }

 private:
  static constexpr std::size_t kMostContentBytes = 64 * 1024;

  bool write_row(Bytes row, std::span<const PlannedCell> plan);
  bool write_array(const postgres::Type& type, Bytes value);
  bool write_value(const postgres::Type* coded, Bytes value);
  void write_item(Item item, std::size_t length, Bytes bytes = {});

  std::string content_;
  std::string text_;  // of the value that is written
  std::vector<std::uint8_t> blanks_;
  std::vector<HiddenValue> hidden_;
  std::uint32_t cell_ = 0;  // that is written
  bool is_hidden_ = false;  // it is
};

}  // namespace sluice::session
