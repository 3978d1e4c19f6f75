// What a decision of a limit costs: on one bucket, and on a million of them in turn, each found by its key. As in the
// data plane, where a request's head is scanned and recorded meanwhile, the key's place is asked for half a microsecond
// before; `cold` shows what that is for.
#include <benchmark/benchmark.h>

#include <vector>

#include "bench/support/figure.h"
#include "common/random.h"
#include "dataplane/enforce/behaviours.h"
#include "dataplane/enforce/limiter.h"

namespace sluice::enforce {
namespace {

constexpr std::size_t kMillion = 1'000'000;

void bucket(benchmark::State& state, std::size_t keys, std::size_t ahead) {
  static LimitTable table(Limiter::kEntries);
  const Terms terms(200, kSecond, 400);
  Random random(1);
  std::vector<std::uint64_t> asked(keys);
  for (std::uint64_t& key : asked) key = random.next();
  TimeNs now = 1000 * kSecond;
  for (const std::uint64_t key : asked) benchmark::DoNotOptimize(table.take(key, 1, terms, terms.cost_of(1), now));
  std::uint64_t passed = 0;
  std::size_t at = 0;
  for (auto _ : state) {
    if (ahead != 0) table.prefetch(asked[at + ahead < keys ? at + ahead : at + ahead - keys]);
    passed += table.take(asked[at], 1, terms, terms.cost_of(1), now).fits ? 1 : 0;
    if (++at == keys) at = 0;
    now += 100;
  }
  benchmark::DoNotOptimize(passed);
  bench::report_ns(state, "ns/decision");
}

// All that a request asks: one limit of its principal and two of its service.
void request(benchmark::State& state) {
  Limiter limiter({1, 2}, Limiter::kEntries);
  std::vector<Limit> own(1);
  std::vector<Limit> service(2);
  std::vector<LimitCounters> counters(3);
  const std::vector<LimitCounters*> all{&counters[0], &counters[1], &counters[2]};
  service[0].per = LimitPer::principal;
  for (std::uint32_t i = 0; i < 3; ++i) {
    Limit& limit = i == 0 ? own[0] : service[i - 1];
    limit.id = limit.index = i;
    limit.terms = Terms(1'000'000'000, kSecond, 1'000'000'000);
  }
  TimeNs now = 1000 * kSecond;
  Flights flights;
  // Known since the caller's first request.
  const std::uint64_t caller = limiter.caller_of("ci-runner", 0x0a4d0041);
  const LimitedUnit unit{.principal = "ci-runner", .address = 0x0a4d0041, .caller = caller, .path = {}, .rules = {}};
  for (auto _ : state) {
    limiter.expect({own, service, false}, unit);
    benchmark::DoNotOptimize(limiter.admit({own, service, false}, unit, all, false, now, flights));
    now += 100;
  }
  bench::report_ns(state, "ns/request");
}

// All that one request and its answer ask and tell of so many callers' behaviour, in turn.
void behaviour(benchmark::State& state, std::uint64_t callers) {
  Behaviours behaviours({1, 2}, Behaviours::kEntries);
  Risk risk;
  risk.interval = 60 * kSecond;
  risk.has_behaviours = true;
  for (Behaviour& one : risk.behaviours) one = {.score = 10, .above = 1000, .factor = 4096};
  const std::uint32_t stream = behaviours.stream_of("/upload/part-1");
  TimeNs now = 1000 * kSecond;
  std::uint64_t at = 0;
  for (auto _ : state) {
    const Behaviours::Who who{.caller = ++at % callers * 0x9e3779b97f4a7c15, .declared = true};
    benchmark::DoNotOptimize(behaviours.begin(risk, who, 0x0a4d0041, now));
    behaviours.end_request(risk, who, 1024, stream, now);
    behaviours.end_response(risk, who, 1024, true, false, now);
    now += 1000;
  }
  bench::report_ns(state, "ns/request");
}

BENCHMARK_CAPTURE(behaviour, 1, 1)->Name("risk/behaviour/1");
BENCHMARK_CAPTURE(behaviour, 10k, 10'000)->Name("risk/behaviour/10k");
BENCHMARK_CAPTURE(bucket, 1, 1, 0)->Name("limits/bucket/1");
BENCHMARK_CAPTURE(bucket, 1m, kMillion, 8)->Name("limits/bucket/1m");
BENCHMARK_CAPTURE(bucket, 1m_cold, kMillion, 0)->Name("limits/bucket/1m/cold");
BENCHMARK(request)->Name("limits/request/3");

}  // namespace
}  // namespace sluice::enforce

BENCHMARK_MAIN();
