// A relay between hosts: 64 connections that carry answers of 64 KiB one way, for ever. The relay's clock goes on only
// while the relay works; repeatable: by the same for every burst, so that every run executes the same instructions.
#pragma once

#include "bench/micro/tcp_relay.h"
#include "bench/support/core_time.h"
#include "bench/support/puppets.h"

namespace sluice::bench {

class RelayBed {
 public:
  static constexpr std::size_t kConnections = 64;

  // Connects all and lets them warm up.
  explicit RelayBed(const port::Capabilities& nic, bool repeatable = false, RelayKind kind = RelayKind::terminated);
  // Until so many answers more have arrived. Throws when anything was lost.
  void run(std::uint64_t answers);
  // From now on the relay's bursts are what callgrind counts.
  void count_instructions() { counting_ = true; }

  [[nodiscard]] std::uint64_t cycles() const { return cycles_; }
  [[nodiscard]] const TcpRelay& relay() const { return relay_; }

 private:
  void round();
  bool burst();

  bool repeatable_;
  bool counting_ = false;
  TimeNs now_ = 1000 * kSecond;
  std::uint64_t cycles_ = 0;
  CoreTime core_time_;
  MemoryPort client_port_;
  MemoryPort server_port_;
  TcpRelay relay_;
  Puppets puppets_;
};

}  // namespace sluice::bench
