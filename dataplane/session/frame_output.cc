// See frame_output.h.
#include "dataplane/session/frame_output.h"

#include <span>

#include "dataplane/wire/checksum.h"

namespace sluice::session {

FrameOutput::FrameOutput(port::Port& port, buffer::Pools& pools, ErrorCounters& errors)
    : port_(port), pools_(pools), errors_(errors), capabilities_(port.capabilities()) {
  burst_.reserve(kMaxFrames);
}

FrameOutput::~FrameOutput() {
  for (rte_mbuf* frame : burst_) rte_pktmbuf_free(frame);
}

bool FrameOutput::send(const wire::TcpHeader& header, std::uint16_t mss, buffer::Chain&& payload) {
  if (burst_.size() >= kMaxFrames) return false;
  rte_mbuf* frame = rte_pktmbuf_alloc(pools_.frames());
  if (frame == nullptr) {
    errors_.add(ErrorCode::buffers_exhausted);
    return false;
  }
  const std::size_t payload_bytes = payload.length_bytes();
  const std::size_t head_bytes = wire::header_bytes(header);
  auto* head = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(frame, static_cast<std::uint16_t>(head_bytes)));
  wire::write(header, payload_bytes, {head, head_bytes});

  const std::size_t l4_offset = header.link.length + wire::kIpv4HeaderBytes;
  frame->tx_offload = rte_mbuf_tx_offload(header.link.length, wire::kIpv4HeaderBytes, head_bytes - l4_offset, 0, 0, 0, 0);
  if (capabilities_.tx_checksum) {
    frame->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
    if (payload_bytes > mss) {
      frame->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
      frame->tso_segsz = mss;
    }
  } else {
    wire::ChecksumSum sum;
    payload.for_each(0, payload_bytes, [&sum](MutableBytes piece) { sum.add(piece); });
    wire::complete_checksum(MutableBytes(head, head_bytes).subspan(l4_offset), wire::kTcpChecksumOffset, sum);
  }
  if (payload_bytes > 0) {
    const auto segments = static_cast<std::uint16_t>(1 + payload.segments());
    frame->next = payload.to_packet();
    frame->nb_segs = segments;
    frame->pkt_len = static_cast<std::uint32_t>(head_bytes + payload_bytes);
  }
  burst_.push_back(frame);
  return true;
}

void FrameOutput::forward(rte_mbuf* frame) {
  if (burst_.size() >= kMaxFrames) {
    errors_.add(ErrorCode::port_transmit_full);
    rte_pktmbuf_free(frame);
    return;
  }
  burst_.push_back(frame);
}

void FrameOutput::flush() {
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
  header_.options.has_timestamps = segment.has_timestamps;
  header_.options.ts_value = segment.ts_value;
  header_.options.ts_echo = segment.ts_echo;
  return output_.send(header_, segment.mss, std::move(segment.payload));
}

}  // namespace sluice::session
