// Frames on their way out of one port: collected over a burst, sent together, and what the port does
// not take waits, bounded. Writes headers over payload views and asks for the offloads the port has;
// what it has not is done here in software (checksums) or by the legs (segments of one MSS).
#pragma once

#include <cstdint>
#include <vector>

#include "common/metrics.h"
#include "dataplane/buffer/chain.h"
#include "dataplane/port/port.h"
#include "dataplane/port/segmentation.h"
#include "dataplane/session/trace.h"
#include "dataplane/tcp/segment.h"
#include "dataplane/wire/build.h"

namespace sluice::session {

class FrameOutput {
 public:
  FrameOutput(port::Port& port, buffer::Pools& pools, ErrorCounters& errors);
  ~FrameOutput();
  FrameOutput(const FrameOutput&) = delete;
  FrameOutput& operator=(const FrameOutput&) = delete;

  [[nodiscard]] const port::Capabilities& capabilities() const { return capabilities_; }

  // A segment under `header`, or several where the payload is longer than `mss`; false (nothing sent) when no buffer or
  // no room is left in this burst.
  bool send(const wire::TcpHeader& header, std::uint16_t mss, buffer::Chain&& payload);
  // A frame that passes unchanged, prepared by port::prepare_forward(). Dropped and counted when there is no room.
  void forward(rte_mbuf* frame);
  // Once a burst.
  void flush();
  // Frames that the port did not take wait for the next flush().
  [[nodiscard]] bool pending() const { return !burst_.empty(); }

 private:
  static constexpr std::size_t kMaxFrames = 1024;
  // That one payload becomes.
  static constexpr std::size_t kMostSegments = 65536 / port::Segmentation::least_bytes(tcp::kSmallestSegmentBytes) + 1;

  bool send_segments(const wire::TcpHeader& header, std::uint16_t mss, buffer::Chain&& payload);
  // Does in software what the port cannot.
  void push(rte_mbuf* frame);

  port::Port& port_;
  buffer::Pools& pools_;
  ErrorCounters& errors_;
  port::Capabilities capabilities_;
  std::vector<rte_mbuf*> burst_;
};

// Sends one leg's segments under the addresses of its session, and tells `trace` of them.
class LegOutput final : public tcp::SegmentSink {
 public:
  LegOutput(FrameOutput& output, const wire::TcpHeader& addresses, const LegTrace* trace = nullptr)
      : output_(output), header_(addresses), trace_(trace) {}
  bool emit(tcp::SegmentOut&& segment) override;

 private:
  FrameOutput& output_;
  wire::TcpHeader header_;
  const LegTrace* trace_;
};

}  // namespace sluice::session
