// One leg: a TCP connection between Sluice and one peer, from its establishment to its end.
// Pure: time comes in as `now`, segments come in by input() and go out by output(); no clock, no
// I/O, no lock. The handshake is relayed (session/), so a leg begins established.
// Sequence space, options and timestamps are those of the far peer that this leg stands for.
// After any call that may make something due (input, read, write, finish, abort, set_*, on_timer),
// output() is called before the burst ends. A closed leg may go when next_deadline() is kNever (its RST
// is out then). The pools and the limits outlive the leg.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "common/error.h"
#include "common/time.h"
#include "dataplane/buffer/chain.h"
#include "dataplane/tcp/flight.h"
#include "dataplane/tcp/held.h"
#include "dataplane/tcp/leg_info.h"
#include "dataplane/tcp/pacer.h"
#include "dataplane/tcp/path_mtu.h"
#include "dataplane/tcp/pressure.h"
#include "dataplane/tcp/reassembly.h"
#include "dataplane/tcp/receive_tuning.h"
#include "dataplane/tcp/rest.h"
#include "dataplane/tcp/seam.h"
#include "dataplane/tcp/segment.h"
#include "dataplane/tcp/setup.h"
#include "dataplane/wire/icmp.h"

namespace sluice::tcp {

struct LegLimits {
  std::uint32_t receive_bytes = 1u << 20;     // most of: unread, held and queued on the other leg, together
  std::uint32_t first_receive_bytes = 65536;  // the same at the beginning, until the path shows that it takes more
  std::uint32_t send_bytes = 1u << 20;        // accepted by write() and not yet acknowledged
  std::uint32_t pinned_bytes = 4u << 20;      // memory really pinned by the receive queues and downstream
  std::uint32_t out_of_order_segments = 64;   // runs of bytes that wait for a hole to be filled; Reassembly's at most
  std::uint32_t burst_bytes = 65536 - 128;    // largest payload of one SegmentOut, which is cut below
  DurationNs give_up_after = 120 * kSecond;   // without progress on retransmission, or an answer to probes
  DurationNs time_wait = 60 * kSecond;
  CongestionControl congestion = CongestionControl::cubic;
  DurationNs ack_delay = kMillisecond;  // for an ACK to find a segment that carries it (RFC 1122 section 4.2.3.2)
  DurationNs answer_delay = 40 * kMillisecond;  // the same while an answer is expected, which will carry it
  bool relay_keepalives = false;  // a peer's probe waits for answer_keepalive(), else it is answered at once
  Pressure* pressure = nullptr;   // the worker's, if there is one: outlives the legs

  [[nodiscard]] std::uint32_t first_window_bytes() const { return std::min(first_receive_bytes, receive_bytes); }
};

enum class LegState : std::uint8_t {
  open,       // at least one side has not finished
  time_wait,  // both finished, we closed first
  closed,     // gone; `closed_by()` says why. What was received in order can still be read.
};

class Leg {
 public:
  Leg(const LegSetup& setup, const LegLimits& limits, buffer::Pools& pools, TimeNs now);
  Leg(const LegRest& rest, const LegLimits& limits, buffer::Pools& pools, TimeNs now);
  Leg(const Leg&) = delete;
  Leg& operator=(const Leg&) = delete;

  // A segment of this connection whose checksum is right. Takes the payload.
  // Returns ok, or why (part of) it was not taken; that is counted, never fatal.
  ErrorCode input(SegmentIn&& segment, TimeNs now);
  // A run that begins with `first` may come as one segment: what comes of that is what would come of it one by one. Of
  // acknowledgements the last may come for all, where they tell of nothing but progress.
  [[nodiscard]] bool takes_run(const SegmentIn& first, const RunIn& run) const;
  // The network did not deliver a segment of this leg, and quotes it. What became of that: icmp_path_mtu, icmp_noted,
  // or icmp_blind.
  ErrorCode input_error(const wire::IcmpError& error, TimeNs now);

