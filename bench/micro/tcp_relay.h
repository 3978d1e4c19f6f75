// Two legs back to back for each connection, and nothing between them: what TCP alone costs of a relay. Or spliced at a
// distance, as after a handshake by cookie: what remains of it when nothing looks. Frames come
// from two ports and go out as a worker's do; connections are found by their number, so that no table is measured.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "bench/support/memory_port.h"
#include "common/metrics.h"
#include "dataplane/session/frame_output.h"
#include "dataplane/session/handshake.h"
#include "dataplane/session/splice.h"
#include "dataplane/tcp/leg.h"
#include "dataplane/worker/arrivals.h"

namespace sluice::bench {

enum class RelayKind : std::uint8_t { terminated, spliced };

class TcpRelay {
 public:
  TcpRelay(RelayKind kind, std::size_t connections, MemoryPort& client_port, MemoryPort& server_port,
           buffer::Pools& pools);

  // One round, as Worker::burst(); true when a frame came or a timer was due.
  bool burst(TimeNs now);
  [[nodiscard]] TimeNs next_deadline() const;
  // Frames with payload that came in.
  [[nodiscard]] std::uint64_t data_frames() const { return data_frames_; }
  [[nodiscard]] std::uint64_t data_bytes() const { return data_bytes_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct Flow {
    explicit Flow(std::uint16_t mss_limit) : handshake(mss_limit) {}
    session::Handshake handshake;
    wire::TcpHeader to_client;
    wire::TcpHeader to_server;
    std::optional<tcp::Leg> client;
    std::optional<tcp::Leg> server;
    std::optional<session::Splice> splice;
    bool queued = false;
  };

  bool receive(bool from_client, TimeNs now);
  [[nodiscard]] Flow* flow_of(bool is_from_client, const wire::Frame& frame);
  [[nodiscard]] bool take_run(bool from_client, worker::Arrival& run, TimeNs now);
  void dispatch(bool from_client, const worker::Arrival& arrival, TimeNs now);
  void take(Flow& flow, bool is_from_client, const wire::Frame& frame, buffer::Chain&& payload, TimeNs now);
  void pass(Flow& flow, bool from_client, const wire::Frame& frame, rte_mbuf* packet);
  void splice(Flow& flow, const wire::Frame& ack);
  void from_client(Flow& flow, const wire::Frame& frame, buffer::Chain&& payload, TimeNs now);
  void from_server(Flow& flow, const wire::Frame& frame, buffer::Chain&& payload, TimeNs now);
  void run(Flow& flow, TimeNs now);

  RelayKind kind_;
  worker::Arrivals arrivals_;
  MemoryPort& client_port_;
  MemoryPort& server_port_;
  buffer::Pools& pools_;
  ErrorCounters errors_;
  session::FrameOutput client_output_;
  session::FrameOutput server_output_;
  std::vector<std::unique_ptr<Flow>> flows_;
  std::vector<Flow*> queued_;
  std::uint64_t data_frames_ = 0;
  std::uint64_t data_bytes_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace sluice::bench
