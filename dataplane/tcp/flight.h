// What is in flight, what of it is lost, and how much more may leave: one recovery for every loss.
// With SACK, losses are found by time (rack.h) and by a probe after the tail (RFC 8985); without, duplicate ACKs
// stand for one delivered segment each (RFC 6582). Either way lost bytes leave again from the scoreboard as
// PRR allows, a timeout takes all for lost, and what proves needless is undone: by D-SACK (RFC 3708), or by a
// timestamp that is older than the retransmission (RFC 3522).
// Knows sequence numbers and time, no payload. The leg tells what leaves and what comes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "common/time.h"
#include "dataplane/tcp/congestion.h"
#include "dataplane/tcp/pacer.h"
#include "dataplane/tcp/prr.h"
#include "dataplane/tcp/rack.h"
#include "dataplane/tcp/rest.h"
#include "dataplane/tcp/rtt.h"
#include "dataplane/tcp/scoreboard.h"

namespace sluice::tcp {

// An acceptable acknowledgement.
struct Acknowledgement {
  std::uint32_t ack = 0;
  std::uint32_t unacked = 0;  // before it
  std::uint32_t send_max = 0;
  std::span<const wire::SackBlock> sack{};
  bool duplicate = false;  // nothing in it but the same number again (RFC 5681 section 2)
  bool has_echo = false;
  std::uint32_t ts_echo = 0;
  [[nodiscard]] bool advances() const { return after(ack, unacked); }
};

class Flight {
 public:
  Flight(bool sack, std::uint16_t mss, std::uint32_t send_next, CongestionControl control, buffer::Blocks& blocks);

  // What left. `ts_value`: the timestamp on it.
  void sent(std::uint32_t begin, std::uint32_t end, TimeNs now) {
    board_.sent(begin, end, now, rtt_.smoothed() / kMomentsInRoundTrip);
    if (phase_ == Phase::recovery) prr_.on_sent(end - begin);
  }
  void sent_again(std::uint32_t begin, std::uint32_t end, std::uint32_t ts_value, TimeNs now);

  // What came. The first is for an ACK that advances and has nothing else to say, while is_calm().
  [[nodiscard]] bool is_calm() const {
    return phase_ == Phase::open && !probing_ && !all_repeated_ &&
           (presumed_bytes_ | board_.sacked_bytes() | board_.lost_bytes()) == 0;
  }
  // Of several that advance, from `ack` on, the last may come for all: no loss is judged, and no round trip by each
  // (hystart.h).
  [[nodiscard]] bool takes_last_of(std::uint32_t ack) const {
    return is_calm() && (!congestion_.in_first_slow_start() || after(ack, limited_until_));
  }
  void on_progress(std::uint32_t ack, TimeNs now) {
    Delivery delivery;
    board_.acknowledge(ack, [&](const Sent& piece) { note_delivered(piece, delivery, now); });
    measure(delivery);
    grow(delivery, ack, now);
  }
  // Returns whether the retransmission timer starts over.
  bool on_acknowledgement(const Acknowledgement& acknowledgement, TimeNs now);
  void on_timeout(std::uint32_t unacked, std::uint32_t send_max, TimeNs now);
  // The peer tells of marks of congestion. True when the window went down for them: once a round trip, and where a loss
  // lowers it already, not again.
  bool on_congestion_echo(std::uint32_t ack, std::uint32_t unacked, std::uint32_t send_max, TimeNs now);
  // The congestion window, and nothing else, kept bytes beyond `send_max` from leaving.
  void note_limited(std::uint32_t send_max) { limited_until_ = send_max; }
  // The same of its pace, where the window is in use: bytes that wait a part of a round trip alone say nothing of it.
  void note_paced(std::uint32_t send_max) {
    if (pipe_bytes() >= congestion_.window_bytes() / 2) note_limited(send_max);
  }
  // New bytes wait after nothing was sent since `sent_at`.
  void note_idle(TimeNs sent_at, TimeNs now) {
    if (board_.empty() && now - sent_at > rtt_.rto()) congestion_.on_idle(now - sent_at, rtt_.rto());
  }