  // --- bytes from the peer, in order
  [[nodiscard]] std::size_t readable_bytes() const { return receive_.length_bytes(); }
  // Moves up to `limit` bytes to the end of `out`; false when no view mbuf is free (try again).
  [[nodiscard]] bool read(std::size_t limit, buffer::Chain& out);
  // The peer sent FIN and all bytes before it were read.
  // It sent FIN, whether or not all before that was read.
  [[nodiscard]] bool heard_finish() const { return peer_finished_; }
  // The end of all that was sent, and the TSval that goes with it: what comes after them is new to the peer.
  [[nodiscard]] std::uint32_t send_end() const { return send_max_; }
  [[nodiscard]] std::uint32_t ts_value() const { return ts_value_; }
  [[nodiscard]] bool read_finished() const { return peer_finished_ && receive_.empty(); }
  // Bytes that were read here and still wait further down, and the memory they pin; the receive window shrinks by
  // them. `undecided`: of these, what cannot go on before more comes; it counts to the limit alone, or nothing would.
  void set_downstream_bytes(std::size_t bytes, std::size_t pinned_bytes = 0, std::size_t undecided = 0);

  // --- bytes to the peer
  [[nodiscard]] std::size_t write_room_bytes() const;         // send_bytes minus what is queued
  [[nodiscard]] std::size_t unacknowledged_bytes() const;     // queued or in flight
  [[nodiscard]] std::size_t unacknowledged_segments() const;  // mbufs that these bytes lie in
  void write(buffer::Chain&& bytes);                          // may exceed the room; the room is advice
  void finish();                                              // FIN after everything written
  [[nodiscard]] bool finished() const { return fin_acked_; }  // our FIN was acknowledged
  void abort(ErrorCode why);                                  // closed; RST with the next output()

  // What came asks for an answer, and nothing else is to come before: its ACK may wait longer for the ride.
  void expect_answer(bool expected) { answer_expected_ = expected; }
  // relay_keepalives: whether a probe came that waits for its answer; true once for each.
  [[nodiscard]] bool take_keepalive() { return std::exchange(keepalive_heard_, false); }
  void answer_keepalive() { ack_due_ = state_ != LegState::closed; }
  // Asks the peer whether it is there.
  void send_keepalive() { window_probe_due_ = state_ == LegState::open; }

  // The TSval that this leg stamps from now on (mirrored from the other peer). Never goes back.
  void set_ts_value(std::uint32_t ts_value);

  // Emits whatever is due: data, ACKs, retransmissions, probes, FIN, RST.
  void output(TimeNs now, SegmentSink& sink);
  // When on_timer() and output() must be called although nothing came in; kNever for not at all.
  [[nodiscard]] TimeNs next_deadline() const { return std::min({timer_at_, retry_at_, ack_at_, flight_.early_at()}); }
  // Handles what is due at `now` (retransmission timer and so on); output() emits the result.
  void on_timer(TimeNs now);

  [[nodiscard]] LegState state() const { return state_; }
  [[nodiscard]] ErrorCode closed_by() const { return closed_by_; }  // ok for an orderly end
  [[nodiscard]] std::uint16_t mss() const { return mss_; }          // payload of one segment
  [[nodiscard]] bool may_begin_anew(const wire::Frame& syn) const { return rest().may_begin_anew(syn); }
  [[nodiscard]] std::size_t pinned_bytes() const;  // walks the queues; not for the hot path
  [[nodiscard]] LegInfo info() const;              // for people
  [[nodiscard]] bool is_quiet() const;             // nothing is under way (seam.h)
  [[nodiscard]] Seam seam() const;                 // of a quiet leg
  [[nodiscard]] bool is_settled() const;           // it is over, and nothing but time is missing
  [[nodiscard]] LegRest rest() const;              // of a quiet or a settled leg

 private:
  enum class Timer : std::uint8_t { none, retransmit, persist, time_wait };
  enum class Done : std::uint8_t { progress, nothing, failed };
  static constexpr std::uint16_t kTimestampOptionBytes = 12;  // with padding; every segment carries it
  struct Window {
    std::uint16_t field;  // as on the wire
    std::uint32_t edge;   // the right edge that the peer may then use
  };

