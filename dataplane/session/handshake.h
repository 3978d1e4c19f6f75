// The three-way handshake of a protected connection, relayed: the client is answered when, and as, the
// server answered, so that a refused connection stays refused and a silent one stays silent.
// Keeps what both sides said; knows no buffers and sends nothing by itself.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/session/syn_cookie.h"
#include "dataplane/tcp/leg.h"
#include "dataplane/wire/frame.h"

namespace sluice::session {

// What a SYN-ACK with a cookie promises: all that a window says without a scale.
inline constexpr std::uint16_t kCookieWindow = 0xffff;

class Handshake {
 public:
  enum class Step : std::uint8_t {
    nothing,        // not ours, or not acceptable: ignore
    relay_syn,      // to the server: syn_options(), the client's sequence number
    relay_syn_ack,  // to the client: syn_ack_options(), the server's sequence number
    refuse,         // the server said no: reset to the client
    give_up,        // the client said no: reset to the server
    establish,      // the client's ACK (with a cookie: the server's SYN-ACK): both legs can begin
  };

  // `mss_limit`: what fits through both ports.
  explicit Handshake(std::uint16_t mss_limit) : mss_limit_(mss_limit) {}
  // The client was answered with a cookie, and `ack` brought it back: its SYN is made up again and sent to the server,
  // whose SYN-ACK then establishes. The client knows the server by another sequence number than the server's.
  Handshake(std::uint16_t mss_limit, const wire::Frame& ack, const CookieOffer& offer);

  // The server is called anew, for a client that has long been established: relay_syn_ack comes of its answer.
  void call_again(std::uint32_t client_isn, std::uint32_t ts_value);

  Step from_client(const wire::Frame& frame);
  Step from_server(const wire::Frame& frame);

  // What Sluice speaks of what a side offered: MSS clamped, window scale, timestamps, SACK; nothing else.
  [[nodiscard]] wire::TcpOptions syn_options() const { return client_.options; }
  [[nodiscard]] wire::TcpOptions syn_ack_options() const { return server_.options; }
  // ECN (RFC 3168 section 6.1.1) is on when both ends want it; more accurate kinds fall back to it.
  [[nodiscard]] std::uint8_t syn_flags() const {
    return static_cast<std::uint8_t>(wire::kSyn | (client_.ecn ? wire::kEce | wire::kCwr : 0));
  }
  [[nodiscard]] std::uint8_t syn_ack_flags() const {
    return static_cast<std::uint8_t>(wire::kSyn | wire::kAck | (ecn() ? wire::kEce : 0));
  }
  [[nodiscard]] std::uint32_t client_isn() const { return client_.isn; }
  [[nodiscard]] std::uint32_t server_isn() const { return server_.isn; }
  [[nodiscard]] bool by_cookie() const { return cookie_.has_value(); }
  // The server's initial sequence number as the client knows it.
  [[nodiscard]] std::uint32_t server_isn_for_client() const { return cookie_.value_or(server_.isn); }
  [[nodiscard]] std::uint16_t client_window() const { return client_.window; }
  [[nodiscard]] std::uint16_t server_window() const { return server_.window; }

  // After establish. `ack` is the client's segment that completed the handshake; `receive_window` what
  // the server leg promises the server with our ACK, `client_promise` what the SYN-ACK promised the client.
  [[nodiscard]] tcp::LegSetup client_leg(const wire::Frame& ack) const;
  [[nodiscard]] tcp::LegSetup server_leg(const wire::Frame& ack, std::uint32_t receive_window) const;
  // The scale of windows that we advertise to the server.
  [[nodiscard]] std::uint8_t server_receive_shift() const { return scaled() ? *client_.options.window_shift : 0; }

 private:
  struct Peer {
    std::uint32_t isn = 0;
    std::uint16_t window = 0;
    std::uint16_t default_mss = 0;  // of its address family
    bool ecn = false;
    wire::TcpOptions options;
    [[nodiscard]] std::uint16_t mss() const { return options.mss != 0 ? options.mss : default_mss; }
  };
  void remember(Peer& peer, const wire::Frame& frame) const;
  [[nodiscard]] bool scaled() const { return client_.options.window_shift && server_.options.window_shift; }
  [[nodiscard]] bool stamped() const { return client_.options.has_timestamps && server_.options.has_timestamps; }
  [[nodiscard]] bool selective() const { return client_.options.sack_permitted && server_.options.sack_permitted; }
  [[nodiscard]] bool ecn() const { return client_.ecn && server_.ecn; }

  std::uint16_t mss_limit_;
  bool called_ = false;    // the client's SYN was seen
  bool answered_ = false;  // the server's SYN-ACK was seen
  std::optional<std::uint32_t> cookie_;
  Peer client_;
  Peer server_;
};

}  // namespace sluice::session
