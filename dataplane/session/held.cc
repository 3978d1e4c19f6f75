// See held.h.
#include "dataplane/session/held.h"

#include <algorithm>
#include <cstring>
#include <ranges>
#include <utility>
#include <vector>

#include "common/assert.h"

namespace sluice::session {
namespace {

constexpr std::size_t kSmallPieceBytes = 512;
// Of a buffer for texts that is empty: in the middle of a message, and between two.
constexpr std::size_t kMostTextBytes = 128 * 1024;
constexpr std::size_t kKeptTextBytes = 4 * 1024;

}  // namespace

void Held::append(buffer::Pools& pools, buffer::Chain&& bytes) {
  if (bytes.length_bytes() >= bytes.segments() * kSmallPieceBytes) return bytes_.append(std::move(bytes));
  std::size_t copied = 0;
  bool room = true;
  bytes.for_each(0, bytes.length_bytes(), [&](Bytes piece) {
    room = room && bytes_.append_copy(pools, piece);
    if (room) copied += piece.size();
  });
  bytes.drop_front(copied);
  bytes_.append(std::move(bytes));
}

Bytes Held::unlabelled(Place& place, std::size_t skip) const {
  const std::size_t offset = labelled_bytes_ + skip;
  if (offset == bytes_.length_bytes()) return {};
  if (place.segment == nullptr) place.segment = bytes_.first();
  while (offset - place.begin >= place.segment->data_len) {
    place.begin += place.segment->data_len;
    place.segment = place.segment->next;
  }
  const std::size_t at = offset - place.begin;
  return {rte_pktmbuf_mtod_offset(place.segment, const std::uint8_t*, at), place.segment->data_len - at};
}

void Held::label(RunKind kind, std::size_t bytes) {
  if (bytes == 0) return;
  SLUICE_ASSERT(labelled_bytes_ + bytes <= bytes_.length_bytes());
  if (!runs_.empty() && runs_.back().kind == kind) {
    runs_.back().bytes += bytes;
  } else {
    runs_.push_back({.kind = kind, .bytes = bytes});
  }
  labelled_bytes_ += bytes;
  if (kind == RunKind::content) content_end_ += bytes;
}

void Held::mark(Item item, std::uint32_t length) {
  runs_.push_back({.kind = RunKind::mark, .item = item, .bytes = length});
  content_end_ += mark_bytes(length);
}

void Held::label_coded(std::size_t bytes) {
  if (bytes == 0) return;
  SLUICE_ASSERT(labelled_bytes_ + bytes <= bytes_.length_bytes());
  if (is_open())
    runs_.back().bytes += bytes;
  else
    runs_.push_back({.kind = RunKind::coded, .bytes = bytes});
  labelled_bytes_ += bytes;
}

void Held::close_coded(std::string_view text, postgres::Blank blank) {
  SLUICE_ASSERT(is_open() && !text.empty());
  Run run = runs_.back();
  const auto length = static_cast<std::uint32_t>(text.size());
  runs_.back() = {.kind = RunKind::mark, .item = Item::decoded, .bytes = length};
  run.blank = blank;
  run.text_bytes = length;
  runs_.push_back(run);
  texts().bytes.append(text);
  content_end_ += mark_bytes(length) + length;
}

void Held::close_plain(std::uint32_t length) {
  const std::size_t bytes = open_bytes();
  const Run value{.kind = RunKind::mark, .item = Item::value, .bytes = length};
  if (bytes > 0)
    runs_.back() = value;
  else
    runs_.push_back(value);
  content_end_ += mark_bytes(length) + bytes;
  if (bytes > 0) runs_.push_back({.kind = RunKind::content, .bytes = bytes});
}

void Held::close_framing() {
  if (is_open()) runs_.back().kind = RunKind::framing;
}

Held::Texts& Held::texts() {
  if (texts_ == nullptr) texts_ = std::make_unique<Texts>();
  return *texts_;
}

std::size_t Held::Run::content_bytes() const {
  if (kind == RunKind::coded) return text_bytes;
  if (kind == RunKind::mark) return mark_bytes(static_cast<std::uint32_t>(bytes));
  if (kind == RunKind::rows) return rows_content;
  return kind == RunKind::content ? bytes : 0;
}

void Held::begin_message() {
  SLUICE_ASSERT(runs_.empty() || (runs_.size() == 1 && runs_.front().kind == RunKind::head));
  content_begin_ = content_end_ = 0;
}

std::string Held::first_line() const {
  std::string line(std::min(labelled_bytes_, kMaxLineBytes), '\0');
  bytes_.copy_out(0, line.size(), reinterpret_cast<std::uint8_t*>(line.data()));
  line.resize(std::min(line.find_first_of("\r\n"), line.size()));
  return line;
}

void Held::relabel_as_content() {
  runs_.clear();
  if (labelled_bytes_ > 0) runs_.push_back({.kind = RunKind::content, .bytes = labelled_bytes_});
  content_begin_ = 0;
  content_end_ = labelled_bytes_;
}

void Held::view_runs(RunKind kind, std::uint64_t skip, ContentView& view) const {
  // Runs and segments are walked side by side: each is visited once.
  const rte_mbuf* segment = bytes_.first();
  std::size_t at = 0;  // within segment
  std::size_t text = texts_ == nullptr ? 0 : texts_->gone;
  for (const Run& run : runs_.all()) {
    const bool is_coded = run.kind == RunKind::coded && run.text_bytes > 0 && kind == RunKind::content;
    if (is_coded) {
      const std::size_t skipped = std::min<std::uint64_t>(skip, run.text_bytes);
      skip -= skipped;
      view.add_coded(as_bytes(std::string_view(texts_->bytes).substr(text, run.text_bytes)), skipped, run.blank);
      text += run.text_bytes;
    }
    if (run.kind == RunKind::mark && kind == RunKind::content) {
      const std::size_t skipped = std::min<std::uint64_t>(skip, run.content_bytes());
      skip -= skipped;
      view.add_mark(run.item, static_cast<std::uint32_t>(run.bytes), skipped);
    }
    if (run.kind == RunKind::rows && kind == RunKind::content) {
      while (at == segment->data_len) {
        segment = segment->next;
        at = 0;
      }
      const std::size_t skipped = std::min<std::uint64_t>(skip, run.rows_content);
      skip -= skipped;
      const std::size_t here = std::min<std::size_t>(run.bytes, segment->data_len - at);
      const MutableBytes rows(rte_pktmbuf_mtod_offset(segment, std::uint8_t*, at), here);
      const DecodedRows decoded = decoded_rows(run, text);
      text += run.text_bytes;
      if (here == run.bytes) {
        view.add_rows(rows, run.rows_content, skipped, decoded);
        at += here;
      } else {
        do segment = segment->next;
        while (segment->data_len == 0);
        at = run.bytes - here;
        view.add_row(rows, {rte_pktmbuf_mtod(segment, std::uint8_t*), at}, run.rows_content, skipped, decoded);
      }
      continue;
    }
    for (std::size_t left = run.wire_bytes(); left > 0;) {
      if (at == segment->data_len) {
        segment = segment->next;
        at = 0;
        continue;
      }
      const std::size_t here = std::min<std::size_t>(left, segment->data_len - at);
      if (is_coded) view.add_wire({rte_pktmbuf_mtod_offset(segment, std::uint8_t*, at), here});
      if (run.kind == kind) {
        const std::size_t skipped = std::min<std::uint64_t>(skip, here);
        skip -= skipped;
        if (skipped < here) view.add({rte_pktmbuf_mtod_offset(segment, std::uint8_t*, at + skipped), here - skipped});
      }
      left -= here;
      at += here;
    }
  }
}

std::uint64_t Held::last_plain_begin() const {
  std::uint64_t begin = content_end_;
  for (const Run& run : runs_.all() | std::views::reverse) {
    if (run.kind == RunKind::mark || run.kind == RunKind::coded || run.kind == RunKind::rows) break;
    if (run.kind == RunKind::content) begin -= run.bytes;
  }
  return begin;
}

void Held::view_content(std::uint64_t from, ContentView& view) const {
  SLUICE_ASSERT(from >= content_begin_ && from <= content_end_);
  view.reset(from);
  view_runs(RunKind::content, from - content_begin_, view);
}

void Held::view_trailers(ContentView& view) const {
  view.reset(0);
  view_runs(RunKind::trailer, 0, view);
}

void Held::overwrite_head(std::size_t offset, Bytes bytes) {
  SLUICE_ASSERT(!runs_.empty() && runs_.front().kind == RunKind::head && offset + bytes.size() <= runs_.front().bytes);
  bytes_.overwrite(offset, bytes);
}

bool Held::splice_head(buffer::Pools& pools, std::size_t offset, std::size_t remove, Bytes insert) {
  SLUICE_ASSERT(!runs_.empty() && runs_.front().kind == RunKind::head && offset + remove <= runs_.front().bytes);
  if (!bytes_.splice(pools, offset, remove, insert)) return false;
  runs_.front().bytes += insert.size() - remove;
  labelled_bytes_ += insert.size() - remove;
  return true;
}

bool Held::release(buffer::Pools& pools, bool head, std::uint64_t through, bool all, buffer::Chain& out) {
  std::size_t bytes = 0;
  std::size_t whole_runs = 0;
  std::size_t part = 0;  // of the content run after the whole ones
  std::size_t texts = 0;
  bool ends_in_rows = false;
  std::uint64_t content = content_begin_;
  for (const Run& run : runs_.all()) {
    if (run.is_open()) break;
    if (run.kind == RunKind::head && !head) break;
    if (run.kind == RunKind::trailer && !all) break;
    if (const std::size_t length = run.content_bytes(); length > 0) {
      const std::uint64_t may = std::min<std::uint64_t>(length, through - std::min(through, content));
      if (run.kind == RunKind::rows && may < length) {
        ends_in_rows = may > 0;
        break;
      }
      if (run.kind != RunKind::content && may < length) break;
      content += may;
      if (may < length) {
        part = may;
        bytes += may;
        break;
      }
    }
    bytes += run.wire_bytes();
    texts += run.text_bytes;
    ++whole_runs;
  }
  if (bytes > 0) {
    buffer::Chain front;
    if (!bytes_.take_front(pools, bytes, front)) return false;
    const std::size_t passed = std::min(passed_bytes_, bytes);
    front.drop_front(passed);
    passed_bytes_ -= passed;
    out.append(std::move(front));
  }
  runs_.drop_front(whole_runs);
  drop_texts(texts);
  if (part > 0) runs_.front().bytes -= part;
  labelled_bytes_ -= bytes;
  content_begin_ = content;
  if (all && runs_.empty()) leave_texts(kKeptTextBytes);
  if (!ends_in_rows) return true;
  open_rows(through - content);
  return release(pools, head, through, all, out);
}

bool Held::pass(buffer::Pools& pools, buffer::Chain& out) {
  if (!bytes_.share(pools, passed_bytes_, labelled_bytes_ - passed_bytes_, out)) return false;
  passed_bytes_ = labelled_bytes_;
  return true;
}

void Held::drop_labelled() {
  bytes_.drop_front(labelled_bytes_);
  forget_labels();
}

void Held::clear() {
  bytes_.clear();
  forget_labels();
}

void Held::forget_labels() {
  passed_bytes_ = 0;
  labelled_bytes_ = 0;
  runs_.clear();
  if (texts_ != nullptr) drop_texts(texts_->bytes.size() - texts_->gone);
  leave_texts(kKeptTextBytes);
  content_begin_ = content_end_;
}

// Room is made when most of it is gone.
void Held::drop_texts(std::size_t bytes) {
  if (bytes == 0) return;
  texts_->gone += bytes;
  if (texts_->gone * 2 < texts_->bytes.size()) return;
  texts_->bytes.erase(0, std::exchange(texts_->gone, 0));
  leave_texts(kMostTextBytes);
}

// A buffer that is empty, if it has more room than `most`.
void Held::leave_texts(std::size_t most) {
  if (texts_ != nullptr && texts_->bytes.empty() && texts_->bytes.capacity() > most) texts_.reset();
}

}  // namespace sluice::session
