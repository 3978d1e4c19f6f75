// The bytes of one direction that came in and have not gone out, each labelled with what it is.
// Invariants: runs cover exactly the first labelled_bytes() of the chain, in order; adjacent runs
// differ in kind; content offsets count content bytes of the current message from 0. Content that is many values (the
// cells of rows, say) has a mark (item_mark.h) before each: on the wire it is nothing, in the content a few bytes. A
// coded value is its bytes on the wire and its text in the content; it goes whole, and while its bytes come it has
// none. A run of rows is whole DataRow messages, framing, marks and content in one (postgres_rows.h), and may stand
// beside another; where what may go ends inside of it, it is taken apart. Of decoded rows the content lies beside them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/buffer/chain.h"
#include "dataplane/protocol/postgres/blanks.h"
#include "dataplane/session/content_view.h"
#include "dataplane/session/postgres_rows.h"
#include "dataplane/session/run_queue.h"
#include "segment/item_mark.h"

namespace sluice::session {

enum class RunKind : std::uint8_t { head, framing, content, trailer, mark, coded, rows };

class Held {
 public:
  // Most runs that a direction may hold; a body in more pieces is refused (http_too_fragmented).
  static constexpr std::size_t kMaxRuns = 16384;

  // Small pieces are copied together: held bytes may wait long, and a one-byte segment would keep a whole
  // buffer from others.
  void append(buffer::Pools& pools, buffer::Chain&& bytes);
  [[nodiscard]] std::size_t length_bytes() const { return bytes_.length_bytes(); }
  [[nodiscard]] std::size_t segments() const { return bytes_.segments(); }
  [[nodiscard]] std::size_t labelled_bytes() const { return labelled_bytes_; }
  [[nodiscard]] std::size_t run_count() const { return runs_.size(); }
  // Content that is kept beside what came.
  [[nodiscard]] std::size_t text_bytes() const { return texts_ == nullptr ? 0 : texts_->bytes.size() - texts_->gone; }

  // The contiguous bytes that come next to be labelled, but for the first `skip`; empty when all are. And how many
  // there are in all.
  [[nodiscard]] Bytes unlabelled(std::size_t skip = 0) const {
    Place place;
    return unlabelled(place, skip);
  }
  // The same from where was looked last, while nothing went since: of many segments each is passed once.
  struct Place {
    rte_mbuf* segment = nullptr;
    std::size_t begin = 0;
  };
  [[nodiscard]] Bytes unlabelled(Place& place, std::size_t skip = 0) const;
  [[nodiscard]] std::size_t unlabelled_bytes() const { return bytes_.length_bytes() - labelled_bytes_; }
  void label(RunKind kind, std::size_t bytes);
  // Content goes on with a value, which its next bytes are.
  void mark(Item item, std::uint32_t length);
  // The same for whole rows, which lie in one piece, or for one of at most kMostJoinedBytes in two.
  void label_rows(const RowsSize& rows, const DecodedRows& decoded = {});
  // The bytes of the row that comes next, if it is whole and lies in two pieces at most, copied to the beginning of
  // `out`; without any, nothing.
  [[nodiscard]] Bytes joined_row(Place& place, MutableBytes out) const;

  // A value in a code of its own comes: its next bytes, until it is closed in one of these ways. With its text as
  // content, which is not empty, and how its bytes are hidden;
  void label_coded(std::size_t bytes);
  void close_coded(std::string_view text, postgres::Blank blank);
  // as a value of `length` bytes that is content as it stands, of which those that came are labelled;
  void close_plain(std::uint32_t length);
  // or as no value at all.
  void close_framing();
  // Bytes of one that was not closed.
  [[nodiscard]] std::size_t open_bytes() const { return is_open() ? runs_.back().bytes : 0; }
  // Where in the content that begins which no mark, coded value or row came behind, as far as it is held.
  [[nodiscard]] std::uint64_t last_plain_begin() const;

