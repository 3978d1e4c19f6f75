// How fast content is scanned under the packs pii and secrets, as the policy compiler makes them ready, beside one
// plain Hyperscan database of the same expressions without start of match, which neither validates nor tells where a
// match begins. Content: 64 KiB of seeded JSON; names say how many bytes lie between matches; inspect/all: under the
// packs pii-wide and secrets-wide, too; .../text: JSON, SQL, logs and forms. Content in segments stands beside the
// database in Hyperscan's streaming mode, which alone finds matches across them.
#include <benchmark/benchmark.h>
#include <hs.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/support/figure.h"
#include "bench/support/program.h"
#include "dataplane/inspect/scanner.h"
#include "rules/policy.h"
#include "rules/sample_text.h"
#include "tests/unit/dataplane/inspect/corpus.h"
#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {
namespace {

constexpr std::size_t kContentBytes = 64 * 1024;
constexpr std::size_t kSegmentBytes = 1448;
constexpr unsigned kRescanBytes = 256;

struct Named {
  std::string name;
  std::string content;
};

std::string repeated(std::string_view unit) {
  std::string out;
  while (out.size() < kContentBytes) out += unit;
  out.resize(kContentBytes);
  return out;
}

constexpr std::string_view kPacks = "pii/*, secrets/*";
constexpr std::string_view kAllPacks = "pii/*, secrets/*, pii-wide/*, secrets-wide/*";

std::vector<TestRule> read_pack_rules(std::string_view packs) {
  const auto policy =
      rules::parse_policy("services:\n- {name: a, address: 10.0.0.1:80, protocol: http, mode: enforce, rules: [" +
                              std::string(packs) + "]}\n",
                          "bench.yaml", rules::PackSource());
  if (!policy) throw std::runtime_error(rules::to_error(policy.error()).detail);
  std::vector<TestRule> out;
  for (const rules::Rule& rule : policy->rules)
    out.push_back({rule.expression, rule.caseless, static_cast<Validator>(rule.validator), rule.conditions});
  return out;
}

// One database of the same expressions, in block mode or as a stream.
class Plain {
 public:
  Plain(const std::vector<TestRule>& rules, unsigned mode) {
    std::vector<const char*> pointers;
    std::vector<unsigned> flags;
    for (const TestRule& rule : rules) {
      pointers.push_back(rule.expression.c_str());
      flags.push_back(rule.caseless ? HS_FLAG_CASELESS : 0);
    }
    hs_compile_error_t* error = nullptr;
    if (hs_compile_multi(pointers.data(), flags.data(), nullptr, static_cast<unsigned>(pointers.size()), mode, nullptr,
                         &database_, &error) != HS_SUCCESS)
      throw std::runtime_error(error->message);
    hs_alloc_scratch(database_, &scratch_);
    if (mode == HS_MODE_STREAM) hs_open_stream(database_, 0, &stream_);
  }
  ~Plain() {
    if (stream_ != nullptr) hs_close_stream(stream_, scratch_, nullptr, nullptr);
    hs_free_scratch(scratch_);
    hs_free_database(database_);
  }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;

  void scan(const char* data, std::size_t bytes, match_event_handler on_match, void* context) const {
    hs_scan(database_, data, static_cast<unsigned>(bytes), 0, scratch_, on_match, context);
  }
  void scan_segments(const std::string& content, match_event_handler on_match, void* context) const {
    for (std::size_t at = 0; at < content.size(); at += kSegmentBytes)
      hs_scan_stream(stream_, content.data() + at, static_cast<unsigned>(std::min(kSegmentBytes, content.size() - at)),
                     0, scratch_, on_match, context);
    hs_reset_stream(stream_, 0, scratch_, on_match, context);
  }

