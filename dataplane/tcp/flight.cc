// What an ACK means for what is in flight.
#include "dataplane/tcp/flight.h"

#include <array>

namespace sluice::tcp {
namespace {

constexpr std::uint32_t kDuplicatesForLoss = 3;
// A probe waits at least this much longer than two round trips: for a peer's batch and our own timers.
constexpr DurationNs kProbeSlack = 2 * kMillisecond;
constexpr DurationNs kLongestAckDelay = 200 * kMillisecond;  // for a lone segment (RFC 8985 section 7.2)

}  // namespace

Flight::Flight(bool sack, std::uint16_t mss, std::uint32_t send_next, CongestionControl control, buffer::Blocks& blocks)
    : board_(blocks),
      mss_(mss),
      sack_(sack),
      limited_until_(send_next - 1),
      recover_(send_next - 1),
      rack_(send_next),
      congestion_(control, mss),
      echo_until_(send_next - 1) {}

void Flight::sent_again(std::uint32_t begin, std::uint32_t end, std::uint32_t ts_value, TimeNs now) {
  board_.sent_again(begin, end, now, rtt_.smoothed() / kMomentsInRoundTrip);
  if (phase_ == Phase::recovery) prr_.on_sent(end - begin);
  if (!undoable_) return;
  again_bytes_ += end - begin;
  if (stamped_) return;
  stamped_ = true;
  again_ts_ = ts_value;
}

bool Flight::on_acknowledgement(const Acknowledgement& in, TimeNs now) {
  Delivery delivery;
  const auto delivered = [&](const Sent& piece) { note_delivered(piece, delivery, now); };
  if (in.advances()) board_.acknowledge(in.ack, delivered);
  // What a filled hole acknowledges may have arrived long ago, where SACK did not tell of it: no measure of the path.
  if (phase_ != Phase::open) delivery.clean = false, delivery.rtt = 0;
  if (!in.sack.empty() && sack_) take_blocks(in, delivered);
  measure(delivery);
  const bool partial = phase_ == Phase::recovery && in.advances() && before(in.ack, recover_);
  react(in, delivery, now);
  if (!partial || sack_) return in.advances();
  // "Impatient": without SACK, many losses end in a timeout rather than a long crawl (RFC 6582 section 4).
  const bool first = !partial_seen_;
  partial_seen_ = true;
  return first;
}

template <class Fn>
void Flight::take_blocks(const Acknowledgement& in, Fn&& delivered) {
  const std::uint32_t first = later(in.ack, in.unacked);
  const wire::SackBlock& lead = in.sack[0];
  const bool inside_next =
      in.sack.size() > 1 && !before(lead.begin, in.sack[1].begin) && !after(lead.end, in.sack[1].end);
  const bool repeated = before(lead.begin, in.ack) || inside_next;  // RFC 2883 section 4
  if (repeated) on_dsack(lead, in);
  std::array<wire::SackBlock, wire::SackBlocks::kMost> blocks;  // in order, so that one ACK shows no reordering
  std::size_t count = 0;
  for (wire::SackBlock block : in.sack.subspan(repeated ? 1 : 0)) {
    block.begin = later(block.begin, first);
    if (!before(block.begin, block.end) || after(block.end, in.send_max) || count == blocks.size()) continue;
    std::size_t at = count++;
    for (; at > 0 && before(block.begin, blocks[at - 1].begin); --at) blocks[at] = blocks[at - 1];
    blocks[at] = block;
  }
  for (std::size_t i = 0; i < count; ++i) board_.sack(blocks[i].begin, blocks[i].end, delivered);
}

void Flight::on_dsack(const wire::SackBlock& block, const Acknowledgement& in) {
  if (!before(block.begin, block.end) || after(block.end, in.send_max)) return;
  if (probing_ && probe_is_again_ && block.end == probe_end_) {
    probe_repeated_ = true;
    return;
  }
  const bool ours = undoable_ && !before(block.begin, undo_from_) && !after(block.end, recover_) && again_bytes_ > 0;
  if (!ours) return;  // the network repeats too
  rack_.on_dsack(in.unacked, in.send_max);
  again_bytes_ -= std::min(again_bytes_, block.end - block.begin);
  if (again_bytes_ == 0) all_repeated_ = true;
}

void Flight::react(const Acknowledgement& in, Delivery& delivery, TimeNs now) {
  if (probing_ && !before(in.ack, probe_end_)) end_probe(in, now);
  const bool first_copy =
      stamped_ && phase_ != Phase::open && in.advances() && in.has_echo && before(in.ts_echo, again_ts_);
  if (undoable_ && (all_repeated_ || first_copy)) undo(now);

  const std::uint32_t lost_before = board_.lost_bytes();
  too_large_ = too_large_ && lost_before > 0;
  if (sack_) {
    detect_by_time(now);
  } else {
    detect_by_duplicates(in, delivery);
  }
  const bool more_lost = board_.lost_bytes() > lost_before;
  if (delivery.bytes > 0) silence_probed_ = false;

  const Phase during = phase_;
  if (phase_ != Phase::open && !before(in.ack, recover_)) leave_recovery();
  if (phase_ == Phase::open && (more_lost || (board_.lost_bytes() > 0 && !too_large_)))
    return enter_recovery(in, delivery, now);
  if (during == Phase::timeout) {
    congestion_.on_acknowledged(delivery.bytes, now, rtt_.smoothed());
  } else if (during == Phase::open) {
    if (in.advances()) grow(delivery, in.ack, now);
  } else if (phase_ == Phase::recovery && delivery.bytes > 0) {
    congestion_.set_window(
        prr_.window(delivery.bytes, pipe_bytes(), congestion_.threshold_bytes(), mss_, in.advances() && !more_lost));
  }
}

void Flight::detect_by_time(TimeNs now) {
  reorder_at_ = kNever;
  const bool impatient = phase_ != Phase::open || board_.sacked_bytes() >= kDuplicatesForLoss * mss_;
  const DurationNs window = rack_.window(rtt_.smoothed(), impatient);
  for (std::size_t i = 0; i < board_.records(); ++i) {
    if (board_.record(i).state != Sent::State::flying) continue;
    const TimeNs at = rack_.lost_at(board_.record(i), window);
    if (at == kNever) continue;
    if (at <= now) {
      board_.mark_lost(i);
    } else {
      reorder_at_ = reorder_at_ == kNever ? at : std::max(reorder_at_, at);
    }
  }
}

// Each duplicate is a segment that arrived behind a hole; which one, nobody knows.
void Flight::detect_by_duplicates(const Acknowledgement& in, Delivery& delivery) {
  const std::uint32_t front_end = in.ack + mss_;
  if (in.advances()) {
    delivery.bytes -= std::min(delivery.bytes, presumed_bytes_);
    presumed_bytes_ = 0;
    duplicates_ = 0;
    if (phase_ == Phase::recovery && before(in.ack, recover_)) board_.mark_front_lost(front_end);
    return;
  }
  if (!in.duplicate || phase_ == Phase::timeout) return;
  presumed_bytes_ = std::min(presumed_bytes_ + mss_, board_.flying_bytes());
  delivery.bytes += mss_;
  duplicates_ = static_cast<std::uint8_t>(std::min<std::uint32_t>(duplicates_ + 1u, kDuplicatesForLoss + 1));
  if (phase_ == Phase::open && duplicates_ == kDuplicatesForLoss && after(in.ack, recover_))
    board_.mark_front_lost(front_end);
}

// RFC 8985 section 7.4.2: a probe that went again and was needed repaired a loss that nothing else told of.
void Flight::end_probe(const Acknowledgement& in, TimeNs now) {
  const bool needless = !probe_is_again_ || probe_repeated_;
  const bool repaired = !needless && after(in.ack, probe_end_);
  if (!needless && !repaired && !in.duplicate) return;
  probing_ = probe_repeated_ = false;
  if (!repaired || phase_ != Phase::open) return;
  congestion_.on_loss(in.send_max - in.unacked, now);
  congestion_.on_recovered();
}

void Flight::enter_recovery(const Acknowledgement& in, const Delivery& delivery, TimeNs now) {
  phase_ = Phase::recovery;
  too_large_ = false;
  partial_seen_ = false;
  recover_ = in.send_max;
  probing_ = probe_repeated_ = silence_probed_ = false;
  probe_at_ = kNever;
  begin_undoable(in.ack);
  if (is_lowered_for(in.ack, now)) {
    undoable_ = false;
  } else {
    congestion_.on_loss(in.send_max - in.unacked, now);
  }
  prr_.begin(board_.flying_bytes() + board_.lost_bytes() + delivery.bytes);
  congestion_.set_window(prr_.window(delivery.bytes, pipe_bytes(), congestion_.threshold_bytes(), mss_, false));
}

// RFC 3168 section 6.1.2, by as much as a loss: marks come where a loss would (RFC 8511 has reasons for less where
// queues are short; nothing tells us that they are).
bool Flight::on_congestion_echo(std::uint32_t ack, std::uint32_t unacked, std::uint32_t send_max, TimeNs now) {
  if (is_lowered_for(ack, now)) return false;
  echo_at_ = now;
  echo_until_ = send_max;
  ++echoes_;
  undoable_ = false;
  if (phase_ != Phase::open) return true;  // a loss did it
  congestion_.on_loss(send_max - unacked, now);
  congestion_.set_window(std::min(congestion_.window_bytes(), congestion_.threshold_bytes()));
  return true;
}

void Flight::leave_recovery() {
  if (phase_ == Phase::recovery) congestion_.on_recovered();
  phase_ = Phase::open;
  rack_.on_recovered();
}

void Flight::begin_undoable(std::uint32_t from) {
  undoable_ = true;
  stamped_ = all_repeated_ = false;
  again_bytes_ = 0;
  undo_from_ = from;
}

void Flight::undo(TimeNs now) {
  congestion_.undo();
  board_.unmark_lost(now);
  phase_ = Phase::open;
  undoable_ = stamped_ = all_repeated_ = false;
}

void Flight::send_smaller(std::uint32_t send_max) {
  board_.mark_larger_lost(mss_);
  presumed_bytes_ = 0;
  duplicates_ = 0;
  probing_ = probe_repeated_ = false;
  if (phase_ != Phase::open) return;
  too_large_ = true;
  undoable_ = false;
  recover_ = send_max;  // duplicate ACKs of what got through tell of this loss (RFC 6582 section 3.2)
}

// RFC 6298 section 5 and RFC 5681 section 3.1. A peer whose SACKed bytes are next and that still does not
// acknowledge them dropped them (RFC 2018 section 8); so may one that a second timeout did not move.
void Flight::on_timeout(std::uint32_t unacked, std::uint32_t send_max, TimeNs now) {
  const bool reneged = !board_.empty() && board_.record(0).state == Sent::State::sacked;
  if (reneged || backoff_ > 0) board_.forget_sacks();
  board_.mark_all_lost();
  const bool first = phase_ == Phase::open || (phase_ == Phase::timeout && backoff_ == 0);
  if (first) {
    begin_undoable(unacked);
  } else if (phase_ == Phase::recovery) {
    undoable_ = false;
  }
  congestion_.on_timeout(send_max - unacked, first, now);
  phase_ = Phase::timeout;
  recover_ = send_max;
  duplicates_ = 0;
  presumed_bytes_ = 0;
  probing_ = probe_repeated_ = false;
  reorder_at_ = probe_at_ = kNever;
  ++backoff_;
}

bool Flight::on_early_timer(const Acknowledgement& last, TimeNs now) {
  if (reorder_at_ <= now) {
    const std::uint32_t lost_before = board_.lost_bytes();
    detect_by_time(now);
    if (phase_ == Phase::open && board_.lost_bytes() > lost_before) enter_recovery(last, {}, now);
  }
  const bool probe = probe_at_ <= now;
  if (probe) probe_at_ = kNever;
  return probe;
}

// RFC 8985 section 7.2. One probe at a time, and none where SACK tells more. Goes beyond it in a recovery: what leaves
// there is often one frame, whose loss nothing but the timeout would tell of (RFC 9002 section 6.2 probes there too).
void Flight::arm_probe(TimeNs now, TimeNs rto_at) {
  probe_at_ = kNever;
  if (!sack_ || phase_ == Phase::timeout || board_.empty()) return;
  if (phase_ == Phase::recovery ? silence_probed_ : probing_ || board_.sacked_bytes() > 0) return;
  DurationNs wait = rtt_.smoothed() == 0 ? kInitialRto : 2 * rtt_.smoothed() + kProbeSlack;
  const bool ack_may_wait = board_.flying_bytes() <= mss_ && board_.sacked_bytes() == 0;  // RFC 5681 section 4.2
  if (ack_may_wait) wait += kLongestAckDelay;
  probe_at_ = std::min(now + wait, rto_at);
}

void Flight::clear() {
  board_.clear();
  reorder_at_ = probe_at_ = kNever;
}

}  // namespace sluice::tcp
