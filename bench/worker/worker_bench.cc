// What a request costs a worker, from the frames that come in to the frames that go out, beside a scanner that looks at
// the same bytes and does nothing else. At MTU: segments of 1448 bytes, the NIC fills checksums. With superframes: up
// to 64 KB a frame, cut and coalesced by the NIC. 64 sessions at once (sessions-10k: ten thousand).
#include <benchmark/benchmark.h>
#include <rte_cycles.h>

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/support/eal.h"
#include "bench/support/figure.h"
#include "bench/support/http_content.h"
#include "bench/worker/rig.h"
#include "common/stage_clock.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kEalMegabytes = 512;

double us_of(std::uint64_t cycles) {
  return static_cast<double>(cycles) * 1e6 / static_cast<double>(rte_get_tsc_hz());
}

// Set up once: repetitions of a benchmark take turns on the same sessions.
Rig& rig_of(const RigConfig& config) {
  static std::map<std::string, std::unique_ptr<Rig>> rigs;
  const std::string key =
      std::to_string(config.sessions) + (config.superframes ? "s" : "m") + std::to_string(config.body_bytes);
  auto& rig = rigs[key];
  if (!rig) rig = std::make_unique<Rig>(config);
  return *rig;
}

template <class Body>
void guarded(benchmark::State& state, Body&& body) {
  try {
    body();
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

void exchange(benchmark::State& state, const RigConfig& config, const std::string& versus) {
  guarded(state, [&] {
    Rig& rig = rig_of(config);
    rig.resume();
    const std::uint64_t before = rig.counts().responses;
    const std::uint64_t frames = rig.frames();
    const std::uint64_t bursts = rig.bursts();
    std::uint64_t cycles = 0;
    for (auto _ : state) {
      const std::uint64_t spent = rig.run(config.sessions);
      state.SetIterationTime(us_of(spent) / 1e6);
      cycles += spent;
    }
    const auto requests = static_cast<double>(rig.counts().responses - before);
    report(state, us_of(cycles) / requests, "us/request", versus);
    state.counters["frames/request"] = static_cast<double>(rig.frames() - frames) / requests;
    state.counters["bursts/request"] = static_cast<double>(rig.bursts() - bursts) / requests;
    rig.drain();
  });
}

// Heads and body as the worker has them scanned, each whole and in one piece.
void scanner_alone(benchmark::State& state, std::size_t body_bytes) {
  guarded(state, [&] {
    inspect::Scratch scratch;
    const session::PolicyRef policy = bench_policy(scratch);
    const enforce::Service& service = policy->snapshot->services().front();
    const std::string request = browser_request();
    const std::vector<std::string> answers = rig_responses(body_bytes);
    std::vector<Match> matches;
    const auto scan = [&](enforce::Place place, Bytes content) {
      matches.clear();
      inspect::ScanState scanned;
      const inspect::RuleSet* rules = service.scan(place);
      if (rules != nullptr &&
          inspect::Scanner::scan(*rules, scratch, scanned, {&content, 1}, true, matches) != ErrorCode::ok)
        throw std::runtime_error("the scan failed");
      benchmark::DoNotOptimize(matches.data());
    };
    std::size_t next = 0;
    std::uint64_t cycles = 0;
    std::uint64_t requests = 0;
    for (auto _ : state) {
      const std::uint64_t begin = rte_rdtsc();
      for (int i = 0; i < 16; ++i) {
        const Bytes answer = as_bytes(answers[next++ % answers.size()]);
        const std::size_t head = answer.size() - body_bytes;
        scan(enforce::Place::request_head, as_bytes(request));
        scan(enforce::Place::response_head, answer.first(head));
        scan(enforce::Place::response_body, answer.subspan(head));
      }
      const std::uint64_t spent = rte_rdtsc() - begin;
      state.SetIterationTime(us_of(spent) / 1e6);
      cycles += spent;
      requests += 16;
    }
    report(state, us_of(cycles) / static_cast<double>(requests), "us/request");
  });
}

#ifdef SLUICE_STAGE_CLOCK
constexpr const char* kStageNames[kStages] = {"port", "tcp", "protocol", "inspect", "enforce", "record"};

void stage(benchmark::State& state, const RigConfig& config, Stage which) {
  guarded(state, [&] {
    Rig& rig = rig_of(config);
    rig.resume();
    rig.run(config.sessions);
    const std::uint64_t before = rig.counts().responses;
    const std::uint64_t changes = stage_clock.changes();
    const std::uint64_t at = stage_clock.cycles(which);
    std::uint64_t cycles = 0;
    for (auto _ : state) {
      const std::uint64_t spent = rig.run(config.sessions);
      state.SetIterationTime(us_of(spent) / 1e6);
      cycles += spent;
    }
    const auto requests = static_cast<double>(rig.counts().responses - before);
    report(state, us_of(stage_clock.cycles(which) - at) / requests, "us/request");
    state.counters["all_stages"] = us_of(cycles) / requests;
    state.counters["changes/request"] = static_cast<double>(stage_clock.changes() - changes) / requests;
    rig.drain();
  });
}
#endif

void add(const std::string& name, const std::function<void(benchmark::State&)>& run) {
  benchmark::RegisterBenchmark(name.c_str(), run)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

void register_all() {
  struct Size {
    const char* name;
    std::size_t bytes;
    std::size_t sessions;
  };
  for (const Size& size : {Size{"1k", 1024, 64}, Size{"64k", 64 * 1024, 64}, Size{"1m", 1024 * 1024, 8}}) {
    for (const bool superframes : {false, true}) {
      const std::string name = std::string("worker/http1/") + size.name + (superframes ? "/superframe" : "");
      const RigConfig config{.sessions = size.sessions, .superframes = superframes, .body_bytes = size.bytes};
#ifdef SLUICE_STAGE_CLOCK
      for (std::size_t i = 0; i < kStages; ++i)
        add(name + "/" + kStageNames[i], [=](auto& state) { stage(state, config, static_cast<Stage>(i)); });
#else
      const std::string versus = std::string("scanner/") + size.name;
      add(name, [=](auto& state) { exchange(state, config, versus); });
      if (!superframes) add(versus, [=](auto& state) { scanner_alone(state, size.bytes); });
#endif
    }
  }
#ifndef SLUICE_STAGE_CLOCK
  add("worker/http1/1k/sessions-10k", [](auto& state) {
    exchange(state, {.sessions = 10'000, .superframes = false, .body_bytes = 1024}, "scanner/1k");
  });
#endif
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  sluice::bench::start_eal(sluice::bench::kEalMegabytes);
  benchmark::AddCustomContext("memory", sluice::bench::eal_memory());
  sluice::bench::register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
