// See eal.h.
#include "dataplane/eal.h"

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "common/log.h"

namespace sluice {
namespace {

constexpr std::size_t kMegabyte = 1U << 20;
constexpr std::size_t kSlackMegabytes = 64;  // DPDK's own tables, and rounding

bool hugepages_are_free() {
  std::ifstream meminfo("/proc/meminfo");
  std::string word;
  long value = 0;
  while (meminfo >> word)
    if (word == "HugePages_Free:" && meminfo >> value) return value > 0;
  return false;
}

std::size_t pool_megabytes(const buffer::PoolSizes& sizes) {
  constexpr std::size_t kFrame = 2560;
  constexpr std::size_t kJumbo = 64 * 1024;
  constexpr std::size_t kView = 256;
  return (sizes.frames * kFrame + sizes.jumbos * kJumbo + sizes.views * kView) / kMegabyte;
}

}  // namespace

std::vector<std::string> eal_arguments(const DataplaneConfig& config, unsigned cpus, bool hugepages_free) {
  std::vector<std::string> arguments{"sluice-dataplane", "--log-level=4", "--file-prefix=sluice"};
  if (!config.telemetry) arguments.emplace_back("--no-telemetry");
  // The rest of the process keeps off the worker's core where there is another one.
  std::string others;
  for (unsigned cpu = 0; cpu < cpus; ++cpu)
    if (cpu != config.worker_core || cpus == 1) others += (others.empty() ? "" : ",") + std::to_string(cpu);
  arguments.push_back(fmt::format("--lcores=0@({}),{}@{}", others, kWorkerLcore, config.worker_core));
  if (hugepages_free) {
    arguments.emplace_back("--in-memory");  // needs no hugetlbfs to be mounted, and leaves no files
  } else {
    arguments.insert(arguments.end(), {"--no-huge", "--no-shconf", "-m",
                                       std::to_string(pool_megabytes(config.buffers) + kSlackMegabytes)});
  }
  bool pci = false;
  bool shares_memory = false;
  for (const PortConfig* port : {&config.client, &config.server}) {
    shares_memory |= port->vdev.starts_with("net_virtio_user");
    if (!port->vdev.empty()) arguments.push_back("--vdev=" + port->vdev);
    if (!port->pci.empty()) arguments.push_back("--allow=" + port->pci);
    pci |= !port->pci.empty();
  }
  if (!pci) arguments.emplace_back("--no-pci");
  // vhost-user hands over each file of our memory, and takes eight.
  if (shares_memory && hugepages_free) arguments.emplace_back("--single-file-segments");
  return arguments;
}

Result<void> start_eal(const DataplaneConfig& config) {
  const unsigned cpus = std::max(1U, std::thread::hardware_concurrency());
  if (config.worker_core >= cpus)
    return fail(ErrorCode::bad_argument,
                fmt::format("worker_core: {} but this machine has cores 0 to {}", config.worker_core, cpus - 1));
  const bool hugepages = config.hugepages && hugepages_are_free();
  if (config.hugepages && !hugepages)
    log::warn(
        "no hugepages are free: using plain memory (reserve some with sysctl vm.nr_hugepages=512 for full speed)");
  if (config.idle == worker::Idle::poll && cpus == 1)
    log::warn("the machine has one core: a worker that polls leaves none for the archive; idle: adaptive would");

  std::vector<std::string> arguments = eal_arguments(config, cpus, hugepages);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0)
    return fail(ErrorCode::io_failed, fmt::format("DPDK did not start: {}", rte_strerror(rte_errno)));
  return {};
}

}  // namespace sluice
