// An actor that is not served for a while now and then, as a host that was suspended or a worker that lost its core.
// What it should have heard and done meanwhile it hears and does late, all at once.
#pragma once

#include <utility>

#include "common/random.h"
#include "tests/sim/world.h"

namespace sluice::sim {

struct NapConfig {
  unsigned count = 0;
  DurationNs longest = 0;
  DurationNs awake = kSecond;  // at most, between two
};

// As long as the world; the clock outlives it.
class Naps {
 public:
  Naps(const Clock& clock, Actor actor, const NapConfig& config, std::uint64_t seed)
      : clock_(clock), actor_(std::move(actor)), config_(config), random_(seed) {
    plan();
  }

  [[nodiscard]] Actor actor() {
    return {[this] { run(); }, [this] { return asleep_ ? until_ : actor_.next_deadline(); }};
  }

 private:
  void plan() {
    next_ = config_.count == 0 ? kNever : clock_.now() + 1 + random_.below(config_.awake);
    if (config_.count > 0) --config_.count;
  }
  void run() {
    const TimeNs now = clock_.now();
    if (asleep_ && now < until_) return;
    if (asleep_) {
      asleep_ = false;
      plan();
    } else if (now >= next_) {
      asleep_ = true;
      until_ = now + 1 + random_.below(config_.longest);
      return;
    }
    actor_.run();
  }

  const Clock& clock_;
  Actor actor_;
  NapConfig config_;
  Random random_;
  bool asleep_ = false;
  TimeNs next_ = kNever;
  TimeNs until_ = kNever;
};

}  // namespace sluice::sim
