// See memory_recorder.h.
#include "tests/support/memory_recorder.h"

#include <algorithm>
#include <tuple>

#include "common/assert.h"

namespace sluice::test {

void MemoryRecorder::settle() {
  if (target_ != nullptr) target_->append(as_text(buffer_));
  target_ = nullptr;
}

RecordedUnit& MemoryRecorder::unit(SessionId session, std::uint32_t number, Direction direction) {
  settle();
  for (RecordedUnit& unit : units)
    if (unit.session == session && unit.unit == number && unit.direction == direction) return unit;
  RecordedUnit& fresh = units.emplace_back();
  fresh.session = session;
  fresh.unit = number;
  fresh.direction = direction;
  return fresh;
}

std::uint64_t MemoryRecorder::open(const record::Subject&, const record::SessionOpen&, WallNs) {
  settle();
  ++opened;
  return ++sequence;
}

MutableBytes MemoryRecorder::head(const record::Subject& subject, const record::UnitHead& head, std::size_t bytes,
                                  WallNs) {
  RecordedUnit& recorded = unit(subject.session, head.unit, head.direction);
  recorded.principal = subject.principal;
  recorded.synthesized = head.synthesized;
  buffer_.assign(bytes, 0);
  drafted_ = false;
  target_ = &recorded.head;
  ++sequence;
  return buffer_;
}

MutableBytes MemoryRecorder::slice(const record::Subject& subject, const record::SliceInfo& slice, std::size_t bytes,
                                   WallNs) {
  RecordedUnit& recorded = unit(subject.session, slice.unit, slice.direction);
  if (slice.drafted) {
    SLUICE_ASSERT(drafted_);  // no other call came between
    buffer_.resize(bytes);
  } else {
    buffer_.assign(bytes, 0);
  }
  drafted_ = false;
  target_ = slice.trailers ? &recorded.trailers : &recorded.body;
  ++sequence;
  return buffer_;
}

MutableBytes MemoryRecorder::draft(const record::Subject&, std::size_t bytes) {
  settle();
  drafted_ = bytes > 0;
  buffer_.assign(bytes, 0);
  return buffer_;
}

std::uint64_t MemoryRecorder::end(const record::Subject& subject, const record::UnitEnd& end, WallNs) {
  RecordedUnit& recorded = unit(subject.session, end.unit, end.direction);
  drafted_ = false;
  recorded.ended = true;
  ++recorded.ends;
  recorded.end = end;
  for (const record::Hit& hit : end.hits) recorded.hits.emplace_back(hit.rule_name, hit.count);
  recorded.limit = end.limit;
  if (end.held != nullptr) {
    recorded.held_texts = {std::string(end.held->cause), std::string(end.held->by), std::string(end.held->reason)};
    recorded.held = *end.held;
    recorded.held->cause = recorded.held->by = recorded.held->reason = {};
  }
  if (end.score != nullptr) {
    for (const record::ScorePart& part : end.score->parts) recorded.score_parts.emplace_back(part.name, part.points);
    recorded.score = *end.score;
    recorded.score->parts = {};
  }
  recorded.end.score = nullptr;
  recorded.end.held = nullptr;
  recorded.end.hits = {};
  recorded.end.limit = {};
  return ++sequence;
}

std::uint64_t MemoryRecorder::close(const record::Subject&, const record::SessionClose& close, WallNs) {
  settle();
  ++closed;
  last_close = close;
  return ++sequence;
}

std::string MemoryRecorder::everything() {
  settle();
  std::vector<const RecordedUnit*> order;
  for (const RecordedUnit& unit : units) order.push_back(&unit);
  std::ranges::sort(order, {},
                    [](const RecordedUnit* unit) { return std::tuple(unit->session, unit->unit, unit->direction); });
  std::string all;
  for (const RecordedUnit* unit : order) all += unit->head + unit->body + unit->trailers + unit->principal;
  return all;
}

}  // namespace sluice::test
