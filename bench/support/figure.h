// How a Google Benchmark program says its figures, so that tools/bench can read them: the counter "value" in the
// unit that the label names, and in the label the benchmark of the same program that stands beside it.
#pragma once

#include <benchmark/benchmark.h>

#include <string>

namespace sluice::bench {

// `versus`: the name of a benchmark of this program that has the same unit; empty when nothing stands beside it.
inline void report(benchmark::State& state, double value, const std::string& unit, const std::string& versus = "") {
  state.counters["value"] = value;
  state.SetLabel(versus.empty() ? unit : unit + " versus " + versus);
}

// The figure is the time of one of `per_iteration` things, counted by the benchmark's own clock.
inline void report_ns(benchmark::State& state, const std::string& unit, const std::string& versus = "",
                      double per_iteration = 1) {
  report(state, 0, unit, versus);
  state.counters["value"] = benchmark::Counter(
      per_iteration * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// The figure is a rate: `amount` of the unit in each iteration.
inline void report_rate(benchmark::State& state, double amount, const std::string& unit,
                        const std::string& versus = "") {
  report(state, 0, unit, versus);
  state.counters["value"] = benchmark::Counter(amount, benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace sluice::bench
