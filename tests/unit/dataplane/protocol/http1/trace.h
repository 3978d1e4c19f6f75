// Runs a reader over a stream cut in any way and writes down what it says, with the cuts merged away:
// two traces of one stream are equal, or the reader is wrong. Also used by the fuzzer, so it depends on no test
// framework.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/assert.h"
#include "dataplane/protocol/http1/reader.h"

namespace sluice::http1 {

struct Event {
  StepKind kind = StepKind::more;
  std::string bytes;  // what was labelled
  std::string head;   // with StepKind::head: what was parsed
  ErrorCode error = ErrorCode::ok;
  bool operator==(const Event&) const = default;
};

struct Stream {
  Direction direction = Direction::request;
  Limits limits{};
  std::string request_method{};  // response: what every head answers
  std::string bytes{};
  bool opaque_after_upgrade = false;
};

inline std::string describe(const Head& head) {
  std::string out(head.method);
  out.append(" ").append(head.target).append(" ").append(std::to_string(head.target_begin));
  for (const std::uint64_t number :
       {std::uint64_t{head.status}, std::uint64_t{head.minor_version}, static_cast<std::uint64_t>(head.framing),
        head.content_length, std::uint64_t{head.keep_alive}, std::uint64_t{head.expect_continue},
        std::uint64_t{head.upgrade}})
    out.append(" ").append(std::to_string(number));
  for (const Field& field : head.fields)
    out.append("\n").append(head.name(field)).append("=").append(head.value(field)).append(std::to_string(field.begin));
  return out;
}

// Feeds a reader and keeps the trace.
class Tracer {
 public:
  explicit Tracer(const Stream& stream) : stream_(stream), reader_(stream.direction, stream.limits) {
    reader_.set_request_method(stream.request_method);
  }

  // Every run lies in memory of its own, so that a view that outlives it is found.
  void feed(std::string_view run) {
    const std::vector<std::uint8_t> copy(run.begin(), run.end());
    Bytes rest = copy;
    for (Step step = reader_.next(rest);; step = reader_.next(rest)) {
      SLUICE_ASSERT(step.bytes <= rest.size());
      if (step.kind == StepKind::more && step.bytes == 0) break;
      take(step, as_text(rest.first(step.bytes)));
      if (step.kind == StepKind::error) return;
      rest = rest.subspan(step.bytes);
      if (step.kind == StepKind::head && reader_.head().upgrade && stream_.opaque_after_upgrade)
        reader_.become_opaque();
    }
    SLUICE_ASSERT(rest.empty());  // every byte has its label
  }

  void finish() { take(reader_.finish(), {}); }
  [[nodiscard]] bool failed() const { return !events_.empty() && events_.back().kind == StepKind::error; }
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  [[nodiscard]] Reader& reader() { return reader_; }

 private:
  void take(const Step& step, std::string_view bytes) {
    SLUICE_ASSERT((step.kind == StepKind::error) == (step.error != ErrorCode::ok));
    if (step.kind == StepKind::error || step.kind == StepKind::message_end) SLUICE_ASSERT(step.bytes == 0);
    Event event{step.kind, std::string(bytes), {}, step.error};
    if (step.kind == StepKind::head) event.head = describe(reader_.head());
    const bool joins = !events_.empty() && !bytes.empty() &&
                       (events_.back().kind == step.kind || events_.back().kind == StepKind::more) &&
                       events_.back().kind != StepKind::head;
    if (joins) {
      event.bytes.insert(0, events_.back().bytes);
      events_.pop_back();
    }
    if (step.kind == StepKind::head) SLUICE_ASSERT(as_text(reader_.head().bytes) == event.bytes);
    events_.push_back(std::move(event));
  }

  const Stream& stream_;
  Reader reader_;
  std::vector<Event> events_;
};

// `cuts` are offsets in order.
inline std::vector<Event> trace(const Stream& stream, const std::vector<std::size_t>& cuts = {}) {
  Tracer tracer(stream);
  std::string_view rest = stream.bytes;
  std::size_t at = 0;
  for (const std::size_t cut : cuts) {
    if (tracer.failed()) break;
    tracer.feed(rest.substr(0, cut - at));
    rest.remove_prefix(cut - at);
    at = cut;
  }
  if (!tracer.failed()) tracer.feed(rest);
  if (!tracer.failed()) tracer.finish();
  return tracer.events();
}

}  // namespace sluice::http1
