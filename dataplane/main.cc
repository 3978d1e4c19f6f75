// sluice-dataplane: takes frames between two ports, by one worker on its core; a writer thread keeps
// the archive; a channel thread speaks with control. main() brings them up and takes them down in order.
#include <fmt/format.h>
#include <pthread.h>
#include <rte_launch.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "dataplane/channel/channel.h"
#include "dataplane/config.h"
#include "dataplane/eal.h"
#include "dataplane/port/ethdev_port.h"
#include "dataplane/port/tap_port.h"
#include "dataplane/record/writer.h"
#include "dataplane/telemetry.h"
#include "dataplane/trace_file.h"
#include "dataplane/worker/host.h"
#include "dataplane/worker/loop.h"
#include "dataplane/worker/worker.h"
#include "rules/keys.h"

namespace sluice {
namespace {

constexpr std::size_t kRecordPageBytes = 1U << 20;
constexpr DurationNs kShutDown = 5 * kSecond;

// Payload and keys live in this memory: no core file, no debugger of the same user.
void harden() {
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

Result<std::unique_ptr<port::Port>> open_port(const PortConfig& config, buffer::Pools& pools) {
  if (!config.tap.empty()) {
    auto tap = port::TapPort::open({.name = config.tap, .netns = config.netns}, pools);
    if (!tap) return std::unexpected(tap.error());
    return std::move(*tap);
  }
  const std::string name = config.vdev.empty() ? config.pci : config.vdev.substr(0, config.vdev.find(','));
  auto id = port::find_ethdev(name);
  if (!id) return std::unexpected(id.error());
  auto ethdev = port::EthdevPort::open({.port_id = *id}, pools);
  if (!ethdev) return std::unexpected(ethdev.error());
  return std::move(*ethdev);
}

template <class Key>
Key random_key() {
  Key key;
  if (getrandom(&key, sizeof key, 0) != static_cast<ssize_t>(sizeof key)) std::abort();
  return key;
}

void add_port(CounterReport& report, std::string_view side, const port::Counters& counters) {
  const auto add = [&](std::string_view what, const Counter& counter) {
    report.ports.push_back({fmt::format("{}/{}", side, what), counter.value()});
  };
  add("rx_frames", counters.rx_frames);
  add("rx_bytes", counters.rx_bytes);
  add("rx_errors", counters.rx_errors);
  add("tx_frames", counters.tx_frames);
  add("tx_bytes", counters.tx_bytes);
  add("tx_errors", counters.tx_errors);
}

void add_archive(CounterReport& report, const record::ArchiveStatus& status) {
  report.records_appended = status.records_appended;
  report.records_durable = status.records_durable;
  report.record_bytes = status.record_bytes;
  report.record_stalls = status.stalls;
  if (status.gap_records != 0)
    report.drops.push_back({std::string(error_name(ErrorCode::record_gap)), status.gap_records});
  report.archive_error = status.error;
}

// SIGINT and SIGTERM end the process in order; every thread made later inherits the mask.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

void wait_for(const sigset_t& signals) {
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  log::info(fmt::format("signal {}: stopping", signal));
}

// The writer still runs and makes room for the last records; a disk that does not is not waited for.
void shut_down(worker::Worker& worker) {
  const TimeNs until = monotonic_ns() + kShutDown;
  while (!worker.shut_down(monotonic_ns(), wall_ns())) {
    if (monotonic_ns() > until) {
      log::warn(fmt::format("{} sessions could not be closed on the record", worker.sessions_open()));
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

Result<void> serve(const DataplaneConfig& config, const sigset_t& signals) {
  if (auto made = make_directories(config.run, 0750); !made) return made;
  auto lock = lock_file(config.run + "/dataplane.lock");
  if (!lock) return std::unexpected(lock.error());
  auto public_key = rules::load_public_key(config.public_key);
  if (!public_key) return std::unexpected(public_key.error());
  if (auto started = start_eal(config); !started) return started;

  const bool only_taps = !config.client.tap.empty() && !config.server.tap.empty();
  auto pools = buffer::Pools::create("worker0", config.buffers,
                                     only_taps ? buffer::PoolMemory::own : buffer::PoolMemory::devices);
  if (!pools) return std::unexpected(pools.error());
  auto client = open_port(config.client, *pools);
  if (!client) return std::unexpected(client.error());
  auto server = open_port(config.server, *pools);
  if (!server) return std::unexpected(server.error());

  auto archive = record::ArchiveWriter::start({.directory = config.archive_directory,
                                               .segment_bytes = config.segment_bytes,
                                               .pages = config.record_pages,
                                               .page_bytes = kRecordPageBytes,
                                               .group_commit = config.group_commit_ms * kMillisecond},
                                              1);
  if (!archive) return std::unexpected(archive.error());
  for (const std::string& note : (*archive)->recovery().notes) log::warn(note);
  if (const std::string note = (*archive)->status().note; !note.empty()) log::warn(note);

  auto trace = TraceFile::make(config.run);
  if (!trace) return std::unexpected(trace.error());
  if (!trace->died().empty())
    log::warn("the data plane before this one did not stop in order; `sluice trace --read " + trace->died() +
              "` tells what it did last");

  const WallNs start_wall = wall_ns();
  // Its helpers run where this thread may: not on the worker's core, where there is another one.
  sql::ParserPool parsers(sql::ParserPoolConfig{});
  worker::WorkerConfig worker_config{.sessions = config.sessions,
                                     .half_open = config.limits.half_open,
                                     .half_open_per_source = config.limits.half_open_per_source,
                                     .sessions_per_source = config.limits.sessions_per_source,
                                     .sessions_per_service = config.limits.sessions_per_service,
                                     .behaviour_entries = enforce::Behaviours::kEntries,
                                     .limit_entries = enforce::Limiter::kEntries,
                                     .limits = {.leg = {.relay_keepalives = config.relay_keepalives}},
                                     .hash_key = random_key<HashKey>(),
                                     .cookie_key = random_key<HashKey>(),
                                     .ticket_key = random_key<session::TicketKey>(),
                                     .statements = {.parsers = &parsers, .keys = random_key<sql::ShapeKeys>()},
                                     .start_wall_ns = start_wall,
                                     .trace_file = trace->fd()};
  record::Recorder& recorder = (*archive)->recorder(0);
  worker::Worker worker(worker_config, **client, **server, *pools, recorder, monotonic_ns());
  std::vector<int> wait_fds{(*client)->wait_fd(), (*server)->wait_fd()};
  if (std::ranges::find(wait_fds, -1) != wait_fds.end()) wait_fds.clear();
  worker::Loop loop(worker, recorder, config.idle, wait_fds);
  rte_eal_remote_launch(
      [](void* argument) {
        static_cast<worker::Loop*>(argument)->run();
        return 0;
      },
      &loop, kWorkerLcore);

  const Telemetry telemetry(worker, loop);
  worker::WorkerHost host(
      worker, [&loop] { loop.wake(); },
      [&](CounterReport& report) {
        add_port(report, "client", (*client)->counters());
        add_port(report, "server", (*server)->counters());
        add_archive(report, (*archive)->status());
        report.worker_busy_ns = loop.busy_ns();
        report.buffers_free = rte_mempool_avail_count(pools->frames());
      });
  auto channel = channel::Channel::start({.socket_path = config.channel,
                                          .bundle_path = config.bundle,
                                          .public_key = {public_key->begin(), public_key->end()},
                                          .workers = 1,
                                          .start_wall_ns = start_wall},
                                         host);
  if (channel) {
    log::info("ready");
    wait_for(signals);
    channel->reset();
  }
  loop.stop();
  rte_eal_wait_lcore(kWorkerLcore);
  shut_down(worker);
  trace->remove();
  if (auto stopped = (*archive)->stop(); !stopped) return stopped;
  return channel ? Result<void>{} : std::unexpected(channel.error());
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  CLI::App app("Sluice's data plane: reads, judges, masks and records what passes between two ports");
  std::string path = "/etc/sluice/dataplane.yaml";
  bool check = false;
  app.add_option("--config", path, "Configuration file")->capture_default_str();
  app.add_flag("--check", check, "Check the configuration and exit");
  app.set_version_flag("--version", "sluice-dataplane " SLUICE_VERSION);
  CLI11_PARSE(app, argc, argv);

  sluice::harden();
  sluice::log::start("sluice-dataplane");
  const sigset_t signals = sluice::block_signals();
  auto config = sluice::load_config(path);
  if (!config) {
    sluice::log::error(config.error().message());
    return 2;
  }
  if (check) return 0;
  if (auto served = sluice::serve(*config, signals); !served) {
    sluice::log::error(served.error().message());
    return 1;
  }
  return 0;
}
