// A policy of 10,000 rules beside the packs: what it costs to scan under it, and what a worker pays to take it between
// two bursts. The rules are literals from a seed that answers are searched for, as a list of risky words has them;
// beside the scan stands Hyperscan's matcher of literals with them alone, on the same bytes.
#include <benchmark/benchmark.h>
#include <emmintrin.h>
#include <hs.h>

#include <chrono>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/support/core_time.h"
#include "bench/support/discarding_archive.h"
#include "bench/support/figure.h"
#include "bench/support/memory_port.h"
#include "bench/support/policy.h"
#include "bench/support/program.h"
#include "dataplane/worker/worker.h"
#include "tests/unit/dataplane/inspect/corpus.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kRules = 10'000;
constexpr std::size_t kRulesInMiniature = 2000;
constexpr std::uint64_t kSeed = 10'007;
constexpr std::size_t kContentBytes = 64 * 1024;
constexpr std::size_t kSegmentBytes = 1448;
constexpr std::size_t kEalMegabytes = 512;
constexpr const char* kPeer = "hyperscan/literals/10000";

// Two or three words of 3 to 9 letters, such as "kuphe sotlaze_ran". All different.
const std::vector<std::string>& literals() {
  static const std::vector<std::string> made = [] {
    std::mt19937_64 random(kSeed);
    // The library's distributions do not promise the same numbers everywhere.
    const auto below = [&](std::uint64_t bound) { return random() % bound; };
    std::set<std::string> all;
    while (all.size() < (in_miniature() ? kRulesInMiniature : kRules)) {
      std::string text;
      for (std::uint64_t words = 2 + below(2); words > 0; --words) {
        for (std::uint64_t letters = 3 + below(7); letters > 0; --letters) text += static_cast<char>('a' + below(26));
        if (words > 1) text += below(2) == 0 ? ' ' : '_';
      }
      all.insert(text);
    }
    return std::vector<std::string>(all.begin(), all.end());
  }();
  return made;
}

// The content of inspect/pii/10k with one of the literals in it, so that it shows when they are not looked for.
const std::string& content() {
  static const std::string made = [] {
    std::string text = inspect::json_corpus(2, kContentBytes, 10'000);
    const std::string& literal = literals()[literals().size() / 2];
    return text.replace(kContentBytes / 2, literal.size(), literal);
  }();
  return made;
}

rules::Rule rule_of(const std::string& literal, std::size_t number) {
  rules::Rule rule;
  rule.name = "local/risk-" + std::to_string(number);
  rule.expression = literal;
  rule.where[static_cast<std::size_t>(rules::Place::response_body)] = true;
  rule.action = rules::Action::observe;
  rule.min_width = rule.max_width = static_cast<std::uint32_t>(literal.size());
  return rule;
}

session::PolicyRef large_policy() {
  static const session::PolicyRef made = [] {
    rules::Policy policy = parsed_bench_policy();
    for (const std::string& literal : literals()) {
      policy.services.front().rules.push_back(static_cast<RuleIndex>(policy.rules.size()));
      policy.rules.push_back(rule_of(literal, policy.rules.size()));
    }
    return policy_of(policy);
  }();
  return made;
}

void scan(benchmark::State& state, std::size_t segment_bytes) {
  const session::PolicyRef policy = large_policy();
  const inspect::RuleSet& rules = *policy->snapshot->services().front().scan(enforce::Place::response_body);
  inspect::Scratch scratch;
  if (!policy->snapshot->prepare(scratch)) throw std::runtime_error("no scratch");
  std::vector<Match> matches;
  matches.reserve(kContentBytes);
  const Bytes bytes = as_bytes(content());
  for (auto _ : state) {
    matches.clear();
    inspect::ScanState scanned;
    for (std::size_t end = 0; end < bytes.size();) {
      end = std::min(bytes.size(), end + segment_bytes);
      const Bytes window = bytes.subspan(scanned.hold, end - scanned.hold);
      if (inspect::Scanner::scan(rules, scratch, scanned, {&window, 1}, end == bytes.size(), matches) != ErrorCode::ok)
        throw std::runtime_error("the scan failed");
    }
    benchmark::DoNotOptimize(matches.data());
  }
  if (matches.size() < 2) throw std::runtime_error("a literal or what the packs name was not found");
  state.counters["matches"] = static_cast<double>(matches.size());
  state.counters["rules"] = static_cast<double>(rules.size());
  report_rate(state, kContentBytes * 8 / 1e9, "Gbit/s", kPeer);
}

class LiteralMatcher {
 public:
  LiteralMatcher() {
    std::vector<const char*> texts;
    std::vector<std::size_t> lengths;
    for (const std::string& literal : literals()) {
      texts.push_back(literal.data());
      lengths.push_back(literal.size());
    }
    const std::vector<unsigned> flags(texts.size(), 0);
    std::vector<unsigned> ids(texts.size());  // when all are the same, compiling takes far longer
    std::iota(ids.begin(), ids.end(), 0U);
    hs_compile_error_t* error = nullptr;
    if (hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), lengths.data(),
                             static_cast<unsigned>(texts.size()), HS_MODE_BLOCK, nullptr, &database_,
                             &error) != HS_SUCCESS)
      throw std::runtime_error(error->message);
    hs_alloc_scratch(database_, &scratch_);
  }
  ~LiteralMatcher() {
    hs_free_scratch(scratch_);
    hs_free_database(database_);
  }
  LiteralMatcher(const LiteralMatcher&) = delete;
  LiteralMatcher& operator=(const LiteralMatcher&) = delete;

  [[nodiscard]] std::size_t count(const std::string& text) const {
    using Offset = unsigned long long;  // NOLINT(google-runtime-int): Hyperscan's
    const auto add = [](unsigned, Offset, Offset, unsigned, void* found) {
      ++*static_cast<std::size_t*>(found);
      return 0;
    };
    std::size_t found = 0;
    hs_scan(database_, text.data(), static_cast<unsigned>(text.size()), 0, scratch_, add, &found);
    return found;
  }

 private:
  hs_database_t* database_ = nullptr;
  hs_scratch_t* scratch_ = nullptr;
};

