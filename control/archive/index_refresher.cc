// See index_refresher.h.
#include "control/archive/index_refresher.h"

#include <string>

#include "common/log.h"

namespace sluice::control {
namespace {

constexpr auto kStroke = std::chrono::milliseconds(250);
constexpr auto kPauseBehind = std::chrono::milliseconds(10);
constexpr auto kPauseIdle = std::chrono::seconds(5);

}  // namespace

IndexRefresher::IndexRefresher(Index& index) : index_(index), thread_([this] { run(); }) {}

IndexRefresher::~IndexRefresher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void IndexRefresher::run() {
  std::string last_error;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const auto complete = index_.refresh(Index::Clock::now() + kStroke);
    const std::string error = complete ? "" : complete.error().message();
    if (!error.empty() && error != last_error) log::error("reading the archive: " + error);
    last_error = error;
    lock.lock();
    const bool is_behind = complete && !*complete;
    wake_.wait_for(lock, is_behind ? std::chrono::nanoseconds(kPauseBehind) : std::chrono::nanoseconds(kPauseIdle),
                   [this] { return stopping_; });
  }
}

}  // namespace sluice::control
