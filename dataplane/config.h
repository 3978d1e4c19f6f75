// How one data plane is set up: its ports, core, memory and paths. Read once at start from a YAML file;
// what it protects and how is policy, and comes from control.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"
#include "dataplane/buffer/pools.h"
#include "dataplane/worker/loop.h"

namespace sluice {

// Exactly one of tap, vdev and pci is set.
struct PortConfig {
  std::string tap;    // interface name
  std::string netns;  // of the tap; empty: the process's own
  std::string vdev;   // a DPDK device with its arguments: "net_af_packet0,iface=eth1"
  std::string pci;    // "0000:01:00.0"
};

// Of connections; 0: no limit.
struct ConnectionLimits {
  std::uint32_t half_open = 16384;  // beyond it, and beyond that of a source, SYNs are answered with cookies
  std::uint32_t half_open_per_source = 1024;
  std::uint32_t sessions_per_source = 0;  // beyond it, and beyond that of a service, connections are reset
  std::uint32_t sessions_per_service = 0;
};

struct DataplaneConfig {
  PortConfig client;
  PortConfig server;
  std::uint32_t worker_core = 0;
  worker::Idle idle = worker::Idle::poll;
  bool hugepages = true;  // auto: use them when some are free
  std::uint32_t sessions = 65536;
  ConnectionLimits limits;
  bool relay_keepalives = false;
  bool telemetry = false;  // DPDK's own socket
  buffer::PoolSizes buffers;
  std::string archive_directory = "/var/lib/sluice/archive";
  std::uint32_t segment_bytes = 256U << 20;
  std::uint32_t record_pages = 64;  // of 1 MiB
  std::uint32_t group_commit_ms = 10;
  std::string channel = "/run/sluice/channel.sock";
  std::string bundle = "/var/lib/sluice/dataplane/bundle";
  std::string public_key = "/var/lib/sluice/control/policy.pub";
  std::string run = "/run/sluice";
};

// All that is wrong is reported, each with file, line, column and what would be right.
Result<DataplaneConfig> parse_config(std::string_view yaml, std::string_view file_name);
Result<DataplaneConfig> load_config(const std::string& path);

}  // namespace sluice
