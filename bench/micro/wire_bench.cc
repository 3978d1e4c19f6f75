// What one frame costs in wire/ and buffer/, before anything looks at its payload.
#include <benchmark/benchmark.h>
#include <rte_mbuf.h>

#include <utility>
#include <vector>

#include "bench/support/figure.h"
#include "bench/support/program.h"
#include "dataplane/buffer/chain.h"
#include "dataplane/wire/build.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/frame.h"

namespace sluice {
namespace {

buffer::Pools& pools() {
  static buffer::Pools made = std::move(*buffer::Pools::create("bench", {.frames = 4096, .jumbos = 16, .views = 4096}));
  return made;
}

wire::TcpHeader header_with_timestamps() {
  wire::TcpHeader header;
  header.link.length = 14;
  header.link.bytes[12] = 0x08;
  header.source = 0x0a000001;
  header.destination = 0x0a000002;
  header.flags = wire::kAck;
  header.options.has_timestamps = true;
  return header;
}

void parse(benchmark::State& state) {
  const wire::TcpHeader header = header_with_timestamps();
  std::vector<std::uint8_t> frame(wire::header_bytes(header) + 1448);
  wire::write(header, 1448, frame);
  for (auto _ : state) benchmark::DoNotOptimize(wire::parse(frame, frame.size()));
  bench::report_ns(state, "ns/frame");
}

void write(benchmark::State& state) {
  wire::TcpHeader header = header_with_timestamps();
  std::uint8_t out[wire::kMaxHeaderBytes];
  for (auto _ : state) {
    header.seq += 1448;
    benchmark::DoNotOptimize(wire::write(header, 1448, out));
    benchmark::ClobberMemory();
  }
  bench::report_ns(state, "ns/frame");
}

void checksum(benchmark::State& state) {
  const std::vector<std::uint8_t> bytes(static_cast<std::size_t>(state.range(0)), 0x5a);
  for (auto _ : state) {
    wire::ChecksumSum sum;
    sum.add(bytes);
    benchmark::DoNotOptimize(sum.checksum());
  }
  bench::report_rate(state, static_cast<double>(state.range(0)) * 8e-9, "Gbit/s");
}

// Cuts a frame in two and drops both: one view taken and given back, besides the frame itself.
void take_front(benchmark::State& state) {
  for (auto _ : state) {
    rte_mbuf* m = rte_pktmbuf_alloc(pools().frames());
    m->data_len = 1448;
    buffer::Chain chain(m);
    buffer::Chain front;
    benchmark::DoNotOptimize(chain.take_front(pools(), 500, front));
  }
  bench::report_ns(state, "ns/frame", "buffer/frame_alone");
}

// The same without the cut.
void frame_alone(benchmark::State& state) {
  for (auto _ : state) {
    rte_mbuf* m = rte_pktmbuf_alloc(pools().frames());
    m->data_len = 1448;
    buffer::Chain chain(m);
    benchmark::DoNotOptimize(chain.first());
  }
  bench::report_ns(state, "ns/frame");
}

void share(benchmark::State& state) {
  rte_mbuf* m = rte_pktmbuf_alloc(pools().frames());
  m->data_len = 1448;
  const buffer::Chain chain(m);
  for (auto _ : state) {
    buffer::Chain out;
    benchmark::DoNotOptimize(chain.share(pools(), 100, 1000, out));
  }
  bench::report_ns(state, "ns/share");
}

BENCHMARK(parse)->Name("wire/parse");
BENCHMARK(write)->Name("wire/write");
BENCHMARK(checksum)->Name("wire/checksum")->Arg(64)->Arg(1448)->Arg(65536);
BENCHMARK(frame_alone)->Name("buffer/frame_alone");
BENCHMARK(take_front)->Name("buffer/take_front");
BENCHMARK(share)->Name("buffer/share");

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  return sluice::bench::run_program(argc, argv, 128);
}
