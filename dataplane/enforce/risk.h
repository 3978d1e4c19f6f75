// What a service's policy says about scores, as the data plane keeps to it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/time.h"
#include "dataplane/enforce/limit.h"

namespace sluice::enforce {

enum class BehaviourKind : std::uint8_t {
  requests = 0,
  bytes = 1,
  pieces = 2,
  errors = 3,
  bytes_out = 4,
  new_source = 5
};
inline constexpr std::size_t kBehaviours = 6;
// As parts of a score.
inline constexpr std::array<std::string_view, kBehaviours> kBehaviourNames = {
    "behaviour/requests", "behaviour/bytes",     "behaviour/pieces",
    "behaviour/errors",   "behaviour/bytes_out", "behaviour/new_source"};

struct Behaviour {
  std::uint32_t score = 0;  // 0: nobody looks for it
  std::uint64_t above = 0;
  std::uint64_t factor = 0;  // as in schema/policy.fbs
};

struct RiskLine {
  std::uint32_t above = 0;
  LimitThen then = LimitThen::observe;
  Limit limit;  // by which crossings are counted; of one that throttles, to what
};

struct Risk {
  std::vector<RiskLine> lines;  // each above the one before, and doing more; none: the service adds up nothing
  std::array<Behaviour, kBehaviours> behaviours;  // by kind
  bool has_behaviours = false;
  DurationNs interval = 0;
  std::uint64_t id = 0;  // of its service, for keys of callers

  [[nodiscard]] const Behaviour& behaviour(BehaviourKind kind) const {
    return behaviours[static_cast<std::size_t>(kind)];
  }
};

}  // namespace sluice::enforce
