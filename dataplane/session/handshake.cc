// See handshake.h. RFC 9293 section 3.10.7, seen from the middle.
#include "dataplane/session/handshake.h"

#include <algorithm>

namespace sluice::session {
namespace {

constexpr std::uint16_t kDefaultMss = 536;  // RFC 9293 section 3.7.1
constexpr std::uint16_t kDefaultMssIpv6 = 1220;
constexpr std::uint8_t kMaxWindowShift = 14;  // RFC 7323 section 2.3

std::uint16_t default_mss_of(const wire::Frame& frame) {
  return frame.source.is_ipv4() ? kDefaultMss : kDefaultMssIpv6;
}

}  // namespace

void Handshake::remember(Peer& peer, const wire::Frame& frame) const {
  peer.isn = frame.seq;
  peer.window = frame.window;
  peer.default_mss = default_mss_of(frame);
  peer.options = {};
  if (frame.options.mss != 0) peer.options.mss = std::min(frame.options.mss, mss_limit_);
  if (frame.options.window_shift) peer.options.window_shift = std::min(*frame.options.window_shift, kMaxWindowShift);
  peer.options.sack_permitted = frame.options.sack_permitted;
  peer.options.has_timestamps = frame.options.has_timestamps;
  peer.options.ts_value = frame.options.ts_value;
  peer.options.ts_echo = frame.options.ts_echo;
}

Handshake::Handshake(std::uint16_t mss_limit, const wire::Frame& ack, const CookieOffer& offer)
    : mss_limit_(mss_limit), cookie_(ack.ack - 1) {
  client_.isn = ack.seq - 1;
  client_.window = ack.window;
  client_.default_mss = default_mss_of(ack);
  client_.options.mss = std::min(offer.mss, mss_limit);
  client_.options.sack_permitted = offer.sack_permitted;
}

void Handshake::call_again(std::uint32_t client_isn, std::uint32_t ts_value) {
  client_.isn = client_isn;
  client_.options.ts_value = ts_value;
  client_.options.ts_echo = 0;
  cookie_.reset();
  answered_ = false;
}

Handshake::Step Handshake::from_client(const wire::Frame& frame) {
  const bool syn = (frame.flags & wire::kSyn) != 0;
  const bool ack = (frame.flags & wire::kAck) != 0;
  if ((frame.flags & wire::kRst) != 0) return frame.seq == client_.isn + 1 ? Step::give_up : Step::nothing;
  if (cookie_) return Step::nothing;  // the server has yet to answer; data will come again
  if (syn && !ack) {
    // A retransmission, or the same ports anew. Who once asks without ECN may have found that it does not get through.
    const bool again = called_ && frame.seq == client_.isn;
    const bool ecn = (frame.flags & (wire::kEce | wire::kCwr)) == (wire::kEce | wire::kCwr) && (!again || client_.ecn);
    if (!again) answered_ = false;
    remember(client_, frame);
    client_.ecn = ecn;
    called_ = true;
    return Step::relay_syn;
  }
  const bool completes = answered_ && ack && !syn && frame.ack == server_.isn + 1;
  return completes ? Step::establish : Step::nothing;
}

Handshake::Step Handshake::from_server(const wire::Frame& frame) {
  if ((frame.flags & wire::kAck) == 0 || frame.ack != client_.isn + 1) return Step::nothing;
  if ((frame.flags & wire::kRst) != 0) return Step::refuse;
  if ((frame.flags & wire::kSyn) == 0) return Step::nothing;
  remember(server_, frame);
  server_.ecn = (frame.flags & (wire::kEce | wire::kCwr)) == wire::kEce;
  // An option is agreed on only when both offered it.
  if (!client_.options.window_shift) server_.options.window_shift.reset();
  if (!client_.options.has_timestamps) server_.options.has_timestamps = false;
  if (!client_.options.sack_permitted) server_.options.sack_permitted = false;
  answered_ = true;
  return cookie_ ? Step::establish : Step::relay_syn_ack;
}

tcp::LegSetup Handshake::client_leg(const wire::Frame& ack) const {
  const std::uint8_t shift = scaled() ? *client_.options.window_shift : 0;
  return {.send_next = server_isn_for_client() + 1,
          .receive_next = client_.isn + 1,
          .mss = std::min(client_.mss(), mss_limit_),
          .receive_mss = cookie_ ? mss_limit_ : std::min(server_.mss(), mss_limit_),
          .send_shift = shift,
          .receive_shift = scaled() ? *server_.options.window_shift : std::uint8_t{0},
          .send_window = std::uint32_t{ack.window} << shift,
          .receive_window = cookie_ ? kCookieWindow : server_.window,
          .sack = cookie_ ? client_.options.sack_permitted : selective(),
          .timestamps = stamped(),
          .ecn = ecn(),
          .ts_recent = ack.options.has_timestamps ? ack.options.ts_value : client_.options.ts_value,
          .ts_value = server_.options.ts_value};
}

tcp::LegSetup Handshake::server_leg(const wire::Frame& ack, std::uint32_t receive_window) const {
  return {.send_next = client_.isn + 1,
          .receive_next = server_.isn + 1,
          .mss = std::min(server_.mss(), mss_limit_),
          .receive_mss = std::min(client_.mss(), mss_limit_),
          .send_shift = scaled() ? *server_.options.window_shift : std::uint8_t{0},
          .receive_shift = server_receive_shift(),
          .send_window = server_.window,
          .receive_window = std::max<std::uint32_t>(receive_window, client_.window),
          .sack = selective(),
          .timestamps = stamped(),
          .ecn = ecn(),
          .ts_recent = server_.options.ts_value,
          .ts_value = ack.options.has_timestamps ? ack.options.ts_value : client_.options.ts_value};
}

}  // namespace sluice::session
