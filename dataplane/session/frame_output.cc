// See frame_output.h.
#include "dataplane/session/frame_output.h"

#include <span>

#include "common/stage_clock.h"
#include "dataplane/port/finish_offloads.h"
#include "dataplane/port/offloads.h"

namespace sluice::session {

FrameOutput::FrameOutput(port::Port& port, buffer::Pools& pools, ErrorCounters& errors)
    : port_(port), pools_(pools), errors_(errors), capabilities_(port.capabilities()) {
  burst_.reserve(kMaxFrames + kMostSegments);  // begun before it was full
}

FrameOutput::~FrameOutput() {
  for (rte_mbuf* frame : burst_) rte_pktmbuf_free(frame);
}

bool FrameOutput::send(const wire::TcpHeader& header, std::uint16_t mss, buffer::Chain&& payload) {
  if (burst_.size() >= kMaxFrames) return false;
  const std::size_t payload_bytes = payload.length_bytes();
  if (!capabilities_.tx_segmentation && mss != 0 && payload_bytes > mss)
    return send_segments(header, mss, std::move(payload));
  const std::size_t ip_bytes = wire::ip_header_bytes(header);
  const std::size_t tcp_bytes = wire::tcp_header_bytes(header);
  const std::size_t head_bytes = header.link.length + ip_bytes + tcp_bytes;
  std::uint8_t* head = payload.prepend(pools_, head_bytes);
  if (head == nullptr) {
    errors_.add(ErrorCode::buffers_exhausted);
    return false;
  }
  wire::write(header, payload_bytes, {head, head_bytes});
  rte_mbuf* frame = payload.to_packet();
  port::request_tcp_offloads(frame, header.link.length, ip_bytes, tcp_bytes, mss);
  push(frame);
  return true;
}

// For a port that does not cut. What a buffer is missing for after the first is as good as lost on the way.
bool FrameOutput::send_segments(const wire::TcpHeader& header, std::uint16_t mss, buffer::Chain&& payload) {
  const StageScope stage(Stage::port);
  std::uint8_t head[wire::kMaxHeaderBytes];
  const std::size_t head_bytes = wire::write(header, mss, head);
  port::Segmentation segments({head, head_bytes}, header.link.length, wire::ip_header_bytes(header), mss);
  const std::size_t before = burst_.size();
  while (!payload.empty()) {
    rte_mbuf* frame = segments.next(pools_, payload);
    if (frame == nullptr || !(capabilities_.tx_checksum || port::complete_checksum_in_software(frame))) {
      rte_pktmbuf_free(frame);
      errors_.add(ErrorCode::buffers_exhausted);
      break;
    }
    burst_.push_back(frame);
  }
  return burst_.size() != before;
}

void FrameOutput::push(rte_mbuf* frame) {
  const StageScope stage(Stage::port);
  if (port::is_finished(frame, capabilities_)) return burst_.push_back(frame);
  port::FinishedFrames finished(frame, capabilities_, pools_);
  while (rte_mbuf* ready = finished.next()) burst_.push_back(ready);
  if (finished.failed()) errors_.add(ErrorCode::buffers_exhausted);
}

void FrameOutput::forward(rte_mbuf* frame) {
  if (burst_.size() >= kMaxFrames) {
    errors_.add(ErrorCode::port_transmit_full);
    rte_pktmbuf_free(frame);
    return;
  }
  push(frame);
}

void FrameOutput::flush() {
  const StageScope stage(Stage::port);
  std::size_t sent = 0;
  while (sent < burst_.size()) {
    const std::uint16_t taken = port_.transmit(std::span(burst_).subspan(sent));
    if (taken == 0) break;
    sent += taken;
  }
  burst_.erase(burst_.begin(), burst_.begin() + static_cast<std::ptrdiff_t>(sent));
}

bool LegOutput::emit(tcp::SegmentOut&& segment) {
  header_.seq = segment.seq;
  header_.ack = segment.ack;
  header_.window = segment.window;
  header_.flags = segment.flags;
  header_.tos =
      static_cast<std::uint8_t>((header_.tos & ~wire::kEcnMask) | (segment.ecn_capable ? wire::kEcnCapable : 0));
  header_.options.has_timestamps = segment.has_timestamps;
  header_.options.ts_value = segment.ts_value;
  header_.options.ts_echo = segment.ts_echo;
  header_.sack = segment.sack;
  const auto bytes = static_cast<std::uint32_t>(segment.payload.length_bytes());
  if (!output_.send(header_, segment.mss, std::move(segment.payload))) return false;
  if (trace_ != nullptr) trace_->sent(segment.flags, segment.seq, segment.ack, bytes, segment.window);
  return true;
}

}  // namespace sluice::session
