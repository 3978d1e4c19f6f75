// A port whose wire are two lists of frames: what a test puts into `in` is received, what is sent lies in `out`.
#pragma once

#include <rte_mbuf.h>

#include <cstring>
#include <deque>
#include <vector>

#include "dataplane/buffer/pools.h"
#include "dataplane/port/port.h"

namespace sluice::test {

using FrameBytes = std::vector<std::uint8_t>;

class MemoryPort final : public port::Port {
 public:
  // The pools outlive the port. A frame that finds no buffer waits in `in`.
  explicit MemoryPort(buffer::Pools& pools) : pools_(pools) {}

  std::uint16_t receive(std::span<rte_mbuf*> frames) override {
    std::uint16_t count = 0;
    for (; count < frames.size() && !in.empty(); in.pop_front()) {
      rte_mbuf* const m = rte_pktmbuf_alloc(pools_.frames());
      if (m == nullptr) break;
      std::memcpy(rte_pktmbuf_append(m, static_cast<std::uint16_t>(in.front().size())), in.front().data(),
                  in.front().size());
      frames[count++] = m;
    }
    return count;
  }
  std::uint16_t transmit(std::span<rte_mbuf*> frames) override {
    if (full) return 0;
    for (rte_mbuf* m : frames) {
      FrameBytes bytes(m->pkt_len);
      const void* const at = rte_pktmbuf_read(m, 0, m->pkt_len, bytes.data());
      if (at != bytes.data()) std::memcpy(bytes.data(), at, bytes.size());
      out.push_back(std::move(bytes));
      rte_pktmbuf_free(m);
    }
    return static_cast<std::uint16_t>(frames.size());
  }
  [[nodiscard]] port::Capabilities capabilities() const override { return {}; }

  std::deque<FrameBytes> in;
  std::deque<FrameBytes> out;
  bool full = false;

 private:
  buffer::Pools& pools_;
};

}  // namespace sluice::test
