// A Recorder that keeps what it was told, for tests: readable as text, and able to run out of room.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/record/recorder.h"

namespace sluice::test {

struct RecordedUnit {
  SessionId session = 0;
  std::uint32_t unit = 0;
  Direction direction = Direction::request;
  std::string principal;
  std::string head;
  bool synthesized = false;
  std::string body;
  std::string trailers;
  bool ended = false;
  unsigned ends = 0;  // exactly one is right
  record::UnitEnd end;
  std::string limit;
  std::optional<record::Held> held;       // its texts lie in held_texts
  std::array<std::string, 3> held_texts;  // cause, by, reason
  std::vector<std::pair<std::string, std::uint32_t>> hits;
  std::optional<record::Score> score;  // its parts lie in score_parts
  std::vector<std::pair<std::string, std::uint32_t>> score_parts;
};

class MemoryRecorder final : public record::Recorder {
 public:
  bool has_room(std::size_t) override { return room; }
  std::uint64_t open(const record::Subject& subject, const record::SessionOpen&, WallNs) override;
  MutableBytes head(const record::Subject& subject, const record::UnitHead& head, std::size_t bytes, WallNs) override;
  MutableBytes slice(const record::Subject& subject, const record::SliceInfo& slice, std::size_t bytes,
                     WallNs) override;
  MutableBytes draft(const record::Subject&, std::size_t bytes) override;
  std::uint64_t end(const record::Subject& subject, const record::UnitEnd& end, WallNs) override;
  std::uint64_t close(const record::Subject& subject, const record::SessionClose& close, WallNs) override;
  void flush(WallNs) override { settle(); }
  void urge() override { ++urged; }
  [[nodiscard]] DurationNs group_commit() const override { return kMillisecond; }
  [[nodiscard]] std::uint64_t appended() const override { return sequence; }
  [[nodiscard]] std::uint64_t durable_through() const override { return strict ? durable : sequence; }

  // The unit of a session, and one direction of it; makes it when it is new.
  RecordedUnit& unit(SessionId session, std::uint32_t number, Direction direction);
  // Everything recorded, in one string, unit by unit: to compare, or to look for what must not be there.
  std::string everything();

  bool room = true;
  bool strict = false;  // durable_through() is `durable`, else everything at once
  std::uint64_t durable = 0;
  std::uint64_t urged = 0;
  std::uint64_t sequence = 0;
  std::uint64_t opened = 0;
  std::uint64_t closed = 0;
  record::SessionClose last_close;
  std::deque<RecordedUnit> units;

 private:
  // The bytes that were handed out are complete by the next call of any kind.
  void settle();

  std::vector<std::uint8_t> buffer_;
  bool drafted_ = false;  // the buffer holds what the next slice begins with
  std::string* target_ = nullptr;
};

}  // namespace sluice::test
