// One TCP connection of a simulated host: the handshake (with its retransmissions) and then a leg.
// An application drives it in the words of a socket; it never sees segments.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/random.h"
#include "dataplane/tcp/leg.h"
#include "dataplane/wire/build.h"
#include "dataplane/wire/frame.h"

namespace sluice::sim {

struct Address {
  IpAddress ip;
  std::uint16_t port = 0;
  auto operator<=>(const Address&) const = default;
};

struct TcpConfig {
  std::uint16_t mss = 1460;
  std::optional<std::uint8_t> window_shift = 7;
  bool timestamps = true;
  bool sack = true;
  unsigned syn_tries = 12;
  std::optional<std::uint32_t> initial_sequence;  // chosen from the seed when left out
  tcp::LegLimits limits;
};

class Connection;

// What runs on a connection. Called after anything happened on it, and at next_deadline().
class Application {
 public:
  virtual ~Application() = default;
  virtual void run(Connection& connection, TimeNs now) = 0;
  [[nodiscard]] virtual TimeNs next_deadline() const { return kNever; }
};

// Where a connection's segments go: the host adds the link header and sends the frame.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // `segment_bytes`: larger payloads ask for segmentation. False: no buffer or no room.
  virtual bool send(wire::TcpHeader&& header, buffer::Chain&& payload, std::uint16_t segment_bytes) = 0;
};

class Connection final : private tcp::SegmentSink {
 public:
  enum class State : std::uint8_t { syn_sent, syn_received, established, refused, timed_out };

  Connection(const Address& local, const Address& remote, const TcpConfig& config, buffer::Pools& pools,
             FrameSink& sink, std::uint32_t initial_sequence, std::unique_ptr<Application> application);

  // --- for the application
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const Address& local() const { return local_; }
  [[nodiscard]] const Address& remote() const { return remote_; }
  std::string read(std::size_t limit = SIZE_MAX);
  [[nodiscard]] std::size_t write_room_bytes() const { return leg_ ? leg_->write_room_bytes() : 0; }
  // False (nothing taken) without buffers or before the connection stands.
  bool write(std::string_view bytes);
  void finish();
  void abort();
  [[nodiscard]] bool peer_finished() const { return leg_ && leg_->read_finished(); }
  // Nothing more will come or go.
  [[nodiscard]] bool closed() const;
  [[nodiscard]] bool closed_in_order() const { return leg_ && closed() && closed_by() == ErrorCode::ok; }
  [[nodiscard]] ErrorCode closed_by() const { return leg_ ? leg_->closed_by() : ErrorCode::ok; }
  // The options that the other end's SYN carried, as they arrived.
  [[nodiscard]] const wire::TcpOptions& peer_options() const { return peer_options_; }
  [[nodiscard]] Application& application() { return *application_; }

  // --- for the host
  // It is over, or waits only for what may still be on its way, and this begins the next one (RFC 6191).
  [[nodiscard]] bool gives_way_to(const wire::Frame& syn) const {
    return closed_in_order() || (leg_ && leg_->state() == tcp::LegState::time_wait && leg_->may_begin_anew(syn));
  }
  void open_actively(TimeNs now);
  void open_passively(const wire::Frame& syn, TimeNs now);
  void input(const wire::Frame& frame, buffer::Chain&& payload, TimeNs now);
  void input_error(const wire::IcmpError& error, TimeNs now);
  void run(TimeNs now);
  [[nodiscard]] TimeNs next_deadline() const;

 private:
  bool emit(tcp::SegmentOut&& segment) override;
  void send_syn(TimeNs now);
  void establish(const wire::Frame& frame, TimeNs now);
  void retry_handshake(TimeNs now);
  void input_handshake(const wire::Frame& frame, TimeNs now);
  [[nodiscard]] wire::TcpOptions syn_options(TimeNs now) const;
  [[nodiscard]] wire::TcpHeader new_header() const;

  Address local_;
  Address remote_;
  TcpConfig config_;
  buffer::Pools& pools_;
  FrameSink& sink_;
  std::uint32_t initial_sequence_;
  std::unique_ptr<Application> application_;
  State state_ = State::syn_sent;
  wire::TcpOptions peer_options_;
  std::uint32_t peer_sequence_ = 0;  // of the peer's SYN
  TimeNs syn_at_ = kNever;
  unsigned syn_tries_ = 0;
  std::unique_ptr<tcp::Leg> leg_;
};

}  // namespace sluice::sim
