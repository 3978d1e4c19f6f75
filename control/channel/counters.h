// What the data plane counts, as plain values, and how a report is put together from its parts.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/time.h"
#include "common/waits.h"

namespace sluice::schema::channel {
struct Counts;
struct Counters;
}  // namespace sluice::schema::channel

namespace sluice::control {

struct NamedCount {
  std::string name;
  std::uint64_t value = 0;
};

struct ServiceCount {
  std::string service;
  std::uint64_t sessions = 0, open = 0, requests = 0, responses = 0, request_bytes = 0, response_bytes = 0, denied = 0,
                errors = 0, spliced = 0, forwarded = 0;
};

struct LimitCount {
  std::string limit;
  std::uint64_t passed = 0, denied = 0, throttled = 0, observed = 0, held = 0;
};

// Requests that wait for a decision, and since start how many came to and how they ended.
struct HoldCounts {
  std::uint64_t open = 0, opened = 0, passed = 0, denied = 0, expired = 0, abandoned = 0, server_gone = 0, cut = 0,
                exhausted = 0;
};

struct CallerCount {
  std::string service, principal;
  std::uint64_t requests = 0, responses = 0, errors = 0, denied = 0, request_bytes = 0, response_bytes = 0,
                waited_ns = 0;
  std::array<std::uint64_t, kWaitBuckets> waits{};  // responses by how long they took (common/waits.h)
};

struct Counters {
  WallNs wall_ns = 0;
  std::uint64_t policy_version = 0;
  std::vector<ServiceCount> services;
  std::vector<NamedCount> rules, drops, ports;
  std::vector<LimitCount> limits;
  std::vector<CallerCount> callers;
  HoldCounts holds;
  std::uint64_t records_appended = 0, records_durable = 0, record_bytes = 0, record_stalls = 0;
  std::string archive_error;
  std::uint64_t worker_busy_ns = 0, sessions_open = 0, buffers_free = 0, lost_events = 0;
};

// A part of a report: rules, limits and callers of it.
struct CountsPart {
  std::uint64_t report = 0;
  Counters counters;
};

// Its end: all else, and how many parts came before.
struct CountersEnd {
  std::uint64_t report = 0;
  std::uint32_t parts = 0;
  Counters counters;
};

CountsPart decode(const schema::channel::Counts& counts);
CountersEnd decode(const schema::channel::Counters& counters);

// Puts reports together; one that lacks a part is forgotten.
class ReportBuilder {
 public:
  void take(CountsPart&& part);
  std::optional<Counters> finish(CountersEnd&& end);

 private:
  static constexpr std::uint32_t kMostParts = 256;

  std::uint64_t report_ = 0;
  std::uint32_t parts_ = 0;
  Counters lists_;
};

}  // namespace sluice::control
