// Runs what lives on one clock: serves everything, then lets time go on to the next arrival or deadline.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "tests/sim/clock.h"
#include "tests/sim/host.h"
#include "tests/sim/wire.h"

namespace sluice::sim {

// Anything that is served when something may have happened, and says when it must be.
struct Actor {
  std::function<void()> run;
  std::function<TimeNs()> next_deadline;
};

inline Actor actor_of(Host& host) {
  return {[&host] { host.run(); }, [&host] { return host.next_deadline(); }};
}

class World {
 public:
  enum class End { done, idle, deadline_missed, too_long };

  Clock clock;

  void add(Actor actor) { actors_.push_back(std::move(actor)); }
  void add(Host& host) { add(actor_of(host)); }
  void add(const Wire& wire) {
    add({[] {}, [&wire] { return wire.next_arrival(); }});
  }

  // Until `done()`, until nothing will ever happen again, or until `limit` has passed.
  End run(const std::function<bool()>& done, DurationNs limit) {
    const TimeNs end = clock.now() + limit;
    for (;;) {
      for (const Actor& actor : actors_) actor.run();
      if (done()) return End::done;
      TimeNs next = kNever;
      for (const Actor& actor : actors_) next = std::min(next, actor.next_deadline());
      if (next == kNever) return End::idle;
      // Everyone was just served: what is still due would be due for ever.
      if (next <= clock.now()) return End::deadline_missed;
      if (next > end) return End::too_long;
      clock.advance_to(next);
    }
  }

 private:
  std::vector<Actor> actors_;
};

}  // namespace sluice::sim
