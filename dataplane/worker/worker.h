// One worker: takes frames from its two ports in bursts, finds or makes their sessions, runs those,
// and sends what came of it. Owns its sessions, timers and outputs; shares nothing mutable.
// Sans-clock: burst() is given the time, so that the whole appliance can be simulated.
//
// What is done with a frame is decided in dispatch.cc, who gets a session in admission.cc: not for a protected service,
// it passes unchanged; what could carry one around the inspection is refused.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "common/mailbox.h"
#include "common/metrics.h"
#include "common/session_id.h"
#include "common/spsc_ring.h"
#include "dataplane/channel/channel.h"
#include "dataplane/port/port.h"
#include "dataplane/session/census.h"
#include "dataplane/session/session.h"
#include "dataplane/session/session_table.h"
#include "dataplane/session/syn_cookie.h"
#include "dataplane/session/timer_wheel.h"
#include "dataplane/wire/fragments.h"
#include "dataplane/worker/arrivals.h"
#include "dataplane/worker/flow_listing.h"
#include "dataplane/worker/memory_guard.h"

namespace sluice::worker {

enum class Side : std::uint8_t { client = 0, server = 1 };

struct WorkerConfig {
  unsigned index = 0;
  std::size_t sessions = 65536;
  std::size_t half_open = 16384;  // most of them that are in their handshake; beyond it SYNs get cookies
  // The same of one source, and most sessions of one source and of one service; beyond those a connection is reset.
  // 0: no limit of its own.
  std::uint32_t half_open_per_source = 0;
  std::uint32_t sessions_per_source = 0;
  std::uint32_t sessions_per_service = 0;
  std::size_t behaviour_entries = 1024;  // callers whose behaviour is known
  std::size_t limit_entries = 65536;     // of the tables that tell apart what limits of the policy are for
  session::SessionLimits limits = {};
  HashKey hash_key = {};
  HashKey cookie_key = {};
  session::TicketKey ticket_key = {};
  session::StatementsConfig statements = {};
  WallNs start_wall_ns = 0;
  int trace_file = -1;  // where the trace lies, of TraceRing::kBytes; -1: in memory that goes with the process
};

// A policy on its way to a worker, with a scratch that was grown for it and for every older one in use.
struct PolicyUpdate {
  session::PolicyRef policy;
  std::unique_ptr<inspect::Scratch> scratch;
};

class Worker final : public session::SessionObserver {
 public:
  Worker(const WorkerConfig& config, port::Port& client_port, port::Port& server_port, buffer::Pools& pools,
         record::Recorder& recorder, TimeNs now);
  ~Worker() override;

  // One round; true when there was something to do.
  bool burst(TimeNs now, WallNs wall);
  // The appliance goes: resets every session and closes its record. False while some are left because the
  // recorder or a port has no room: call again.
  bool shut_down(TimeNs now, WallNs wall);
  // When burst() should be called although no frame comes.
  [[nodiscard]] TimeNs next_deadline() const { return std::min(timers_.next(), context_.holds.next_deadline()); }
  // Something waits that no frame and no timer will announce: do not sleep.
  [[nodiscard]] bool pending() const {
    return client_output_.pending() || server_output_.pending() || listing_.pending() || context_.holds.pending() ||
           context_.statements.pending() || context_.cancels.pending();
  }

  // From another thread: the worker takes the update at its next burst and hands back what it had.
  // One update at a time: returns false while the last one waits.
  bool offer(PolicyUpdate* update) { return update_.offer(update); }
  // The update (now holding the former policy and scratch) once it was taken, else nullptr.
  PolicyUpdate* taken() { return update_.taken(); }

  // What waits for a decision, and the orders; for the channel's thread.
  [[nodiscard]] session::HoldTable& holds() { return context_.holds; }
  // Live sessions, for the channel's thread.
  [[nodiscard]] FlowListing& listing() { return listing_; }