  // A new message begins: content counts from 0. At most its head is held.
  void begin_message();
  // The first line of the labelled bytes, without its end; a longer one is cut.
  static constexpr std::size_t kMaxLineBytes = 8192;
  [[nodiscard]] std::string first_line() const;
  // What was labelled as part of a head turns out to be the content of a message that begins here (the
  // stream has no structure). No other message is held.
  void relabel_as_content();
  // Content seen so far in this message, released or not.
  [[nodiscard]] std::uint64_t content_end() const { return content_end_; }
  // Lays the held content from offset `from` on into `view`.
  void view_content(std::uint64_t from, ContentView& view) const;
  // The same for held trailer bytes; offsets count from the first held one.
  void view_trailers(ContentView& view) const;

  // Edits of the labelled head, which must be the first run; `offset` counts from its first byte.
  void overwrite_head(std::size_t offset, Bytes bytes);
  [[nodiscard]] bool splice_head(buffer::Pools& pools, std::size_t offset, std::size_t remove, Bytes insert);

  // Moves to `out` what may go: the head when `head` is set, content before offset `through`, framing
  // between, and trailers when `all`. False when no view mbuf is free (nothing is lost; try again).
  [[nodiscard]] bool release(buffer::Pools& pools, bool head, std::uint64_t through, bool all, buffer::Chain& out);
  // Gives out views of all labelled bytes that were not given out yet, and keeps the bytes: for a service
  // that is only observed, whose scans must not hold anything back. A later release() of these bytes gives
  // nothing more. False when no view mbuf is free (try again).
  [[nodiscard]] bool pass(buffer::Pools& pools, buffer::Chain& out);
  // Forgets labelled bytes (a refused message), or everything.
  void drop_labelled();
  void clear();

 private:
  struct Run {
    RunKind kind = RunKind::framing;
    Item item = Item::text;                          // of a mark; `bytes` is its length then
    postgres::Blank blank = postgres::Blank::stars;  // of a coded value
    std::uint32_t text_bytes = 0;                    // in texts_; of a coded value that is open 0
    std::uint32_t rows_content = 0;                  // of rows
    std::size_t bytes = 0;
    [[nodiscard]] std::size_t wire_bytes() const { return kind == RunKind::mark ? 0 : bytes; }
    [[nodiscard]] std::size_t content_bytes() const;
    [[nodiscard]] bool is_open() const { return kind == RunKind::coded && text_bytes == 0; }
  };
  // Copies the unlabelled bytes that come next. False: there are not so many, or they lie in more than two pieces.
  [[nodiscard]] bool peek(Place& place, MutableBytes out) const;
  // The last run is a coded value that is not closed.
  [[nodiscard]] bool is_open() const { return !runs_.empty() && runs_.back().is_open(); }
  void drop_texts(std::size_t bytes);
  void leave_texts(std::size_t most);
  void forget_labels();
  void view_runs(RunKind kind, std::uint64_t skip, ContentView& view) const;
  // Of the rows that are the front run, that in which content ends that may go, as runs of its own.
  void open_rows(std::uint64_t content);
  static void add_cells(Bytes row, const DecodedRows& decoded, std::vector<Run>& runs, std::string& texts);

  buffer::Chain bytes_;
  RunQueue<Run> runs_;
  // Of coded values and decoded rows that are held, and before them of some that went. Most sessions have none.
  struct Texts {
    std::string bytes;
    std::size_t gone = 0;  // bytes of those
  };
  std::unique_ptr<Texts> texts_;
  Texts& texts();
  // Of a run whose text begins at `text`.
  [[nodiscard]] DecodedRows decoded_rows(const Run& run, std::size_t text) const;
  std::size_t labelled_bytes_ = 0;
  std::size_t passed_bytes_ = 0;     // of the labelled ones, from the front: given out by pass()
  std::uint64_t content_begin_ = 0;  // offset of the first content byte still held
  std::uint64_t content_end_ = 0;
};

}  // namespace sluice::session
