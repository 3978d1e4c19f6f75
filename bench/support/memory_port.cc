#include "bench/support/memory_port.h"

#include <algorithm>
#include <cstring>

#include "dataplane/wire/build.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kL4Offset = 14 + wire::kIpv4HeaderBytes;

}  // namespace

rte_mbuf* MemoryPort::Ring::take() {
  rte_mbuf* m = buffers[first];
  first = (first + 1) % buffers.size();
  --count;
  return m;
}

void MemoryPort::Ring::fill(rte_mempool* pool) {
  while (count < buffers.size()) {
    const std::size_t end = (first + count) % buffers.size();
    const std::size_t run = std::min(buffers.size() - count, buffers.size() - end);
    if (rte_pktmbuf_alloc_bulk(pool, buffers.data() + end, static_cast<unsigned>(run)) != 0) return;
    count += run;
  }
}

MemoryPort::MemoryPort(const port::Capabilities& capabilities, buffer::Pools& pools)
    : capabilities_(capabilities), pools_(pools) {
  ready_.reserve(kRing);
  sent_.reserve(16 * kRing);
  start();
}

MemoryPort::~MemoryPort() {
  stop();
}

void MemoryPort::start() {
  posted_frames_.fill(pools_.frames());
  if (capabilities_.rx_coalescing) posted_jumbos_.fill(pools_.jumbos());
}

void MemoryPort::stop() {
  for (; ready_at_ < ready_.size(); ++ready_at_) rte_pktmbuf_free(ready_[ready_at_]);
  while (posted_frames_.count > 0) rte_pktmbuf_free(posted_frames_.take());
  while (posted_jumbos_.count > 0) rte_pktmbuf_free(posted_jumbos_.take());
  seen_ = sent_.size();
  free_sent();
}

std::uint16_t MemoryPort::receive(std::span<rte_mbuf*> frames) {
  const std::size_t count = std::min(frames.size(), ready_.size() - ready_at_);
  std::copy_n(ready_.begin() + static_cast<std::ptrdiff_t>(ready_at_), count, frames.begin());
  ready_at_ += count;
  counters_.rx_frames.add(count);
  if (count > 0) start();
  return static_cast<std::uint16_t>(count);
}

std::uint16_t MemoryPort::transmit(std::span<rte_mbuf*> frames) {
  free_sent();
  sent_.insert(sent_.end(), frames.begin(), frames.end());
  counters_.tx_frames.add(frames.size());
  return static_cast<std::uint16_t>(frames.size());
}

void MemoryPort::free_sent() {
  for (std::size_t i = 0; i < seen_; ++i) rte_pktmbuf_free(sent_[i]);
  sent_.erase(sent_.begin(), sent_.begin() + static_cast<std::ptrdiff_t>(seen_));
  seen_ = 0;
}

std::span<rte_mbuf* const> MemoryPort::take_sent() {
  const std::span<rte_mbuf* const> fresh = std::span(sent_).subspan(seen_);
  seen_ = sent_.size();
  return fresh;
}

bool MemoryPort::deliver(Bytes head, Bytes payload, std::uint16_t segment_bytes) {
  if (idle()) {
    ready_.clear();
    ready_at_ = 0;
  }
  if (!has_room()) return false;
  const std::size_t room = rte_pktmbuf_tailroom(posted_frames_.buffers[posted_frames_.first]) - head.size();
  const std::size_t here = std::min(payload.size(), room);
  const Bytes rest = payload.subspan(here);
  if (!rest.empty() && posted_jumbos_.count == 0) return false;
  rte_mbuf* frame = posted_frames_.take();
  auto* to = rte_pktmbuf_mtod(frame, std::uint8_t*);
  std::memcpy(to, head.data(), head.size());
  if (!capabilities_.tx_checksum) {
    wire::ChecksumSum sum;
    sum.add(payload);
    wire::complete_checksum({to + kL4Offset, head.size() - kL4Offset}, wire::kTcpChecksumOffset, sum);
  }
  std::memcpy(to + head.size(), payload.data(), here);
  frame->data_len = static_cast<std::uint16_t>(head.size() + here);
  frame->pkt_len = static_cast<std::uint32_t>(head.size() + payload.size());
  frame->ol_flags |= capabilities_.tx_checksum ? RTE_MBUF_F_RX_L4_CKSUM_GOOD : RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN;
  if (segment_bytes != 0) {
    frame->ol_flags |= RTE_MBUF_F_RX_LRO;
    frame->tso_segsz = segment_bytes;
  }
  if (!rest.empty()) {
    rte_mbuf* jumbo = posted_jumbos_.take();
    jumbo->data_off = 0;
    std::memcpy(rte_pktmbuf_mtod(jumbo, void*), rest.data(), rest.size());
    jumbo->data_len = static_cast<std::uint16_t>(rest.size());
    frame->next = jumbo;
    frame->nb_segs = 2;
  }
  ready_.push_back(frame);
  return true;
}

}  // namespace sluice::bench