  // Readable from any thread.
  [[nodiscard]] const TraceRing& trace() const { return trace_; }
  [[nodiscard]] std::span<const session::CallerRow> callers() const { return context_.callers.rows(); }
  [[nodiscard]] const ErrorCounters& errors() const { return errors_; }
  [[nodiscard]] std::uint64_t sessions_open() const { return sessions_open_.load(std::memory_order_relaxed); }
  // What sessions that are not at rest keep, with what is free of it.
  [[nodiscard]] std::size_t awake_bytes() const { return context_.awake.memory_bytes(); }
  [[nodiscard]] std::uint64_t lost_events() const { return lost_events_.value(); }
  bool pop_event(channel::SessionEvent& event) { return events_.pop(event); }

 private:
  static constexpr std::size_t kEvents = 8192;

  // dispatch.cc
  void look_up(Side side, std::span<rte_mbuf* const> packets);
  [[nodiscard]] bool take_run(Side side, Arrival& run);
  void dispatch(Side side, Arrival& arrival);
  void dispatch_tcp(Side side, Arrival& arrival);
  void dispatch_fragment(Side side, Arrival& arrival);
  void dispatch_icmp(Side side, Arrival& arrival);  // icmp.cc
  [[nodiscard]] bool is_refused(Side side, const wire::Frame& frame, ErrorCode& why) const;
  void unknown_flow(Side side, const wire::Frame& frame, const enforce::Service& service, rte_mbuf* packet);
  void reset_sender(Side side, const wire::Frame& frame);
  // Counted and traced: for a frame that is neither passed on nor given to a session.
  void refuse(Side side, const wire::Frame& frame, ErrorCode why);
  void drop(Side side, const wire::Frame& frame, rte_mbuf* packet, ErrorCode why);
  void forward(Side from, const wire::Frame& frame, rte_mbuf* packet);

  // admission.cc: who gets a session
  session::Session* open_session(const Arrival& arrival, const enforce::Service& service);
  bool accept_cookie(const Arrival& arrival, const enforce::Service& service);
  void send_cookie(const wire::Frame& frame, const session::FlowKey& flow);
  [[nodiscard]] std::uint64_t service_of(const session::FlowKey& flow) const;
  [[nodiscard]] std::uint16_t mss_limit(const session::FlowKey& flow) const;
  [[nodiscard]] bool is_crowded(const session::FlowKey& flow) const;
  session::Session* create(const Arrival& arrival, const enforce::Service& service);
  void recycle();
  void end_half_open(const session::Session& session);
  void destroy(session::Session* session);
  void remove(session::Session* session);  // one that may be queued

  // worker.cc
  void take_policy();
  bool receive(Side side);
  void queue(session::Session& session);
  void run_queued();
  void push_event(bool opened, const session::FlowKey& flow, SessionId id, const enforce::Service& service,
                  std::string_view principal, ErrorCode error, WallNs wall);
  void opened(const session::FlowKey& flow, SessionId id, const enforce::Service& service, std::string_view principal,
              WallNs wall) override;
  void closed(const session::FlowKey& flow, SessionId id, const enforce::Service& service, std::string_view principal,
              ErrorCode error, WallNs wall) override;

  WorkerConfig config_;
  MemoryGuard guard_;
  std::array<port::Port*, 2> ports_;
  ErrorCounters errors_;
  TraceRing trace_;
  session::FrameOutput client_output_;
  session::FrameOutput server_output_;
  session::Outputs outputs_;
  std::uint16_t mtu_bytes_;  // what fits through both ports
  std::unique_ptr<inspect::Scratch> scratch_;
  session::Context context_;
  SessionIds ids_;
  session::SessionTable table_;
  session::TimerWheel timers_;
  Arrivals arrivals_;
  std::vector<session::Session*> queued_;
  std::size_t half_open_ = 0;
  std::size_t recycle_at_ = 0;  // a room of the table: whoever is over there gives it away next
  session::Quota half_open_of_source_;
  session::Quota of_source_;  // sessions
  session::Quota of_service_;
  session::SynCookies cookies_;
  wire::FragmentTable fragments_;
  std::atomic<std::uint64_t> sessions_open_{0};
  FlowListing listing_;
  Counter lost_events_;
  SpscRing<channel::SessionEvent> events_{kEvents};
  Mailbox<PolicyUpdate> update_;
};

}  // namespace sluice::worker
