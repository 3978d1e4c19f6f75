// The clients and the servers on both sides of the appliance, each with a TCP of its own that is simple and survives:
// go-back-N after 200 ms without progress, windows kept, what comes out of order is asked for again. Every byte of an
// answer is held against what the server sent: it is the same, or '*' where something was masked.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/histogram.h"
#include "bench/load/plan.h"
#include "bench/load/vhost_port.h"
#include "dataplane/wire/build.h"

namespace sluice::bench {

struct HostsConfig {
  std::uint32_t connections = 256;
  std::uint32_t requests_per_connection = 0;  // 0: no end
  std::vector<MixPart> mix;
  std::uint64_t seed = 20771;
};

struct HostsCounts {
  std::uint64_t established = 0;
  std::uint64_t requests = 0;
  std::uint64_t responses = 0;
  std::uint64_t body_bytes = 0;
  std::uint64_t stars = 0;
  std::uint64_t resets = 0;           // errors, as are the next three
  std::uint64_t wrong_bodies = 0;     // other bytes, or an answer that is no 200 of the right length
  std::uint64_t unmasked_bodies = 0;  // of 20 kB and more, without one masked byte
  std::uint64_t closed_early = 0;     // the peer's FIN came where none was due
  std::uint64_t retransmissions = 0;
  std::uint64_t out_of_order = 0;
};

class Hosts {
 public:
  Hosts(HostsConfig config, VhostPort& client_port, VhostPort& server_port);

  void connect(std::uint32_t slot, TimeNs now);
  // One turn: takes in frames, sends what is due. False when nothing came.
  bool run(TimeNs now);
  // An idle client asks for mix part `part`; its latency counts from `scheduled`. False when none is idle.
  bool ask(std::size_t part, TimeNs scheduled);
  [[nodiscard]] std::size_t idle() const { return idle_.size(); }
  [[nodiscard]] const HostsCounts& counts() const { return counts_; }
  // Latencies in ns of one mix part since the last clear().
  [[nodiscard]] const Histogram& latency(std::size_t part) const { return latency_[part]; }
  void clear_latency() { latency_.assign(config_.mix.size(), {}); }

 private:
  enum class State : std::uint8_t { closed, opening, open };
  struct End {
    std::uint32_t id = 0;  // slot + round * connections; gives address and port
    State state = State::closed;
    bool is_client = false;
    bool ack_due = false;
    bool queued = false;
    bool finishing = false;  // a FIN follows the outbox
    bool peer_finished = false;
    bool waiting = false;  // a client for its answer
    std::uint8_t send_shift = 0;
    std::uint32_t una = 0;  // first sequence number not yet acknowledged; outbox[0] has number `base`
    std::uint32_t next = 0;
    std::uint32_t base = 0;
    std::uint32_t edge = 0;
    std::uint32_t receive_next = 0;
    std::uint32_t ts_recent = 0;
    std::uint32_t asked = 0;
    std::uint32_t part = 0;
    TimeNs progress = 0;
    TimeNs scheduled = 0;
    std::size_t body_at = 0;
    bool in_body = false;
    bool bad_body = false;
    std::uint64_t stars = 0;
    std::string_view outbox;
    std::string head;
  };

  void take_frames(VhostPort& port, bool clients);
  void on_frame(End& end, const wire::Frame& frame, const rte_mbuf* packet);
  void on_opening(End& end, const wire::Frame& frame);
  void on_ack(End& end, const wire::Frame& frame);
  void on_payload(End& end, const wire::Frame& frame, const rte_mbuf* packet);
  void on_bytes(End& end, Bytes bytes);
  void on_head(End& end);
  void on_body(End& end, Bytes bytes);
  void on_answer(End& end);
  void on_fin(End& end);
  void closed(End& end);
  void check_timers();
  void put(End& end, std::string_view message);
  void queue(End& end);
  bool speak(End& end);
  bool send(End& end, std::uint8_t flags, std::uint32_t seq, Bytes payload);
  [[nodiscard]] std::uint32_t stream_end(const End& end) const {
    return end.base + static_cast<std::uint32_t>(end.outbox.size()) + (end.finishing ? 1 : 0);
  }

  HostsConfig config_;
  VhostPort& client_port_;
  VhostPort& server_port_;
  std::vector<std::string> requests_;
  std::vector<std::string> responses_;
  std::vector<std::size_t> body_starts_;  // in responses_
  std::vector<End> clients_;
  std::vector<End> servers_;
  std::deque<End*> queue_;
  std::vector<std::uint32_t> idle_;
  std::size_t timer_at_ = 0;
  TimeNs now_ = 0;
  HostsCounts counts_;
  std::vector<Histogram> latency_;
};

}  // namespace sluice::bench
