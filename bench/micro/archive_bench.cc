// What control does with the archive: list the newest sessions, search for a principal, show a session, as the API does
// them for `sluice sessions list` and `show`: what is new on the disk is looked for first, and the answer is JSON.
// 1m: sessions of one exchange each, a month of them; tools/bench --quick and tests have fewer, and the field
// `sessions` says how many. The index is built before, and the time of that is the field `index_build_s`.
// And how much of the disk the archive takes for what it records, beside HAR files of the same exchanges.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/support/figure.h"
#include "bench/support/generated_archive.h"
#include "bench/support/har.h"
#include "bench/support/program.h"
#include "control/api/json.h"
#include "control/archive/exchange.h"
#include "control/archive/index.h"
#include "control/archive/session_records.h"

namespace sluice::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t kSeed = 20'771;
constexpr std::size_t kSessions = 1'000'000;
constexpr std::size_t kSessionsInMiniature = 1'000;
constexpr std::size_t kListed = 50;  // as the CLI asks when nothing is said
constexpr auto kRefreshFor = std::chrono::seconds(3);
constexpr auto kBuildFor = std::chrono::minutes(10);

// $SLUICE_BENCH_SESSIONS, or a million.
std::size_t sessions_to_record() {
  if (in_miniature()) return kSessionsInMiniature;
  const char* said = std::getenv("SLUICE_BENCH_SESSIONS");
  return said == nullptr ? kSessions : std::strtoull(said, nullptr, 10);
}

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

struct IndexedMonth {
  IndexedMonth()
      : archive(MonthConfig{sessions_to_record(), kSeed}),
        index(must(control::Index::open(archive.file("index.db"), archive.root()))) {
    const auto begin = steady_clock::now();
    if (!must(index->refresh(begin + kBuildFor))) throw std::runtime_error("the index is not complete");
    build_seconds = seconds_since(begin);
    const control::IndexStatus status = must(index->status());
    if (status.sessions != sessions_to_record() || status.damages > 0)
      throw std::runtime_error("the index does not hold what was recorded");
  }

  GeneratedArchive archive;
  std::unique_ptr<control::Index> index;
  double build_seconds = 0;
};

// The same for all repetitions.
IndexedMonth& month() {
  static IndexedMonth made;
  return made;
}

void report_ms(benchmark::State& state, double seconds) {
  const IndexedMonth& all = month();
  report(state, seconds * 1e3 / static_cast<double>(state.iterations()), "ms");
  state.counters["sessions"] = static_cast<double>(sessions_to_record());
  state.counters["records"] = static_cast<double>(all.archive.records());
  state.counters["archive_mb"] = static_cast<double>(all.archive.disk_bytes()) / 1e6;
  state.counters["index_mb"] = static_cast<double>(std::filesystem::file_size(all.archive.file("index.db"))) / 1e6;
  state.counters["index_build_s"] = all.build_seconds;
  state.counters["record_s"] = all.archive.seconds();
  state.counters["seed"] = static_cast<double>(kSeed);
}

void list(benchmark::State& state, const control::SessionQuery& query, std::size_t expected) {
  control::Index& index = *month().index;
  std::size_t listed = 0;
  const auto begin = steady_clock::now();
  for (auto _ : state) {
    if (!must(index.refresh(steady_clock::now() + kRefreshFor))) throw std::runtime_error("the index is behind");
    control::Json out = {{"sessions", control::Json::array()}};
    for (const control::SessionRow& row : must(index.list(query))) out["sessions"].push_back(session_json(row));
    listed = out["sessions"].size();
    benchmark::DoNotOptimize(control::dump(out));
  }
  const double seconds = seconds_since(begin);
  if (listed != expected) throw std::runtime_error(std::to_string(listed) + " sessions are listed");
  report_ms(state, seconds);
}

