// The content of DataRow messages that lie whole in one piece: each cell behind its mark, each row with its own behind
// it (item_mark.h), as if they had been labelled cell by cell. Results of many rows are held and recorded as such.
// Invariant: `rows` are whole, sound rows that measure_rows() found; their lengths do not change while they are held.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/bytes.h"

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
// Of the rows whose content ends at `content` or before.
RowsSize rows_before(Bytes rows, std::size_t content);
// Writes the content of the rows, which is as long as `out`.
void write_rows(Bytes rows, MutableBytes out);

// A cell among rows, by what lies before it.
struct RowPlace {
  std::size_t wire = 0;
  std::size_t content = 0;
  std::uint32_t cells = 0;       // of its row
  std::uint32_t cells_left = 0;  // of them, with it; 0: a row begins here
};
// Writes '*' into the cells at content offset from + i wherever masked[i] is '*'. Begins to look at `place`, which lies
// at `from` or before, and moves it on to the last cell that it looked at.
void star_rows(MutableBytes rows, std::size_t from, Bytes masked, RowPlace& place);

}  // namespace sluice::session
