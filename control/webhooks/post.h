// One signed POST to a webhook at a time, on the thread of who sends it; stop() ends it from any other.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "common/time.h"
#include "control/webhooks/message.h"

namespace httplib {
class Client;
}

namespace sluice::control {

class HookPost {
 public:
  struct Answer {  // to what was taken: a status of 2xx
    std::string sent_signature;
    std::string signature, body;  // not believed yet
  };

  // Nothing where it was not taken: why, in `problem`. `delivery` is its number, the same when it is sent again.
  std::optional<Answer> send(const Webhook& webhook, std::uint64_t delivery, const std::string& body, WallNs now,
                             DurationNs timeout, std::string& problem);
  // Waits so long. False when it is stopped.
  bool pause(DurationNs time);
  // For good.
  void stop();

 private:
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  httplib::Client* client_ = nullptr;  // under way
  bool stopping_ = false;
};

}  // namespace sluice::control
