// A port in memory, worked as a NIC's driver works its rings: receive() hands out filled buffers and posts empty ones,
// transmit() takes frames and frees those that were sent before. So the worker pays for buffers as it does with a NIC.
// The other end (the wire) fills posted buffers and looks at sent frames; that is not the worker's time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/bytes.h"
#include "dataplane/buffer/pools.h"
#include "dataplane/port/port.h"

namespace sluice::bench {

class MemoryPort final : public port::Port {
 public:
  MemoryPort(const port::Capabilities& capabilities, buffer::Pools& pools);
  ~MemoryPort() override;

  std::uint16_t receive(std::span<rte_mbuf*> frames) override;
  std::uint16_t transmit(std::span<rte_mbuf*> frames) override;
  [[nodiscard]] port::Capabilities capabilities() const override { return capabilities_; }

  // Posts empty buffers, or gives all back to the pools that others share.
  void start();
  void stop();

  // --- the wire's end
  // A frame of `head`, then `payload`, is received; false when no buffer is posted. `segment_bytes`: what it was
  // coalesced from, 0 when it was not. A port that fills no checksums knows none either: the frame then carries a right
  // one.
  bool deliver(Bytes head, Bytes payload, std::uint16_t segment_bytes);
  [[nodiscard]] bool has_room() const { return posted_frames_.count > 0 && ready_.size() - ready_at_ < kRing; }
  [[nodiscard]] bool idle() const { return ready_at_ == ready_.size(); }
  // What the worker sent since the last call, in order; readable until it transmits again.
  std::span<rte_mbuf* const> take_sent();

 private:
  static constexpr std::size_t kRing = 1024;
  static constexpr std::size_t kJumboRing = 128;

  // Descriptors are used in turn, so that buffers come back as cold as a NIC's do.
  struct Ring {
    explicit Ring(std::size_t size) : buffers(size) {}
    rte_mbuf* take();
    void fill(rte_mempool* pool);
    std::vector<rte_mbuf*> buffers;
    std::size_t first = 0;
    std::size_t count = 0;
  };

  void free_sent();

  port::Capabilities capabilities_;
  buffer::Pools& pools_;
  Ring posted_frames_{kRing};
  Ring posted_jumbos_{kJumboRing};  // for the rest of a coalesced frame
  std::vector<rte_mbuf*> ready_;
  std::size_t ready_at_ = 0;
  std::vector<rte_mbuf*> sent_;
  std::size_t seen_ = 0;  // of sent_
};

}  // namespace sluice::bench
