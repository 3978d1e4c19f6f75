// main() of every Google Benchmark program: the process fails when a figure could not be had, so that a run in
// miniature (--benchmark_min_time=0.001) is a test.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <exception>
#include <string>

namespace sluice::bench {

// Starts DPDK with so much memory unless it is 0, calls `register_figures` unless it is null, runs what the
// arguments ask for, and returns the exit code.
int run_program(int argc, char** argv, std::size_t eal_megabytes, void (*register_figures)() = nullptr);

// $SLUICE_BENCH_MINIATURE is set, as in tests: what takes its time to be set up is made small, and no figure is one.
bool in_miniature();

// The benchmark ends without a figure, and the process will fail.
void fail(benchmark::State& state, const std::string& why);

// Runs `body`; what it throws is why there is no figure.
template <class Body>
void guarded(benchmark::State& state, Body&& body) {
  try {
    body();
  } catch (const std::exception& error) {
    fail(state, error.what());
  }
}

}  // namespace sluice::bench
