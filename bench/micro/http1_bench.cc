// What the head of a browser's request (600 bytes, 14 fields) costs: parsed in place, cut in two, and with what masking
// asks for.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "bench/support/figure.h"
#include "bench/support/http_content.h"
#include "bench/support/program.h"
#include "dataplane/protocol/http1/reader.h"
#include "dataplane/protocol/http1/rewrite.h"

namespace sluice::http1 {
namespace {

void take_message(benchmark::State& state, Reader& reader, Bytes rest) {
  for (Step step = reader.next(rest); step.kind != StepKind::message_end; step = reader.next(rest)) {
    if (step.kind == StepKind::error) return bench::fail(state, "the request is refused");
    rest = rest.subspan(step.bytes);
  }
}

void parse(benchmark::State& state) {
  const std::string text = bench::browser_request();
  Reader reader(Direction::request, {});
  for (auto _ : state) take_message(state, reader, as_bytes(text));
  bench::report_ns(state, "ns/request");
}
BENCHMARK(parse)->Name("http1/parse");

void parse_cut(benchmark::State& state) {
  const std::string text = bench::browser_request();
  const Bytes bytes = as_bytes(text);
  Reader reader(Direction::request, {});
  for (auto _ : state) {
    benchmark::DoNotOptimize(reader.next(bytes.first(300)));
    take_message(state, reader, bytes.subspan(300));
  }
  bench::report_ns(state, "ns/request");
}
BENCHMARK(parse_cut)->Name("http1/parse_cut");

void rewrite(benchmark::State& state) {
  const std::string text = bench::browser_request();
  Head head;
  if (parse_request_head(as_bytes(text), {}, head) != ErrorCode::ok)
    return bench::fail(state, "the request is refused");
  std::vector<Edit> edits;
  std::vector<Range> ranges;
  for (auto _ : state) {
    edits.clear();
    ranges.clear();
    benchmark::DoNotOptimize(rewrite_request(head, {.masks_response_body = true}, edits));
    maskable_ranges(head, ranges);
  }
  bench::report_ns(state, "ns/request");
}
BENCHMARK(rewrite)->Name("http1/rewrite");

// 64 KiB in chunks of 4 KiB: the sizes and delimiters are what costs.
void chunks(benchmark::State& state) {
  std::string text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 16; ++i) text.append("1000\r\n").append(4096, 'x').append("\r\n");
  text.append("0\r\n\r\n");
  Reader reader(Direction::request, {});
  for (auto _ : state) take_message(state, reader, as_bytes(text));
  bench::report_ns(state, "ns/request");
}
BENCHMARK(chunks)->Name("http1/chunks_64k");

}  // namespace
}  // namespace sluice::http1

int main(int argc, char** argv) {
  return sluice::bench::run_program(argc, argv, 0);
}
