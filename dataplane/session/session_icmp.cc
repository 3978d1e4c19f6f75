// What the network tells of a session's segments that it did not deliver; docs/decisions/0008 says why so.
// Both ends' addresses stand on both legs, so what tells which leg an error concerns is the side it comes from: it
// quotes what went out there. Between two legs the far peer sent none of it, and hears nothing of it; spliced, it did.
#include "dataplane/session/session.h"

namespace sluice::session {

ErrorCode Session::from_network(Context& context, Outputs& outputs, TraceLeg from, const wire::IcmpError& error,
                                std::uint32_t& seq) {
  if (at_rest_ != nullptr) wake(context.now);
  tcp::Leg* const leg = terminated_ == nullptr ? nullptr : from == TraceLeg::client ? &client_leg() : &server_leg();
  if (phase_ == Phase::handshake) begin_counts();
  seq = error.seq;
  const ErrorCode result = leg != nullptr        ? leg->input_error(error, context.now)
                           : spliced_ != nullptr ? network_refuses_spliced(from, error, seq)
                                                 : network_refuses(context, outputs, from, error);
  context.errors.add(result);
  trace_of(context, from).network_error(result, error, leg != nullptr ? leg->mss() : std::uint16_t{0});
  return result;
}

// Who sent it hears of it, under its own number.
ErrorCode Session::network_refuses_spliced(TraceLeg from, const wire::IcmpError& error, std::uint32_t& seq) const {
  const Direction direction = from == TraceLeg::server ? Direction::request : Direction::response;
  const std::optional<std::uint32_t> sent = spliced_->splice.in_flight(direction, error.seq);
  if (!sent) return ErrorCode::icmp_blind;
  seq = *sent;
  return ErrorCode::icmp_relayed;
}

// In the handshake the two peers still speak with each other: who sent the quoted SYN or SYN-ACK hears of it. What then
// becomes of the connection is theirs, except where there is no more to wait for.
ErrorCode Session::network_refuses(Context& context, Outputs& outputs, TraceLeg from, const wire::IcmpError& error) {
  const bool is_syn = from == TraceLeg::server;
  const std::uint32_t sent = is_syn ? handshake_.client_isn() : handshake_.server_isn_for_client();
  if (phase_ != Phase::handshake || error.seq != sent || error.kind == wire::IcmpKind::too_big)
    return ErrorCode::icmp_blind;
  if (!handshake_.by_cookie()) {
    if (is_syn && error.is_hard()) phase_ = Phase::done;
    return ErrorCode::icmp_relayed;
  }
  // The client takes itself for connected: only a reset tells it.
  if (!is_syn) return ErrorCode::icmp_blind;
  if (error.is_hard()) {
    send_handshake(context, outputs, TraceLeg::client, handshake_.server_isn_for_client() + 1,
                   handshake_.client_isn() + 1, wire::kRst | wire::kAck, 0, {});
    phase_ = Phase::done;
  }
  return ErrorCode::icmp_noted;
}

}  // namespace sluice::session
