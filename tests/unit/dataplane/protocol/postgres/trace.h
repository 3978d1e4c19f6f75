// Runs a reader over a stream cut in any way and writes down what it says, with the cuts merged away: two traces of one
// stream are equal, or the reader is wrong. Also used by the fuzzer, so it depends on no test framework.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/assert.h"
#include "dataplane/protocol/postgres/reader.h"

namespace sluice::postgres {

struct Event {
  StepKind kind = StepKind::more;
  std::string bytes;   // what was labelled
  std::string detail;  // message, field or values: what the reader says of it
  ErrorCode error = ErrorCode::ok;
  bool operator==(const Event&) const = default;
};

struct Stream {
  Direction direction = Direction::request;
  Limits limits{};
  bool has_types = true;  // request: the startup is over
  char answer = 0;        // response: 'S' or 'G' where an encryption answer is awaited
  std::string bytes{};
};

inline std::string numbers(const auto& list) {
  std::string out;
  for (const auto number : list) out.append(" ").append(std::to_string(number));
  return out;
}

inline std::string describe(const Values& values) {
  const std::uint32_t all[] = {values.protocol, values.authentication, values.process,
                               values.max_rows, values.function,       values.count,
                               values.target,   values.transaction,    values.format};
  std::string out = numbers(all) + "|" + numbers(values.types) + "|" + numbers(values.formats) + "|" +
                    numbers(values.result_formats) + "|" + numbers(values.key) + "|";
  for (const Column& column : values.columns) {
    const std::uint32_t parts[] = {column.table,     column.attribute,     column.type,
                                   column.type_size, column.type_modifier, column.format};
    out.append(numbers(parts)).append(";");
  }
  return out;
}

inline std::string describe(const Message& message) {
  return std::to_string(static_cast<int>(message.kind)) + " " + std::to_string(message.type) + " " +
         std::to_string(message.length) + " @" + std::to_string(message.offset);
}

inline std::string describe(const Field& field) {
  std::string out = std::to_string(static_cast<int>(field.kind)) + " " + std::to_string(field.index);
  if (field.code != 0) out.append(" ").push_back(static_cast<char>(field.code));
  if (field.null) out.append(" null");
  if (field.length_known) out.append(" ").append(std::to_string(field.length));
  return out;
}

// A stream that begins behind the startup is read by a reader that saw one.
inline Reader reader_for(const Stream& stream) {
  Reader reader(stream.direction, stream.limits);
  if (stream.direction == Direction::request && stream.has_types) {
    constexpr std::string_view kStartup("\0\0\0\x09\0\x03\0\0\0", 9);
    Bytes rest = as_bytes(kStartup);
    for (Step step = reader.next(rest); step.kind != StepKind::message_end; step = reader.next(rest))
      rest = rest.subspan(step.bytes);
  }
  if (stream.answer != 0) reader.expect_encryption_answer(stream.answer == 'G');
  return reader;
}

// Feeds a reader and keeps the trace.
class Tracer {
 public:
  explicit Tracer(const Stream& stream) : reader_(reader_for(stream)) {}

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
    bool joins = !events_.empty() && events_.back().kind == step.kind && !bytes.empty();
    if (step.kind == StepKind::message) {
      event.detail = describe(reader_.message());
      joins = !events_.empty() && events_.back().kind == StepKind::more;
    } else if (step.kind == StepKind::message_end) {
      event.detail = describe(reader_.values());
    } else if (step.kind == StepKind::field) {
      event.detail = describe(reader_.field());
      check_pieces(step.bytes);
      joins = !reader_.field().first;
    }
    if (joins && step.kind != StepKind::error && step.kind != StepKind::message_end) {
      event.bytes.insert(0, events_.back().bytes);
      events_.pop_back();
    }
    events_.push_back(std::move(event));
  }

  // A field has one first and one last piece, nothing else between them, and as many bytes as it said.
  void check_pieces(std::uint32_t bytes) {
    const Field& field = reader_.field();
    if (field.first) {
      SLUICE_ASSERT(!in_field_);
      field_bytes_ = 0;
    } else {
      SLUICE_ASSERT(in_field_ && events_.back().kind == StepKind::field);
    }
    field_bytes_ += bytes;
    in_field_ = !field.last;
    if (field.length_known) SLUICE_ASSERT(field.last == (field_bytes_ == field.length));
    if (field.null) SLUICE_ASSERT(field.first && field.last && bytes == 0);
  }

  Reader reader_;
  bool in_field_ = false;
  std::uint64_t field_bytes_ = 0;
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

}  // namespace sluice::postgres
