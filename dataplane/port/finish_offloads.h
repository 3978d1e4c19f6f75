// Makes a frame fit the port that it leaves by. A frame carries requests (checksum, segmentation) as if
// every port could do everything; what the port cannot is done here, once, on the way out.
#pragma once

#include <rte_mbuf.h>

#include <optional>

#include "dataplane/buffer/chain.h"
#include "dataplane/port/port.h"
#include "dataplane/port/segmentation.h"

namespace sluice::port {

// The port can do all that the frame asks for.
inline bool is_finished(const rte_mbuf* frame, const Capabilities& port) {
  const bool segment = (frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
  const bool checksum = (frame->ol_flags & RTE_MBUF_F_TX_L4_MASK) != 0;
  return (port.tx_checksum || !checksum) && (port.tx_segmentation || !segment);
}

// The frames that one frame becomes. Usually it is that frame itself; a TSO frame for a port without
// segmentation becomes one frame for each segment, whose payload are views of the original.
class FinishedFrames {
 public:
  // Takes the frame.
  FinishedFrames(rte_mbuf* frame, const Capabilities& port, buffer::Pools& pools);
  FinishedFrames(const FinishedFrames&) = delete;
  FinishedFrames& operator=(const FinishedFrames&) = delete;
  ~FinishedFrames() { rte_pktmbuf_free(whole_); }

  // The next frame, the caller's from then on; nullptr at the end.
  rte_mbuf* next();
  // No buffer was free, or the metadata made no sense: (part of) the frame was dropped.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  void start_segmentation(rte_mbuf* frame);
  rte_mbuf* next_segment();
  void fail() {
    failed_ = true;
    payload_.clear();
  }

  buffer::Pools& pools_;
  bool port_fills_checksums_;
  bool failed_ = false;
  rte_mbuf* whole_ = nullptr;  // the frame that needs no cutting
  std::optional<Segmentation> segmentation_;
  buffer::Chain payload_;
};

}  // namespace sluice::port