  // input.cc: what a segment means
  [[nodiscard]] bool is_expected(const SegmentIn& segment, std::size_t payload_bytes) const;
  ErrorCode input_unexpected(SegmentIn&& segment, TimeNs now);
  ErrorCode input_reset(const SegmentIn& segment, TimeNs now);
  ErrorCode input_after_close(const SegmentIn& segment);
  void remember_timestamp(const SegmentIn& segment, TimeNs now);
  [[nodiscard]] bool is_from_the_past(const SegmentIn& segment, TimeNs now) const;
  ErrorCode refuse_past(const SegmentIn& segment, TimeNs now);
  void challenge(TimeNs now);
  [[nodiscard]] bool is_keepalive(const SegmentIn& segment) const;

  // receive.cc: bytes, FIN and the window we offer
  ErrorCode receive_in_order(buffer::Chain&& payload);
  ErrorCode receive_data(std::uint32_t seq, buffer::Chain&& payload);
  void note_repeated(std::uint32_t begin, std::uint32_t end);
  [[nodiscard]] bool has_sack_news() const {
    return sack_ && (!reassembly_.empty() || repeated_.begin != repeated_.end);
  }
  std::size_t list_sack_blocks(std::span<wire::SackBlock> out) const;
  ErrorCode compare_old(std::uint32_t seq, const buffer::Chain& payload) const;
  void note_fin(std::uint32_t fin_seq, TimeNs now);
  void take_fin(TimeNs now);
  [[nodiscard]] ErrorCode make_room(std::size_t pinned_bytes, bool in_order);
  [[nodiscard]] std::size_t receive_pinned_bytes() const;
  [[nodiscard]] std::size_t pinned_limit() const { return std::max(limits_.pinned_bytes, receive_bytes_); }
  [[nodiscard]] bool is_under_pressure() const { return limits_.pressure != nullptr && !limits_.pressure->is_calm(); }
  [[nodiscard]] std::uint32_t bounded_by_pressure(std::uint32_t window_bytes) const;
  [[nodiscard]] bool should_compact(std::size_t pinned_bytes) const;
  void follow_path(TimeNs now) {
    const std::uint32_t held = static_cast<std::uint32_t>(receive_.length_bytes()) + downstream_bytes_;
    if (tuning_.is_round_over(receive_next_ - held))
      tuning_.end_round(receive_next_ - held, receive_edge_, bounded_by_pressure(receive_bytes_),
                        flight_.rtt().smoothed(), now);
  }
  [[nodiscard]] std::uint32_t receive_room_bytes() const;
  [[nodiscard]] Window next_window() const;
  [[nodiscard]] bool window_update_due() const;

  // acknowledge.cc: what an ACK tells
  void on_acknowledgement(const SegmentIn& segment, TimeNs now);
  void on_progress(std::uint32_t ack, bool restart_timer, TimeNs now);
  void on_same_acknowledgement(const SegmentIn& segment, TimeNs now);
  [[nodiscard]] Acknowledgement acknowledgement_of(const SegmentIn& segment) const;
  [[nodiscard]] Acknowledgement last_acknowledgement() const;
  void update_send_window(const SegmentIn& segment);

  // ecn.cc: marks of congestion, theirs and ours
  void note_marks(const SegmentIn& segment, TimeNs now);

  // output.cc: what is due goes out
  bool emit(std::uint32_t seq, std::uint8_t flags, buffer::Chain&& payload, SegmentSink& sink, bool is_new = false);
  bool emit_reset(SegmentSink& sink);
  [[nodiscard]] bool is_ack_due(TimeNs now);
  Done emit_data(TimeNs now, SegmentSink& sink);
  Done emit_lost(const wire::SackBlock& lost, TimeNs now, SegmentSink& sink);
  Done emit_unsent(TimeNs now, SegmentSink& sink);
  Done emit_again(std::uint32_t begin, std::uint32_t end, TimeNs now, SegmentSink& sink);
  Done emit_new(std::uint32_t length, bool with_fin, TimeNs now, SegmentSink& sink);
  Done emit_loss_probe(TimeNs now, SegmentSink& sink);
  Done emit_window_probe(SegmentSink& sink);
  [[nodiscard]] std::uint32_t paced_bytes(TimeNs now);
  [[nodiscard]] std::uint32_t sendable_bytes(std::uint32_t available, std::uint32_t room, std::uint32_t burst) const;
  [[nodiscard]] std::uint32_t in_flight_bytes() const { return send_max_ - send_unacked_; }
  [[nodiscard]] bool has_unsent() const { return !unsent_.empty() || (fin_queued_ && !fin_sent_); }

