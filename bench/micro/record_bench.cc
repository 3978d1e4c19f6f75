// What recording costs: a worker's encoding into pages (ns per record and per exchange), the writer's way to
// the disk (MB/s), and the checksum. The archive goes to $SLUICE_BENCH_DIR, or /var/tmp.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

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
    if (recorder.end(who, {.unit = 1, .policy_version = 7, .body_bytes = 1024}, kNow) == 0) state.SkipWithError("gap");
    empty(lane);
  }
  state.counters["bytes/record"] =
      static_cast<double>(lane.record_bytes.value()) / static_cast<double>(lane.records.value());
}
BENCHMARK(encode_end);

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
}
BENCHMARK(encode_exchange)->Arg(1024)->Arg(64 * 1024)->Arg(1024 * 1024);

void checksum(benchmark::State& state) {
  const std::string data(static_cast<std::size_t>(state.range(0)), 'c');
  for (auto _ : state) benchmark::DoNotOptimize(segment::crc32c(as_bytes(data)));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum)->Arg(256)->Arg(64 * 1024);

// Through the writer onto the disk, as fast as has_room allows; the time of each iteration is one exchange's share.
void archive_exchange(benchmark::State& state) {
  const char* root = std::getenv("SLUICE_BENCH_DIR");
  ArchiveConfig config;
  config.directory =
      std::string(root != nullptr ? root : "/var/tmp") + "/sluice-record-bench-" + std::to_string(::getpid());
  auto writer = ArchiveWriter::start(config, 1);
  if (!writer) return state.SkipWithError(writer.error().message().c_str());
  Recorder& recorder = (*writer)->recorder(0);
  const std::string body(static_cast<std::size_t>(state.range(0)), 'b');
  for (auto _ : state) {
    while (!recorder.has_room(body.size() + 1024)) std::this_thread::yield();
    exchange(recorder, body, kNow);
  }
  if (auto stopped = (*writer)->stop(); !stopped) state.SkipWithError(stopped.error().message().c_str());
  const ArchiveStatus status = (*writer)->status();
  state.SetBytesProcessed(static_cast<std::int64_t>(status.written_bytes));
  state.counters["writer_cpu_ns"] = static_cast<double>(status.cpu_ns) / static_cast<double>(state.iterations());
  state.counters["KiB/block"] = static_cast<double>(status.written_bytes) / 1024 / static_cast<double>(status.blocks);
  state.counters["blocks/batch"] = static_cast<double>(status.blocks) / static_cast<double>(status.batches);
  std::filesystem::remove_all(config.directory);
}
BENCHMARK(archive_exchange)->Arg(1024)->Arg(64 * 1024)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
