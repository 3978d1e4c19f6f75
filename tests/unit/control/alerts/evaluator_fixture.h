// An evaluator, a data plane that counts what a test says, and a clock that goes on a second at a time.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "control/alerts/evaluator.h"

namespace sluice::control::test {

using Lines = std::vector<std::string>;

// What a caller does in a second.
struct Doing {
  std::string principal = "ci";
  std::uint64_t requests = 0, errors = 0, denied = 0;
  DurationNs wait = kMillisecond;
  std::string service = "orders";
  std::uint64_t source = 0;
};

class EvaluatorTest : public ::testing::Test {
 protected:
  static constexpr WallNs kStart = 1'795'262'400 * kSecond;

  void use(const std::vector<AlertRule>& rules) { note(evaluator_.set_rules(rules)); }

  // Each second all of them do that, and the report comes. What changed, as "12 raised slow ci at orders".
  Lines run(std::uint64_t seconds, const std::vector<Doing>& doing = {}) {
    lines_.clear();
    for (std::uint64_t i = 0; i < seconds; ++i) {
      for (const Doing& one : doing) count(one);
      pass(kSecond);
      report();
    }
    return lines_;
  }
  void count(const Doing& one) {
    CallerCount& caller = row(one);
    caller.requests += one.requests;
    caller.responses += one.requests - one.denied;
    caller.errors += one.errors;
    caller.denied += one.denied;
    caller.waits[wait_bucket(one.wait)] += one.requests - one.denied;
    ServiceCount& service = service_row(one.service);
    service.requests += one.requests;
    service.errors += one.errors;
    service.denied += one.denied;
  }
  void pass(DurationNs time) { elapsed_ += time; }
  void report() {
    counters_.wall_ns = kStart + elapsed_;
    const AlertSnapshot snapshot = snapshot_of(counters_, epoch_, held_, evaluator_.pers());
    note(evaluator_.step(snapshot, kMonotonicStart + elapsed_));
  }
  // Another data plane: it counts from nothing.
  void restart_data_plane() {
    counters_ = {};
    epoch_ = kStart + elapsed_;
  }
  // Another control: it knows what is active and nothing else.
  void restart_control(const std::vector<AlertRule>& rules) {
    evaluator_ = {};
    evaluator_.set_rules(rules);
    for (const auto& [rule, key] : active_) EXPECT_TRUE(evaluator_.restore(rule, key));
  }
  [[nodiscard]] std::uint64_t seconds() const { return elapsed_ / kSecond; }

  AlertEvaluator evaluator_;
  Counters counters_;
  std::vector<HeldCount> held_;
  WallNs epoch_ = kStart;
  std::vector<AlertChange> changes_;  // all of them

 private:
  static constexpr TimeNs kMonotonicStart = 5'000 * kSecond;

  CallerCount& row(const Doing& one) {
    const auto is_it = [&](const CallerCount& c) {
      return c.service == one.service && c.principal == one.principal && c.source == one.source;
    };
    const auto found = std::ranges::find_if(counters_.callers, is_it);
    if (found != counters_.callers.end()) return *found;
    return counters_.callers.emplace_back(
        CallerCount{.service = one.service, .principal = one.principal, .source = one.source});
  }
  ServiceCount& service_row(const std::string& service) {
    const auto found = std::ranges::find(counters_.services, service, &ServiceCount::service);
    if (found != counters_.services.end()) return *found;
    return counters_.services.emplace_back(ServiceCount{.service = service});
  }
  void note(const std::vector<AlertChange>& changes) {
    for (const AlertChange& change : changes) {
      changes_.push_back(change);
      lines_.push_back(std::to_string(seconds()) + (change.is_raised ? " raised " : " over ") + change.rule.name + " " +
                       describe(change.key));
      const std::pair place(change.rule.name, change.key);
      if (change.is_raised)
        active_.push_back(place);
      else
        std::erase(active_, place);
    }
  }

  DurationNs elapsed_ = 0;
  Lines lines_;
  std::vector<std::pair<std::string, AlertKey>> active_;
};

// Requests of a principal beyond 100/s for 5 s, over below 80/s for 10 s.
inline AlertRule runaway() {
  return {.name = "runaway",
          .per = AlertPer::principal,
          .above = 100,
          .clear_below = 80,
          .hold_for = 5 * kSecond,
          .clear_after = 10 * kSecond};
}

}  // namespace sluice::control::test
