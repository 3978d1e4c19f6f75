// One vhost-user port: the network's end of a virtio_user port of the appliance.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <span>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"

namespace sluice::bench {

class VhostPort {
 public:
  static Result<VhostPort> open(const char* device, rte_mempool* pool);
  [[nodiscard]] bool link_up() const;
  std::uint16_t receive(std::span<rte_mbuf*> frames);
  // Queues a frame, its checksum left to the offload; false when no buffer is free.
  bool send(Bytes head, std::size_t link_bytes, Bytes payload);
  // Sends what is queued. What the ring does not take stays for the next call.
  void flush();
  [[nodiscard]] bool has_room() const { return queue_.size() < kQueue; }

 private:
  static constexpr std::size_t kQueue = 512;
  std::uint16_t port_id_ = 0;
  rte_mempool* pool_ = nullptr;
  std::vector<rte_mbuf*> queue_;
};

}  // namespace sluice::bench
