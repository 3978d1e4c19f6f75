// See worker_recorder.h.
#include "dataplane/record/worker_recorder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "common/assert.h"
#include "schema/session_log_generated.h"
#include "segment/layout.h"

namespace sluice::record {
namespace {

namespace log = schema::log;

// Tables, vtables, prefixes, padding and the builder's scratch of any one record; what varies is added.
constexpr std::size_t kFixedBytes = 512;
constexpr std::size_t kMaxNameBytes = segment::kMaxNameBytes;
constexpr std::size_t kMaxHits = 1024;
constexpr std::size_t kHeldBytes = 96;  // of how a unit waited, without its texts
constexpr std::size_t kHitBytes = sizeof(log::RuleHits) + 2 * sizeof(flatbuffers::uoffset_t) + 8;
constexpr std::size_t kMaxScoreParts = 32;
constexpr std::size_t kMaxPartNameBytes = 128;  // a rule's has fewer
constexpr std::size_t kScoreBytes = 64;         // of a score, without its parts
constexpr std::size_t kMaxHitsBytes = 64 * 1024;
constexpr std::size_t kMostHitsKept = 8;  // that an end tells of for it to be a stencil
// has_room counts on one record for each 1 KiB of payload, and a few beside.
constexpr std::size_t kPayloadPerRecord = 1024;
constexpr std::size_t kRecordsBeside = 16;
constexpr std::size_t kTypicalRecordBytes = 512;
constexpr std::size_t kLargestSliceRecord = kMaxSliceBytes + kFixedBytes + 3 * kMaxNameBytes;

// That a record may carry behind its payload, where what was drafted is not all taken.
constexpr std::size_t kMostPadding = 64;

// As FlatBuffers rounds a vector's bytes.
constexpr std::size_t vector_bytes(std::size_t bytes) {
  return (bytes + sizeof(flatbuffers::uoffset_t) - 1) / sizeof(flatbuffers::uoffset_t) * sizeof(flatbuffers::uoffset_t);
}

std::string_view bounded(std::string_view name) {
  return name.substr(0, kMaxNameBytes);
}

// That a record takes at most.
std::size_t bound_of(const Subject& subject, std::size_t body_bound) {
  const std::size_t names =
      bounded(subject.service).size() + bounded(subject.record_class).size() + bounded(subject.principal).size();
  return (kFixedBytes + names + body_bound + 7) & ~std::size_t{7};
}

// Gives the builder the free bytes below the last record, once.
class PageAllocator final : public flatbuffers::Allocator {
 public:
  explicit PageAllocator(const Page& page) : page_(page) {}
  std::uint8_t* allocate(std::size_t bytes) override {
    SLUICE_ASSERT(bytes <= page_.room());
    return page_.data + page_.low - bytes;
  }
  void deallocate(std::uint8_t*, std::size_t) override {}
  std::uint8_t* reallocate_downward(std::uint8_t*, std::size_t, std::size_t, std::size_t, std::size_t) override {
    assert_failed("a record outgrew its bound", __FILE__, __LINE__);
  }