  // What may leave.
  [[nodiscard]] std::uint32_t room_bytes() const {
    const std::uint32_t pipe = pipe_bytes();
    return congestion_.window_bytes() > pipe ? congestion_.window_bytes() - pipe : 0;
  }
  // How fast that may leave.
  [[nodiscard]] Pace pace() const {
    const std::uint32_t window = congestion_.window_bytes();
    // In a recovery PRR says how much may leave; how fast follows from what the window goes down to.
    return {.window_bytes = phase_ == Phase::recovery ? std::max(window, congestion_.threshold_bytes()) : window,
            .round_trip = rtt_.smoothed(),
            .slow_start = congestion_.in_slow_start()};
  }
  // What may leave in one frame. Once something was lost, a window is at least two of them, so that what becomes of one
  // tells of the other before any timer does (Linux does so always).
  [[nodiscard]] std::uint32_t frame_bytes() const {
    if (congestion_.in_first_slow_start()) return ~std::uint32_t{0};
    return (congestion_.window_bytes() / 2 + mss_ - 1) / mss_ * mss_;
  }
  // More is better than a part of a frame of at most `most_bytes` now: what flies makes room within a short round trip,
  // and where frames are lost, a small one is lost as often as a large one (Linux: tcp_tso_win_divisor).
  [[nodiscard]] bool gathers_room(std::uint32_t most_bytes) const {
    return rtt_.smoothed() < Pace::kLeastRoundTrip && !congestion_.in_first_slow_start() && pipe_bytes() > 0 &&
           room_bytes() < std::min(congestion_.window_bytes(), most_bytes) / 3;
  }
  [[nodiscard]] bool has_lost() const { return board_.lost_bytes() > 0; }
  [[nodiscard]] wire::SackBlock first_lost() const { return board_.first_lost(); }
  // A piece of what is lost can be told from the rest of it; else ACKs of what flies have to make room first.
  [[nodiscard]] bool can_send_piece() { return board_.has_room() || board_.flying_bytes() == 0; }
  [[nodiscard]] bool full() { return board_.full(); }

  // The path takes less, or may take more again.
  void set_mss(std::uint16_t mss) {
    mss_ = mss;
    congestion_.set_mss(mss);
  }
  // What is in flight in larger segments than that was dropped, and is lost. That tells nothing of congestion (RFC 1191
  // section 6.5).
  void send_smaller(std::uint32_t send_max);

  // When on_early_timer() is due: something may have arrived out of order no longer, or the tail is to be probed.
  [[nodiscard]] TimeNs early_at() const { return std::min(reorder_at_, probe_at_); }
  // True when a probe is to be sent: what first_missing_end() bounds where probes_first_missing(), else new bytes if
  // there are, or the last again. probed() follows.
  [[nodiscard]] bool on_early_timer(const Acknowledgement& last, TimeNs now);
  void probed(std::uint32_t send_max, bool again) {
    if (phase_ == Phase::recovery) {
      silence_probed_ = true;
      return;
    }
    probe_end_ = send_max;
    probing_ = true;
    probe_is_again_ = again;
  }
  // In a recovery the last bytes have often arrived, and would tell nothing new; the first that are missing do.
  [[nodiscard]] bool probes_first_missing() const { return phase_ == Phase::recovery; }
  [[nodiscard]] std::uint32_t first_missing_end(std::uint32_t unacked) const {
    const std::uint32_t end = unacked + mss_;
    return before(board_.record(0).end, end) ? board_.record(0).end : end;
  }
  // After new bytes left or an ACK advanced; `rto_at`: when the retransmission timer fires.
  void arm_probe(TimeNs now, TimeNs rto_at);

  [[nodiscard]] DurationNs rto() const { return rtt_.rto(backoff_); }
  [[nodiscard]] DurationNs base_rto() const { return rtt_.rto(); }
  void back_off() { ++backoff_; }
  void forget_backoff() { backoff_ = 0; }

  // While nothing is in flight: what a flight that begins anew goes on with.
  [[nodiscard]] PathMemory memory() const {
    return {.rtt = rtt_,
            .window_bytes = congestion_.window_bytes(),
            .threshold_bytes = congestion_.threshold_bytes(),
            .congestion_echoes = echoes_,
            .backoff = backoff_};
  }
  void recall(const PathMemory& memory) {
    rtt_ = memory.rtt;
    congestion_.resume(memory.window_bytes, memory.threshold_bytes);
    echoes_ = memory.congestion_echoes;
    backoff_ = memory.backoff;
  }

  // For people.
  [[nodiscard]] bool in_recovery() const { return phase_ != Phase::open; }
  [[nodiscard]] unsigned backoff() const { return backoff_; }
  [[nodiscard]] std::uint32_t congestion_echoes() const { return echoes_; }
  [[nodiscard]] const Congestion& congestion() const { return congestion_; }
  [[nodiscard]] const RttEstimator& rtt() const { return rtt_; }

