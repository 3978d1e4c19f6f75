// Cutting, sharing and splicing of chains. A view is an indirect mbuf: it holds a reference on the
// direct mbuf whose data room it shows, so rooms outlive the chain in which they came. A direct mbuf
// that leaves its chain while views remain keeps a stale `next`; DPDK clears it with the last view.
#include "dataplane/buffer/chain.h"

#include "common/assert.h"

namespace sluice::buffer {
namespace {

constexpr unsigned kViewsAtOnce = 64;
constexpr std::uint16_t kMostFolded = RTE_PKTMBUF_HEADROOM;

// Makes a fresh mbuf a view of [offset, offset + count) of m's bytes. m may be a view itself: rte_pktmbuf_attach then
// refers to the room's owner, so references never nest.
void attach_view(rte_mbuf* view, rte_mbuf* m, std::size_t offset, std::size_t count) {
  rte_pktmbuf_attach(view, m);
  view->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;  // offload requests stay with the packet
  view->data_off = static_cast<std::uint16_t>(view->data_off + offset);
  view->data_len = static_cast<std::uint16_t>(count);
}

// nullptr when none is free.
rte_mbuf* make_view(Pools& pools, rte_mbuf* m, std::size_t offset, std::size_t count) {
  rte_mbuf* view = rte_mbuf_raw_alloc(pools.views());
  if (view != nullptr) attach_view(view, m, offset, count);
  return view;
}

// The mbuf that owns the room.
rte_mbuf* owner_of(rte_mbuf* m) {
  return RTE_MBUF_CLONED(m) ? rte_mbuf_from_indirect(m) : m;
}

// Bytes after m's data that nobody else can see.
std::size_t private_tailroom(rte_mbuf* m) {
  if (m == nullptr || !RTE_MBUF_DIRECT(m) || rte_mbuf_refcnt_read(m) != 1) return 0;
  return rte_pktmbuf_tailroom(m);
}

void prefetch_mbuf(rte_mbuf* m) {
  rte_mbuf_prefetch_part1(m);
  rte_mbuf_prefetch_part2(m);
}

// The buffer that is handed out after the last one: mostly it comes back cold from a port, and headers go into it.
void prefetch_next(rte_mempool* pool) {
  const rte_mempool_cache* cache = rte_mempool_default_cache(pool, rte_lcore_id());
  if (cache == nullptr || cache->len == 0) return;
  auto* next = static_cast<rte_mbuf*>(cache->objs[cache->len - 1]);
  prefetch_mbuf(next);
  rte_prefetch0(static_cast<const std::byte*>(rte_mbuf_to_priv(next)) + rte_pktmbuf_priv_size(pool) +
                RTE_PKTMBUF_HEADROOM);
}

bool continues(const rte_mbuf* a, const rte_mbuf* b) {
  return a->buf_addr == b->buf_addr && a->data_off + a->data_len == b->data_off;
}

}  // namespace

Chain Chain::payload_of(rte_mbuf* packet, std::size_t offset, std::size_t count) {
  for (rte_mbuf* m = packet->next; m != nullptr; m = m->next) m->hash.usr = 0;
  const bool in_first = offset < packet->data_len;
  Chain chain(packet);
  chain.drop_front(offset);
  chain.drop_back(chain.length_bytes() - count);
  if (!chain.empty()) chain.head_->hash.usr = in_first ? chain.head_->data_off : 0;
  return chain;
}

// A few bytes that are left of one packet go in front of those of the next, where its headers were: cheaper than a
// buffer for new headers, and than a piece for a few bytes.
bool Chain::fold_front(std::size_t room_bytes) {
  rte_mbuf* left = head_;
  if (left == nullptr || left->next == nullptr || left->data_len > kMostFolded) return false;
  rte_mbuf* next = left->next;
  const std::uint16_t count = left->data_len;
  rte_mbuf* owner = owner_of(next);
  if (owner->hash.usr != next->data_off || next->data_off < count + room_bytes) return false;
  std::memcpy(rte_pktmbuf_mtod(next, std::uint8_t*) - count, rte_pktmbuf_mtod(left, const std::uint8_t*), count);
  next->data_off = static_cast<std::uint16_t>(next->data_off - count);
  next->data_len = static_cast<std::uint16_t>(next->data_len + count);
  owner->hash.usr = next->data_off;
  head_ = next;
  --segments_;
  rte_pktmbuf_free_seg(left);
  return true;
}

bool Chain::has_header_room(std::size_t count) const {
  return head_ != nullptr && count < head_->data_off && owner_of(head_)->hash.usr == head_->data_off;
}

std::uint8_t* Chain::prepend(Pools& pools, std::size_t count) {
  if (has_header_room(count) || fold_front(count)) {
    owner_of(head_)->hash.usr = 0;
    head_->data_off = static_cast<std::uint16_t>(head_->data_off - count);
    head_->data_len = static_cast<std::uint16_t>(head_->data_len + count);
    length_bytes_ += count;
    return rte_pktmbuf_mtod(head_, std::uint8_t*);
  }
  rte_mbuf* m = rte_pktmbuf_alloc(pools.frames());
  if (m == nullptr) return nullptr;
  prefetch_next(pools.frames());
  m->data_len = static_cast<std::uint16_t>(count);
  m->hash.usr = 0;
  m->next = head_;
  if (head_ == nullptr) tail_ = m;
  head_ = m;
  length_bytes_ += count;
  ++segments_;
  return rte_pktmbuf_mtod(m, std::uint8_t*);
}

void Chain::adopt(rte_mbuf* packet) {
  while (packet != nullptr) {
    rte_mbuf* next = packet->next;
    packet->next = nullptr;
    if (packet->data_len == 0) {
      rte_pktmbuf_free_seg(packet);
    } else {
      push_back(packet);
    }
    packet = next;
  }
}

std::size_t Chain::pinned_bytes() const {
  std::size_t pinned = 0;
  const void* last_room = nullptr;
  const void* room_before = nullptr;
  for (const rte_mbuf* m = head_; m != nullptr; m = m->next) {
    if (!RTE_MBUF_DIRECT(m)) pinned += sizeof(rte_mbuf);
    if (m->buf_addr == last_room || m->buf_addr == room_before) continue;
    pinned += sizeof(rte_mbuf) + m->buf_len;
    room_before = last_room;
    last_room = m->buf_addr;
  }
  return pinned;
}

void Chain::append(Chain&& tail) {
  if (tail.head_ == nullptr) return;
  if (tail_ == nullptr) return swap(tail);
  length_bytes_ += tail.length_bytes_;
  segments_ += tail.segments_;
  rte_mbuf* next = tail.head_;
  if (continues(tail_, next)) {
    tail_->data_len = static_cast<std::uint16_t>(tail_->data_len + next->data_len);
    rte_mbuf* merged = next;
    next = merged->next;
    rte_pktmbuf_free_seg(merged);
    --segments_;
  }
  tail_->next = next;
  if (next != nullptr) tail_ = tail.tail_;
  tail.forget();
}

bool Chain::take_front_segments(Pools& pools, std::size_t count, Chain& front) {
  SLUICE_ASSERT(count <= length_bytes_);
  if (count == 0) return true;
  if (count == length_bytes_) {
    front.append(std::move(*this));
    return true;
  }
  std::size_t left = count;
  std::uint32_t whole = 0;
  rte_mbuf* last_whole = nullptr;
  rte_mbuf* m = head_;
  for (; left >= m->data_len; m = m->next) {
    left -= m->data_len;
    last_whole = m;
    ++whole;
  }
  rte_mbuf* view = nullptr;
  if (left > 0) {
    view = make_view(pools, m, 0, left);
    if (view == nullptr) return false;
    cut_front(m, left);
  }
  Chain taken;
  if (whole > 0) {
    last_whole->next = nullptr;
    taken.head_ = head_;
    taken.tail_ = last_whole;
    taken.length_bytes_ = count - left;
    taken.segments_ = whole;
  }
  if (view != nullptr) taken.push_back(view);
  head_ = m;
  length_bytes_ -= count;
  segments_ -= whole;
  front.append(std::move(taken));
  return true;
}

void Chain::drop_front_segments(std::size_t count) {
  SLUICE_ASSERT(count <= length_bytes_);
  if (count == length_bytes_) return clear();
  length_bytes_ -= count;
  while (count >= head_->data_len) {
    rte_mbuf* gone = head_;
    count -= gone->data_len;
    head_ = gone->next;
    if (head_->next != nullptr) prefetch_mbuf(head_->next);
    --segments_;
    rte_pktmbuf_free_seg(gone);
  }
  cut_front(head_, count);
}

void Chain::drop_back(std::size_t count) {
  SLUICE_ASSERT(count <= length_bytes_);
  if (count == 0) return;
  if (count == length_bytes_) return clear();
  length_bytes_ -= count;
  if (count < tail_->data_len) {
    tail_->data_len = static_cast<std::uint16_t>(tail_->data_len - count);
    return;
  }
  std::size_t keep = length_bytes_;
  std::uint32_t kept = 1;
  rte_mbuf* m = head_;
  for (; keep > m->data_len; m = m->next) {
    keep -= m->data_len;
    ++kept;
  }
  m->data_len = static_cast<std::uint16_t>(keep);
  rte_pktmbuf_free(m->next);
  m->next = nullptr;
  tail_ = m;
  segments_ = kept;
}

bool Chain::share(Pools& pools, std::size_t offset, std::size_t count, Chain& out) const {
  SLUICE_ASSERT(offset <= length_bytes_ && count <= length_bytes_ - offset);
  rte_mbuf* m = head_;
  for (; count > 0 && offset >= m->data_len; m = m->next) offset -= m->data_len;
  Chain views;
  while (count > 0) {
    // As many as are needed at once, up to a bound.
    rte_mbuf* fresh[kViewsAtOnce];
    unsigned pieces = 0;
    std::size_t covered = 0;
    for (const rte_mbuf* at = m; covered < count + offset && pieces < kViewsAtOnce; at = at->next, ++pieces)
      covered += at->data_len;
    if (rte_mempool_get_bulk(pools.views(), reinterpret_cast<void**>(fresh), pieces) != 0) return false;
    // Mostly they come back cold, and a reference that is counted waits for all that was written before it.
    for (unsigned i = 0; i < pieces; ++i) prefetch_mbuf(fresh[i]);
    for (unsigned i = 0; i < pieces; ++i, m = m->next) {
      const std::size_t here = std::min<std::size_t>(m->data_len - offset, count);
      attach_view(fresh[i], m, offset, here);
      views.push_back(fresh[i]);
      count -= here;
      offset = 0;
    }
  }
  out.append(std::move(views));
  return true;
}

void Chain::overwrite(std::size_t offset, Bytes bytes) {
  SLUICE_ASSERT(offset <= length_bytes_ && bytes.size() <= length_bytes_ - offset);
  for_each(offset, bytes.size(), [&bytes](MutableBytes run) {
    std::memcpy(run.data(), bytes.data(), run.size());
    bytes = bytes.subspan(run.size());
  });
}

bool Chain::splice(Pools& pools, std::size_t offset, std::size_t remove, Bytes insert) {
  SLUICE_ASSERT(offset <= length_bytes_ && remove <= length_bytes_ - offset);
  Chain middle;
  Chain spliced;
  if (!middle.append_copy(pools, insert)) return false;
  if (!take_front(pools, offset, spliced)) return false;
  drop_front(remove);
  spliced.append(std::move(middle));
  spliced.append(std::move(*this));
  swap(spliced);
  return true;
}

bool Chain::append_copy(Pools& pools, Bytes bytes) {
  const std::size_t in_place = std::min(private_tailroom(tail_), bytes.size());
  Chain fresh;
  for (Bytes rest = bytes.subspan(in_place); !rest.empty();) {
    rte_mbuf* m = rte_pktmbuf_alloc(pools.frames());
    if (m == nullptr) return false;
    const std::size_t here = std::min<std::size_t>(rte_pktmbuf_tailroom(m), rest.size());
    std::memcpy(rte_pktmbuf_mtod(m, void*), rest.data(), here);
    m->data_len = static_cast<std::uint16_t>(here);
    m->hash.usr = 0;
    fresh.push_back(m);
    rest = rest.subspan(here);
  }
  if (in_place > 0) {
    std::memcpy(rte_pktmbuf_mtod_offset(tail_, void*, tail_->data_len), bytes.data(), in_place);
    tail_->data_len = static_cast<std::uint16_t>(tail_->data_len + in_place);
    length_bytes_ += in_place;
  }
  append(std::move(fresh));
  return true;
}

void Chain::copy_out(std::size_t offset, std::size_t count, std::uint8_t* out) const {
  SLUICE_ASSERT(offset <= length_bytes_ && count <= length_bytes_ - offset);
  for_each(offset, count, [&out](Bytes run) {
    std::memcpy(out, run.data(), run.size());
    out += run.size();
  });
}

rte_mbuf* Chain::to_packet() {
  rte_mbuf* packet = head_;
  if (packet == nullptr) return nullptr;
  SLUICE_ASSERT(segments_ <= RTE_MBUF_MAX_NB_SEGS);
  packet->pkt_len = static_cast<std::uint32_t>(length_bytes_);
  packet->nb_segs = static_cast<std::uint16_t>(segments_);
  forget();
  return packet;
}

}  // namespace sluice::buffer