// One of them after the other, in no order.
void show(benchmark::State& state) {
  control::Index& index = *month().index;
  control::SessionQuery every;
  every.limit = sessions_to_record();
  static const std::vector<SessionId> ids = [&] {
    std::vector<SessionId> out;
    for (const control::SessionRow& row : must(index.list(every))) out.push_back(row.id);
    return out;
  }();
  std::mt19937_64 random(kSeed);
  const auto begin = steady_clock::now();
  for (auto _ : state) {
    must(index.refresh(steady_clock::now() + kRefreshFor));
    const control::SessionRow row = must(index.find(ids[random() % ids.size()]));
    const auto records = must(control::SessionRecords::open(index, row.id));
    const control::Exchanges exchanges = read_exchanges(records, {}, records.begin());
    if (exchanges.units.size() != 1 || !exchanges.problem.empty())
      throw std::runtime_error("a session is not shown whole: " + exchanges.problem);
    control::Json out = session_json(row);
    out.update(exchanges_json(exchanges));
    benchmark::DoNotOptimize(control::dump(out));
  }
  report_ms(state, seconds_since(begin));
}

// --- size

struct Sizes {
  double on_disk = 0;  // bytes for each byte of heads and bodies
  double gzipped_har = 0;
  double recorded_mb = 0;
};

// Of run number `run`: each has content of its own.
const Sizes& sizes_of(std::size_t run) {
  static std::map<std::size_t, Sizes> known;
  if (const auto found = known.find(run); found != known.end()) return found->second;
  const ContentConfig content{
      .sessions = in_miniature() ? 10U : 100U, .exchanges = 10, .seed = kSeed + run * 1'000'000};
  const GeneratedArchive archive(content);
  auto index = must(control::Index::open(archive.file("index.db"), archive.root()));
  if (!must(index->refresh(steady_clock::now() + kBuildFor))) throw std::runtime_error("the index is not complete");
  std::uint64_t gzipped = 0;
  std::uint64_t bytes = 0;
  control::SessionQuery every;
  every.limit = content.sessions;
  for (const control::SessionRow& row : must(index->list(every))) {
    const auto records = must(control::SessionRecords::open(*index, row.id));
    const control::Exchanges exchanges =
        read_exchanges(records, {.limit = 1000, .body_bytes = std::size_t{1} << 20}, records.begin());
    for (const control::Unit& unit : exchanges.units)
      for (const control::Message* message : {&unit.request, &unit.response})
        bytes += message->head.size() + message->body.size();
    gzipped += gzipped_bytes(har_of(exchanges));
  }
  if (bytes != archive.content_bytes()) throw std::runtime_error("the HAR files do not hold what was recorded");
  const auto recorded = static_cast<double>(archive.content_bytes());
  return known
      .emplace(run, Sizes{static_cast<double>(archive.disk_bytes()) / recorded, static_cast<double>(gzipped) / recorded,
                          recorded / 1e6})
      .first->second;
}

void size(benchmark::State& state, std::size_t& run, double Sizes::* which, const std::string& versus) {
  const Sizes& sizes = sizes_of(run++);
  for (auto _ : state) benchmark::DoNotOptimize(sizes);
  state.counters["recorded_mb"] = sizes.recorded_mb;
  report(state, sizes.*which, "bytes on disk per recorded byte", versus);
}

void add_figure(const std::string& name, const std::function<void(benchmark::State&)>& run, int iterations = 0) {
  auto* added = benchmark::RegisterBenchmark(name.c_str(),
                                             [run](benchmark::State& state) { guarded(state, [&] { run(state); }); });
  added->Unit(benchmark::kMillisecond)->UseRealTime();
  if (iterations > 0) added->Iterations(iterations);
}

void register_figures() {
  control::SessionQuery newest;
  newest.limit = kListed;
  control::SessionQuery rare = newest;
  rare.principal = kRarePrincipal;
  add_figure("archive/list/1m", [=](auto& state) { list(state, newest, kListed); });
  add_figure("archive/search/1m", [=](auto& state) { list(state, rare, kRareSessions); });
  add_figure("archive/show/1m", show);
  static std::size_t archive_runs = 0;
  static std::size_t har_runs = 0;
  add_figure("archive/size/none", [](auto& state) { size(state, archive_runs, &Sizes::on_disk, "har/gzip-6"); }, 1);
  add_figure("har/gzip-6", [](auto& state) { size(state, har_runs, &Sizes::gzipped_har, ""); }, 1);
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  return sluice::bench::run_program(argc, argv, 0, sluice::bench::register_figures);
}