  // Everything is over.
  void clear();

 private:
  // What leaves within a part of the round trip that no measure needs finer is one record.
  static constexpr DurationNs kMomentsInRoundTrip = 32;

  enum class Phase : std::uint8_t { open, recovery, timeout };
  struct Delivery {  // by one ACK
    std::uint32_t bytes = 0;
    DurationNs rtt = 0;  // of what waited longest among what left once
    bool clean = false;
  };

  void note_delivered(const Sent& piece, Delivery& delivery, TimeNs now) {
    delivery.bytes += piece.bytes();
    rack_.on_delivered(piece, now);
    if (piece.retransmitted) return;
    delivery.clean = true;
    delivery.rtt = std::max(delivery.rtt, now - piece.sent_at);
  }
  void measure(const Delivery& delivery) {
    if (!delivery.clean) return;  // Karn: what left twice tells no round trip
    rtt_.sample(delivery.rtt);
    backoff_ = 0;
  }
  // Only what left while the window was full says that it could be larger (RFC 7661).
  void grow(const Delivery& delivery, std::uint32_t ack, TimeNs now) {
    const bool limited = !after(ack, limited_until_);
    if (!limited) limited_until_ = ack - 1;
    if (delivery.bytes == 0 || !limited) return;
    if (congestion_.in_first_slow_start())
      congestion_.on_round_trip(ack, ack + board_.flying_bytes(), delivery.clean ? delivery.rtt : 0);
    congestion_.on_acknowledged(delivery.bytes, now, rtt_.smoothed());
  }
  // Marks lowered the window for what `ack` acknowledges. By time too, as sequence numbers come round.
  [[nodiscard]] bool is_lowered_for(std::uint32_t ack, TimeNs now) const {
    return !after(ack, echo_until_) && now - echo_at_ <= rtt_.rto();
  }
  [[nodiscard]] std::uint32_t pipe_bytes() const {
    return board_.flying_bytes() - std::min(presumed_bytes_, board_.flying_bytes());
  }
  template <class Fn>
  void take_blocks(const Acknowledgement& in, Fn&& delivered);
  void on_dsack(const wire::SackBlock& block, const Acknowledgement& in);
  void react(const Acknowledgement& in, Delivery& delivery, TimeNs now);
  void detect_by_time(TimeNs now);
  void detect_by_duplicates(const Acknowledgement& in, Delivery& delivery);
  void end_probe(const Acknowledgement& in, TimeNs now);
  void enter_recovery(const Acknowledgement& in, const Delivery& delivery, TimeNs now);
  void leave_recovery();
  void begin_undoable(std::uint32_t from);
  void undo(TimeNs now);

  Scoreboard board_;
  TimeNs reorder_at_ = kNever;
  TimeNs probe_at_ = kNever;
  std::uint32_t mss_;
  const bool sack_;
  Phase phase_ = Phase::open;
  std::uint8_t duplicates_ = 0;
  std::uint8_t backoff_ = 0;
  bool probing_ = false;       // RFC 8985 section 7: a probe left and what became of it is not yet known
  bool all_repeated_ = false;  // every retransmission since was reported as repeated
  bool partial_seen_ = false;  // a partial ACK came in this recovery
  bool probe_is_again_ = false;
  bool probe_repeated_ = false;       // the peer had the probe's bytes before
  bool silence_probed_ = false;       // a probe left in this recovery, and nothing was delivered since
  bool undoable_ = false;             // the last reduction can still prove needless
  bool stamped_ = false;              // again_ts_ is set
  bool too_large_ = false;            // what is lost was larger than the path takes
  std::uint32_t limited_until_;       // what left before the window was last full
  std::uint32_t presumed_bytes_ = 0;  // delivered out of order, by the count of duplicate ACKs
  std::uint32_t recover_;             // the phase ends when this is acknowledged
  RttEstimator rtt_;
  Rack rack_;
  Congestion congestion_;
  Prr prr_;
  std::uint32_t probe_end_ = 0;
  std::uint32_t undo_from_ = 0;
  std::uint32_t again_bytes_ = 0;  // retransmitted since, and not reported as repeated
  std::uint32_t again_ts_ = 0;     // on the first of them
  TimeNs echo_at_ = 0;             // when marks last lowered the window
  std::uint32_t echo_until_;       // what had left by then
  std::uint32_t echoes_ = 0;
};

}  // namespace sluice::tcp
