// What the data plane says, as plain values, and what control answers. Every message is verified before it
// is read; strings and lists are copied, so nothing points into a message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/time.h"
#include "common/unit.h"
#include "control/channel/questions.h"
#include "rules/platform.h"

namespace sluice::control {

inline constexpr std::uint16_t kChannelVersion = 1;

// The data plane as it described itself in its hello.
struct DataPlane {
  std::uint16_t channel_version = 0;
  std::string product_version;
  rules::Platform platform;
  unsigned workers = 0;
  std::uint32_t pid = 0;
  std::uint64_t policy_version = 0;  // that it runs; 0 for none
  std::vector<std::uint8_t> policy_sha256;
  WallNs start_wall_ns = 0;
  std::uint8_t answers = 0;  // bit 0: questions
};

struct BundleResult {
  std::uint64_t push_id = 0;
  Error error;
  std::uint64_t policy_version = 0;
};

struct SessionEvent {
  bool opened = false;
  SessionId session = 0;
};

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
  std::uint64_t passed = 0, denied = 0, throttled = 0, observed = 0;
};

struct Counters {
  WallNs wall_ns = 0;
  std::uint64_t policy_version = 0;
  std::vector<ServiceCount> services;
  std::vector<NamedCount> rules, drops, ports;
  std::vector<LimitCount> limits;
  std::uint64_t records_appended = 0, records_durable = 0, record_bytes = 0, record_stalls = 0;
  std::string archive_error;
  std::uint64_t worker_busy_ns = 0, sessions_open = 0, buffers_free = 0, lost_events = 0;
};

using FromDataPlane = std::variant<DataPlane, BundleResult, SessionEvent, Counters, AnswerPart>;

// channel_bad_message for what does not verify or is not for control.
Result<FromDataPlane> decode_message(Bytes message);

// With an error: refused, for the reason that stands there.
std::vector<std::uint8_t> encode_hello(const Error& error);
std::vector<std::uint8_t> encode_push(std::uint64_t push_id, std::uint64_t size_bytes);

}  // namespace sluice::control
