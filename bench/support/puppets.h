// The hosts on both sides of a worker: `connections` clients that each ask, wait for the whole answer and ask again
// (or, with `hang_up`, close without a word and connect again), and the servers that answer. They know HTTP/1 and
// PostgreSQL as far as it takes to see where a message ends. They speak just enough TCP
// for a network that loses and reorders nothing: timestamps and window scale, an ACK for every second segment and for
// every coalesced frame, a late ACK for what remains. What must not happen on such a network (a gap, a repetition, a
// reset) is counted in `faults`.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bench/support/memory_port.h"
#include "common/time.h"
#include "dataplane/wire/build.h"

namespace sluice::bench {

inline constexpr std::uint16_t kServerPort = 8080;
inline constexpr std::uint32_t kServerAddress = 0x0a4d0002;  // 10.77.0.2
inline constexpr std::uint32_t kFirstClient = 0x0a4d0100;    // 10.77.1.0

struct PuppetConfig {
  std::size_t connections = 64;
  bool superframes = false;  // frames of up to 64 KB, as with TSO and LRO; else one of at most 1448 bytes
  bool hang_up = false;
  std::uint16_t server_port = kServerPort;
  // PostgreSQL, when not empty: the client's first packet, and what the server answers to it.
  std::string hello = {};
  std::string greeting = {};
  std::string request;
  std::vector<std::string> responses;  // connection i gets number i, i + 1, ... in turn
};

struct PuppetCounts {
  std::uint64_t established = 0;
  std::uint64_t requests = 0;   // that arrived at a server
  std::uint64_t responses = 0;  // that arrived at a client, whole
  std::uint64_t closed = 0;     // connections that ended in order, both ways
  std::uint64_t stars = 0;      // '*' in the bodies, while counting stars is on
  std::uint64_t faults = 0;
};

// Which of the connections a client's address and port belong to.
std::uint32_t connection_of(std::uint32_t client_address, std::uint16_t client_port);

class Puppets {
 public:
  Puppets(PuppetConfig config, MemoryPort& client_port, MemoryPort& server_port);

  void connect();
  // Clients begin to ask (or hang up), or stop after the answer (or the end) they wait for.
  void ask(bool on);
  void count_stars(bool on) { count_stars_ = on; }
  // Takes in what the worker sent and lets both sides answer, as far as the ports have room.
  // False when nobody has anything to say, now or in the next round.
  bool run(TimeNs now);
  [[nodiscard]] const PuppetCounts& counts() const { return counts_; }
  [[nodiscard]] std::size_t waiting() const { return waiting_; }  // clients without their answer

 private:
  enum class Role : std::uint8_t { client, server };
  struct End {
    std::uint32_t connection = 0;
    Role role = Role::client;
    bool open = false;
    bool queued = false;
    bool ack_due = false;
    bool fin_due = false;
    bool gone = false;            // the peer's FIN came after ours: over with the next ACK
    bool asking = false;          // a client that waits
    std::uint8_t unacked = 0;     // segments that came since the last ACK
    std::uint8_t send_shift = 0;  // of the peer's windows
    std::uint32_t send_next = 0;
    std::uint32_t send_edge = 0;
    std::uint32_t receive_next = 0;
    std::uint32_t ts_recent = 0;
    std::uint32_t rounds = 0;  // answers given (server) or received (client), a greeting included
    std::size_t outbox_at = 0;
    std::string_view outbox;  // what is left to send begins at outbox_at
    std::string head;         // of the message that comes in, until it is complete
    std::size_t body_left = 0;
    char type = 0;  // of the message that comes in; the packet without one is 0
  };

  MemoryPort& port_of(const End& end) { return end.role == Role::client ? client_port_ : server_port_; }
  End& end_at(std::uint32_t connection, Role role) {
    return role == Role::client ? clients_[connection] : servers_[connection];
  }
  [[nodiscard]] wire::TcpHeader header_of(const End& end) const;
  void take_frames(MemoryPort& port, Role role);
  void on_frame(End& end, const wire::Frame& frame, const rte_mbuf* packet);
  void on_handshake(End& end, const wire::Frame& frame);
  void on_payload(End& end, const rte_mbuf* packet, std::size_t offset, std::size_t bytes);
  void on_bytes(End& end, Bytes bytes);
  void on_http(End& end, Bytes bytes);
  void on_postgres(End& end, Bytes bytes);
  void on_message(End& end);
  [[nodiscard]] std::string_view said_by(const End& client) const;
  void on_finish(End& end);
  void connect_again(End& end);
  void queue(End& end);
  // True when there was room for all that the end had to say now.
  bool speak(End& end);
  bool send(End& end, std::uint8_t flags, Bytes payload, const wire::TcpOptions* syn_options = nullptr);

  PuppetConfig config_;
  MemoryPort& client_port_;
  MemoryPort& server_port_;
  std::vector<End> clients_;
  std::vector<End> servers_;
  std::deque<End*> queue_;
  std::vector<End*> late_acks_;
  TimeNs now_ = 0;
  bool ask_ = false;
  bool count_stars_ = false;
  std::size_t waiting_ = 0;
  PuppetCounts counts_;
};

}  // namespace sluice::bench
