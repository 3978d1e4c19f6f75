// What a service's policy says about scores: what callers do that is worth points, and what becomes of requests whose
// score is above so much.
#pragma once

#include <cstdint>
#include <vector>

#include "rules/limit.h"
#include "rules/problem.h"

namespace sluice::rules {

using schema::policy::BehaviourKind;

struct RiskLine {
  std::uint32_t above = 0;
  LimitThen then = LimitThen::observe;
  Limit pace;  // throttle: of each principal
  Position position;
};

struct Behaviour {
  BehaviourKind kind = BehaviourKind::requests;
  std::uint32_t score = 0;
  std::uint64_t above = 0;   // in an interval
  std::uint64_t factor = 0;  // as in schema/policy.fbs
  Position position{};
};

struct Risk {
  std::vector<RiskLine> lines;  // each above the one before, and doing more
  std::vector<Behaviour> behaviours;
  std::uint64_t interval_ns = 60ULL * 1'000'000'000;
};

}  // namespace sluice::rules
