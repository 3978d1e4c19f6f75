// What TCP costs: a relay of 64 connections that carries 64 KiB answers one way (frames parsed, both legs, frames
// written; no protocol between), beside a memcpy of the same bytes; and finding a session among many.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/micro/relay_bed.h"
#include "bench/support/core_time.h"
#include "bench/support/figure.h"
#include "bench/support/http_content.h"
#include "bench/support/policy.h"
#include "bench/support/program.h"
#include "common/random.h"
#include "dataplane/session/session_table.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kSegmentBytes = 1448;
constexpr std::size_t kBehindCaches = 8U << 20;
constexpr std::size_t kBurst = 32;  // of frames that a worker takes at once

void relay(benchmark::State& state, const std::string& name, const port::Capabilities& nic, const char* unit,
           const char* versus, RelayKind kind) {
  guarded(state, [&] {
    static std::map<std::string, std::unique_ptr<RelayBed>> beds;  // repetitions go on with the same connections
    auto& bed = beds[name];
    if (!bed) bed = std::make_unique<RelayBed>(nic, false, kind);
    const std::uint64_t cycles = bed->cycles();
    const std::uint64_t frames = bed->relay().data_frames();
    const std::uint64_t bytes = bed->relay().data_bytes();
    for (auto _ : state) bed->run(RelayBed::kConnections);
    const auto ns = static_cast<double>(ns_of(bed->cycles() - cycles));
    const bool rate = nic.rx_coalescing;
    report(state,
           rate ? static_cast<double>(bed->relay().data_bytes() - bytes) * 8 / ns
                : ns / static_cast<double>(bed->relay().data_frames() - frames),
           unit, versus);
  });
}

void copy(benchmark::State& state) {
  const std::string from(kBehindCaches, 'f');
  std::string to(kBehindCaches, 't');
  std::size_t at = 0;
  for (auto _ : state) {
    std::memcpy(to.data() + at, from.data() + at, kSegmentBytes);
    benchmark::ClobberMemory();
    at = at + 2 * kSegmentBytes < from.size() ? at + kSegmentBytes : 0;
  }
  report_ns(state, "ns/data packet");
}

// A table of sessions that are not yet established, and an order to find them in that no cache foresees.
struct Crowd {
  explicit Crowd(std::size_t sessions) : table(sessions, {1, 2}), order(sessions) {
    for (std::size_t i = 0; i < sessions; ++i)
      table.create(key(i), table.hash(key(i)), i, policy, policy->snapshot->services().front(), limits,
                   std::uint16_t{1460}, TimeNs{0});
    std::iota(order.begin(), order.end(), 0U);
    Random random(kContentSeed);
    for (std::size_t i = sessions - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
  }
  static session::FlowKey key(std::size_t i) {
    return {static_cast<std::uint32_t>(0x0a000000 + i / 32768), kServerAddress,
            static_cast<std::uint16_t>(16384 + i % 32768), kServerPort, 0};
  }

  inspect::Scratch scratch;
  session::PolicyRef policy = bench_policy(scratch);
  session::SessionLimits limits;
  session::SessionTable table;
  std::vector<std::uint32_t> order;
};

void lookup(benchmark::State& state, std::size_t sessions, const char* versus) {
  guarded(state, [&] {
    static std::map<std::size_t, std::unique_ptr<Crowd>> crowds;
    auto& crowd = crowds[sessions];
    if (!crowd) crowd = std::make_unique<Crowd>(sessions);
    std::size_t next = 0;
    std::size_t missed = 0;
    std::array<session::FlowKey, kBurst> keys;
    std::array<std::uint64_t, kBurst> hashes{};
    for (auto _ : state) {  // a burst, as a worker looks it up
      for (std::size_t i = 0; i < kBurst; ++i) {
        keys[i] = Crowd::key(crowd->order[next]);
        next = next + 1 == sessions ? 0 : next + 1;
        hashes[i] = crowd->table.hash(keys[i]);
        crowd->table.prefetch_slot(hashes[i]);
      }
      for (std::size_t i = 0; i < kBurst; ++i) crowd->table.prefetch_session(hashes[i]);
      for (std::size_t i = 0; i < kBurst; ++i) missed += crowd->table.find(keys[i], hashes[i]) == nullptr ? 1 : 0;
    }
    if (missed != 0) fail(state, "a session was not found");
    report_ns(state, "ns", versus, kBurst);
  });
}

void register_figures() {
  constexpr port::Capabilities kNic{.tx_checksum = true, .tx_segmentation = false, .rx_coalescing = false};
  constexpr port::Capabilities kPlainNic{};
  constexpr port::Capabilities kSuperframeNic{.tx_checksum = true, .tx_segmentation = true, .rx_coalescing = true};
  constexpr const char* kUnit = "ns/data packet";
  const auto add = [](const char* name, auto&& run) { benchmark::RegisterBenchmark(name, run); };
  const auto add_relay = [=](const char* name, const port::Capabilities& nic, const char* unit, const char* versus,
                             RelayKind kind = RelayKind::terminated) {
    add(name, [=](benchmark::State& state) { relay(state, name, nic, unit, versus, kind); });
  };
  add_relay("tcp/relay/1448", kNic, kUnit, "memcpy/1448");
  add_relay("tcp/relay/1448/sw-checksum", kPlainNic, kUnit, "memcpy/1448");
  add_relay("tcp/spliced/1448", kNic, kUnit, "tcp/relay/1448", RelayKind::spliced);
  add("memcpy/1448", copy);
  add_relay("tcp/relay/superframe", kSuperframeNic, "Gbit/s", "");
  add("tcp/lookup/1k", [](auto& state) { lookup(state, 1000, ""); });
  add("tcp/lookup/1m", [](auto& state) { lookup(state, 1'000'000, "tcp/lookup/1k"); });
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  return sluice::bench::run_program(argc, argv, 448, sluice::bench::register_figures);
}
