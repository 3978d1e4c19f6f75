// Tells webhooks what happens to holds, and takes their word where they may decide. Each has a thread of its own, and
// where it stands in the audit is kept: a restart loses nothing, and one that is down, slow or lies is in nobody's way.
#pragma once

#include <memory>
#include <vector>

#include "control/approvals/approvals.h"
#include "control/webhooks/message.h"

namespace sluice::control {

class Webhooks {
 public:
  // How long after a failure the next attempt comes: it doubles from the first to the last.
  struct Pace {
    DurationNs first = kSecond;
    DurationNs last = 300 * kSecond;
    DurationNs give_up = 24ULL * 3600 * kSecond;  // what is older than that is not sent any more
    DurationNs timeout = 10 * kSecond;
  };
  // `approvals` outlives it.
  Webhooks(std::vector<Webhook> webhooks, Approvals& approvals, Pace pace);
  ~Webhooks();
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;

 private:
  struct Runner;
  std::vector<std::unique_ptr<Runner>> runners_;
};

}  // namespace sluice::control
