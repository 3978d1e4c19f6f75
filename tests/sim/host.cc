#include "tests/sim/host.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/assert.h"
#include "dataplane/port/offloads.h"
#include "dataplane/wire/build.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/icmp.h"

namespace sluice::sim {
namespace {

constexpr std::uint8_t kProtocolTcp = 6;
constexpr DurationNs kTransmitRetry = 10 * kMicrosecond;

bool tcp_checksum_is_right(const wire::Frame& frame, const rte_mbuf* packet, const buffer::Chain& bytes) {
  const std::uint64_t said = packet->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
  if (said == RTE_MBUF_F_RX_L4_CKSUM_NONE || said == RTE_MBUF_F_RX_L4_CKSUM_GOOD) return true;
  const std::size_t l4_bytes = frame.payload_offset - frame.l4_offset + std::size_t{frame.payload_bytes};
  wire::ChecksumSum sum =
      wire::pseudo_header_sum(frame.source, frame.destination, kProtocolTcp, static_cast<std::uint16_t>(l4_bytes));
  bytes.for_each(frame.l4_offset, l4_bytes, [&sum](Bytes run) { sum.add(run); });
  return sum.checksum() == 0;
}

}  // namespace

wire::LinkHeader ethernet(std::uint8_t from, std::uint8_t to, std::uint16_t type) {
  wire::LinkHeader link;
  const std::uint8_t bytes[14] = {
      2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type)};
  std::memcpy(link.bytes, bytes, sizeof bytes);
  link.length = sizeof bytes;
  return link;
}

Host::Host(const Clock& clock, port::Port& port, buffer::Pools& pools, const HostConfig& config, std::uint64_t seed)
    : clock_(clock), port_(port), pools_(pools), config_(config), random_(seed) {}

Host::~Host() {
  for (rte_mbuf* frame : backlog_) rte_pktmbuf_free(frame);
}

Connection& Host::add(const Address& local, const Address& remote, std::unique_ptr<Application> application) {
  TcpConfig tcp = config_.tcp;
  if (!port_.capabilities().tx_segmentation) tcp.limits.burst_bytes = 0;
  const auto initial_sequence = static_cast<std::uint32_t>(random_.next());
  FrameSink& sink = *this;
  connections_.push_back(
      std::make_unique<Connection>(local, remote, tcp, pools_, sink, initial_sequence, std::move(application)));
  by_address_[{remote, local.port}] = connections_.back().get();
  return *connections_.back();
}

Connection& Host::connect(const Address& remote, std::unique_ptr<Application> application) {
  Connection& connection = add({config_.ip, next_port_++}, remote, std::move(application));
  connection.open_actively(clock_.now());
  return connection;
}

void Host::listen(std::uint16_t port, Listener listener) {
  listeners_[port] = std::move(listener);
}

void Host::run() {
  std::array<rte_mbuf*, kBurst> burst;
  for (;;) {
    const std::uint16_t count = port_.receive(burst);
    for (std::uint16_t i = 0; i < count; ++i) receive_one(burst[i]);
    if (count < kBurst) break;
  }
  transmit_backlog();
  for (const auto& connection : connections_) connection->run(clock_.now());
  transmit_backlog();
}

TimeNs Host::next_deadline() const {
  TimeNs next = backlog_.empty() ? kNever : clock_.now() + kTransmitRetry;
  for (const auto& connection : connections_) next = std::min(next, connection->next_deadline());
  return next;
}

void Host::receive_one(rte_mbuf* packet) {
  const Bytes head(rte_pktmbuf_mtod(packet, const std::uint8_t*), packet->data_len);
  const wire::Frame frame = wire::parse(head, packet->pkt_len);
  buffer::Chain bytes(packet);
  if (frame.kind == wire::FrameKind::icmp && frame.destination == config_.ip && port::icmp_checksum_ok(packet, frame))
    return receive_error(head, frame);
  if (frame.kind != wire::FrameKind::tcp || frame.destination != config_.ip) {
    ++damaged_frames_;
    return;
  }
  if (!tcp_checksum_is_right(frame, packet, bytes)) {
    ++damaged_frames_;
    return;
  }
  bytes.drop_back(bytes.length_bytes() - frame.payload_offset - frame.payload_bytes);
  bytes.drop_front(frame.payload_offset);
  dispatch(frame, std::move(bytes));
}

