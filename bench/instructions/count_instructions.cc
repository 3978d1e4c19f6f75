// Runs one part of the data path on the same bytes, so often, and in the same order every time: for callgrind, which
// counts the instructions inside of counted(). Prints how many things were done, to divide by.
//
// Usage: count_instructions NAME; without a name it prints all. count_instructions --cpu prints the kind of CPU, which
// --save-bundle FILE KIND takes for the file that $SLUICE_BENCH_BUNDLE names.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/micro/relay_bed.h"
#include "bench/support/counted.h"
#include "bench/support/discarding_archive.h"
#include "bench/support/eal.h"
#include "bench/support/http_content.h"
#include "bench/support/policy.h"
#include "bench/worker/rig.h"
#include "dataplane/protocol/http1/reader.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kEalMegabytes = 512;
constexpr std::size_t k64Kib = 64 * 1024;

std::uint64_t http1_parse() {
  constexpr std::uint64_t kRequests = 1000;
  const std::string text = browser_request();
  http1::Reader reader(Direction::request, {});
  const auto parse = [&] {
    Bytes rest = as_bytes(text);
    for (http1::Step step = reader.next(rest); step.kind != http1::StepKind::message_end; step = reader.next(rest)) {
      if (step.kind == http1::StepKind::error) throw std::runtime_error("the request is refused");
      rest = rest.subspan(step.bytes);
    }
  };
  parse();
  counted([&] {
    for (std::uint64_t i = 0; i < kRequests; ++i) parse();
  });
  return kRequests;
}

std::uint64_t scanner_64k() {
  constexpr std::size_t kBodies = 8;
  inspect::Scratch scratch;
  const session::PolicyRef policy = bench_policy(scratch);
  const inspect::RuleSet* rules = policy->snapshot->services().front().scan(enforce::Place::response_body);
  const std::vector<std::string> answers = responses(kBodies, k64Kib);
  std::vector<Match> matches;
  const auto scan = [&](const std::string& answer) {
    matches.clear();
    inspect::ScanState state;
    const Bytes body = as_bytes(answer).last(k64Kib);
    if (inspect::Scanner::scan(*rules, scratch, state, {&body, 1}, true, matches) != ErrorCode::ok)
      throw std::runtime_error("the scan failed");
  };
  scan(answers.front());
  counted([&] {
    for (const std::string& answer : answers) scan(answer);
  });
  return kBodies;
}

std::uint64_t record_exchange() {
  constexpr std::uint64_t kExchanges = 100;
  const std::string body(k64Kib, 'b');
  const record::Subject who{.session = 7, .service = "orders", .record_class = "routine", .principal = "ci"};
  DiscardingArchive archive;
  record::Recorder& recorder = archive.recorder();
  const auto fill = [&](MutableBytes to) { std::memcpy(to.data(), body.data(), to.size()); };
  const auto exchange = [&](WallNs now) {
    fill(recorder.head(who, {.unit = 1, .direction = Direction::request}, 600, now));
    recorder.end(who, {.unit = 1, .direction = Direction::request, .policy_version = 1}, now);
    fill(recorder.head(who, {.unit = 1, .direction = Direction::response}, 240, now));
    fill(recorder.slice(who, {.unit = 1, .direction = Direction::response}, body.size(), now));
    recorder.end(who, {.unit = 1, .direction = Direction::response, .policy_version = 1}, now);
    recorder.flush(now);
    archive.give_back();
  };
  exchange(1);
  counted([&] {
    for (std::uint64_t i = 0; i < kExchanges; ++i) exchange(2 + i);
  });
  return kExchanges;
}

std::uint64_t tcp_relay(RelayKind kind) {
  start_eal(kEalMegabytes);
  RelayBed bed({.tx_checksum = true, .tx_segmentation = false, .rx_coalescing = false}, true, kind);
  const std::uint64_t before = bed.relay().data_frames();
  bed.count_instructions();
  bed.run(2 * RelayBed::kConnections);
  return bed.relay().data_frames() - before;
}

std::uint64_t worker(std::size_t body_bytes, bool superframes) {
  constexpr std::size_t kSessions = 16;
  start_eal(kEalMegabytes);
  Rig rig(
      {.sessions = kSessions, .superframes = superframes, .body_bytes = body_bytes, .burst_ns = 100 * kMicrosecond});
  rig.resume();
  rig.count_instructions();
  const std::uint64_t before = rig.exchanges();
  rig.run(body_bytes < k64Kib ? 32 * kSessions : 4 * kSessions);
  return rig.exchanges() - before;
}

// DataRow messages, each with an e-mail address that is masked; in binary one in 80 has one.
std::uint64_t rows(bool are_binary) {
  constexpr std::size_t kSessions = 16;
  constexpr std::size_t kRows = 500;
  start_eal(kEalMegabytes);
  Rig rig({.sessions = kSessions,
           .rows = kRows,
           .rows_between = are_binary ? std::size_t{80} : 1,
           .rows_are_binary = are_binary,
           .burst_ns = 100 * kMicrosecond});
  rig.resume();
  rig.count_instructions();
  const std::uint64_t before = rig.exchanges();
  rig.run(4 * kSessions);
  return (rig.exchanges() - before) * kRows;
}

// Connections that open and close without a request.
std::uint64_t connect() {
  constexpr std::size_t kSessions = 256;
  start_eal(kEalMegabytes);
  Rig rig({.sessions = kSessions, .body_bytes = 1024, .hang_up = true, .burst_ns = 100 * kMicrosecond});
  rig.resume();
  rig.run(kSessions);
  rig.count_instructions();
  const std::uint64_t before = rig.exchanges();
  rig.run(4 * kSessions);
  return rig.exchanges() - before;
}

const std::map<std::string, std::function<std::uint64_t()>>& parts() {
  static const std::map<std::string, std::function<std::uint64_t()>> all = {
      {"http1/parse", http1_parse},
      {"scanner/64k", scanner_64k},
      {"record/exchange/64k", record_exchange},
      {"tcp/connect", connect},
      {"tcp/relay/1448", [] { return tcp_relay(RelayKind::terminated); }},
      {"tcp/spliced/1448", [] { return tcp_relay(RelayKind::spliced); }},
      {"worker/http1/1k", [] { return worker(1024, false); }},
      {"worker/http1/64k", [] { return worker(k64Kib, false); }},
      {"worker/http1/64k/superframe", [] { return worker(k64Kib, true); }},
      {"worker/postgres/rows", [] { return rows(false); }},
      {"worker/postgres/rows/binary", [] { return rows(true); }},
  };
  return all;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  const auto& parts = sluice::bench::parts();
  try {
    const std::string_view option = argc > 1 ? argv[1] : "";
    sluice::rules::Platform cpu = sluice::rules::this_platform();
    if (option == "--cpu") {
      std::printf("%u %llu\n", cpu.cpu_tune, static_cast<unsigned long long>(cpu.cpu_features));
      return 0;
    }
    if (option == "--save-bundle" && argc == 5) {
      cpu.cpu_tune = static_cast<std::uint32_t>(std::stoul(argv[3]));
      cpu.cpu_features = std::stoull(argv[4]);
      sluice::bench::save_bench_bundle(argv[2], cpu);
      return 0;
    }
    const auto part = parts.find(argc == 2 ? argv[1] : "");
    if (part != parts.end()) {
      std::printf("things %llu\n", static_cast<unsigned long long>(part->second()));
      return 0;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  for (const auto& [name, run] : parts) std::printf("%s\n", name.c_str());
  return argc == 1 ? 0 : 2;
}
