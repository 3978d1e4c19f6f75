// How a leg begins, what its owner asks of it, and how it ends.
#include "dataplane/tcp/leg.h"

#include <algorithm>

#include "common/assert.h"
#include "dataplane/tcp/sequence.h"

namespace sluice::tcp {
namespace {

// A peer may announce any MSS. Below this, headers would be most of what we send (Linux: TCP_MIN_SND_MSS).
constexpr std::uint16_t kSmallestMss = kSmallestSegmentBytes + 12;
constexpr std::uint32_t kLargestScaledWindow = 1u << 30;  // RFC 7323 section 2.3
constexpr std::uint32_t kLargestBurst = 65535 - 60 - 60;  // IPv4 total length with full headers
constexpr std::uint8_t kLargestShift = 14;                // RFC 7323 section 2.3

// A window smaller than one unit of its scale could never be told.
std::uint32_t bounded_receive_bytes(const LegLimits& limits, std::uint8_t receive_shift) {
  return std::clamp(limits.receive_bytes, 1u << receive_shift, kLargestScaledWindow);
}

// What the handshake promised is no less.
std::uint32_t first_window_bytes(const LegLimits& limits, const LegSetup& setup, std::uint32_t most) {
  return std::min(std::max({limits.first_window_bytes(), setup.receive_window, 1u << kLargestShift}), most);
}

}  // namespace

Leg::Leg(const LegSetup& setup, const LegLimits& limits, buffer::Pools& pools, TimeNs now)
    : receive_next_(setup.receive_next),
      receive_edge_(setup.receive_next + std::min(setup.receive_window, kLargestScaledWindow)),
      send_unacked_(setup.send_next),
      send_max_(setup.send_next),
      send_window_(std::min(setup.send_window, kLargestScaledWindow)),
      window_seq_(setup.receive_next),
      window_ack_(setup.send_next),
      ts_recent_(setup.ts_recent),
      ts_value_(setup.ts_value),
      last_ack_sent_(setup.receive_next),
      largest_send_window_(send_window_),
      largest_receive_window_(receive_edge_ - receive_next_),
      receive_bytes_(bounded_receive_bytes(limits, std::min(setup.receive_shift, kLargestShift))),
      mss_(static_cast<std::uint16_t>(std::max<std::uint16_t>(setup.mss, kSmallestMss) -
                                      (setup.timestamps ? kTimestampOptionBytes : 0))),
      receive_mss_(std::max<std::uint16_t>(setup.receive_mss, 1)),
      send_shift_(std::min(setup.send_shift, kLargestShift)),
      receive_shift_(std::min(setup.receive_shift, kLargestShift)),
      sack_(setup.sack),
      timestamps_(setup.timestamps),
      ecn_(setup.ecn),
      limits_(limits),
      pools_(pools),
      tuning_(first_window_bytes(limits, setup, receive_bytes_), receive_next_, receive_edge_, now),
      progress_at_(now),
      sent_at_(now),
      path_mtu_(mss_),
      ts_recent_at_(now),
      flight_(setup.sack, mss_, setup.send_next, limits.congestion, pools.blocks()),
      reassembly_(limits.out_of_order_segments, pools.blocks()) {
  burst_bytes_ = std::max<std::uint32_t>(std::min(limits.burst_bytes, kLargestBurst), mss_);
}

bool Leg::read(std::size_t limit, buffer::Chain& out) {
  return receive_.read(pools_, std::min(limit, receive_.length_bytes()), out);
}

void Leg::set_downstream_bytes(std::size_t bytes, std::size_t pinned_bytes, std::size_t undecided) {
  downstream_bytes_ = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, kLargestScaledWindow));
  downstream_pinned_bytes_ = static_cast<std::uint32_t>(std::min<std::size_t>(pinned_bytes, 0xffffffff));
  undecided_bytes_ = static_cast<std::uint32_t>(std::min<std::size_t>(undecided, downstream_bytes_));
}

std::size_t Leg::write_room_bytes() const {
  const std::size_t queued = unacknowledged_bytes();
  return queued < limits_.send_bytes ? limits_.send_bytes - queued : 0;
}

std::size_t Leg::unacknowledged_segments() const {
  return in_flight_.segments() + unsent_.segments();
}

std::size_t Leg::unacknowledged_bytes() const {
  return in_flight_.length_bytes() + unsent_.length_bytes();
}

void Leg::write(buffer::Chain&& bytes) {
  SLUICE_ASSERT(!fin_queued_ || bytes.empty());
  if (state_ != LegState::open) return bytes.clear();  // the peer is gone, and so are its bytes
  unsent_.append(std::move(bytes));
}

void Leg::finish() {
  if (state_ == LegState::open) fin_queued_ = true;
}

// The sequence number right after everything delivered is what an RFC 5961 receiver takes; when it
// missed some of it, its challenge ACK tells us the right one (see input_after_close).
void Leg::abort(ErrorCode why) {
  if (state_ == LegState::closed) return;
  close(why);
  reset_seq_ = send_max_;
  reset_due_ = true;
  retry_at_ = 0;  // due at once
}

void Leg::set_ts_value(std::uint32_t ts_value) {
  ts_value_ = later(ts_value_, ts_value);
}

std::size_t Leg::pinned_bytes() const {
  return receive_.pinned_bytes() + reassembly_.pinned_bytes() + in_flight_.pinned_bytes() + unsent_.pinned_bytes();
}

// What was received in order stays readable: a server may answer and reset at once.
void Leg::close(ErrorCode why) {
  state_ = LegState::closed;
  closed_by_ = why;
  if (limits_.pressure != nullptr) limits_.pressure->leave(this);
  in_flight_.clear();
  unsent_.clear();
  reassembly_.clear();
  flight_.clear();
  ack_due_ = ack_wanted_ = window_probe_due_ = loss_probe_due_ = false;
  ack_at_ = kNever;
  timer_ = Timer::none;
  timer_at_ = kNever;
  retry_at_ = kNever;
}

void Leg::finish_if_both_did(TimeNs now) {
  if (!fin_acked_ || !peer_finished_ || state_ != LegState::open) return;
  if (!closed_first_) return close(ErrorCode::ok);
  state_ = LegState::time_wait;
  reassembly_.clear();
  flight_.clear();
  set_timer(Timer::time_wait, now);
}

}  // namespace sluice::tcp
