// Where a worker's cycles go, by stage. Only a build with SLUICE_STAGE_CLOCK counts (bench/worker has one);
// everywhere else StageScope is empty and costs nothing.
// Invariant: at any time exactly one stage is charged; a scope charges its own and hands back what was before.
#pragma once

#include <array>
#include <cstdint>

#ifdef SLUICE_STAGE_CLOCK
#include <x86intrin.h>

#include <numeric>
#endif

namespace sluice {

// `tcp` is also all that belongs to no other: wire, the table of sessions, timers.
enum class Stage : std::uint8_t { port, tcp, protocol, inspect, enforce, record };
inline constexpr std::size_t kStages = 6;

#ifdef SLUICE_STAGE_CLOCK

// One a thread.
class StageClock {
 public:
  void enter(Stage stage) {
    const std::uint64_t now = __rdtsc();
    cycles_[static_cast<std::size_t>(stage_)] += now - since_;
    since_ = now;
    stage_ = stage;
    ++entries_[static_cast<std::size_t>(stage)];
  }
  // What passed since is nobody's.
  void resume() { since_ = __rdtsc(); }
  [[nodiscard]] Stage stage() const { return stage_; }
  [[nodiscard]] std::uint64_t cycles(Stage stage) const { return cycles_[static_cast<std::size_t>(stage)]; }
  [[nodiscard]] std::uint64_t cycles() const {
    return std::accumulate(cycles_.begin(), cycles_.end(), std::uint64_t{0});
  }
  // How often a stage was entered, or entered again from within: what the clock itself costs can be told from it.
  [[nodiscard]] std::uint64_t entries(Stage stage) const { return entries_[static_cast<std::size_t>(stage)]; }

 private:
  std::array<std::uint64_t, kStages> cycles_{};
  std::array<std::uint64_t, kStages> entries_{};
  std::uint64_t since_ = 0;
  Stage stage_ = Stage::tcp;
};

inline thread_local StageClock stage_clock;

class StageScope {
 public:
  explicit StageScope(Stage stage) : before_(stage_clock.stage()) { stage_clock.enter(stage); }
  ~StageScope() { stage_clock.enter(before_); }
  StageScope(const StageScope&) = delete;
  StageScope& operator=(const StageScope&) = delete;

 private:
  Stage before_;
};

#else

class StageScope {
 public:
  explicit StageScope(Stage) {}
  ~StageScope() {}  // NOLINT(modernize-use-equals-default): with it, a scope is never an unused variable
  StageScope(const StageScope&) = delete;
  StageScope& operator=(const StageScope&) = delete;
};

#endif

}  // namespace sluice
