// A limit as the data plane keeps to it, and what it has done so far.
#pragma once

#include <cstdint>
#include <string>

#include "common/metrics.h"
#include "dataplane/enforce/bucket.h"

namespace sluice::enforce {

enum class LimitPer : std::uint8_t { service = 0, principal = 1, source = 2, route = 3, rule = 4 };
enum class LimitOf : std::uint8_t { requests = 0, bytes = 1, concurrent = 2, rows = 3, result_bytes = 4 };
enum class LimitThen : std::uint8_t { observe = 0, throttle = 1, deny = 2, hold = 3 };

struct Limit {
  std::string name;         // service/name, or principal:name/name
  std::uint64_t id = 0;     // the same in every policy that has this limit with this rate
  std::uint32_t index = 0;  // among the limits of its snapshot
  LimitPer per = LimitPer::service;
  LimitOf of = LimitOf::requests;
  LimitThen then = LimitThen::deny;
  Terms terms{1, kSecond, 1};  // of what comes in a time
  std::uint64_t most = 0;      // of concurrent, and of what one answer may have
  bool of_answer = false;      // of one answer: it has no bucket

  // What it counts comes with, or after, the unit that is asked about.
  [[nodiscard]] bool is_charged_later() const { return of == LimitOf::bytes || of == LimitOf::rows; }
};

// One writer: the worker. Units, or of a limit of bytes the times that bytes were asked for.
struct LimitCounters {
  Counter passed, denied, throttled, observed, held;
};

}  // namespace sluice::enforce
