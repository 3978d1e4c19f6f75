// A relay whose units may be held, with the two ends of its worker's table of holds: what control would be told, and
// what it would say.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/relay_harness.h"

namespace sluice::session {

template <class Harness>
struct HoldsBed : Harness {
  explicit HoldsBed(const std::string& text) : Harness(text) { this->context.now = kSecond; }
  HoldTable& holds() { return this->context.holds; }
  // What a burst does: what the channel said, the relay, what the channel is told.
  void burst() {
    holds().take(this->context.now, this->context.wall, [](Session&) {});
    this->relay().resume(this->context);
    this->take();
    holds().tell(this->context.wall);
    for (HoldEvent event; holds().take_event(event);) {
      if (event.kind == HoldEvent::Kind::opened) {
        id = event.id;
        ++told;
        std::vector<std::uint8_t> text;
        event.hold->text.copy(text);
        shown = as_text(text);
        cause = event.hold->cause_name;
        holds().give_back(event.hold);
      } else if (event.kind == HoldEvent::Kind::ended) {
        endings.push_back(event.ending);
      } else if (event.kind == HoldEvent::Kind::order_used) {
        used.push_back(event.order);
      } else if (event.kind == HoldEvent::Kind::all_told) {
        ++all_told;
      }
    }
  }
  void decide(bool pass) {
    HoldDecision decision{.id = id, .pass = pass};
    copy_name(decision.by, "alice");
    copy_name(decision.reason, "seen");
    ASSERT_TRUE(holds().decide(decision));
    burst();
  }
  void order(std::vector<enforce::Order> list) {
    OrdersPtr orders = list.empty() ? nullptr : std::make_unique<const enforce::Orders>(std::move(list));
    ASSERT_TRUE(holds().offer(&orders));
    burst();
    ASSERT_EQ(holds().taken(), &orders);
    burst();  // what was given back wakes its waiter
  }

  HoldId id = 0;
  unsigned told = 0, all_told = 0;
  std::string shown, cause;
  std::vector<HoldEnding> endings;
  std::vector<std::uint64_t> used;
};

}  // namespace sluice::session
