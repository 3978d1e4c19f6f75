// See pieces.h.
#include "dataplane/session/pieces.h"

#include <algorithm>

namespace sluice::session {
namespace {

using Kept = std::vector<std::uint8_t>;

void assign(Kept& to, Bytes bytes) {
  to.assign(bytes.begin(), bytes.end());
}

// Appends what there is room for.
void extend(Kept& head, Bytes more) {
  more = more.first(std::min(more.size(), Pieces::kEndBytes - std::min(head.size(), Pieces::kEndBytes)));
  head.insert(head.end(), more.begin(), more.end());
}

}  // namespace

PayloadKey Pieces::key_of(Bytes ties) const {
  return {siphash(key_, ties), siphash({~key_.k0, ~key_.k1}, ties)};
}

const Pieces::Stream* Pieces::find(const PayloadKey& key, TimeNs now) const {
  const auto found = index_.find(key);
  return found == index_.end() || found->second->expires <= now ? nullptr : &*found->second;
}

Pieces::Left Pieces::left_of(const PayloadKey& key, std::optional<std::uint64_t> offset, TimeNs now) const {
  const Stream* stream = find(key, now);
  Left left{.begin = offset.value_or(stream == nullptr || stream->next > kMaxOffset ? 0 : stream->next),
            .bytes = {},
            .state = {}};
  if (stream == nullptr) return left;
  const auto run =
      std::ranges::find_if(stream->runs, [&](const Run& r) { return r.begin < left.begin && left.begin <= r.end; });
  if (run == stream->runs.end()) return left;
  const std::uint64_t replaced = run->end - left.begin;
  if (replaced == 0) {
    left.bytes = run->tail;
    left.state = run->state;
  } else if (replaced < run->tail.size()) {
    left.bytes = Bytes(run->tail).first(run->tail.size() - replaced);
  } else if (left.begin - run->begin <= run->head.size()) {
    left.bytes = Bytes(run->head).first(left.begin - run->begin);
  }
  return left;
}

Pieces::Right Pieces::right_of(const PayloadKey& key, std::uint64_t end, TimeNs now) const {
  const Stream* stream = find(key, now);
  if (stream == nullptr) return {};
  const auto run = std::ranges::find_if(stream->runs, [&](const Run& r) { return r.begin <= end && end < r.end; });
  if (run == stream->runs.end()) return {};
  const std::uint64_t replaced = end - run->begin;
  if (replaced < run->head.size())
    return {.bytes = Bytes(run->head).subspan(replaced), .whole = run->size() <= run->head.size()};
  if (run->end - end <= run->tail.size()) return {.bytes = Bytes(run->tail).last(run->end - end), .whole = true};
  return {};
}

Pieces::Stream& Pieces::touch(const PayloadKey& key, TimeNs now, ErrorCounters& errors) {
  // Two at a time, so that the work stays small; a payload that nobody asks for is gone by then anyway.
  for (int i = 0; i < 2 && !streams_.empty() && streams_.back().expires <= now; ++i) {
    index_.erase(streams_.back().key);
    streams_.pop_back();
  }
  const auto found = index_.find(key);
  if (found != index_.end()) {
    streams_.splice(streams_.begin(), streams_, found->second);
    if (streams_.front().expires <= now) streams_.front() = {.key = key, .expires = 0, .next = 0, .runs = {}};
    return streams_.front();
  }
  if (streams_.size() == kStreams) {
    errors.add(ErrorCode::piece_stream_forgotten);
    index_.erase(streams_.back().key);
    streams_.pop_back();
  }
  streams_.push_front({.key = key, .expires = 0, .next = 0, .runs = {}});
  index_.emplace(key, streams_.begin());
  return streams_.front();
}

void Pieces::add(const PayloadKey& key, const Piece& piece, DurationNs life, TimeNs now, ErrorCounters& errors) {
  if (piece.size == 0 || piece.begin > kMaxOffset || piece.size > kMaxOffset) return;
  Stream& stream = touch(key, now, errors);
  stream.expires = now + life;
  Run run{.begin = piece.begin, .end = piece.begin + piece.size, .head = {}, .tail = {}, .state = piece.state};
  assign(run.head, piece.head);
  assign(run.tail, piece.tail);
  stream.next = run.end;
  bool overlap = false;
  for (auto other = stream.runs.begin(); other != stream.runs.end();) {
    if (other->begin > piece.begin + piece.size || other->end < piece.begin) {
      ++other;
      continue;
    }
    overlap |= join(run, *other, piece);
    other = stream.runs.erase(other);
  }
  if (overlap) errors.add(ErrorCode::piece_overlap);
  stream.runs.push_front(std::move(run));
  if (stream.runs.size() <= kRuns) return;
  errors.add(ErrorCode::piece_gap_forgotten);
  stream.runs.pop_back();
}

// Adds to `run`, which holds the piece, what of `other` lies before and behind the piece and touches it. True when the
// piece took the place of other bytes.
bool Pieces::join(Run& run, const Run& other, const Piece& piece) {
  const std::uint64_t end = piece.begin + piece.size;
  if (other.begin < piece.begin) {
    const std::uint64_t before = piece.begin - other.begin;
    Kept head;
    extend(head, Bytes(other.head).first(std::min<std::uint64_t>(before, other.head.size())));
    if (head.size() == before) extend(head, run.head);
    run.head = std::move(head);
    run.begin = other.begin;
  }
  if (other.end > end) {
    const std::uint64_t from = std::max(end, other.begin) - other.begin;
    if (run.head.size() == end - run.begin && from < other.head.size())
      extend(run.head, Bytes(other.head).subspan(from));
    if (!piece.through_right) {
      // Only what is known of the bytes that the piece left.
      assign(run.tail, Bytes(other.tail).last(std::min<std::uint64_t>(other.tail.size(), other.end - end)));
      run.state = run.tail.size() == other.tail.size() ? other.state : inspect::ScanState{};
    }
    run.end = other.end;
  }
  return other.begin < end && other.end > piece.begin;
}

}  // namespace sluice::session
