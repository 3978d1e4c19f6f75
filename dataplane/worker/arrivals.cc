// Finding what a frame carries on is a guess by its ports, which the run then judges: a wrong guess costs a merge.
#include "dataplane/worker/arrivals.h"

#include "dataplane/port/offloads.h"

namespace sluice::worker {
namespace {

// Where both ports lie: IPv4 or IPv6 without tags, or IPv4 behind one.
std::size_t ports_offset(Bytes head) {
  const std::uint16_t type = load_be16(head.data() + 12);
  return type == 0x0800 ? 34 : type == 0x86dd ? 54 : 38;
}

std::size_t slot_of(Bytes head, std::size_t slots) {
  if (head.size() < 14) return 0;
  const std::size_t at = ports_offset(head);
  if (head.size() < at + 4) return 0;
  return (load_be32(head.data() + at) * 0x9e3779b1U >> 16) % slots;
}

Bytes head_of(const rte_mbuf* packet) {
  return {rte_pktmbuf_mtod(packet, const std::uint8_t*), packet->data_len};
}

}  // namespace

void Arrivals::read(std::span<rte_mbuf* const> packets) {
  // Device and memory are cold: what a frame says is asked for while those before it are read.
  for (rte_mbuf* packet : packets) {
    rte_mbuf_prefetch_part1(packet);
    rte_mbuf_prefetch_part2(packet);
  }
  for (const rte_mbuf* packet : packets) rte_prefetch0(rte_pktmbuf_mtod(packet, const void*));
  count_ = 0;
  newest_.fill(kNone);
  const auto count = static_cast<std::uint8_t>(packets.size());
  for (std::uint8_t i = 0; i < count; ++i) {
    rte_mbuf* packet = packets[i];
    packets_[i] = packet;
    const bool whole = packet->nb_segs == 1;
    const Bytes head = head_of(packet);
    std::uint8_t& newest = newest_[slot_of(head, kSlots)];
    if (newest != kNone && whole && arrivals_[newest].run.take(head)) {
      Arrival& arrival = arrivals_[newest];
      next_[arrival.last] = i;
      arrival.last = i;
      ++arrival.frames;
      payload_bytes_[i] = static_cast<std::uint16_t>(arrival.run.last_bytes());
      continue;
    }
    Arrival& arrival = arrivals_[count_];
    arrival.packet = packet;
    wire::parse(head, packet->pkt_len, arrival.frame);
    payload_bytes_[i] = static_cast<std::uint16_t>(arrival.frame.payload_bytes);
    arrival.first = arrival.last = i;
    arrival.frames = 1;
    if (arrival.frame.kind == wire::FrameKind::tcp) {
      if (whole) {
        arrival.run.begin(arrival.frame, head);
      } else {
        arrival.run.begin_none();
      }
      newest = static_cast<std::uint8_t>(count_);
    }
    ++count_;
  }
}

void Arrivals::step(Arrival& arrival, std::uint8_t at) {
  arrival.packet = packets_[at];
  wire::Run::read(head_of(arrival.packet), payload_bytes_[at], arrival.frame);
}

bool Arrivals::checksums_ok(const Arrival& run) const {
  for (std::uint8_t at = run.first;; at = next_[at]) {
    if (!port::tcp_checksum_ok(packets_[at], run.frame, payload_bytes_[at])) return false;
    if (at == run.last) return true;
  }
}

buffer::Chain Arrivals::join(Arrival& run) {
  buffer::Chain payload;
  run.run.tell(run.frame);
  for (std::uint8_t at = run.first;; at = next_[at]) {
    if (payload_bytes_[at] != 0) {
      payload.append_payload(packets_[at], run.frame.payload_offset, payload_bytes_[at]);
    } else {
      rte_pktmbuf_free(packets_[at]);
    }
    if (at == run.last) return payload;
  }
}

}  // namespace sluice::worker