  // timers.cc
  void set_timer(Timer timer, TimeNs now);
  void settle_timer(TimeNs now);
  void on_retransmission_timeout(TimeNs now);

  // path_mtu.cc
  ErrorCode input_too_big(const wire::IcmpError& error, TimeNs now);
  void set_mss(std::uint16_t mss);
  [[nodiscard]] std::uint16_t option_bytes() const { return timestamps_ ? kTimestampOptionBytes : std::uint16_t{0}; }

  // leg.cc
  void close(ErrorCode why);
  void finish_if_both_did(TimeNs now);

  // First what a segment in order touches, by the line.
  std::uint32_t receive_next_;
  std::uint32_t receive_edge_;  // never retreats: the peer may send up to here
  std::uint32_t send_unacked_;
  std::uint32_t send_max_;  // end of all that was ever sent
  std::uint32_t send_window_;
  std::uint32_t window_seq_;  // SND.WL1 and SND.WL2: the segment that last told the window
  std::uint32_t window_ack_;
  std::uint32_t ts_recent_;
  std::uint32_t ts_value_;
  std::uint32_t last_ack_sent_;
  std::uint32_t largest_send_window_;
  std::uint32_t largest_receive_window_;
  std::uint32_t receive_bytes_;  // of the limits, as this leg can tell them
  std::uint32_t burst_bytes_;
  std::uint32_t downstream_bytes_ = 0;
  std::uint32_t undecided_bytes_ = 0;  // of these
  std::uint16_t mss_;                  // payload of one segment, our options taken off
  std::uint16_t receive_mss_;
  std::uint8_t send_shift_;
  std::uint8_t receive_shift_;
  bool sack_;
  bool timestamps_;
  bool ecn_;
  bool echo_congestion_ = false;  // what came was marked, and the peer has not yet answered for that
  bool reduced_ = false;          // the peer told of marks, and the next new segment says that the window went down
  LegState state_ = LegState::open;
  Timer timer_ = Timer::none;
  bool ack_due_ = false;
  bool ack_wanted_ = false;  // within ack_delay, or once two full segments came
  bool answer_expected_ = false;
  bool window_probe_due_ = false;
  bool keepalive_heard_ = false;
  bool loss_probe_due_ = false;
  bool loss_probe_stale_ = false;  // the flight changed since its timer was set
  bool fin_queued_ = false;
  bool fin_sent_ = false;
  bool fin_acked_ = false;
  bool closed_first_ = false;  // our FIN left before the peer's came
  bool peer_fin_seen_ = false;
  bool peer_finished_ = false;
  bool reset_due_ = false;
  ErrorCode closed_by_ = ErrorCode::ok;
  const LegLimits& limits_;
  buffer::Pools& pools_;
  ReceiveTuning tuning_;
  std::uint32_t downstream_pinned_bytes_ = 0;
  TimeNs timer_at_ = kNever;
  TimeNs retry_at_ = kNever;  // something could not be emitted for lack of buffers, or was too early
  TimeNs ack_at_ = kNever;
  TimeNs progress_at_;  // when the peer last proved that it takes part
  TimeNs sent_at_;      // last data, for the restart after idling
  Pacer pacer_;
  PathMtu path_mtu_;
  TimeNs ts_recent_at_;
  Held receive_;
  buffer::Chain in_flight_;   // [send_unacked_, send_max_) without FIN
  buffer::Chain unsent_;      // what follows
  wire::SackBlock repeated_;  // what came twice, for one D-SACK; empty when nothing did
  Flight flight_;
  Reassembly reassembly_;

  TimeNs challenged_at_ = 0;
  std::uint32_t peer_fin_seq_ = 0;
  std::uint32_t reset_seq_ = 0;
  std::uint32_t network_errors_ = 0;  // that were believed
};

}  // namespace sluice::tcp
