// How a worker's cycles split by stage, from a build of session/ and worker/ with the stage clock in it. What the clock
// costs is in the figures: two readings of the time stamp counter each time a stage is entered and left.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/support/figure.h"
#include "bench/worker/suite.h"
#include "common/stage_clock.h"

namespace sluice::bench {
namespace {

constexpr const char* kStageNames[kStages] = {"port", "tcp", "protocol", "inspect", "enforce", "record"};

// The stage's time of a request, or its share of the whole.
void stage(benchmark::State& state, const RigConfig& config, Stage which, bool as_share) {
  guarded(state, [&] {
    Rig& rig = rig_of(config);
    rig.resume();
    rig.run(config.sessions);
    const std::uint64_t before = rig.exchanges();
    const std::uint64_t changes = stage_clock.changes();
    const std::uint64_t at = stage_clock.cycles(which);
    const std::uint64_t all = stage_clock.cycles();
    std::uint64_t cycles = 0;
    for (auto _ : state) {
      const std::uint64_t spent = rig.run(config.sessions);
      cycles += spent;
    }
    const auto requests = static_cast<double>(rig.exchanges() - before);
    const double share =
        static_cast<double>(stage_clock.cycles(which) - at) / static_cast<double>(stage_clock.cycles() - all);
    if (as_share)
      report(state, share, "share of the worker's cycles");
    else
      report(state, share * us_of(cycles) / requests, "us/request");
    state.counters["all_stages"] = us_of(cycles) / requests;
    state.counters["changes/request"] = static_cast<double>(stage_clock.changes() - changes) / requests;
    rig.drain();
  });
}
// What one entry into a stage and the return from it take, for who wants to subtract them.
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
  add_figure("record/share/64k", [](auto& state) { stage(state, kShapes[2].config, Stage::record, true); });
  add_figure("enforce/share/1k", [](auto& state) {
    RigConfig limited = kShapes[0].config;
    limited.limits = true;
    stage(state, limited, Stage::enforce, true);
  });
}

}  // namespace sluice::bench
