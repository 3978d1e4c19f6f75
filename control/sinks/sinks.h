// Tells sinks of alerts. Each has a thread of its own, and where it stands among what happened is kept: a restart loses
// nothing, and one that is down or slow delays only itself. Attempts are bounded: what is given up is counted.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/alerts/alerts.h"
#include "control/webhooks/message.h"

namespace sluice::control {

// A sink with what lies in files of its own.
struct Sink {
  SinkConfig config;
  Webhook webhook;  // of a webhook
};
// bad_argument or not_permitted says what is wrong with which sink.
Result<std::vector<Sink>> make_sinks(const std::vector<SinkConfig>& configs);

class Sinks {
 public:
  // How long after a failure the next attempt comes (it doubles from the first to the last), and how many there are.
  struct Pace {
    DurationNs first = kSecond;
    DurationNs last = 120 * kSecond;
    unsigned attempts = 10;
    DurationNs give_up = 3600 * kSecond;  // what is older is tried once
    DurationNs timeout = 10 * kSecond;    // of a webhook
  };

  // `alerts` outlives it.
  Sinks(Alerts& alerts, Pace pace);
  ~Sinks();
  Sinks(const Sinks&) = delete;
  Sinks& operator=(const Sinks&) = delete;

  // Instead of those there were. What is under way is ended, and told again.
  void set(std::vector<Sink> sinks);

 private:
  struct Runner;
  Alerts& alerts_;
  const Pace pace_;
  std::vector<std::unique_ptr<Runner>> runners_;
};

// What a webhook is sent.
std::string webhook_body(const Webhook& webhook, const AlertEvent& event, WallNs now);

}  // namespace sluice::control
