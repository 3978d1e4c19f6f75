#include "bench/support/program.h"

#include <cstdlib>

#include "bench/support/eal.h"

namespace sluice::bench {
namespace {

bool failed = false;

}  // namespace

bool in_miniature() {
  return std::getenv("SLUICE_BENCH_MINIATURE") != nullptr;
}

void fail(benchmark::State& state, const std::string& why) {
  failed = true;
  state.SkipWithError(why.c_str());
}

int run_program(int argc, char** argv, std::size_t eal_megabytes, void (*register_figures)()) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  if (eal_megabytes > 0) {
    start_eal(eal_megabytes);
    benchmark::AddCustomContext("memory", eal_memory());
  }
  if (register_figures != nullptr) register_figures();
  const std::size_t run = benchmark::RunSpecifiedBenchmarks();
  return failed || run == 0 ? 1 : 0;
}

}  // namespace sluice::bench
