// A chain owns a run of stream or frame bytes as a list of mbufs. Bytes are never copied to be
// forwarded: cutting and sharing make views (indirect mbufs) of the same data room.
// Invariants: length_bytes() is the sum of the segments' data_len; no segment is empty; an mbuf
// belongs to exactly one chain. pkt_len and nb_segs are only right after to_packet().
// Only overwrite() writes bytes that another chain may share; everything else leaves those alone.
// Where the payload of a received packet begins in its room stands in hash.usr of the room's mbuf, until what is in
// front of it was given away; 0 for all other rooms. Single-threaded: a chain lives on the worker that owns its
// session.
#pragma once

#include <rte_mbuf.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "common/bytes.h"
#include "dataplane/buffer/pools.h"

namespace sluice::buffer {

class Chain {
 public:
  Chain() = default;
  // Takes a received packet (all its segments); empty segments are freed.
  explicit Chain(rte_mbuf* packet) {
    if (packet->next != nullptr || packet->data_len == 0) {
      adopt(packet);
      return;
    }
    head_ = tail_ = packet;
    length_bytes_ = packet->data_len;
    segments_ = 1;
  }
  // The bytes [offset, offset + count) of a received packet. What stands before them were headers and is nobody's any
  // more: prepend() may write there.
  static Chain payload_of(rte_mbuf* packet, std::size_t offset, std::size_t count);
  // Appends the same, of a packet that is one mbuf. count > 0.
  void append_payload(rte_mbuf* packet, std::size_t offset, std::size_t count) {
    packet->data_off = static_cast<std::uint16_t>(packet->data_off + offset);
    packet->data_len = static_cast<std::uint16_t>(count);
    packet->hash.usr = packet->data_off;
    push_back(packet);
  }
  Chain(Chain&& other) noexcept { swap(other); }
  Chain& operator=(Chain&& other) noexcept {
    if (this != &other) {
      clear();
      swap(other);
    }
    return *this;
  }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
  ~Chain() { clear(); }

  [[nodiscard]] std::size_t length_bytes() const { return length_bytes_; }
  [[nodiscard]] std::uint32_t segments() const { return segments_; }
  [[nodiscard]] bool empty() const { return length_bytes_ == 0; }
  // Memory that this chain keeps from being reused: whole data rooms, not just the bytes in them.
  // Pieces of one room that lie near each other (with at most one other room between) count once.
  [[nodiscard]] std::size_t pinned_bytes() const;

  void clear() {
    if (head_ == nullptr) return;
    rte_pktmbuf_free(head_);
    forget();
  }
  // Pieces that continue each other in one data room become one segment again.
  void append(Chain&& tail);

  // Moves the first `count` bytes to the end of `front`. Only a segment that is cut needs a view mbuf;
  // false (and nothing changed) when none is free. count <= length_bytes().
  [[nodiscard]] bool take_front(Pools& pools, std::size_t count, Chain& front) {
    if (front.head_ != nullptr || head_ == nullptr || count != head_->data_len || head_ == tail_)
      return take_front_segments(pools, count, front);
    front.head_ = front.tail_ = std::exchange(head_, head_->next);
    front.head_->next = nullptr;
    front.length_bytes_ = count;
    front.segments_ = 1;
    length_bytes_ -= count;
    --segments_;
    return true;
  }
  // Forgets bytes at either end. Never allocates.
  void drop_front(std::size_t count) {
    if (head_ == nullptr || count >= head_->data_len) return drop_front_segments(count);
    cut_front(head_, count);
    length_bytes_ -= count;
  }
  void drop_back(std::size_t count);

  // Appends views of [offset, offset + count) to `out`; the bytes stay here too (for retransmission).
  // False (and `out` unchanged) when no view mbuf is free.
  [[nodiscard]] bool share(Pools& pools, std::size_t offset, std::size_t count, Chain& out) const;

  // Puts `count` bytes in front, to be written by the caller: over the headers that the first of these bytes came
  // under (or, behind a few of them, the next), if nobody did so before, else in a buffer of their own. nullptr (and
  // nothing changed) when none is free.
  [[nodiscard]] std::uint8_t* prepend(Pools& pools, std::size_t count);

  // Overwrites bytes in place; the length stays. [offset, offset + bytes.size()) lies inside.
  void overwrite(std::size_t offset, Bytes bytes);
  // Replaces `remove` bytes at `offset` by `insert`. False (and nothing changed) without buffers.
  [[nodiscard]] bool splice(Pools& pools, std::size_t offset, std::size_t remove, Bytes insert);
  // Appends a copy of bytes that come from outside (a local response). False without buffers.
  [[nodiscard]] bool append_copy(Pools& pools, Bytes bytes);

  // Copies [offset, offset + count) to `out`.
  void copy_out(std::size_t offset, std::size_t count, std::uint8_t* out) const;

  // Calls fn(MutableBytes) for each contiguous run of [offset, offset + count), in order.
  template <class Fn>
  void for_each(std::size_t offset, std::size_t count, Fn&& fn) const;

  [[nodiscard]] rte_mbuf* first() const { return head_; }
  // Gives the mbufs away as one packet with pkt_len and nb_segs set; nullptr when empty.
  [[nodiscard]] rte_mbuf* to_packet();

 private:
  static void cut_front(rte_mbuf* m, std::size_t count) {
    m->data_off = static_cast<std::uint16_t>(m->data_off + count);
    m->data_len = static_cast<std::uint16_t>(m->data_len - count);
  }
  void adopt(rte_mbuf* packet);
  // Bytes in front of the first were headers, so many at least.
  [[nodiscard]] bool has_header_room(std::size_t count) const;
  [[nodiscard]] bool fold_front(std::size_t room_bytes);
  void forget() {
    head_ = tail_ = nullptr;
    length_bytes_ = 0;
    segments_ = 0;
  }
  void push_back(rte_mbuf* m) {
    (tail_ == nullptr ? head_ : tail_->next) = m;
    tail_ = m;
    length_bytes_ += m->data_len;
    ++segments_;
  }
  [[nodiscard]] bool take_front_segments(Pools& pools, std::size_t count, Chain& front);
  void drop_front_segments(std::size_t count);

  void swap(Chain& other) noexcept {
    std::swap(head_, other.head_);
    std::swap(tail_, other.tail_);
    std::swap(length_bytes_, other.length_bytes_);
    std::swap(segments_, other.segments_);
  }

  rte_mbuf* head_ = nullptr;
  rte_mbuf* tail_ = nullptr;
  std::size_t length_bytes_ = 0;
  std::uint32_t segments_ = 0;
};

template <class Fn>
void Chain::for_each(std::size_t offset, std::size_t count, Fn&& fn) const {
  for (rte_mbuf* m = head_; m != nullptr && count > 0; m = m->next) {
    if (offset >= m->data_len) {
      offset -= m->data_len;
      continue;
    }
    const std::size_t here = std::min<std::size_t>(m->data_len - offset, count);
    fn(MutableBytes(rte_pktmbuf_mtod_offset(m, std::uint8_t*, offset), here));
    count -= here;
    offset = 0;
  }
}

}  // namespace sluice::buffer
