// What a request costs a worker, from the frames that come in to the frames that go out, beside a scanner that looks at
// the same bytes and does nothing else. See suite.h for the sizes.
#include <benchmark/benchmark.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/support/core_time.h"
#include "bench/support/figure.h"
#include "bench/support/http_content.h"
#include "bench/support/policy.h"
#include "bench/worker/suite.h"

namespace sluice::bench {
namespace {

void exchange(benchmark::State& state, const RigConfig& config, const std::string& versus) {
  guarded(state, [&] {
    Rig& rig = rig_of(config);
    rig.resume();
    const std::uint64_t before = rig.exchanges();
    const std::uint64_t frames = rig.frames();
    const std::uint64_t bursts = rig.bursts();
    std::uint64_t cycles = 0;
    for (auto _ : state) {
      const std::uint64_t spent = rig.run(config.sessions);
      cycles += spent;
    }
    const auto requests = static_cast<double>(rig.exchanges() - before);
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
    CoreTime core_time;
    std::size_t next = 0;
    std::uint64_t cycles = 0;
    std::uint64_t requests = 0;
    for (auto _ : state) {
      core_time.begin();
      for (int i = 0; i < 16; ++i) {
        const Bytes answer = as_bytes(answers[next++ % answers.size()]);
        const std::size_t head = answer.size() - body_bytes;
        scan(enforce::Place::request_head, as_bytes(request));
        scan(enforce::Place::response_head, answer.first(head));
        scan(enforce::Place::response_body, answer.subspan(head));
      }
      cycles += core_time.end();
      requests += 16;
    }
    report(state, us_of(cycles) / static_cast<double>(requests), "us/request");
  });
}

double gbit(double bytes, std::uint64_t cycles) {
  return bytes * 8 / (us_of(cycles) * 1e3);
}

// Results of many rows, by the bytes of their DataRow messages.
void rows(benchmark::State& state, const RigConfig& config, const std::string& versus) {
  guarded(state, [&] {
    Rig& rig = rig_of(config);
    rig.resume();
    const std::uint64_t before = rig.exchanges();
    std::uint64_t cycles = 0;
    for (auto _ : state) cycles += rig.run(config.sessions);
    const double bytes = static_cast<double>(rig.exchanges() - before) * rig.row_bytes();
    report(state, gbit(bytes, cycles), "Gbit/s", versus);
    state.counters["row_bytes"] = rig.row_bytes() / static_cast<double>(config.rows);
    state.counters["ns/row"] = us_of(cycles) * 1e3 / (bytes / rig.row_bytes() * static_cast<double>(config.rows));
    rig.drain();
  });
}

// The values of such results behind their marks, in pieces as large as a slice of the record.
void rows_scanned(benchmark::State& state, const RigConfig& config) {
  guarded(state, [&] {
    inspect::Scratch scratch;
    const session::PolicyRef policy = bench_policy(scratch);
    const inspect::RuleSet* rules =
        policy->snapshot->find_service(kServerAddress, kPostgresPort)->scan(enforce::Place::response_body);
    const std::vector<RowsAnswer> answers = rig_rows(config);
    std::vector<Match> matches;
    CoreTime core_time;
    std::size_t next = 0;
    std::uint64_t cycles = 0;
    double bytes = 0;
    for (auto _ : state) {
      const RowsAnswer& answer = answers[next++ % answers.size()];
      Bytes left = as_bytes(answer.content);
      inspect::ScanState scanned;
      matches.clear();
      core_time.begin();
      for (bool last = false; !last;) {
        const Bytes window = left.first(std::min<std::size_t>(left.size(), record::kMaxSliceBytes));
        last = window.size() == left.size();
        const std::uint64_t from = scanned.hold;
        if (inspect::Scanner::scan(*rules, scratch, scanned, {&window, 1}, last, matches) != ErrorCode::ok)
          throw std::runtime_error("the scan failed");
        left = left.subspan(scanned.hold - from);
      }
      cycles += core_time.end();
      bytes += static_cast<double>(answer.row_bytes);
    }
    report(state, gbit(bytes, cycles), "Gbit/s");
    state.counters["matches"] = static_cast<double>(matches.size());
  });
}

// Connections that open and close without a request, each with its records; the ports of one that ended are used again.
void connect(benchmark::State& state) {
  guarded(state, [&] {
    const RigConfig config{.sessions = 4096, .superframes = false, .body_bytes = kKib, .hang_up = true};
    Rig& rig = rig_of(config);
    rig.resume();
    const std::uint64_t before = rig.exchanges();
    std::uint64_t cycles = 0;
    for (auto _ : state) cycles += rig.run(config.sessions);
    const auto connections = static_cast<double>(rig.exchanges() - before);
    report(state, connections * 1e6 / us_of(cycles), "connections/s");
    rig.drain();
  });
}

// What an idle session keeps that is established and was not used yet: its room in the table, its heap, and the buffers
// it pins.
void memory(benchmark::State& state, std::size_t sessions) {
  guarded(state, [&] {
    static std::map<std::size_t, double> known;  // it does not change, and takes its time
    if (!known.contains(sessions)) {
      const Rig rig({.sessions = sessions,
                     .superframes = false,
                     .body_bytes = kKib,
                     .warm_up = 0,
                     .idle_ns = 3 * kSecond,
                     .burst_ns = kMicrosecond});
      known[sessions] = static_cast<double>(rig.sessions_bytes()) / static_cast<double>(sessions);
    }
    for (auto _ : state) benchmark::DoNotOptimize(known);
    report(state, known[sessions], "bytes/session");
  });
}

}  // namespace

void register_figures() {
  for (const Shape& shape : kShapes) {
    const std::string versus = std::string("scanner/") + shape.size;
    add_figure(shape.name(), [=](auto& state) { exchange(state, shape.config, versus); });
    if (!shape.config.superframes)
      add_figure(versus, [=](auto& state) { scanner_alone(state, shape.config.body_bytes); });
  }
  for (const RowsShape& shape : kRowsShapes) {
    add_figure(shape.name, [=](auto& state) { rows(state, shape.config, shape.versus); });
    if (!shape.config.superframes) add_figure(shape.versus, [=](auto& state) { rows_scanned(state, shape.config); });
  }
  add_figure("worker/http1/1k/sessions-10k", [](auto& state) {
    exchange(state, {.sessions = 10'000, .superframes = false, .body_bytes = kKib}, "scanner/1k");
  });
  add_figure("tcp/connect", connect);
  add_figure("tcp/memory/1m-idle", [](auto& state) { memory(state, 1'000'000); });
}

}  // namespace sluice::bench