void Host::receive_error(Bytes head, const wire::Frame& frame) {
  const wire::IcmpError error = wire::read_icmp_error(head, frame);
  if (error.quoted != wire::Quoted::tcp || error.source != config_.ip) return;
  const auto known = by_address_.find({{error.destination, error.destination_port}, error.source_port});
  if (known != by_address_.end()) known->second->input_error(error, clock_.now());
}

void Host::dispatch(const wire::Frame& frame, buffer::Chain&& payload) {
  const Address remote{frame.source, frame.source_port};
  const auto known = by_address_.find({remote, frame.destination_port});
  const bool opens = (frame.flags & (wire::kSyn | wire::kAck | wire::kRst)) == wire::kSyn;
  const bool over =
      known == by_address_.end() || known->second->closed_in_order() || (opens && known->second->gives_way_to(frame));
  if (!over) return known->second->input(frame, std::move(payload), clock_.now());
  const auto listener = listeners_.find(frame.destination_port);
  if (!opens || listener == listeners_.end()) return refuse(frame);
  add({config_.ip, frame.destination_port}, remote, listener->second()).open_passively(frame, clock_.now());
}

// RFC 9293 section 3.10.7.1: what reaches no connection is reset.
void Host::refuse(const wire::Frame& frame) {
  if ((frame.flags & wire::kRst) != 0) return;
  wire::TcpHeader header;
  header.source = frame.destination;
  header.destination = frame.source;
  header.source_port = frame.destination_port;
  header.destination_port = frame.source_port;
  header.flags = wire::kRst;
  if ((frame.flags & wire::kAck) != 0) {
    header.seq = frame.ack;
  } else {
    header.flags = static_cast<std::uint8_t>(wire::kRst | wire::kAck);
    header.ack = frame.seq + frame.payload_bytes + ((frame.flags & wire::kSyn) != 0 ? 1 : 0);
  }
  send(std::move(header), {}, 0);
}

bool Host::send(wire::TcpHeader&& header, buffer::Chain&& payload, std::uint16_t segment_bytes) {
  if (backlog_.size() >= kBacklog) return false;
  rte_mbuf* m = rte_pktmbuf_alloc(pools_.frames());
  if (m == nullptr) return false;
  header.link = config_.link;
  header.ip_id = next_ip_id_++;
  const std::size_t payload_bytes = payload.length_bytes();
  const MutableBytes room(rte_pktmbuf_mtod(m, std::uint8_t*), rte_pktmbuf_tailroom(m));
  const std::size_t header_bytes = wire::write(header, payload_bytes, room);
  const std::size_t l4_offset = header.link.length + wire::ip_header_bytes(header);
  const bool ipv4 = header.source.is_ipv4();
  const port::Capabilities port = port_.capabilities();
  if (!port.tx_checksum) {
    wire::ChecksumSum sum;
    payload.for_each(0, payload_bytes, [&sum](Bytes run) { sum.add(run); });
    wire::complete_checksum(room.subspan(l4_offset, header_bytes - l4_offset), wire::kTcpChecksumOffset, sum);
  }
  m->data_len = static_cast<std::uint16_t>(header_bytes);
  buffer::Chain frame(m);
  frame.append(std::move(payload));
  rte_mbuf* packet = frame.to_packet();
  if (port.tx_checksum) {
    packet->ol_flags |= (ipv4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6) | RTE_MBUF_F_TX_TCP_CKSUM;
    packet->l2_len = header.link.length & 0x7f;
    packet->l3_len = wire::ip_header_bytes(header) & 0x1ff;
    packet->l4_len = (header_bytes - l4_offset) & 0xff;
    if (payload_bytes > segment_bytes) {
      SLUICE_ASSERT(port.tx_segmentation);
      packet->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | (ipv4 ? RTE_MBUF_F_TX_IP_CKSUM : 0);
      packet->tso_segsz = segment_bytes;
    }
  }
  backlog_.push_back(packet);
  return true;
}

void Host::transmit_backlog() {
  if (backlog_.empty()) return;
  const std::uint16_t sent = port_.transmit(backlog_);
  backlog_.erase(backlog_.begin(), backlog_.begin() + sent);
}

}  // namespace sluice::sim
