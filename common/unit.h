// The words that every floor shares: direction, part, verdict, match. Numbers are those of schema/.
#pragma once

#include <cstdint>

namespace sluice {

using SessionId = std::uint64_t;  // grows with time, unique across restarts (see session_id.h)
using RuleIndex = std::uint32_t;  // position of a rule in its policy

enum class Direction : std::uint8_t { request = 0, response = 1 };  // client → server, server → client
enum class Part : std::uint8_t { head = 0, body = 1 };
enum class Verdict : std::uint8_t { pass = 0, mask = 1, throttle = 2, hold = 3, deny = 4 };

// A canonical match: bytes [begin, end) of the content that was scanned.
struct Match {
  RuleIndex rule = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool operator==(const Match&) const = default;
};

}  // namespace sluice
