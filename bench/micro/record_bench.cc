// What recording costs: a worker's encoding into pages, the writer's way to the disk, and the checksum.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "bench/support/figure.h"
#include "bench/support/program.h"
#include "bench/support/scratch_directory.h"
#include "dataplane/record/lane.h"
#include "dataplane/record/worker_recorder.h"
#include "dataplane/record/writer.h"
#include "segment/crc32c.h"

namespace {

using namespace sluice;
using namespace sluice::record;

constexpr WallNs kNow = 1'800'000'000 * kSecond;
const std::string kHead(260, 'h');

Subject subject() {
  return {.session = 0x1234567, .service = "orders", .record_class = "routine", .principal = "ci-chunker"};
}

void fill(MutableBytes to, const std::string& from) {
  std::memcpy(to.data(), from.data(), to.size());
}

// Heads, a response body of `body` bytes, and the ends of both directions.
void exchange(Recorder& recorder, const std::string& body, WallNs now) {
  const Subject who = subject();
  fill(recorder.head(who, {.unit = 1, .direction = Direction::request}, 180, now), kHead);
  recorder.end(who, {.unit = 1, .direction = Direction::request, .policy_version = 7}, now);
  fill(recorder.head(who, {.unit = 1, .direction = Direction::response}, 220, now), kHead);
  for (std::size_t at = 0; at < body.size(); at += kMaxSliceBytes)
    fill(recorder.slice(who, {.unit = 1, .direction = Direction::response, .offset = at},
                        std::min(kMaxSliceBytes, body.size() - at), now),
         body);
  recorder.end(who, {.unit = 1, .direction = Direction::response, .policy_version = 7, .body_bytes = body.size()}, now);
}

void empty(Lane& lane) {
  Page* page = nullptr;
  while (lane.full.pop(page)) lane.free.push(page);
}

void encode_end(benchmark::State& state) {
  Lane lane(0, 8, 512 * 1024);
  Doorbell doorbell;
  WorkerRecorder recorder(lane, doorbell, kMillisecond);
  const Subject who = subject();
  for (auto _ : state) {
    if (recorder.end(who, {.unit = 1, .policy_version = 7, .body_bytes = 1024}, kNow) == 0)
      return bench::fail(state, "a gap");
    empty(lane);
  }
  state.counters["bytes/record"] =
      static_cast<double>(lane.record_bytes.value()) / static_cast<double>(lane.records.value());
  bench::report_ns(state, "ns/record");
}
BENCHMARK(encode_end)->Name("record/encode/end");

void encode_exchange(benchmark::State& state) {
  Lane lane(0, 16, 512 * 1024);
  Doorbell doorbell;
  WorkerRecorder recorder(lane, doorbell, kMillisecond);
  const std::string body(static_cast<std::size_t>(state.range(0)), 'b');
  for (auto _ : state) {
    exchange(recorder, body, kNow);
    recorder.flush(kNow);
    empty(lane);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(lane.record_bytes.value()));
  bench::report_ns(state, "ns/exchange");
}
BENCHMARK(encode_exchange)->Name("record/encode/exchange")->Arg(1024)->Arg(64 * 1024)->Arg(1024 * 1024);

void checksum(benchmark::State& state) {
  const std::string data(static_cast<std::size_t>(state.range(0)), 'c');
  for (auto _ : state) benchmark::DoNotOptimize(segment::crc32c(as_bytes(data)));
  bench::report_rate(state, static_cast<double>(state.range(0)) * 8e-9, "Gbit/s");
}
BENCHMARK(checksum)->Name("record/checksum")->Arg(256)->Arg(64 * 1024);

// Through the writer onto the disk, 64 KiB a body, as fast as has_room allows. The figure is what the writer's thread
// does in a second of its own time; how fast the disk takes it stands beside it.
void writer(benchmark::State& state) {
  const bench::ScratchDirectory directory;
  auto archive = ArchiveWriter::start({.directory = directory.path(), .page_bytes = 1U << 20}, 1);
  if (!archive) return bench::fail(state, archive.error().message());
  Recorder& recorder = (*archive)->recorder(0);
  const std::string body(64 * 1024, 'b');
  const auto begin = std::chrono::steady_clock::now();
  for (auto _ : state) {
    while (!recorder.has_room(body.size() + 1024)) std::this_thread::sleep_for(std::chrono::microseconds(50));
    exchange(recorder, body, kNow);
  }
  if (auto stopped = (*archive)->stop(); !stopped) return bench::fail(state, stopped.error().message());
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
  const ArchiveStatus status = (*archive)->status();
  const double megabytes = static_cast<double>(status.record_bytes) / 1e6;
  bench::report(state, megabytes / (static_cast<double>(status.cpu_ns) * 1e-9), "MB/s encoded");
  state.counters["disk_MB/s"] = static_cast<double>(status.written_bytes) / 1e6 / passed.count();
  state.counters["KiB/block"] = static_cast<double>(status.written_bytes) / 1024 / static_cast<double>(status.blocks);
  state.counters["blocks/batch"] = static_cast<double>(status.blocks) / static_cast<double>(status.batches);
}
BENCHMARK(writer)->Name("record/writer/none");

constexpr std::size_t kRunBytes = 32U << 20;
constexpr std::size_t kKeptSegments = 3;  // the one that is written, one that is made ready, one that is sealed

// Nobody reads what was written; without this a long run fills the disk.
void forget_old_segments(const std::string& directory) {
  std::vector<std::filesystem::path> segments;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, ignored))
    if (entry.path().extension() == ".seg") segments.push_back(entry.path());
  std::ranges::sort(segments);  // their names are numbers that grow
  for (std::size_t i = 0; i + kKeptSegments < segments.size(); ++i) std::filesystem::remove(segments[i], ignored);
}

// As much as the writer brings onto the disk in full blocks, from the first record until all of them are acknowledged
// and the segments are sealed. tools/bench sets fio beside it, run by run in the same folder.
void disk(benchmark::State& state) {
  const bench::ScratchDirectory directory;
  auto archive = ArchiveWriter::start({.directory = directory.path(), .page_bytes = 1U << 20}, 1);
  if (!archive) return bench::fail(state, archive.error().message());
  Recorder& recorder = (*archive)->recorder(0);
  const std::string body(64 * 1024, 'b');
  const auto begin = std::chrono::steady_clock::now();
  for (auto _ : state) {
    for (std::size_t bytes = 0; bytes < kRunBytes; bytes += body.size()) {
      while (!recorder.has_room(body.size() + 1024)) std::this_thread::sleep_for(std::chrono::microseconds(50));
      exchange(recorder, body, kNow);
    }
    forget_old_segments(directory.path());
  }
  if (auto stopped = (*archive)->stop(); !stopped) return bench::fail(state, stopped.error().message());
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
  const ArchiveStatus status = (*archive)->status();
  if (!status.note.empty() && !bench::in_miniature()) return bench::fail(state, status.note);
  bench::report(state, static_cast<double>(status.written_bytes) / 1e6 / passed.count(), "MB/s");
  state.counters["KiB/block"] = static_cast<double>(status.written_bytes) / 1024 / static_cast<double>(status.blocks);
  state.counters["syncs"] = static_cast<double>(status.syncs);
  state.counters["written_mb"] = static_cast<double>(status.written_bytes) / 1e6;
}
BENCHMARK(disk)->Name("record/disk")->UseRealTime();

}  // namespace

int main(int argc, char** argv) {
  return sluice::bench::run_program(argc, argv, 0);
}
