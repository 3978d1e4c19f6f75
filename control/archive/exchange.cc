// See exchange.h.
#include "control/archive/exchange.h"

#include <map>
#include <optional>

namespace sluice::control {
namespace {

namespace log = sluice::schema::log;

constexpr std::size_t kMaxInformational = 8;

// Which message a record is part of.
struct Belongs {
  std::uint32_t unit = 0;
  Direction direction = Direction::request;
  bool valid = false;
};

Belongs belongs_to(const log::Record& record) {
  if (const auto* head = record.body_as_UnitHead())
    return {head->unit(), static_cast<Direction>(head->direction()), true};
  if (const auto* slice = record.body_as_Slice())
    return {slice->unit(), static_cast<Direction>(slice->direction()), true};
  if (const auto* end = record.body_as_UnitEnd()) return {end->unit(), static_cast<Direction>(end->direction()), true};
  return {};
}

std::string_view text_of(const flatbuffers::Vector<std::uint8_t>& bytes) {
  return as_text({bytes.data(), bytes.size()});
}

void add_head(Message& message, const log::UnitHead& head, std::size_t keep_bytes) {
  const std::string_view bytes = text_of(*head.head()).substr(0, keep_bytes);
  if (head.informational()) {
    if (message.informational.size() < kMaxInformational) message.informational.emplace_back(bytes);
    return;
  }
  message.head = bytes;
  message.synthesized = head.synthesized();
}

void add_slice(Message& message, const log::Slice& slice, std::size_t keep_bytes) {
  const std::string_view bytes = text_of(*slice.bytes());
  std::string& kept = slice.trailers() ? message.trailers : message.body;
  if (kept.size() < keep_bytes) kept.append(bytes.substr(0, keep_bytes - kept.size()));
  if (slice.trailers()) return;
  if (slice.offset() != message.recorded_bytes) message.has_holes = true;
  message.recorded_bytes += bytes.size();
}

HeldStory story_of(const log::Held& held) {
  const auto text = [](const flatbuffers::String* string) { return string != nullptr ? string->str() : std::string(); };
  return {.hold = held.hold(),
          .cause = text(held.cause()),
          .waited_ns = held.waited_ns(),
          .passed = held.passed(),
          .by = text(held.by()),
          .reason = text(held.reason()),
          .ending = held.ending()};
}

ScoreStory story_of(const log::Score& score) {
  ScoreStory out{.total = score.total(), .line = score.line(), .parts = {}};
  if (score.parts() == nullptr || score.points() == nullptr) return out;
  for (flatbuffers::uoffset_t i = 0; i < score.parts()->size() && i < score.points()->size(); ++i)
    out.parts.emplace_back(score.parts()->Get(i)->str(), score.points()->Get(i));
  return out;
}

void add_end(Message& message, const log::UnitEnd& end) {
  message.ended = true;
  message.complete = end.complete();
  message.body_bytes = end.body_bytes();
  message.verdict = static_cast<Verdict>(end.verdict());
  message.observed = end.observed();
  message.error = static_cast<ErrorCode>(end.error());
  message.policy_version = end.policy_version();
  if (end.limit() != nullptr) message.limit = end.limit()->str();
  if (end.held() != nullptr) message.held = story_of(*end.held());
  if (end.score() != nullptr) message.score = story_of(*end.score());
  message.duration_ns = end.duration_ns();
  message.transaction = end.transaction();
  message.rows = end.rows();
  message.pipeline = end.pipeline();
  if (message.recorded_bytes != end.body_bytes()) message.has_holes = true;
  if (end.hits() == nullptr || end.rule_names() == nullptr) return;
  for (flatbuffers::uoffset_t i = 0; i < end.hits()->size() && i < end.rule_names()->size(); ++i)
    message.hits.push_back({end.rule_names()->Get(i)->str(), end.hits()->Get(i)->count()});
}

void add_record(Message& message, const log::Record& record, const RecordPlace& place, const UnitWindow& window) {
  if (!message.present) {
    message.present = true;
    message.place = place;
    message.begin_wall_ns = record.wall_ns();
  }
  message.end_wall_ns = record.wall_ns();
  if (const auto* head = record.body_as_UnitHead()) add_head(message, *head, window.head_bytes);
  if (const auto* slice = record.body_as_Slice()) add_slice(message, *slice, window.body_bytes);
  if (const auto* end = record.body_as_UnitEnd()) add_end(message, *end);
}

}  // namespace

Exchanges read_exchanges(const SessionRecords& records, const UnitWindow& window, const RecordPlace& from) {
  Exchanges out;
  std::map<std::uint32_t, Unit> units;
  const std::uint64_t end = std::uint64_t{window.first} + window.limit;
  std::size_t ended = 0;  // messages of the window
  const auto read = records.for_each(from, [&](const log::Record& record, const RecordPlace& place) {
    const Belongs to = belongs_to(record);
    if (!to.valid || to.unit < window.first) return true;
    if (to.unit >= end) {
      if (!out.has_more) out.next = place;
      out.has_more = true;
      return ended < 2 * units.size();  // pipelined: an answer of the window may still come
    }
    Unit& unit = units[to.unit];
    unit.number = to.unit;
    Message& message = to.direction == Direction::request ? unit.request : unit.response;
    if (record.body_as_UnitEnd() != nullptr && !message.ended) ++ended;
    add_record(message, record, place, window);
    return true;
  });
  if (!read) out.problem = read.error().message();
  out.units.reserve(units.size());
  for (auto& [number, unit] : units) out.units.push_back(std::move(unit));
  return out;
}

Result<RecordPlace> find_message(const SessionRecords& records, std::uint32_t unit, Direction direction) {
  std::optional<RecordPlace> found;
  const auto read = records.for_each(records.begin(), [&](const log::Record& record, const RecordPlace& place) {
    const Belongs to = belongs_to(record);
    if (to.valid && to.unit == unit && to.direction == direction) found = place;
    return !found;
  });
  if (found) return *found;
  if (!read) return std::unexpected(read.error());
  return fail(ErrorCode::not_found, "the session has no such message");
}

Result<void> stream_body(const SessionRecords& records, const RecordPlace& from, std::uint32_t unit,
                         Direction direction, const BodySink& sink) {
  std::uint64_t offset = 0;
  bool ended = false;
  bool stopped = false;
  const auto read = records.for_each(from, [&](const log::Record& record, const RecordPlace&) {
    const Belongs to = belongs_to(record);
    if (!to.valid || to.unit != unit || to.direction != direction) return true;
    if (const auto* end = record.body_as_UnitEnd()) {
      ended = end->body_bytes() == offset;
      return false;
    }
    const auto* slice = record.body_as_Slice();
    if (slice == nullptr || slice->trailers()) return true;
    if (slice->offset() != offset) return false;
    offset += slice->bytes()->size();
    stopped = !sink({slice->bytes()->data(), slice->bytes()->size()});
    return !stopped;
  });
  if (!read) return read;
  if (ended || stopped) return {};
  return fail(ErrorCode::record_gap, "the body is recorded up to byte " + std::to_string(offset));
}

}  // namespace sluice::control
