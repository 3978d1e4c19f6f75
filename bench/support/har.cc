#include "bench/support/har.h"

#include <zlib.h>

#include <stdexcept>
#include <string_view>
#include <vector>

#include "control/api/json.h"

namespace sluice::bench {
namespace {

using control::Json;

constexpr int kLevel = 6;
constexpr int kGzipWindowBits = 15 + 16;
constexpr int kMemoryLevel = 8;

// The first line's three words, and the fields behind it.
struct Head {
  std::string words[3];
  Json headers = Json::array();
};

Head head_of(std::string_view text) {
  Head head;
  std::size_t line_begin = 0;
  for (bool first = true; line_begin < text.size(); first = false) {
    const std::size_t line_end = text.find("\r\n", line_begin);
    const std::string_view line = text.substr(line_begin, line_end - line_begin);
    line_begin = line_end == text.npos ? text.size() : line_end + 2;
    if (line.empty()) break;
    if (first) {
      const std::size_t a = line.find(' ');
      const std::size_t b = line.find(' ', a + 1);
      if (a == line.npos || b == line.npos) throw std::runtime_error("the recorded head is no HTTP");
      head.words[0] = line.substr(0, a);
      head.words[1] = line.substr(a + 1, b - a - 1);
      head.words[2] = line.substr(b + 1);
      continue;
    }
    const std::size_t colon = line.find(": ");
    if (colon == line.npos) throw std::runtime_error("the recorded head has a field without a colon");
    head.headers.push_back({{"name", line.substr(0, colon)}, {"value", line.substr(colon + 2)}});
  }
  return head;
}

double ms_between(WallNs from, WallNs to) {
  return to > from ? static_cast<double>(to - from) / 1e6 : 0;
}

Json entry_of(const control::Unit& unit) {
  const Head request = head_of(unit.request.head);
  const Head response = head_of(unit.response.head);
  const double wait_ms = ms_between(unit.request.end_wall_ns, unit.response.begin_wall_ns);
  const double receive_ms = ms_between(unit.response.begin_wall_ns, unit.response.end_wall_ns);
  return {{"startedDateTime", control::time_json(unit.request.begin_wall_ns)},
          {"time", wait_ms + receive_ms},
          {"request",
           {{"method", request.words[0]},
            {"url", "http://orders.example.internal:8080" + request.words[1]},
            {"httpVersion", request.words[2]},
            {"cookies", Json::array()},
            {"headers", request.headers},
            {"queryString", Json::array()},
            {"headersSize", unit.request.head.size()},
            {"bodySize", unit.request.body_bytes}}},
          {"response",
           {{"status", std::stoi(response.words[1])},
            {"statusText", response.words[2]},
            {"httpVersion", response.words[0]},
            {"cookies", Json::array()},
            {"headers", response.headers},
            {"content",
             {{"size", unit.response.body_bytes}, {"mimeType", "application/json"}, {"text", unit.response.body}}},
            {"redirectURL", ""},
            {"headersSize", unit.response.head.size()},
            {"bodySize", unit.response.body_bytes}}},
          {"cache", Json::object()},
          {"timings", {{"send", 0}, {"wait", wait_ms}, {"receive", receive_ms}}}};
}

}  // namespace

std::string har_of(const control::Exchanges& exchanges) {
  Json entries = Json::array();
  for (const control::Unit& unit : exchanges.units) entries.push_back(entry_of(unit));
  return control::dump(
      {{"log",
        {{"version", "1.2"}, {"creator", {{"name", "sluice"}, {"version", SLUICE_VERSION}}}, {"entries", entries}}}});
}

std::size_t gzipped_bytes(const std::string& text) {
  z_stream stream{};
  if (deflateInit2(&stream, kLevel, Z_DEFLATED, kGzipWindowBits, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib does not start");
  std::vector<Bytef> out(deflateBound(&stream, text.size()));
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));  // zlib reads it only
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  const int done = deflate(&stream, Z_FINISH);
  const std::size_t bytes = stream.total_out;
  deflateEnd(&stream);
  if (done != Z_STREAM_END) throw std::runtime_error("zlib does not end");
  return bytes;
}

}  // namespace sluice::bench