 private:
  const Page& page_;
};

flatbuffers::Offset<flatbuffers::String> text(flatbuffers::FlatBufferBuilder& builder, std::string_view value) {
  const std::string_view name = bounded(value);
  return builder.CreateString(name.data(), name.size());
}

log::Direction direction(Direction value) {
  return static_cast<log::Direction>(value);
}

// As many hits as a record takes.
std::span<const Hit> bounded_hits(std::span<const Hit> hits, std::size_t& bound) {
  std::size_t count = 0;
  bound = 0;
  for (const Hit& hit : hits.first(std::min(hits.size(), kMaxHits))) {
    const std::size_t more = kHitBytes + bounded(hit.rule_name).size();
    if (bound + more > kMaxHitsBytes) break;
    bound += more;
    ++count;
  }
  return hits.first(count);
}

// As many parts of a score as a record takes.
std::span<const ScorePart> bounded_parts(const Score* score) {
  return score == nullptr ? std::span<const ScorePart>()
                          : score->parts.first(std::min(score->parts.size(), kMaxScoreParts));
}

std::size_t bound_of(const Score* score) {
  std::size_t bound = score == nullptr ? 0 : kScoreBytes;
  for (const ScorePart& part : bounded_parts(score)) bound += kHitBytes + part.name.substr(0, kMaxPartNameBytes).size();
  return bound;
}

flatbuffers::Offset<log::Score> add_score(flatbuffers::FlatBufferBuilder& builder, const Score* score) {
  if (score == nullptr) return {};
  const std::span<const ScorePart> parts = bounded_parts(score);
  std::array<flatbuffers::Offset<flatbuffers::String>, kMaxScoreParts> names;
  std::array<std::uint32_t, kMaxScoreParts> points{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    names[i] = text(builder, parts[i].name.substr(0, kMaxPartNameBytes));
    points[i] = parts[i].points;
  }
  const auto names_at = builder.CreateVector(names.data(), parts.size());
  const auto points_at = builder.CreateVector(points.data(), parts.size());
  return log::CreateScore(builder, score->total, score->line, names_at, points_at);
}

}  // namespace

WorkerRecorder::WorkerRecorder(Lane& lane, Doorbell& doorbell, DurationNs group_commit)
    : lane_(lane), doorbell_(doorbell), group_commit_(group_commit), scratch_(kMaxRecordPayload) {
  free_.reserve(lane.pool.pages().size());
}

void WorkerRecorder::collect_free_pages() {
  Page* page = nullptr;
  while (lane_.free.pop(page)) free_.push_back(page);
}

// Makes page_ one with room for `bound` bytes; false when there is none.
bool WorkerRecorder::take_room(std::size_t bound) {
  if (page_ != nullptr && page_->room() >= bound) return true;
  if (page_ != nullptr) hand_over();
  collect_free_pages();
  if (free_.empty()) return false;
  page_ = free_.back();
  free_.pop_back();
  page_->clear();
  SLUICE_ASSERT(page_->room() >= bound);
  return true;
}

bool WorkerRecorder::has_room(std::size_t bytes) {
  collect_free_pages();
  // Any page may end with a record's worth of bytes unused.
  const std::size_t whole = lane_.pool.page_bytes() - kLargestSliceRecord;
  const std::size_t rest = page_ == nullptr ? 0 : page_->room();
  const std::size_t have = free_.size() * whole + (rest > kLargestSliceRecord ? rest - kLargestSliceRecord : 0);
  const std::size_t records = bytes / kPayloadPerRecord + kRecordsBeside;
  const bool room = have >= bytes + records * kTypicalRecordBytes;
  if (!room && !stalled_) lane_.stalls.add();
  stalled_ = !room;
  return room;
}

template <class MakeBody>
void WorkerRecorder::build(const Subject& subject, std::size_t bound, WallNs now, MakeBody&& make_body) {
  PageAllocator allocator(*page_);
  flatbuffers::FlatBufferBuilder builder(bound, &allocator);
  const auto [type, body] = make_body(builder);
  const auto principal = text(builder, subject.principal);
  const auto record_class = text(builder, subject.record_class);
  const auto service = text(builder, subject.service);
  builder.FinishSizePrefixed(log::CreateRecord(builder, ++sequence_, subject.session, lane_.worker, now, service,
                                               record_class, principal, subject.principal_verified, type, body));
  note_record(static_cast<std::uint32_t>(builder.GetBufferPointer() - page_->data), now);
}

void WorkerRecorder::note_record(std::uint32_t begin, WallNs now) {
  if (page_->count == 0) page_->first_wall = now;
  SLUICE_ASSERT((page_->low - begin) % segment::kRecordAlign == 0);
  lane_.records.add();
  lane_.record_bytes.add(page_->low - begin);
  page_->add(begin);
  page_->last_sequence = sequence_;
}

// Writes the Gap records that are due; false while there is no room for all of them.
bool WorkerRecorder::say_gaps(WallNs now) {
  while (!gaps_.empty()) {
    const PendingGap& gap = gaps_.last();
    const std::size_t bound = (kFixedBytes + gap.service.size() + gap.record_class.size() + 7) & ~std::size_t{7};
    if (!take_room(bound)) return false;
    const Subject subject{gap.session, gap.service, gap.record_class, {}, false, true};
    build(subject, bound, now, [&](flatbuffers::FlatBufferBuilder& builder) {
      return std::pair(log::Body::Gap, log::CreateGap(builder, gap.records, gap.bytes).Union());
    });
    gaps_.drop_last();
  }
  return true;
}

// One record; 0 when it became a gap. `payload_bytes` is what a gap would count.
template <class MakeBody>
std::uint64_t WorkerRecorder::append(const Subject& subject, std::size_t payload_bytes, std::size_t body_bound,
                                     WallNs now, MakeBody&& make_body) {
  drafted_bytes_ = 0;
  const std::size_t bound = bound_of(subject, body_bound);
  if (!say_gaps(now) || !take_room(bound)) {
    gaps_.add(subject.session, bounded(subject.service), bounded(subject.record_class), payload_bytes);
    lane_.gap_records.add();
    lane_.gap_bytes.add(payload_bytes);
    return 0;
  }
  build(subject, bound, now, make_body);
  return sequence_;
}

template <class Info>
std::uint8_t* WorkerRecorder::append_copy(Stencils::Kind kind, const Subject& subject, const Info& info,
                                          std::size_t bytes, std::size_t behind, WallNs now) {
  const Bytes kept = stencils_.find(kind, subject);
  const std::size_t size = kept.size() + behind;
  if (kept.empty() || !gaps_.empty() || page_ == nullptr || page_->room() < size) return nullptr;
  const auto begin = static_cast<std::uint32_t>(page_->low - size);
  const MutableBytes copy(page_->data + begin, size);
  std::memcpy(copy.data(), kept.data(), kept.size());
  if (!Stencils::fill(copy, info) || !Stencils::number(copy, sequence_ + 1, subject.session, now)) return nullptr;
  if (kind.has_payload()) Stencils::set_payload(copy, kept.size(), bytes);
  drafted_bytes_ = 0;
  ++sequence_;
  note_record(begin, now);
  return copy.data() + kept.size();
}

void WorkerRecorder::keep_front(Stencils::Kind kind, const Subject& subject, const std::uint8_t* payload) {
  const Bytes record = newest();
  stencils_.keep(kind, subject, record.first(static_cast<std::size_t>(payload - record.data())));
}

std::uint64_t WorkerRecorder::open(const Subject& subject, const SessionOpen& open, WallNs now) {
  const bool is_ipv4 = open.client_address.is_ipv4();
  const std::uint64_t copied = is_ipv4 ? append_copy(Stencils::Kind{Stencils::Shape::open}, subject, open, now) : 0;
  if (copied != 0) return copied;
  const std::uint64_t built = append(subject, 0, 0, now, [&](flatbuffers::FlatBufferBuilder& builder) {
    builder.ForceDefaults(true);
    log::SessionOpenBuilder body(builder);
    if (open.client_address.is_ipv4()) {
      body.add_client_address(open.client_address.ipv4());
      body.add_server_address(open.server_address.ipv4());
    } else {
      const log::Ipv6 client(open.client_address.high, open.client_address.low);
      const log::Ipv6 server(open.server_address.high, open.server_address.low);
      body.add_client_ipv6(&client);
      body.add_server_ipv6(&server);
    }
    body.add_client_port(open.client_port);
    body.add_server_port(open.server_port);
    body.add_protocol(static_cast<log::Protocol>(open.protocol));
    return std::pair(log::Body::SessionOpen, body.Finish().Union());
  });
  if (built != 0 && is_ipv4) stencils_.keep(Stencils::Kind{Stencils::Shape::open}, subject, newest());
  return built;
}

MutableBytes WorkerRecorder::payload_or_scratch(std::uint64_t sequence, std::uint8_t* payload, std::size_t bytes) {
  return {sequence == 0 ? scratch_.data() : payload, bytes};
}

MutableBytes WorkerRecorder::head(const Subject& subject, const UnitHead& head, std::size_t bytes, WallNs now) {
  SLUICE_ASSERT(bytes <= kMaxRecordPayload);
  const std::size_t behind = vector_bytes(bytes);
  const Stencils::Kind kind{Stencils::Shape::head, behind % Stencils::kAlign};
  std::uint8_t* payload = append_copy(kind, subject, head, bytes, behind, now);
  if (payload != nullptr) return {payload, bytes};
  const std::uint64_t sequence = append(subject, bytes, behind, now, [&](flatbuffers::FlatBufferBuilder& builder) {
    builder.ForceDefaults(true);
    const auto place = builder.CreateUninitializedVector(bytes, &payload);
    const auto body =
        log::CreateUnitHead(builder, head.unit, direction(head.direction), head.informational, head.synthesized, place);
    return std::pair(log::Body::UnitHead, body.Union());
  });
  if (sequence != 0) keep_front(kind, subject, payload);
  return payload_or_scratch(sequence, payload, bytes);
}

MutableBytes WorkerRecorder::draft(const Subject& subject, std::size_t bytes) {
  SLUICE_ASSERT(bytes <= kMaxSliceBytes);
  drafted_bytes_ = 0;
  if (bytes == 0 || !gaps_.empty() || !take_room(bound_of(subject, vector_bytes(bytes)))) return {};
  drafted_bytes_ = bytes;
  return {page_->data + page_->low - vector_bytes(bytes), bytes};
}

// Payload ends where the page's last record begins. If it is less than was drafted, a few bytes of padding keep it in
// its place; else it moves up.
std::size_t WorkerRecorder::place_draft(std::size_t drafted, std::size_t bytes) {
  const std::size_t beyond = vector_bytes(drafted) - vector_bytes(bytes);
  if (beyond <= kMostPadding) return beyond;
  std::uint8_t* const end = page_->data + page_->low;
  std::memmove(end - vector_bytes(bytes), end - vector_bytes(drafted), bytes);
  return 0;
}

MutableBytes WorkerRecorder::slice(const Subject& subject, const SliceInfo& slice, std::size_t bytes, WallNs now) {
  const std::size_t drafted = slice.drafted ? drafted_bytes_ : 0;
  SLUICE_ASSERT(bytes <= (slice.drafted ? drafted : kMaxRecordPayload));
  const std::size_t padding = drafted == 0 ? 0 : place_draft(drafted, bytes);
  const std::uint8_t* const place_of_draft =
      drafted == 0 ? nullptr : page_->data + page_->low - padding - vector_bytes(bytes);
  const std::size_t behind = vector_bytes(bytes) + padding;
  const Stencils::Kind kind{Stencils::Shape::slice, behind % Stencils::kAlign};
  std::uint8_t* payload = append_copy(kind, subject, slice, bytes, behind, now);
  if (payload != nullptr) {
    SLUICE_ASSERT(drafted == 0 || payload == place_of_draft);
    return {payload, bytes};
  }
  const std::uint64_t sequence = append(subject, bytes, behind, now, [&](flatbuffers::FlatBufferBuilder& builder) {
    builder.ForceDefaults(true);
    builder.Pad(padding);
    const auto place = builder.CreateUninitializedVector(bytes, &payload);
    const auto body =
        log::CreateSlice(builder, slice.unit, direction(slice.direction), slice.offset, slice.trailers, place);
    return std::pair(log::Body::Slice, body.Union());
  });
  SLUICE_ASSERT(drafted == 0 || payload == place_of_draft);
  if (sequence != 0) keep_front(kind, subject, payload);
  return payload_or_scratch(sequence, payload, bytes);
}

std::uint64_t WorkerRecorder::end(const Subject& subject, const UnitEnd& end, WallNs now) {
  const Stencils::Kind kind{Stencils::Shape::end, end.hits.size()};
  if (const std::uint64_t copied = append_copy(kind, subject, end, now); copied != 0) return copied;
  std::size_t hits_bound = 0;
  const std::span<const Hit> hits = bounded_hits(end.hits, hits_bound);
  const std::string_view limit = bounded(end.limit);
  const Held held = end.held == nullptr ? Held{} : *end.held;
  const std::string_view cause = bounded(held.cause);
  const std::string_view by = bounded(held.by);
  const std::string_view reason = bounded(held.reason);
  const std::size_t held_bound = end.held == nullptr ? 0 : kHeldBytes + cause.size() + by.size() + reason.size();
  const std::size_t bound = hits_bound + kHitBytes + limit.size() + held_bound + bound_of(end.score);
  const std::uint64_t built = append(subject, 0, bound, now, [&](flatbuffers::FlatBufferBuilder& builder) {
    builder.ForceDefaults(true);
    flatbuffers::Offset<flatbuffers::Vector<const log::RuleHits*>> rules;
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>> names;
    if (!hits.empty()) {
      std::array<flatbuffers::Offset<flatbuffers::String>, kMaxHits> made;
      for (std::size_t i = 0; i < hits.size(); ++i) made[i] = text(builder, hits[i].rule_name);
      names = builder.CreateVector(made.data(), hits.size());
      log::RuleHits* rows = nullptr;
      rules = builder.CreateUninitializedVectorOfStructs<log::RuleHits>(hits.size(), &rows);
      for (std::size_t i = 0; i < hits.size(); ++i) rows[i] = log::RuleHits(hits[i].rule, hits[i].count);
    }
    const auto limit_name = limit.empty() ? 0 : text(builder, limit);
    flatbuffers::Offset<log::Held> held_at;
    if (end.held != nullptr) {
      const auto cause_at = text(builder, cause);
      const auto by_at = by.empty() ? 0 : text(builder, by);
      const auto reason_at = reason.empty() ? 0 : text(builder, reason);
      held_at = log::CreateHeld(builder, held.hold, cause_at, held.waited, held.passed, by_at, reason_at, held.ending);
    }
    const auto score_at = add_score(builder, end.score);
    const auto body = log::CreateUnitEnd(
        builder, end.unit, direction(end.direction), static_cast<log::Verdict>(end.verdict),
        static_cast<std::uint16_t>(end.error), end.policy_version, end.body_bytes, end.complete, rules, names,
        end.observed, limit_name, held_at, score_at, end.duration, end.transaction, end.rows, end.pipeline);
    return std::pair(log::Body::UnitEnd, body.Union());
  });
  if (built != 0 && hits.size() <= kMostHitsKept && limit.empty() && end.held == nullptr && end.score == nullptr)
    stencils_.keep(kind, subject, newest());
  return built;
}

std::uint64_t WorkerRecorder::close(const Subject& subject, const SessionClose& close, WallNs now) {
  const std::uint64_t copied = append_copy(Stencils::Kind{Stencils::Shape::close}, subject, close, now);
  if (copied != 0) return copied;
  const std::uint64_t built = append(subject, 0, 0, now, [&](flatbuffers::FlatBufferBuilder& builder) {
    builder.ForceDefaults(true);
    const auto body = log::CreateSessionClose(builder, static_cast<std::uint16_t>(close.error), close.request_bytes,
                                              close.response_bytes, close.units);
    return std::pair(log::Body::SessionClose, body.Union());
  });
  if (built != 0) stencils_.keep(Stencils::Kind{Stencils::Shape::close}, subject, newest());
  return built;
}

void WorkerRecorder::flush(WallNs now) {
  if (!gaps_.empty()) say_gaps(now);
  // A clock that was set back makes the difference huge, and the page due.
  if (page_ != nullptr && page_->count != 0 && (urged_ || now - page_->first_wall >= group_commit_)) hand_over();
  urged_ = false;
}

void WorkerRecorder::hand_over() {
  if (page_ == nullptr || page_->count == 0) return;
  const bool pushed = lane_.full.push(page_);
  SLUICE_ASSERT(pushed);  // the ring is as large as the pool
  page_ = nullptr;
  doorbell_.ring();
}

}  // namespace sluice::record
