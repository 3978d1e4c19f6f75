// What the network tells of a leg's segments that it did not deliver.
#include "dataplane/tcp/path_mtu.h"

#include <algorithm>

#include "dataplane/tcp/leg.h"
#include "dataplane/tcp/sequence.h"
#include "dataplane/wire/build.h"

namespace sluice::tcp {
namespace {

constexpr std::uint32_t kPlateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006};  // RFC 1191 section 7.1

}  // namespace

std::uint32_t PathMtu::believed(bool ipv4, std::uint32_t told, std::uint32_t packet_bytes) {
  if (!ipv4) return told < kLeastIpv6 ? 0 : told;  // RFC 8201 section 4
  if (told == 0) {
    const auto* const plateau =
        std::ranges::find_if(kPlateaus, [=](std::uint32_t size) { return size < packet_bytes; });
    told = plateau == std::end(kPlateaus) ? kLeastIpv4 : *plateau;
  }
  return std::max(told, kLeastIpv4);
}

// RFC 5927: what is in flight is known to who sees the connection; off the path it has to be guessed. Nothing that is
// told ends a connection (RFC 5461).
ErrorCode Leg::input_error(const wire::IcmpError& error, TimeNs now) {
  if (state_ == LegState::closed || before(error.seq, send_unacked_) || after(error.seq, send_max_))
    return ErrorCode::icmp_blind;
  if (error.kind == wire::IcmpKind::too_big) return input_too_big(error, now);
  ++network_errors_;
  return ErrorCode::icmp_noted;
}

ErrorCode Leg::input_too_big(const wire::IcmpError& error, TimeNs now) {
  if (error.seq == send_max_) return ErrorCode::icmp_blind;  // an empty segment is not too big for anything
  const bool ipv4 = error.source.is_ipv4();
  const auto headers = static_cast<std::uint32_t>(wire::kTcpHeaderBytes + option_bytes() +
                                                  (ipv4 ? wire::kIpv4HeaderBytes : wire::kIpv6HeaderBytes));
  const std::uint32_t packet_bytes = std::min<std::uint32_t>(error.packet_bytes, mss_ + headers);  // not a superframe
  const std::uint32_t mtu = PathMtu::believed(ipv4, error.mtu, packet_bytes);
  if (mtu == 0) return ErrorCode::icmp_blind;
  ++network_errors_;
  if (mtu >= mss_ + headers) return ErrorCode::icmp_noted;  // another of the same flight, or of an older path
  set_mss(static_cast<std::uint16_t>(mtu - headers));
  path_mtu_.lowered(now);
  flight_.send_smaller(send_max_);
  if (timer_ == Timer::retransmit) set_timer(Timer::retransmit, now);
  loss_probe_due_ = false;
  loss_probe_stale_ = true;
  return ErrorCode::icmp_path_mtu;
}

void Leg::set_mss(std::uint16_t mss) {
  mss_ = mss;
  flight_.set_mss(mss);
}

}  // namespace sluice::tcp
