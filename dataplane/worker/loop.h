// The poll loop of one worker on its core: reads the clock once a burst, and rests when it may.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "common/fd.h"
#include "common/time.h"
#include "dataplane/record/recorder.h"
#include "dataplane/worker/worker.h"

namespace sluice::worker {

enum class Idle : std::uint8_t {
  poll,      // never rests: the production setting
  adaptive,  // rests when nothing came for a while, if every port can wake it
};

class Loop {
 public:
  // `wait_fds` become readable when frames wait; empty when a port can only be polled.
  Loop(Worker& worker, record::Recorder& recorder, Idle idle, std::vector<int> wait_fds);

  // Runs until stop(). On the worker's own thread.
  void run();
  // From any thread, also a signal handler's.
  void stop();
  void wake();
  // Time in bursts that had something to do.
  [[nodiscard]] std::uint64_t busy_ns() const { return busy_ns_.load(std::memory_order_relaxed); }

 private:
  void rest(TimeNs now);

  Worker& worker_;
  record::Recorder& recorder_;
  Idle idle_;
  std::vector<int> wait_fds_;
  Fd wake_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> busy_ns_{0};
};

}  // namespace sluice::worker
