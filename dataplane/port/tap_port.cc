// Bursts over a TAP. See virtio_header.h for what stands in front of each frame.
#include "dataplane/port/tap_port.h"

#include <rte_net.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "dataplane/buffer/chain.h"
#include "dataplane/port/offloads.h"
#include "dataplane/port/virtio_header.h"
#include "dataplane/wire/build.h"

namespace sluice::port {
namespace {

constexpr std::size_t kTcpFlagsOffset = 13;

// A partial checksum is passed on as metadata where headers say the same as the virtio-net header.
bool is_plain_partial_checksum(const rte_mbuf* frame, const VirtioHeader& header) {
  rte_net_hdr_lens lengths = {};
  const std::uint32_t type =
      rte_net_get_ptype(frame, &lengths, RTE_PTYPE_L2_MASK | RTE_PTYPE_L3_MASK | RTE_PTYPE_L4_MASK);
  if (lengths.l2_len + lengths.l3_len != header.checksum_start) return false;
  switch (type & RTE_PTYPE_L4_MASK) {
    case RTE_PTYPE_L4_TCP:
      return header.checksum_offset == wire::kTcpChecksumOffset;
    case RTE_PTYPE_L4_UDP:
      return header.checksum_offset == wire::kUdpChecksumOffset;
    default:
      return false;
  }
}

// What the kernel said of the frame, as RX metadata. False when it cannot be honoured.
bool set_receive_metadata(rte_mbuf* frame, const VirtioHeader& header) {
  const unsigned gso = header.gso_type & ~unsigned{VirtioHeader::ecn};
  if (gso == VirtioHeader::tcp4 || gso == VirtioHeader::tcp6) {
    frame->ol_flags |= RTE_MBUF_F_RX_LRO;
    frame->tso_segsz = header.segment_bytes;
  } else if (gso != VirtioHeader::none) {
    return false;
  }
  if ((header.flags & VirtioHeader::needs_checksum) == 0) {
    if ((header.flags & VirtioHeader::data_valid) != 0) frame->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    return true;
  }
  if (is_plain_partial_checksum(frame, header)) {
    frame->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
    return true;
  }
  frame->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  return complete_checksum_at(frame, header.checksum_start, header.checksum_offset, frame->pkt_len);
}

VirtioHeader transmit_header(const rte_mbuf* frame) {
  VirtioHeader header;
  const std::uint64_t l4 = frame->ol_flags & RTE_MBUF_F_TX_L4_MASK;
  const bool segment = (frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
  if (l4 == 0 && !segment) return header;
  const bool udp = l4 == RTE_MBUF_F_TX_UDP_CKSUM;
  header.flags = VirtioHeader::needs_checksum;
  header.checksum_start = static_cast<std::uint16_t>(frame->l2_len + frame->l3_len);
  header.checksum_offset = udp ? wire::kUdpChecksumOffset : wire::kTcpChecksumOffset;
  if (!segment) return header;
  const bool ipv6 = (frame->ol_flags & RTE_MBUF_F_TX_IPV6) != 0;
  header.gso_type = ipv6 ? VirtioHeader::tcp6 : VirtioHeader::tcp4;
  const auto* flags = rte_pktmbuf_mtod_offset(frame, const std::uint8_t*, header.checksum_start + kTcpFlagsOffset);
  if ((*flags & wire::kCwr) != 0)
    header.gso_type =
        static_cast<std::uint8_t>(header.gso_type | VirtioHeader::ecn);  // it stands on the first segment alone
  header.segment_bytes = frame->tso_segsz;
  header.header_bytes = static_cast<std::uint16_t>(frame->l2_len + frame->l3_len + frame->l4_len);
  return header;
}

}  // namespace

Result<std::unique_ptr<TapPort>> TapPort::open(const TapConfig& config, buffer::Pools& pools) {
  Result<TapDevice> device = TapDevice::open(config);
  if (!device) return std::unexpected(device.error());
  return std::unique_ptr<TapPort>(new TapPort(std::move(*device), pools));
}

TapPort::TapPort(TapDevice device, buffer::Pools& pools)
    : device_(std::move(device)), pools_(pools), spill_(new std::uint8_t[kSpillBytes]) {}

TapPort::~TapPort() {
  rte_pktmbuf_free(next_frame_);
  rte_pktmbuf_free(next_jumbo_);
}

Capabilities TapPort::capabilities() const {
  return {.tx_checksum = true, .tx_segmentation = true, .rx_coalescing = true, .mtu_bytes = device_.mtu_bytes()};
}

bool TapPort::prepare_buffers() {
  if (next_frame_ == nullptr) next_frame_ = rte_pktmbuf_alloc(pools_.frames());
  if (next_jumbo_ == nullptr) {
    next_jumbo_ = rte_pktmbuf_alloc(pools_.jumbos());
    // Nothing is ever written in front of a packet's second segment.
    if (next_jumbo_ != nullptr) next_jumbo_->data_off = 0;
  }
  return next_frame_ != nullptr;
}

// The frame lies in next_frame_, what did not fit in next_jumbo_ or, without one, in spill_.
rte_mbuf* TapPort::take_received(const VirtioHeader& header, std::size_t frame_bytes) {
  const std::size_t room = rte_pktmbuf_tailroom(next_frame_);
  const std::size_t rest = frame_bytes > room ? frame_bytes - room : 0;
  rte_mbuf* frame = std::exchange(next_frame_, nullptr);
  frame->data_len = static_cast<std::uint16_t>(frame_bytes - rest);
  frame->pkt_len = static_cast<std::uint32_t>(frame_bytes);
  if (rest > 0 && next_jumbo_ != nullptr) {
    frame->next = std::exchange(next_jumbo_, nullptr);
    frame->next->data_len = static_cast<std::uint16_t>(rest);
    frame->nb_segs = 2;
  } else if (rest > 0) {
    buffer::Chain copy(frame);
    if (!copy.append_copy(pools_, {spill_.get(), rest})) return nullptr;
    frame = copy.to_packet();
  }
  if (set_receive_metadata(frame, header)) return frame;
  rte_pktmbuf_free(frame);
  return nullptr;
}

// nullptr when nothing waits or no buffer is free.
rte_mbuf* TapPort::receive_one() {
  while (prepare_buffers()) {
    VirtioHeader header;
    iovec pieces[3] = {{&header, sizeof header},
                       {rte_pktmbuf_mtod(next_frame_, void*), rte_pktmbuf_tailroom(next_frame_)},
                       {spill_.get(), kSpillBytes}};
    if (next_jumbo_ != nullptr) pieces[2] = {rte_pktmbuf_mtod(next_jumbo_, void*), rte_pktmbuf_tailroom(next_jumbo_)};
    const ssize_t got = ::readv(device_.fd(), pieces, 3);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      if (errno != EAGAIN) counters_.rx_errors.add();
      return nullptr;
    }
    if (static_cast<std::size_t>(got) <= sizeof header) {
      counters_.rx_errors.add();
      continue;
    }
    rte_mbuf* frame = take_received(header, static_cast<std::size_t>(got) - sizeof header);
    if (frame != nullptr) return frame;
    counters_.rx_errors.add();
  }
  return nullptr;
}

std::uint16_t TapPort::receive(std::span<rte_mbuf*> frames) {
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  for (; count < frames.size(); ++count) {
    rte_mbuf* frame = receive_one();
    if (frame == nullptr) break;
    frames[count] = frame;
    bytes += frame->pkt_len;
  }
  if (count == 0) return 0;
  counters_.rx_frames.add(count);
  counters_.rx_bytes.add(bytes);
  return static_cast<std::uint16_t>(count);
}

TapPort::Sent TapPort::transmit_one(rte_mbuf* frame) {
  if (frame->nb_segs > kMaxSegments) return Sent::refused;
  VirtioHeader header = transmit_header(frame);
  pieces_[0] = {&header, sizeof header};
  int count = 1;
  for (rte_mbuf* m = frame; m != nullptr; m = m->next) {
    pieces_[static_cast<std::size_t>(count++)] = {rte_pktmbuf_mtod(m, void*), m->data_len};
  }
  ssize_t wrote = 0;
  do {
    wrote = ::writev(device_.fd(), pieces_.data(), count);
  } while (wrote < 0 && errno == EINTR);
  if (wrote >= 0) return Sent::taken;
  // Anything else (the interface is down, the kernel dislikes the frame) would not pass later either.
  return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ? Sent::full : Sent::refused;
}

std::uint16_t TapPort::transmit(std::span<rte_mbuf*> frames) {
  std::size_t count = 0;
  for (; count < frames.size(); ++count) {
    rte_mbuf* frame = frames[count];
    const Sent sent = transmit_one(frame);
    if (sent == Sent::full) break;
    if (sent == Sent::taken) {
      counters_.tx_frames.add();
      counters_.tx_bytes.add(frame->pkt_len);
    } else {
      counters_.tx_errors.add();
    }
    rte_pktmbuf_free(frame);
  }
  return static_cast<std::uint16_t>(count);
}

}  // namespace sluice::port
