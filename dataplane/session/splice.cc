// See splice.h.
#include "dataplane/session/splice.h"

#include <algorithm>
#include <cstring>

#include "dataplane/port/offloads.h"
#include "dataplane/wire/build.h"

namespace sluice::session {
namespace {

using tcp::after;
using tcp::before;
using tcp::distance;

// What a receiver may take beyond the window that it told: the rest of a segment that began inside, or a probe.
constexpr std::uint32_t kBeyondEdge = 65536;
// As far behind the seam a sequence number can no longer mean what lies before it: no window is larger (RFC 7323
// section 2.3).
constexpr std::uint32_t kFarFromSeam = 1U << 30;
constexpr DurationNs kAnswerInterval = 100 * kMillisecond;

constexpr Direction opposite(Direction direction) {
  return direction == Direction::request ? Direction::response : Direction::request;
}

void make_zeros(rte_mbuf* m, std::size_t offset, std::size_t count) {
  for (; m != nullptr && count > 0; m = m->next) {
    if (offset >= m->data_len) {
      offset -= m->data_len;
      continue;
    }
    const std::size_t here = std::min<std::size_t>(m->data_len - offset, count);
    std::memset(rte_pktmbuf_mtod_offset(m, std::uint8_t*, offset), 0, here);
    count -= here;
    offset = 0;
  }
}

bool has_partial_checksum(const rte_mbuf* packet) {
  return (packet->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE;
}

// As if it had come without: whoever sends it adds up.
void forget_checksum(const wire::Frame& frame, rte_mbuf* packet) {
  const std::uint8_t* ip = rte_pktmbuf_mtod_offset(packet, const std::uint8_t*, frame.l3_offset);
  std::uint8_t* header = rte_pktmbuf_mtod_offset(packet, std::uint8_t*, frame.l4_offset);
  const std::size_t l4_bytes = frame.payload_offset - frame.l4_offset + std::size_t{frame.payload_bytes};
  store_be16(header + wire::kTcpChecksumOffset, port::pseudo_header_sum_of(ip, wire::kProtocolTcp, l4_bytes));
  packet->ol_flags = (packet->ol_flags & ~RTE_MBUF_F_RX_L4_CKSUM_MASK) | RTE_MBUF_F_RX_L4_CKSUM_NONE;
}

}  // namespace

Splice::Splice(const tcp::Seam& client, const tcp::Seam& server)
    : ways_{join(client, server), join(server, client)},
      is_plain_(ways_[0].renumbering.is_none() && ways_[1].renumbering.is_none()) {}

Splice::Way Splice::join(const tcp::Seam& from, const tcp::Seam& to) {
  const std::uint32_t seq = to.send_next - from.receive_next;
  return {.renumbering = {.seq = seq,
                          .ack = to.receive_next - from.send_next,
                          .window_from = from.send_shift,
                          .window_to = to.receive_shift},
          .begin = from.receive_next,
          .next = from.receive_next,
          .acked = from.receive_next,
          .edge = tcp::later(from.receive_edge, to.send_edge - seq),
          .shift = from.send_shift,
          .mss = std::max(to.mss, kSmallestMss)};
}

Splice::Passage Splice::note(Direction direction, const wire::Frame& frame) {
  Way& own = way(direction);
  Way& other = way(opposite(direction));
  if ((frame.flags & wire::kSyn) != 0) return {};
  Passage passage{.passes = true, .repeats = own.repeats(frame)};
  const State before_it = state_;
  if ((frame.flags & wire::kAck) != 0) note_acknowledgement(other, own, frame);
  if ((frame.flags & wire::kRst) != 0) {
    note_reset(direction, frame);
  } else {
    passage.fresh = note_bytes(own, frame);
    if (state_ == State::open && own.finished() && other.finished()) state_ = State::finished;
  }
  passage.ends = state_ != before_it;
  return passage;
}

void Splice::note_acknowledgement(Way& acknowledged, Way& by, const wire::Frame& frame) {
  const std::uint32_t ack = frame.ack + by.renumbering.ack;
  if (after(ack, acknowledged.end())) return;  // of what was never sent
  acknowledged.acked = tcp::later(acknowledged.acked, ack);
  acknowledged.edge = tcp::later(acknowledged.edge, ack + (std::uint32_t{frame.window} << by.shift));
  if (ack == acknowledged.acked) by.window = frame.window;
}

// The bytes among them that are new. What lies beyond every window counts for nothing; its receiver refuses it.
std::uint32_t Splice::note_bytes(Way& way, const wire::Frame& frame) {
  const bool is_fin = (frame.flags & wire::kFin) != 0;
  if (frame.payload_bytes == 0 && !is_fin) return 0;
  const std::uint32_t end = frame.seq + frame.payload_bytes;
  if (after(end, way.edge + kBeyondEdge)) return 0;
  const std::uint32_t fresh = distance(way.next, end);
  way.next += fresh;
  if (fresh > 0) {
    way.fin_seen = false;  // a FIN that was none: the stream goes on behind it
    way.near_seam = way.near_seam && way.next - way.begin < kFarFromSeam;
  }
  if (is_fin && end == way.next) {
    way.fin_seen = true;
    way.fin_end = end + 1;
  }
  return fresh;
}

// Its receiver takes a reset at exactly the next number that it expects (RFC 5961 section 3.2). That is what it
// acknowledged last; or all that was sent, the rest of which may still be on its way. Where both streams are delivered
// and only the last ACK is missing it is no failure, as in Leg::input_reset.
void Splice::note_reset(Direction direction, const wire::Frame& frame) {
  const Way& own = way(direction);
  if (state_ != State::open || (frame.seq != own.acked && frame.seq != own.end())) return;
  const bool delivered = own.finished() && way(opposite(direction)).fin_seen;
  state_ = delivered                         ? State::finished
           : direction == Direction::request ? State::reset_by_client
                                             : State::reset_by_server;
}

bool Splice::carry(Direction direction, const wire::Frame& frame, rte_mbuf* packet) const {
  const Way& own = way(direction);
  const std::size_t header_bytes = frame.payload_offset - frame.l4_offset;
  const std::size_t option_bytes = header_bytes - wire::kTcpHeaderBytes;
  std::uint8_t* header = rte_pktmbuf_mtod_offset(packet, std::uint8_t*, frame.l4_offset);
  if (!own.renumbering.is_none()) wire::renumber({header, header_bytes}, own.renumbering, has_partial_checksum(packet));
  const bool repeats = own.repeats(frame);
  if (repeats)
    make_zeros(packet, frame.payload_offset, std::min<std::size_t>(frame.payload_bytes, own.begin - frame.seq));
  const bool is_coalesced = (packet->ol_flags & RTE_MBUF_F_RX_LRO) != 0;
  const bool is_too_large = frame.payload_bytes + option_bytes > own.mss;
  if (repeats || (is_too_large && !is_coalesced)) forget_checksum(frame, packet);
  if (is_too_large) {  // many segments at once, or one that its sender was told it may send and the receiver cannot
                       // take
    const auto segment_bytes = static_cast<std::uint16_t>(own.mss - option_bytes);
    packet->tso_segsz = is_coalesced ? std::min<std::uint16_t>(packet->tso_segsz, segment_bytes) : segment_bytes;
    packet->ol_flags |= RTE_MBUF_F_RX_LRO;
  }
  return port::prepare_forward(packet);
}

Splice::Numbers Splice::numbers(Direction direction) const {
  const Way& own = way(direction);
  const wire::Renumbering& by = own.renumbering;
  return {.seq = own.end() + by.seq,
          .expected_seq = own.acked + by.seq,
          .ack = way(opposite(direction)).acked,
          .window = wire::rescaled_window(own.window, by.window_from, by.window_to)};
}

std::optional<std::uint32_t> Splice::in_flight(Direction direction, std::uint32_t seq) const {
  const Way& own = way(direction);
  const std::uint32_t sent = seq - own.renumbering.seq;
  if (before(sent, own.acked) || after(sent, own.end())) return std::nullopt;
  return sent;
}

bool Splice::may_answer(TimeNs now) {
  if (answered_at_ != 0 && now - answered_at_ < kAnswerInterval) return false;
  answered_at_ = now;
  return true;
}

tcp::LegInfo Splice::info(Direction direction) const {
  const Way& in = way(direction);
  const Way& out = way(opposite(direction));
  tcp::LegInfo info;
  info.state = tcp::state_of(out.fin_seen, out.finished(), in.fin_seen);
  if (state_ == State::finished) info.state = tcp::TcpState::time_wait;
  if (state_ == State::reset_by_client || state_ == State::reset_by_server) info.state = tcp::TcpState::closed;
  info.send_shift = in.shift;
  info.receive_shift = out.renumbering.window_to;
  info.mss = out.mss;
  info.in_flight_bytes = out.end() - out.acked;
  info.send_window_bytes = distance(out.acked, out.edge);
  info.receive_window_bytes = distance(in.acked, in.edge);
  return info;
}

}  // namespace sluice::session
