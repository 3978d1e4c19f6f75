// main() of the whole-worker programs; see suite.h.
#include "bench/worker/suite.h"

#include <map>
#include <memory>

namespace sluice::bench {
namespace {

constexpr std::size_t kEalMegabytes = 512;

}  // namespace

double us_of(std::uint64_t cycles) {
  return static_cast<double>(ns_of(cycles)) / 1e3;
}

Rig& rig_of(const RigConfig& config) {
  static std::map<std::string, std::unique_ptr<Rig>> rigs;
  const std::string key = std::to_string(config.sessions) +
                          (config.superframes ? "s"
                           : config.hang_up   ? "h"
                                              : "m") +
                          (config.limits ? "l" : "") + std::to_string(config.body_bytes) + "r" +
                          std::to_string(config.rows) + "/" + std::to_string(config.rows_between) +
                          (config.rows_are_binary ? "b" : "");
  auto& rig = rigs[key];
  if (!rig) rig = std::make_unique<Rig>(config);
  return *rig;
}

void add_figure(const std::string& name, const std::function<void(benchmark::State&)>& run) {
  benchmark::RegisterBenchmark(name.c_str(), run)->Unit(benchmark::kMicrosecond);
}

}  // namespace sluice::bench

int main(int argc, char** argv) {
  return sluice::bench::run_program(argc, argv, sluice::bench::kEalMegabytes, sluice::bench::register_figures);
}
