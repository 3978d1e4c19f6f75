// A port: where frames come in and go out, in bursts. One owner thread.
// Received mbufs: one packet each, ol_flags says what is known of checksums (RTE_MBUF_F_RX_*).
// Transmitted mbufs: l2_len, l3_len, l4_len, tso_segsz and RTE_MBUF_F_TX_* set as DPDK documents, a requested
// checksum's field as offloads.h says; a port is asked only for what capabilities() has (finish_offloads.h
// does the rest).
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <span>

#include "common/metrics.h"

namespace sluice::port {

struct Capabilities {
  bool tx_checksum = false;      // fills TCP and UDP checksums from the pseudo-header sum
  bool tx_segmentation = false;  // cuts TSO frames
  bool rx_coalescing = false;    // may hand in frames larger than the MTU
  std::uint32_t mtu_bytes = 1500;
};

struct Counters {
  Counter rx_frames, rx_bytes, tx_frames, tx_bytes, rx_errors, tx_errors;
};

class Port {
 public:
  virtual ~Port() = default;

  // Up to frames.size() packets; the caller owns them. Never blocks.
  virtual std::uint16_t receive(std::span<rte_mbuf*> frames) = 0;
  // Takes ownership of the first n packets, returns n; the rest stay the caller's.
  virtual std::uint16_t transmit(std::span<rte_mbuf*> frames) = 0;

  [[nodiscard]] virtual Capabilities capabilities() const = 0;
  // Readable when frames wait, for an idle worker to sleep on; -1 when the port can only be polled.
  [[nodiscard]] virtual int wait_fd() const { return -1; }
  [[nodiscard]] const Counters& counters() const { return counters_; }

 protected:
  Counters counters_;
};

}  // namespace sluice::port
