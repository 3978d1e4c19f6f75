// Waiting for another thread: as long as it takes, up to a limit that only a broken program reaches.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace sluice::test {

inline bool eventually(const std::function<bool()>& holds) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace sluice::test
