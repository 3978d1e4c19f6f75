// The frames of one burst from one port, read: those of a flow that carry on where the one before them ended are one
// arrival, a run (wire/run.h), of which the first frame alone is parsed. A run is an offer: whether its session takes
// it as one is not known here, and if not, its frames come out one by one, in their order, as if there were no runs.
// Runs of one flow keep their order; flows among each other need none.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/buffer/chain.h"
#include "dataplane/session/flow_key.h"
#include "dataplane/tcp/segment.h"
#include "dataplane/wire/frame.h"
#include "dataplane/wire/run.h"

namespace sluice::session {
class Session;
}

namespace sluice::worker {

// A frame, or the first of a run.
struct Arrival {
  rte_mbuf* packet = nullptr;
  wire::Frame frame;
  session::FlowKey flow;  // of a TCP frame, for the worker
  std::uint64_t flow_hash = 0;
  const session::Session* likely = nullptr;  // whose memory was asked for
  wire::Run run;
  std::uint8_t first = 0;  // frames of the burst
  std::uint8_t last = 0;
  std::uint8_t frames = 1;

  [[nodiscard]] bool is_run() const { return frames > 1; }
  [[nodiscard]] tcp::RunIn run_in() const {
    return {.bytes = run.bytes(),
            .pinned_bytes = frames * (sizeof(rte_mbuf) + packet->buf_len),
            .last_ack = run.last_ack()};
  }
};

class Arrivals {
 public:
  static constexpr std::size_t kMost = 32;

  // Until the next call the packets stay where they are, or go where an arrival is taken.
  void read(std::span<rte_mbuf* const> packets);
  [[nodiscard]] std::span<Arrival> all() { return {arrivals_.data(), count_}; }

  // The TCP checksum of every frame of a run is right.
  [[nodiscard]] bool checksums_ok(const Arrival& run) const;
  // The payload of a run, whose frame then tells of all; its packets are gone.
  buffer::Chain join(Arrival& run);
  // Calls fn(Arrival&) with each frame of an arrival alone.
  template <class Fn>
  void each_frame(Arrival& arrival, Fn&& fn) {
    std::uint8_t at = arrival.first;
    const std::uint8_t last = arrival.last;
    for (arrival.frames = 1; fn(arrival), at != last;) {
      at = next_[at];
      step(arrival, at);
    }
  }

 private:
  static constexpr std::size_t kSlots = 64;
  static constexpr std::uint8_t kNone = 0xff;

  // Makes what was parsed of one frame of a run say what another has.
  void step(Arrival& arrival, std::uint8_t at);

  std::array<Arrival, kMost> arrivals_;
  std::size_t count_ = 0;
  // Of each frame: the packet, its payload, and the one that follows it in its run.
  std::array<rte_mbuf*, kMost> packets_{};
  std::array<std::uint16_t, kMost> payload_bytes_{};
  std::array<std::uint8_t, kMost> next_{};
  std::array<std::uint8_t, kSlots> newest_{};  // arrival of the flows whose ports fall there
};

}  // namespace sluice::worker
