// What the head of a browser's request costs: parsed in place, cut in two, and with what masking asks for.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "dataplane/protocol/http1/reader.h"
#include "dataplane/protocol/http1/rewrite.h"

namespace sluice::http1 {
namespace {

// 600 bytes, 14 fields.
std::string browser_request() {
  std::string text =
      "GET /api/v1/orders?customer=1042&state=open&limit=50 HTTP/1.1\r\n"
      "Host: orders.example.internal:8080\r\n"
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
      "Accept: application/json, text/plain, */*\r\n"
      "Accept-Language: en-US,en;q=0.5\r\n"
      "Accept-Encoding: gzip, deflate, br\r\n"
      "Referer: http://orders.example.internal:8080/dashboard\r\n"
      "Connection: keep-alive\r\n"
      "Cookie: session=0123456789abcdef0123456789abcdef\r\n"
      "Sec-Fetch-Dest: empty\r\n"
      "Sec-Fetch-Mode: cors\r\n"
      "Sec-Fetch-Site: same-origin\r\n"
      "Cache-Control: no-cache\r\n"
      "X-Request-Id: ";
  text.append(600 - 4 - text.size(), '7').append("\r\n\r\n");
  return text;
}

void take_message(benchmark::State& state, Reader& reader, Bytes rest) {
  for (Step step = reader.next(rest); step.kind != StepKind::message_end; step = reader.next(rest)) {
    if (step.kind == StepKind::error) state.SkipWithError("the request is refused");
    if (step.kind == StepKind::error) return;
    rest = rest.subspan(step.bytes);
  }
}

void parse(benchmark::State& state) {
  const std::string text = browser_request();
  Reader reader(Direction::request, {});
  for (auto _ : state) take_message(state, reader, as_bytes(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(parse)->Name("http1/parse");

void parse_cut(benchmark::State& state) {
  const std::string text = browser_request();
  const Bytes bytes = as_bytes(text);
  Reader reader(Direction::request, {});
  for (auto _ : state) {
    benchmark::DoNotOptimize(reader.next(bytes.first(300)));
    take_message(state, reader, bytes.subspan(300));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(parse_cut)->Name("http1/parse_cut");

void rewrite(benchmark::State& state) {
  const std::string text = browser_request();
  Head head;
  if (parse_request_head(as_bytes(text), {}, head) != ErrorCode::ok) state.SkipWithError("the request is refused");
  std::vector<Edit> edits;
  std::vector<Range> ranges;
  for (auto _ : state) {
    edits.clear();
    ranges.clear();
    benchmark::DoNotOptimize(rewrite_request(head, {.masks_response_body = true}, edits));
    maskable_ranges(head, ranges);
  }
}
BENCHMARK(rewrite)->Name("http1/rewrite");

// 64 KiB in chunks of 4 KiB: the sizes and delimiters are what costs.
void chunks(benchmark::State& state) {
  std::string text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 16; ++i) text.append("1000\r\n").append(4096, 'x').append("\r\n");
  text.append("0\r\n\r\n");
  Reader reader(Direction::request, {});
  for (auto _ : state) take_message(state, reader, as_bytes(text));
}
BENCHMARK(chunks)->Name("http1/chunks_64k");

}  // namespace
}  // namespace sluice::http1

BENCHMARK_MAIN();
