// See loop.h.
#include "dataplane/worker/loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "common/clock.h"
#include "dataplane/worker/patience.h"

namespace sluice::worker {
namespace {

constexpr DurationNs kLongestRest = 50 * kMillisecond;
constexpr DurationNs kWallEvery = kSecond;  // how often the wall clock is read

}  // namespace

Loop::Loop(Worker& worker, record::Recorder& recorder, Idle idle, std::vector<int> wait_fds)
    : worker_(worker),
      recorder_(recorder),
      idle_(wait_fds.empty() ? Idle::poll : idle),
      wait_fds_(std::move(wait_fds)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void Loop::stop() {
  stop_.store(true, std::memory_order_release);
  wake();
}

void Loop::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
}

void Loop::run() {
  TimeNs now = monotonic_ns();
  Patience patience(now);
  TimeNs wall_at = now;
  std::uint64_t wall_offset = wall_ns() - now;
  while (!stop_.load(std::memory_order_relaxed)) {
    if (now - wall_at > kWallEvery) {
      wall_offset = wall_ns() - now;
      wall_at = now;
    }
    const bool busy = worker_.burst(now, now + wall_offset);
    const TimeNs after = monotonic_ns();
    if (busy) {
      busy_ns_.store(busy_ns_.load(std::memory_order_relaxed) + (after - now), std::memory_order_relaxed);
      patience.was_busy(now, after);
    } else if (idle_ == Idle::adaptive && patience.is_over(after) && !worker_.pending()) {
      rest(after);
    }
    now = monotonic_ns();
  }
}

void Loop::rest(TimeNs now) {
  const TimeNs deadline = worker_.next_deadline();
  DurationNs longest = kLongestRest;
  if (recorder_.appended() != recorder_.durable_through()) longest = std::min(longest, recorder_.group_commit());
  if (deadline != kNever) longest = std::min(longest, deadline > now ? deadline - now : 0);
  std::vector<pollfd> fds;
  fds.reserve(wait_fds_.size() + 1);
  for (const int fd : wait_fds_) fds.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  fds.push_back({.fd = wake_.get(), .events = POLLIN, .revents = 0});
  const timespec timeout{.tv_sec = static_cast<time_t>(longest / kSecond),
                         .tv_nsec = static_cast<long>(longest % kSecond)};
  if (ppoll(fds.data(), fds.size(), &timeout, nullptr) > 0 && fds.back().revents != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(wake_.get(), &count, sizeof count);
  }
}

}  // namespace sluice::worker
