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
#include "control/channel/counters.h"
#include "control/channel/holds.h"
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
  std::uint8_t answers = 0;  // bit 0: questions; bit 1: decisions and orders; bit 2: says what it obeys
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

using FromDataPlane =
    std::variant<DataPlane, BundleResult, SessionEvent, CountsPart, CountersEnd, AnswerPart, HoldMessage>;

// channel_bad_message for what does not verify or is not for control.
Result<FromDataPlane> decode_message(Bytes message);

// With an error: refused, for the reason that stands there.
std::vector<std::uint8_t> encode_hello(const Error& error);
std::vector<std::uint8_t> encode_push(std::uint64_t push_id, std::uint64_t size_bytes);

}  // namespace sluice::control
