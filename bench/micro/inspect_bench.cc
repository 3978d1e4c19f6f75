// How fast content is scanned: this scanner, beside one Hyperscan database with start of match (`som`),
// which neither validates nor makes matches canonical. Names say how many bytes lie between matches; `relaxed`
// has a database that looks for as little of each rule's beginning as gives the same ends.
#include <benchmark/benchmark.h>
#include <hs.h>

#include <stdexcept>
#include <string>

#include "dataplane/inspect/scanner.h"
#include "tests/unit/dataplane/inspect/corpus.h"
#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {
namespace {

constexpr std::size_t kContentBytes = 64 * 1024;

std::string repeated(std::string_view unit) {
  std::string out;
  while (out.size() < kContentBytes) out += unit;
  out.resize(kContentBytes);
  return out;
}

void report(benchmark::State& state, const std::string& content, std::size_t matches) {
  const auto bytes = static_cast<double>(state.iterations()) * static_cast<double>(content.size());
  state.counters["Gbit/s"] = benchmark::Counter(bytes * 8 / 1e9, benchmark::Counter::kIsRate);
  state.counters["matches"] = static_cast<double>(matches);
}

// The content comes in segments of `segment_bytes`; what is held is shown again, as a session does.
void scan(benchmark::State& state, const std::string& content, std::size_t segment_bytes, Patterns patterns) {
  const auto rules = rule_set_of(usual_rules(), patterns);
  Scratch scratch;
  if (!scratch.grow_for(*rules)) throw std::runtime_error("no scratch");
  std::vector<Match> matches;
  matches.reserve(kContentBytes);
  const Bytes bytes = as_bytes(content);
  for (auto _ : state) {
    matches.clear();
    ScanState scanned;
    for (std::size_t end = 0; end < bytes.size();) {
      end = std::min(bytes.size(), end + segment_bytes);
      const Bytes window = bytes.subspan(scanned.hold, end - scanned.hold);
      if (Scanner::scan(*rules, scratch, scanned, {&window, 1}, end == bytes.size(), matches) != ErrorCode::ok) {
        throw std::runtime_error("scan failed");
      }
    }
    benchmark::DoNotOptimize(matches.data());
  }
  report(state, content, matches.size());
}

int count_match(unsigned, unsigned long long, unsigned long long, unsigned, void* count) {
  ++*static_cast<std::size_t*>(count);
  return 0;
}

void som(benchmark::State& state, const std::string& content) {
  std::vector<const char*> pointers;
  std::vector<unsigned> flags;
  // Hyperscan finds the bounded e-mail rule too large for start of match; this is its unbounded twin.
  std::vector<TestRule> rules = usual_rules();
  rules[1].expression = R"(\b[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,24}\b)";
  for (const TestRule& rule : rules) {
    pointers.push_back(rule.expression.c_str());
    flags.push_back(HS_FLAG_SOM_LEFTMOST | (rule.caseless ? HS_FLAG_CASELESS : 0));
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile_multi(pointers.data(), flags.data(), nullptr, static_cast<unsigned>(pointers.size()), HS_MODE_BLOCK,
                       nullptr, &database, &error) != HS_SUCCESS) {
    state.SkipWithError(error->message);
    hs_free_compile_error(error);
    return;
  }
  hs_scratch_t* scratch = nullptr;
  hs_alloc_scratch(database, &scratch);
  std::size_t matches = 0;
  for (auto _ : state) {
    matches = 0;
    hs_scan(database, content.data(), static_cast<unsigned>(content.size()), 0, scratch, count_match, &matches);
  }
  report(state, content, matches);
  hs_free_scratch(scratch);
  hs_free_database(database);
}

void register_all() {
  struct Named {
    std::string name;
    std::string content;
  };
  const std::vector<Named> contents = {
      {"clean", json_corpus(1, kContentBytes, 0)},
      {"10k", json_corpus(2, kContentBytes, 10'000)},
      {"100", json_corpus(3, kContentBytes, 100)},
      {"hostile_digits", repeated("1-")},
      {"hostile_digit_run", repeated("1")},
      {"hostile_dots", repeated("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a@a.co ")},
      {"hostile_words", repeated("a.")},
  };
  for (const auto& [name, content] : contents) {
    benchmark::RegisterBenchmark(("inspect/pii/" + name).c_str(), [content](benchmark::State& state) {
      scan(state, content, kContentBytes, Patterns::exact);
    });
    benchmark::RegisterBenchmark(("inspect/pii/" + name + "/relaxed").c_str(), [content](benchmark::State& state) {
      scan(state, content, kContentBytes, Patterns::relaxed);
    });
    benchmark::RegisterBenchmark(("inspect/pii/" + name + "/relaxed/segments_of_1448").c_str(),
                                 [content](benchmark::State& state) { scan(state, content, 1448, Patterns::relaxed); });
    benchmark::RegisterBenchmark(("inspect/pii/" + name + "/som").c_str(),
                                 [content](benchmark::State& state) { som(state, content); });
  }
}

}  // namespace
}  // namespace sluice::inspect

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  sluice::inspect::register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
