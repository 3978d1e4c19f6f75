// Keeps the index fresh while nobody asks: in short strokes, so that who asks never waits long for it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "control/archive/index.h"

namespace sluice::control {

class IndexRefresher {
 public:
  explicit IndexRefresher(Index& index);
  ~IndexRefresher();
  IndexRefresher(const IndexRefresher&) = delete;
  IndexRefresher& operator=(const IndexRefresher&) = delete;

 private:
  void run();

  Index& index_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::control
