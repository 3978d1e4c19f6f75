// The content of DataRow messages that lie whole in one piece: each cell behind its mark, each row with its own behind
// it (item_mark.h), as if they had been labelled cell by cell. Results of many rows are held and recorded as such.
// Where each cell is its own content nothing of that is kept; where some are decoded, it was written when they came
// (decoded_rows.h) and lies beside them.
// Invariant: rows are whole, sound rows that measure_rows() found; their lengths do not change while they are held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/bytes.h"
#include "dataplane/protocol/postgres/blanks.h"
#include "dataplane/protocol/postgres/data_row.h"

namespace sluice::session {

// Of a row that lies in two pieces, and is looked at as one all the same.
inline constexpr std::size_t kMostJoinedBytes = 2048;

struct RowsSize {
  std::size_t wire = 0;
  std::uint32_t content = 0;
  std::uint32_t rows = 0;
  std::uint32_t last = 0;  // bytes of the last row
};

// Of the whole, sound rows of `cells` cells with which `input` begins, as many as go into one run, and `most_rows` of
// them at most; the last of them begins before `most`.
RowsSize measure_rows(Bytes input, std::uint32_t cells, std::size_t most, std::uint32_t most_rows = ~std::uint32_t{0});
// Writes the content of rows that are not decoded, which is as long as `out`.
void write_rows(Bytes rows, MutableBytes out);

// The content of decoded rows, and how each cell of a row is hidden where it is one (postgres::Blank). Of rows that are
// plain both are empty.
struct DecodedRows {
  Bytes content;
  Bytes blanks;
  [[nodiscard]] bool are_plain() const { return content.empty(); }
};
// Each of their cells, and of decoded arrays each element instead.
struct PlacedCell {
  std::size_t wire = 0;
  std::uint32_t length = 0;
  std::size_t begin = 0;  // in the content, behind its mark
  std::size_t end = 0;
  std::optional<postgres::Blank> decoded{};  // how it is hidden then
};
std::vector<PlacedCell> cells_of(Bytes rows, const DecodedRows& decoded);
// Of the row whose content begins at `begin`.
std::size_t row_content(const postgres::Row& row, const DecodedRows& decoded, std::size_t begin);
// Of the rows whose content ends at `content` or before.
RowsSize rows_before(Bytes rows, const DecodedRows& decoded, std::size_t content);

// A cell among rows, by what lies before it.
struct RowPlace {
  std::size_t wire = 0;
  std::size_t content = 0;
  std::uint32_t cells = 0;          // of its row
  std::uint32_t cells_left = 0;     // of them, with it; 0: a row begins here
  std::uint32_t elements_left = 0;  // of the array that it is, which lie from here on
};
// Writes '*' into the cells at content offset from + i wherever masked[i] is '*'; a decoded cell is hidden whole.
// Begins to look at `place`, which lies at `from` or before, and moves it on to the last cell that it looked at.
void star_rows(MutableBytes rows, const DecodedRows& decoded, std::size_t from, Bytes masked, RowPlace& place);
// Hides content [from, to), which is of one cell, likewise: as `how` says, where it is not decoded.
void blank_rows(MutableBytes rows, const DecodedRows& decoded, std::size_t from, std::size_t to, postgres::Blank how,
                RowPlace& place);

}  // namespace sluice::session
