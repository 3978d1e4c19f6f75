// A simulated host: one port, one address, any number of connections, and an application on each.
// It checks what it receives as a real one does (addresses, checksums), answers what belongs to no connection with a
// reset, and hears what routers say of its packets.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "dataplane/port/port.h"
#include "tests/sim/clock.h"
#include "tests/sim/connection.h"

namespace sluice::sim {

struct HostConfig {
  IpAddress ip;
  wire::LinkHeader link;  // of the frames that it sends: Ethernet addresses, tags, type
  TcpConfig tcp;
};

inline constexpr std::uint16_t kEthertypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEthertypeIpv6 = 0x86dd;

// An untagged Ethernet header between two of the simulation's addresses; `type` of what it carries.
wire::LinkHeader ethernet(std::uint8_t from, std::uint8_t to, std::uint16_t type = kEthertypeIpv4);

class Host final : private FrameSink {
 public:
  using Listener = std::function<std::unique_ptr<Application>()>;

  // Clock, port and pools outlive the host.
  Host(const Clock& clock, port::Port& port, buffer::Pools& pools, const HostConfig& config, std::uint64_t seed);
  ~Host() override;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  Connection& connect(const Address& remote, std::unique_ptr<Application> application);
  void listen(std::uint16_t port, Listener listener);

  // Receives, serves what is due, lets applications run, sends.
  void run();
  [[nodiscard]] TimeNs next_deadline() const;

  [[nodiscard]] const std::vector<std::unique_ptr<Connection>>& connections() const { return connections_; }
  [[nodiscard]] std::uint64_t damaged_frames() const { return damaged_frames_; }

 private:
  static constexpr std::size_t kBurst = 32;
  static constexpr std::size_t kBacklog = 16;  // small, so that legs meet a full port

  bool send(wire::TcpHeader&& header, buffer::Chain&& payload, std::uint16_t segment_bytes) override;
  void receive_one(rte_mbuf* packet);
  void receive_error(Bytes head, const wire::Frame& frame);
  void dispatch(const wire::Frame& frame, buffer::Chain&& payload);
  void refuse(const wire::Frame& frame);
  void transmit_backlog();
  Connection& add(const Address& local, const Address& remote, std::unique_ptr<Application> application);

  const Clock& clock_;
  port::Port& port_;
  buffer::Pools& pools_;
  HostConfig config_;
  Random random_;
  std::uint16_t next_port_ = 49152;
  std::uint16_t next_ip_id_ = 1;
  std::uint64_t damaged_frames_ = 0;
  std::map<std::uint16_t, Listener> listeners_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::map<std::pair<Address, std::uint16_t>, Connection*> by_address_;  // remote, local port
  std::vector<rte_mbuf*> backlog_;                                       // built, and not yet taken by the port
};

}  // namespace sluice::sim
