// sluice-load: the network on both sides of a real sluice-dataplane, in a process of its own. Two vhost-user sockets
// (FOLDER/client.sock and server.sock) are offered to the appliance's two virtio_user ports; one core polls both.
// Says "ready" when both are connected, begins when a line comes on stdin, prints one JSON row a figure and ends.
// bench/system/load.py starts all that is needed. Frames are of at most 1448 bytes of payload (no superframes are
// sent).
#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

#include <CLI/CLI.hpp>
#include <deque>
#include <iostream>
#include <optional>
#include <thread>

#include "bench/load/hosts.h"

namespace sluice::bench {
namespace {

struct Options {
  std::string sockets = "/run/sluice";
  std::string mix = "1k";
  std::string name = "load/http1";
  std::uint32_t connections = 256;
  std::uint32_t requests_per_connection = 0;
  double rate = 0;
  bool constant = false;
  double seconds = 5;
  double warmup_seconds = 1;
  std::uint64_t seed = 20771;
  unsigned core = 1;
};

TimeNs clock_ns() {
  static const double kNsPerTick = double(kSecond) / double(rte_get_tsc_hz());
  return static_cast<TimeNs>(double(rte_rdtsc()) * kNsPerTick);
}

// What the data plane said of itself cannot be seen from here; these are the network's own figures.
void print_rows(const Options& options, const Hosts& hosts, const HostsCounts& before, std::size_t parts,
                double seconds, std::size_t unserved) {
  const HostsCounts& now = hosts.counts();
  const std::uint64_t done = now.responses - before.responses;
  fmt::print(
      "{{\"name\": \"{}\", \"value\": {:.0f}, \"unit\": \"requests/s\", \"responses\": {}, \"gbit_per_s\": {:.3f}, "
      "\"established\": {}, \"resets\": {}, \"wrong_bodies\": {}, \"unmasked_bodies\": {}, \"closed_early\": {}, "
      "\"retransmissions\": {}, \"out_of_order\": {}, \"unserved\": {}, \"masked_bytes\": {}}}\n",
      options.name, double(done) / seconds, done, double(now.body_bytes - before.body_bytes) * 8e-9 / seconds,
      now.established, now.resets, now.wrong_bodies, now.unmasked_bodies, now.closed_early, now.retransmissions,
      now.out_of_order, unserved, now.stars);
  for (std::size_t part = 0; part < parts; ++part) {
    const Histogram& latency = hosts.latency(part);
    const std::string suffix = parts > 1 ? fmt::format("/part{}", part) : "";
    for (const auto& [label, share] : {std::pair{"p50", 0.5}, std::pair{"p90", 0.9}, std::pair{"p99", 0.99},
                                       std::pair{"p999", 0.999}, std::pair{"max", 1.0}})
      fmt::print("{{\"name\": \"{}{}/{}\", \"value\": {:.1f}, \"unit\": \"us\"}}\n", options.name, suffix, label,
                 double(latency.percentile(share)) / 1000);
  }
}

// Opens all connections, a few hundred at a time. False when the appliance does not let them all through in time.
bool open_all(Hosts& hosts, std::uint32_t connections) {
  constexpr std::uint32_t kOpening = 256;
  std::uint32_t begun = 0;
  const TimeNs end = clock_ns() + 60 * kSecond;
  while (hosts.counts().established < connections) {
    const TimeNs now = clock_ns();
    if (now > end) return false;
    while (begun < connections && begun < hosts.counts().established + kOpening) hosts.connect(begun++, now);
    hosts.run(now);
  }
  return true;
}

int measure(const Options& options, const std::vector<MixPart>& mix, Hosts& hosts) {
  if (!open_all(hosts, options.connections)) {
    fmt::print(stderr, "sluice-load: {} of {} connections opened within 60 s\n", hosts.counts().established,
               options.connections);
    return 1;
  }
  MixChoice choice(mix, options.seed);
  const TimeNs start = clock_ns();
  const TimeNs measured_from = start + static_cast<TimeNs>(options.warmup_seconds * double(kSecond));
  const TimeNs end = measured_from + static_cast<TimeNs>(options.seconds * double(kSecond));
  std::optional<Arrivals> arrivals;
  if (options.rate > 0) arrivals.emplace(options.rate, !options.constant, start, options.seed);
  std::deque<std::pair<TimeNs, std::size_t>> due;
  HostsCounts before;
  bool warm = false;
  TimeNs now = start;
  for (; now < end; now = clock_ns()) {
    if (!warm && now >= measured_from) {
      warm = true;
      before = hosts.counts();
      hosts.clear_latency();
    }
    hosts.run(now);
    if (!arrivals) {
      while (hosts.idle() > 0) hosts.ask(choice.next(), now);
      continue;
    }
    for (; arrivals->next() <= now; arrivals->advance()) due.emplace_back(arrivals->next(), choice.next());
    while (!due.empty() && hosts.ask(due.front().second, due.front().first)) due.pop_front();
  }
  print_rows(options, hosts, before, mix.size(), double(now - measured_from) / double(kSecond), due.size());
  const HostsCounts& counts = hosts.counts();
  return counts.resets + counts.wrong_bodies + counts.unmasked_bodies + counts.closed_early > 0 ? 2 : 0;
}

int fail_with(const Error& error) {
  fmt::print(stderr, "sluice-load: {}\n", error.detail);
  return 1;
}

int run(const Options& options) {
  auto mix = parse_mix(options.mix);
  if (!mix) return fail_with(mix.error());
  std::vector<std::string> words{"sluice-load",
                                 "--no-telemetry",
                                 "--log-level=4",
                                 "--no-huge",
                                 "--no-shconf",
                                 "--no-pci",
                                 "-m",
                                 "512",
                                 fmt::format("--lcores=0@{}", options.core)};
  for (const char* side : {"client", "server"})
    words.push_back(fmt::format("--vdev=net_vhost_{},iface={}/{}.sock,queues=1,tso=1", side, options.sockets, side));
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0)
    return fail_with({ErrorCode::io_failed, "DPDK did not start"});
  rte_mempool* pool = rte_pktmbuf_pool_create("load", 65535, 256, 0, 2176 + RTE_PKTMBUF_HEADROOM, 0);
  if (pool == nullptr) return fail_with({ErrorCode::io_failed, "no memory for frames"});
  auto client = VhostPort::open("net_vhost_client", pool);
  if (!client) return fail_with(client.error());
  auto server = VhostPort::open("net_vhost_server", pool);
  if (!server) return fail_with(server.error());
  fmt::print(stderr, "listening\n");
  for (int i = 0; !client->link_up() || !server->link_up(); ++i) {
    if (i == 600) return fail_with({ErrorCode::io_failed, "no data plane connected within 60 s"});
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  fmt::print(stderr, "ready\n");
  std::string line;
  std::getline(std::cin, line);
  Hosts hosts({options.connections, options.requests_per_connection, *mix, options.seed}, *client, *server);
  return measure(options, *mix, hosts);
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  sluice::bench::Options options;
  CLI::App app("The network on both sides of a data plane, as load");
  app.add_option("--sockets", options.sockets, "folder of the two sockets");
  app.add_option("--mix", options.mix, "body sizes with weights: 1k:80,64k:18,1m:2");
  app.add_option("--name", options.name, "beginning of the rows' names");
  app.add_option("--connections", options.connections)->check(CLI::Range(1, 2'000'000));
  app.add_option("--requests-per-connection", options.requests_per_connection, "0: no end");
  app.add_option("--rate", options.rate, "requests/s by time (open loop); 0: each connection asks again at once");
  app.add_flag("--constant", options.constant, "equal gaps between arrivals, else Poisson");
  app.add_option("--seconds", options.seconds);
  app.add_option("--warmup", options.warmup_seconds);
  app.add_option("--seed", options.seed);
  app.add_option("--core", options.core);
  CLI11_PARSE(app, argc, argv);
  return sluice::bench::run(options);
}
