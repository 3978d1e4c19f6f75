// The content of a message as the contiguous pieces that hold it, addressed by content offset.
// Rebuilt for each scan; the pieces point into mbufs that the session owns.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "common/assert.h"
#include "common/bytes.h"
#include "dataplane/protocol/postgres/blanks.h"
#include "dataplane/session/postgres_rows.h"
#include "segment/item_mark.h"

namespace sluice::session {

class ContentView {
 public:
  // Starts over: the next piece added begins at content offset `begin`.
  void reset(std::uint64_t begin);
  void add(MutableBytes piece);
  // All but the first `skip` bytes of a mark, which is nowhere on the wire.
  void add_mark(Item item, std::uint32_t length, std::size_t skip);
  // All but the first `skip` bytes of the content of whole rows. They can be copied together with all others, or pieces
  // after spell_out().
  void add_rows(MutableBytes rows, std::size_t content, std::size_t skip, const DecodedRows& decoded);
  // The same for one row that lies in two pieces.
  void add_row(MutableBytes first, MutableBytes second, std::size_t content, std::size_t skip,
               const DecodedRows& decoded);
  void spell_out();

  [[nodiscard]] std::uint64_t begin() const { return begin_; }
  [[nodiscard]] std::uint64_t end() const { return end_; }
  [[nodiscard]] std::span<const Bytes> pieces() const {
    SLUICE_ASSERT(!has_rows_);
    return read_;
  }

  // All but the first `skip` bytes of the text of a coded value (held.h), and then the bytes that it is on the wire.
  void add_coded(Bytes text, std::size_t skip, postgres::Blank blank);
  void add_wire(MutableBytes bytes);

  // The pieces from content offset `from` on, which lies inside the view.
  void pieces_from(std::uint64_t from, std::vector<Bytes>& out) const;

  // Copies content [from, to), which lies inside the view, and ends inside no rows that are not spelled out.
  void copy(std::uint64_t from, std::uint64_t to, std::uint8_t* out) const;
  // Writes '*' at content offset from + i wherever masked[i] is '*'. A coded value is hidden whole.
  void star(std::uint64_t from, Bytes masked);
  // Hides [from, to) of the value that is [value_begin, value_end) of the content.
  void blank(std::uint64_t from, std::uint64_t to, postgres::Blank how, std::uint64_t value_begin,
             std::uint64_t value_end);

 private:
  // Calls fn(index of a piece, offset in it, count of bytes, offset within [from, to)) for each piece that overlaps.
  template <class Fn>
  void overlap(std::uint64_t from, std::uint64_t to, Fn&& fn) const;

  // What a piece is on the wire: itself; a coded value, whose bytes lie in wires_; rows, or a row in two pieces.
  enum class Form : std::uint8_t { plain, coded, rows, joined };
  struct Wire {
    Form form = Form::plain;
    MutableBytes bytes{};
    std::size_t skipped = 0;  // content of the rows
    std::size_t joined = 0;   // index of the row
    DecodedRows decoded{};    // of the rows
  };
  struct Joined {
    std::size_t begin = 0;  // in row_bytes_
    MutableBytes first, second;
  };
  [[nodiscard]] MutableBytes rows_of(const Wire& wire) const;
  void star_piece(std::size_t index, std::size_t offset, Bytes stars);
  template <class Fn>
  void change_rows(std::size_t index, std::size_t offset, Fn&& fn);
  void add_rows(const Wire& wire, std::size_t content);
  struct Coded {
    std::size_t piece;
    postgres::Blank blank;
    std::size_t first_wire;
    std::uint64_t wire_bytes;
  };
  void blank_coded(std::size_t piece);

  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::vector<Bytes> read_;  // of rows that are not spelled out: no bytes, of the right number
  std::vector<Wire> wire_;
  std::vector<std::uint64_t> starts_;
  std::vector<Coded> coded_;
  std::vector<MutableBytes> wires_;                             // of all coded values, one behind the other
  std::deque<std::array<std::uint8_t, kMostMarkBytes>> marks_;  // a deque: pieces point into it
  bool has_rows_ = false;                                       // not spelled out
  std::vector<Joined> joined_;
  mutable std::vector<std::uint8_t> row_bytes_;  // of joined rows, one behind the other
  std::vector<std::uint8_t> spelled_;
  std::vector<std::uint8_t> cut_;  // the content of rows whose beginning is not in the view: only the first piece
  std::size_t changed_piece_ = 0;  // the rows that were changed last, and where
  RowPlace changed_;
};

}  // namespace sluice::session