 private:
  hs_database_t* database_ = nullptr;
  hs_scratch_t* scratch_ = nullptr;
  hs_stream_t* stream_ = nullptr;
};

// Rules, and both ways to look for them.
struct Packs {
  explicit Packs(std::string_view packs)
      : rules(read_pack_rules(packs)),
        set(rule_set_of(rules)),
        plain(rules, HS_MODE_BLOCK),
        plain_stream(rules, HS_MODE_STREAM) {}
  std::vector<TestRule> rules;
  std::unique_ptr<RuleSet> set;
  Plain plain;
  Plain plain_stream;
};

const Packs& usual_packs() {
  static const Packs kMade(kPacks);
  return kMade;
}

const Packs& all_packs() {
  static const Packs kMade(kAllPacks);
  return kMade;
}

using ChosenPacks = const Packs& (*)();

void report_gbits(benchmark::State& state, std::size_t bytes, const std::string& versus) {
  bench::report_rate(state, static_cast<double>(bytes) * 8 / 1e9, "Gbit/s", versus);
}

// The content comes in segments of `segment_bytes`; what is held is shown again, as a session does.
void scan(benchmark::State& state, ChosenPacks packs, const std::string& content, std::size_t segment_bytes,
          const std::string& label) {
  const RuleSet& rules = *packs().set;
  Scratch scratch;
  if (!scratch.grow_for(rules)) throw std::runtime_error("no scratch");
  std::vector<Match> matches;
  matches.reserve(kContentBytes);
  const Bytes bytes = as_bytes(content);
  for (auto _ : state) {
    matches.clear();
    ScanState scanned;
    for (std::size_t end = 0; end < bytes.size();) {
      end = std::min(bytes.size(), end + segment_bytes);
      const Bytes window = bytes.subspan(scanned.hold, end - scanned.hold);
      if (Scanner::scan(rules, scratch, scanned, {&window, 1}, end == bytes.size(), matches) != ErrorCode::ok)
        throw std::runtime_error("scan failed");
    }
    benchmark::DoNotOptimize(matches.data());
  }
  state.counters["matches"] = static_cast<double>(matches.size());
  report_gbits(state, content.size(), label);
}

// Segments of as many streams in turn.
void scan_streams(benchmark::State& state, const std::string& content, std::size_t streams, const std::string& label) {
  const RuleSet& rules = *usual_packs().set;
  Scratch scratch;
  if (!scratch.grow_for(rules)) throw std::runtime_error("no scratch");
  std::vector<Match> matches;
  matches.reserve(kContentBytes);
  std::vector<ScanState> states(streams);
  const Bytes bytes = as_bytes(content);
  for (auto _ : state) {
    for (ScanState& stream : states) stream = {};
    for (std::size_t end = 0; end < bytes.size();) {
      end = std::min(bytes.size(), end + kSegmentBytes);
      for (ScanState& stream : states) {
        matches.clear();
        const Bytes window = bytes.subspan(stream.hold, end - stream.hold);
        if (Scanner::scan(rules, scratch, stream, {&window, 1}, end == bytes.size(), matches) != ErrorCode::ok)
          throw std::runtime_error("scan failed");
      }
    }
  }
  report_gbits(state, content.size() * streams, label);
}

using Offset = unsigned long long;  // NOLINT(google-runtime-int): Hyperscan's

void plain(benchmark::State& state, ChosenPacks packs, const std::string& content, bool segments) {
  const Packs& made = packs();
  std::size_t matches = 0;
  const auto count = [](unsigned, Offset, Offset, unsigned, void* counted) {
    ++*static_cast<std::size_t*>(counted);
    return 0;
  };
  for (auto _ : state) {
    if (segments)
      made.plain_stream.scan_segments(content, count, &matches);
    else
      made.plain.scan(content.data(), content.size(), count, &matches);
  }
  benchmark::DoNotOptimize(matches);
  report_gbits(state, content.size(), "");
}

// Each end that is reported is scanned again, the bytes before it, to learn where the match begins.
void plain_and_rescan(benchmark::State& state, const std::string& content) {
  const Plain& database = usual_packs().plain;
  std::vector<Offset> ends;
  const auto note = [](unsigned, Offset, Offset to, unsigned, void* into) {
    static_cast<std::vector<Offset>*>(into)->push_back(to);
    return 0;
  };
  for (auto _ : state) {
    ends.clear();
    database.scan(content.data(), content.size(), note, &ends);
    std::vector<Offset> again;
    for (const Offset end : ends) {
      const Offset from = end > kRescanBytes ? end - kRescanBytes : 0;
      again.clear();
      database.scan(content.data() + from, end - from, note, &again);
    }
  }
  report_gbits(state, content.size(), "");
}

void add(const std::string& name, std::function<void(benchmark::State&)> run) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) { bench::guarded(state, [&] { run(state); }); });
}

void add_both(const std::string& of, const std::string& database, ChosenPacks packs, const Named& text) {
  const std::string& content = text.content;
  const std::string peer = database + "/" + text.name;
  add(of + "/" + text.name, [=](benchmark::State& state) { scan(state, packs, content, kContentBytes, peer); });
  add(peer, [=](benchmark::State& state) {
    text.name == "100" ? plain_and_rescan(state, content) : plain(state, packs, content, false);
  });
  add(of + "/" + text.name + "/segments",
      [=](benchmark::State& state) { scan(state, packs, content, kSegmentBytes, peer + "/segments"); });
  add(peer + "/segments", [=](benchmark::State& state) { plain(state, packs, content, true); });
}

void register_all() {
  const std::vector<Named> contents = {
      {"clean", json_corpus(1, kContentBytes, 0)},
      {"10k", json_corpus(2, kContentBytes, 10'000)},
      {"100", json_corpus(3, kContentBytes, 100)},
      {"hostile-pairs", repeated("1-")},
      {"hostile-digits", repeated("1")},
      {"hostile-at", repeated("@")},
      {"hostile-addresses", repeated("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a@a.co ")},
      {"hostile-words", repeated("a.")},
      {"hostile-names", repeated("a@")},
      {"hostile-domains", repeated("a@a.")},
      {"hostile-cards", repeated("4321-")},
      {"hostile-tokens", repeated("eyJ")},
      {"hostile-keys", repeated("ghp_")},
      {"hostile-bearer", repeated("Bearer ")},
  };
  for (const Named& text : contents)
    add_both("inspect/pii", text.name == "100" ? "hyperscan/one-db+rescan" : "hyperscan/one-db", usual_packs, text);
  add_both("inspect/all", "hyperscan/one-db-all", all_packs, contents[0]);
  add_both("inspect/all", "hyperscan/one-db-all", all_packs, {"text", rules::sample_text().substr(0, kContentBytes)});
  for (const std::size_t streams : {1, 1024})
    benchmark::RegisterBenchmark(("inspect/streams/" + std::to_string(streams)).c_str(), [=](benchmark::State& state) {
      bench::guarded(
          state, [&] { scan_streams(state, contents[1].content, streams, streams == 1 ? "" : "inspect/streams/1"); });
    });
}

}  // namespace
}  // namespace sluice::inspect

int main(int argc, char** argv) {
  return sluice::bench::run_program(argc, argv, 0, sluice::inspect::register_all);
}
