// A worker's end of the recording: records are encoded straight into pages, one copy of the payload,
// and full (or due) pages go to the writer by a ring. Never blocks and never allocates: when no page
// is free it says so, and the session waits (required) or a gap is counted (best_effort).
// Single-threaded: one Recorder per worker.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/bytes.h"
#include "common/error.h"
#include "common/ip_address.h"
#include "common/time.h"
#include "common/unit.h"

namespace sluice::record {

// Whose record it is; the strings are copied into each record.
struct Subject {
  SessionId session = 0;
  std::string_view service = {};
  std::string_view record_class = {};
  std::string_view principal = {};
  bool principal_verified = false;
  bool best_effort = false;  // leave a gap instead of saying no
};

struct SessionOpen {
  IpAddress client_address;
  std::uint16_t client_port = 0;
  IpAddress server_address;
  std::uint16_t server_port = 0;
  std::uint8_t protocol = 0;
};

struct UnitHead {
  std::uint32_t unit = 0;
  Direction direction = Direction::request;
  bool informational = false;
  bool synthesized = false;
};

struct SliceInfo {
  std::uint32_t unit = 0;
  Direction direction = Direction::request;
  std::uint64_t offset = 0;
  bool trailers = false;
  bool drafted = false;  // it takes what was drafted right before
};

struct Hit {
  RuleIndex rule = 0;
  std::uint32_t count = 0;
  std::string_view rule_name = {};
};

// How a unit that waited for a decision came to it and out of it.

struct Held {
  std::uint64_t hold = 0;  // 0: it did not wait, an order let it pass
  std::string_view cause = {};
  DurationNs waited = 0;
  bool passed = false;
  std::string_view by = {};  // empty: nobody decided
  std::string_view reason = {};
  std::uint8_t ending = 0;
};

// What a request was worth, and where that came from.
struct ScorePart {
  std::string_view name = {};
  std::uint32_t points = 0;
};
struct Score {
  std::uint32_t total = 0;
  std::uint32_t line = 0;  // the highest of the policy that it is above; 0: none
  std::span<const ScorePart> parts = {};
};

struct UnitEnd {
  std::uint32_t unit = 0;
  Direction direction = Direction::request;
  Verdict verdict = Verdict::pass;
  ErrorCode error = ErrorCode::ok;
  std::uint64_t policy_version = 0;
  std::uint64_t body_bytes = 0;
  bool complete = true;
  bool observed = false;
  std::span<const Hit> hits = {};
  std::string_view limit = {};  // that had no room for it
  const Held* held = nullptr;
  const Score* score = nullptr;
  DurationNs duration = 0;       // of an answer
  std::uint8_t transaction = 0;  // 'I', 'T' or 'E'
  std::uint64_t rows = 0;
  std::uint32_t pipeline = 0;
};

struct SessionClose {
  ErrorCode error = ErrorCode::ok;
  std::uint64_t request_bytes = 0;
  std::uint64_t response_bytes = 0;
  std::uint32_t units = 0;
};

inline constexpr std::size_t kMaxSliceBytes = 64 * 1024;

class Recorder {
 public:
  virtual ~Recorder() = default;

  // True when `bytes` of payload and a few records beside it fit now, so that a session asks once
  // before it takes bytes on and then appends without fear. Counts on a record for each KiB at most, and 16 beside. A
  // best_effort session need not ask: what finds no room becomes a gap.
  [[nodiscard]] virtual bool has_room(std::size_t bytes) = 0;

  // Each appends one record at wall time `now` and returns its sequence number; 0 when it became a gap: there was no
  // page, for best_effort or because has_room was not asked. A Gap record counts it as soon as there is a page again.
  virtual std::uint64_t open(const Subject& subject, const SessionOpen& open, WallNs now) = 0;
  // The caller fills and masks the returned bytes (exactly `bytes` long, at most 2 * kMaxSliceBytes) before the next
  // call of any kind. They are there for a gap too, and then go nowhere.
  virtual MutableBytes head(const Subject& subject, const UnitHead& head, std::size_t bytes, WallNs now) = 0;
  virtual MutableBytes slice(const Subject& subject, const SliceInfo& slice, std::size_t bytes, WallNs now) = 0;
  // Where payload of the next slice can lie before it is known how much of it that takes, at most kMaxSliceBytes; empty
  // when there is no room. Where the next call of any kind is slice() of a `drafted` one, for no more bytes, what that
  // returns has them already; else they are forgotten.
  [[nodiscard]] virtual MutableBytes draft(const Subject& subject, std::size_t bytes) = 0;
  virtual std::uint64_t end(const Subject& subject, const UnitEnd& end, WallNs now) = 0;
  virtual std::uint64_t close(const Subject& subject, const SessionClose& close, WallNs now) = 0;

  // Once a burst: hands a due page to the writer.
  virtual void flush(WallNs now) = 0;
  // Something waits for what was appended: the next flush hands it over, whatever its age.
  virtual void urge() = 0;
  // How long records may wait for others before they go to the disk together.
  [[nodiscard]] virtual DurationNs group_commit() const = 0;
  // Sequence of the last record appended, and of the last that is safely on disk.
  [[nodiscard]] virtual std::uint64_t appended() const = 0;
  [[nodiscard]] virtual std::uint64_t durable_through() const = 0;
};

}  // namespace sluice::record
