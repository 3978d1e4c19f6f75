// How a worker's cycles split by stage, from a build of session/ and worker/ with the stage clock in it. The clock is
// read each time a stage is entered and left; what that takes, in a loop of nothing else, is taken off each stage's
// time for each of its entries. So all stages together are about what a worker takes that has no clock.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/support/figure.h"
#include "bench/worker/suite.h"
#include "common/stage_clock.h"

namespace sluice::bench {
namespace {

constexpr const char* kStageNames[kStages] = {"port", "tcp", "protocol", "inspect", "enforce", "record"};

constexpr std::uint64_t kCalibrationScopes = 1'000'000;

// That one entry takes, and what comes before the next.
double entry_cycles() {
  static const double cycles = [] {
    const StageClock before = stage_clock;
    stage_clock.resume();
    const std::uint64_t begin = stage_clock.cycles();
    for (std::uint64_t i = 0; i < kCalibrationScopes; ++i) const StageScope stage(Stage::inspect);
    const double spent = static_cast<double>(stage_clock.cycles() - begin);
    stage_clock = before;
    return spent / (2 * kCalibrationScopes);
  }();
  return cycles;
}

// Since `before`, without the clock.
double own_cycles(const StageClock& before, Stage stage) {
  return static_cast<double>(stage_clock.cycles(stage) - before.cycles(stage)) -
         static_cast<double>(stage_clock.entries(stage) - before.entries(stage)) * entry_cycles();
}

// The stage's time of a request, or its share of the whole.
void stage(benchmark::State& state, const RigConfig& config, Stage which, bool as_share) {
  guarded(state, [&] {
    Rig& rig = rig_of(config);
    rig.resume();
    rig.run(config.sessions);
    const std::uint64_t exchanges = rig.exchanges();
    const StageClock before = stage_clock;
    std::uint64_t cycles = 0;
    for (auto _ : state) {
      const std::uint64_t spent = rig.run(config.sessions);
      cycles += spent;
    }
    const auto requests = static_cast<double>(rig.exchanges() - exchanges);
    double all = 0;
    double entries = 0;
    for (std::size_t i = 0; i < kStages; ++i) {
      all += own_cycles(before, static_cast<Stage>(i));
      entries +=
          static_cast<double>(stage_clock.entries(static_cast<Stage>(i)) - before.entries(static_cast<Stage>(i)));
    }
    const double us_a_cycle = us_of(cycles) / static_cast<double>(stage_clock.cycles() - before.cycles());
    const double own = own_cycles(before, which);
    if (as_share)
      report(state, own / all, "share of the worker's cycles");
    else
      report(state, own * us_a_cycle / requests, "us/request");
    state.counters["all_stages"] = all * us_a_cycle / requests;
    state.counters["entries/request"] = entries / requests;
    rig.drain();
  });
}

// What one entry into a stage and the return from it take.
void scope(benchmark::State& state) {
  for (auto _ : state) const StageScope stage(Stage::inspect);
  report_ns(state, "ns/scope");
}

}  // namespace

void register_figures() {
  add_figure("stage-clock", scope);
  for (const Shape& shape : kShapes)
    for (std::size_t i = 0; i < kStages; ++i)
      add_figure(shape.name() + "/" + kStageNames[i],
                 [=](auto& state) { stage(state, shape.config, static_cast<Stage>(i), false); });
  for (const RowsShape& shape : kRowsShapes)
    for (std::size_t i = 0; i < kStages; ++i)
      add_figure(std::string(shape.name) + "/" + kStageNames[i],
                 [=](auto& state) { stage(state, shape.config, static_cast<Stage>(i), false); });
  add_figure("record/share/64k", [](auto& state) { stage(state, kShapes[2].config, Stage::record, true); });
  add_figure("enforce/share/1k", [](auto& state) {
    RigConfig limited = kShapes[0].config;
    limited.limits = true;
    stage(state, limited, Stage::enforce, true);
  });
}

}  // namespace sluice::bench