void literals_alone(benchmark::State& state) {
  static const LiteralMatcher matcher;
  std::size_t found = 0;
  for (auto _ : state) found = matcher.count(content());
  if (found == 0) throw std::runtime_error("the literal was not found");
  state.counters["matches"] = static_cast<double>(found);
  state.counters["rules"] = static_cast<double>(literals().size());
  report_rate(state, kContentBytes * 8 / 1e9, "Gbit/s");
}

buffer::Pools& pools() {
  static buffer::Pools made = [] {
    auto result = buffer::Pools::create("rules", {});
    if (!result) throw std::runtime_error(result.error().message());
    return std::move(*result);
  }();
  return made;
}

// An idle worker that runs under the packs alone or under the large policy, and changes between them.
class SwapBed {
 public:
  SwapBed() {
    inspect::Scratch ignored;
    update_.policy = bench_policy(ignored);
    update_.scratch = grown(update_.policy);
    burst_with_update();
    update_.policy = large_policy();
    const auto begin = std::chrono::steady_clock::now();
    update_.scratch = grown(update_.policy);
    scratch_ms_ = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  }

  // Cycles of a burst in which nothing came, and the offered policy was taken if there was one.
  std::uint64_t burst_with_update() {
    // Another core wrote it.
    _mm_clflush(&update_);
    _mm_mfence();
    if (!worker_.offer(&update_)) throw std::runtime_error("the worker has no room for a policy");
    const std::uint64_t cycles = burst();
    if (worker_.taken() != &update_) throw std::runtime_error("the policy was not taken");
    return cycles;
  }
  std::uint64_t burst() {
    core_time_.begin();
    worker_.burst(now_, now_);
    const std::uint64_t cycles = core_time_.end();
    now_ += kMicrosecond;
    return cycles;
  }
  // What the thread beside the worker spends on its scratch.
  [[nodiscard]] double scratch_ms() const { return scratch_ms_; }

 private:
  static std::unique_ptr<inspect::Scratch> grown(const session::PolicyRef& policy) {
    auto scratch = std::make_unique<inspect::Scratch>();
    if (!policy->snapshot->prepare(*scratch)) throw std::runtime_error("no scratch");
    return scratch;
  }

  CoreTime core_time_;
  TimeNs now_ = kSecond;
  MemoryPort client_port_{{.tx_checksum = true}, pools()};
  MemoryPort server_port_{{.tx_checksum = true}, pools()};
  DiscardingArchive archive_;
  worker::PolicyUpdate update_;
  worker::Worker worker_{{}, client_port_, server_port_, pools(), archive_.recorder(), now_};
  double scratch_ms_ = 0;
};

// The burst that takes the large policy, less one that takes none: all that a swap costs a worker. Bundles are checked,
// and scratches grown, by the thread beside it.
void swap(benchmark::State& state) {
  static SwapBed bed;
  std::uint64_t with = 0;
  std::uint64_t without = 0;
  std::uint64_t swaps = 0;
  for (auto _ : state) {
    with += bed.burst_with_update();
    bed.burst_with_update();  // back to the packs alone
    without += bed.burst();
    ++swaps;
  }
  state.counters["rules"] = static_cast<double>(large_policy()->snapshot->rule_count());
  state.counters["idle_burst_us"] = static_cast<double>(ns_of(without)) / 1e3 / static_cast<double>(swaps);
  state.counters["scratch_ms"] = bed.scratch_ms();
  const auto spent = static_cast<double>(ns_of(with)) - static_cast<double>(ns_of(without));
  report(state, spent / 1e3 / static_cast<double>(swaps), "us");
}

void add_figure(const char* name, void (*run)(benchmark::State&)) {
  benchmark::RegisterBenchmark(name, [run](benchmark::State& state) { guarded(state, [&] { run(state); }); });
}

void register_figures() {
  add_figure("inspect/pii/10k+10000-rules", [](benchmark::State& state) { scan(state, kContentBytes); });
  add_figure("inspect/pii/10k+10000-rules/segments", [](benchmark::State& state) { scan(state, kSegmentBytes); });
  add_figure(kPeer, literals_alone);
  add_figure("policy/swap/10000", swap);
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  return sluice::bench::run_program(argc, argv, sluice::bench::kEalMegabytes, sluice::bench::register_figures);
}
