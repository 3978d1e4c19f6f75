// One session: the relayed handshake, both legs, the protocol between them, the recording's frame.
// The only place where tcp, protocol, inspect, enforce and record meet. Sans-I/O: frames and time come
// in, frames go to the two outputs.
// Invariants: exactly one open and one close record per established session; bytes leave a leg only
// when the recorder has room for them; the receive window of a leg counts what waits further down.
// Once nothing looks at its bytes a session goes down the ladder (session_ladder.cc), and while nothing is under way it
// rests (session_rest.cc): it has both legs and the relay, or what is left of them at rest, or a splice.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/session/context.h"
#include "dataplane/session/flow_info.h"
#include "dataplane/session/flow_key.h"
#include "dataplane/session/frame_output.h"
#include "dataplane/session/handshake.h"
#include "dataplane/session/http_relay.h"
#include "dataplane/session/postgres_relay.h"
#include "dataplane/session/splice.h"
#include "dataplane/tcp/leg.h"

namespace sluice::session {

struct SessionLimits {
  tcp::LegLimits leg;
  DurationNs handshake = 75 * kSecond;  // since the last SYN or SYN-ACK
  DurationNs idle = 7200 * kSecond;     // since the last segment of either side
  DurationNs linger = 30 * kSecond;     // for the client to close after Sluice ended the session
  DurationNs rest_after = kSecond;      // without a segment of either side
};

// Told when sessions begin and end.
class SessionObserver {
 public:
  virtual ~SessionObserver() = default;
  virtual void opened(const FlowKey& flow, SessionId session, const enforce::Service& service,
                      std::string_view principal, WallNs wall) = 0;
  virtual void closed(const FlowKey& flow, SessionId session, const enforce::Service& service,
                      std::string_view principal, ErrorCode error, WallNs wall) = 0;
};

struct Outputs {
  FrameOutput& client;
  FrameOutput& server;
};

class alignas(64) Session {
 public:
  Session(const FlowKey& flow, SessionId id, PolicyRef policy, const enforce::Service& service,
          const SessionLimits& limits, std::uint16_t mss_limit, TimeNs now);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // The first call for a client that brought a cookie back (Handshake): calls the server.
  void connect(Context& context, Outputs& outputs, const wire::Frame& ack, const CookieOffer& offer,
               std::uint16_t mss_limit);

  // A frame of this session whose checksums are right; `payload` holds the TCP payload alone.
  void from_client(Context& context, Outputs& outputs, const wire::Frame& frame, buffer::Chain&& payload);
  void from_server(Context& context, Outputs& outputs, const wire::Frame& frame, buffer::Chain&& payload);
  // A run that begins with this frame may come as one (wire/run.h): what comes of that is what would come of its frames
  // one by one. Only of an established session that is not spliced.
  [[nodiscard]] bool takes_run(TraceLeg from, const wire::Frame& first, const tcp::RunIn& run) const;
  // The network did not deliver a segment that went out to the side `from`, and quotes it. What became of that, which
  // is counted; icmp_relayed: it is for the other side, which knows the segment as `seq`.
  ErrorCode from_network(Context& context, Outputs& outputs, TraceLeg from, const wire::IcmpError& error,
                         std::uint32_t& seq);
  // Of a spliced session, instead of these: the frame itself goes on. True when run() is wanted.
  bool pass(Context& context, Outputs& outputs, TraceLeg from, const wire::Frame& frame, rte_mbuf* packet);
  [[nodiscard]] bool is_spliced() const { return spliced_ != nullptr; }
  // Once a burst for each session that got frames or whose deadline came: moves bytes and sends what is due.
  void run(Context& context, Outputs& outputs, SessionObserver& observer);

  // The appliance goes: both legs are reset with the next run().
  void abort(ErrorCode why);

  // Asks for what finding it touches; then for the rest of it that every segment touches, and for what that leads to;
  // then for what run() touches beside.
  void prefetch() const { __builtin_prefetch(this); }
  void prefetch_legs() const {
    prefetch_lines(this, 1, kSegmentLines);
    if (spliced_ != nullptr) __builtin_prefetch(spliced_.get());
    if (terminated_ == nullptr) return;
    prefetch_lines(&terminated_->client_leg, 0, kHotLines);
    prefetch_lines(&terminated_->server_leg, 0, kHotLines);
  }
  void prefetch_run() const {
    if (terminated_ == nullptr) return;
    prefetch_lines(&terminated_->client_leg, kHotLines, sizeof(tcp::Leg) / kLineBytes);
    prefetch_lines(&terminated_->server_leg, kHotLines, sizeof(tcp::Leg) / kLineBytes);
    prefetch_lines(&terminated_->http, 0, sizeof(HttpRelay) / kLineBytes);
  }

  [[nodiscard]] TimeNs next_deadline() const { return deadline_; }
  // Nothing is left to do: the table may forget it.
  [[nodiscard]] bool done() const { return phase_ == Phase::done; }
  // It is over and on the record, and only waits for what may still be on its way.
  [[nodiscard]] bool replaceable() const { return phase_ == Phase::done || phase_ == Phase::lingering; }
  // A new SYN of the same flow from the client takes its place.
  [[nodiscard]] bool gives_way_to(const wire::Frame& syn) const {
    if (phase_ == Phase::lingering && at_rest_ != nullptr) return at_rest_->client_leg.may_begin_anew(syn);
    if (phase_ == Phase::lingering)
      return terminated_ == nullptr || client_leg().may_begin_anew(syn);  // spliced, the server judges
    return phase_ == Phase::done;
  }
  // In a handshake of which nobody knows yet whether the client is there.
  [[nodiscard]] bool half_open() const { return phase_ == Phase::handshake && !handshake_.by_cookie(); }
  [[nodiscard]] const FlowKey& flow() const { return flow_; }
  [[nodiscard]] SessionId id() const { return id_; }
  // Fills all of `info` but what it cannot know.
  void tell(FlowInfo& info, TimeNs now) const;

 private:
  static constexpr std::size_t kLineBytes = 64;
  static constexpr std::size_t kSegmentLines = 5;          // of a session: what segments touch after the handshake
  static constexpr std::size_t kHotLines = 3;              // of a leg
  static constexpr DurationNs kRetryAfter = kMillisecond;  // when the recorder, the disk or a port must be asked again
  static constexpr std::size_t kRecordOverhead = 4096;     // of a session's beginning, or its end

  static void prefetch_lines(const void* begin, std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) __builtin_prefetch(static_cast<const std::byte*>(begin) + i * kLineBytes);
  }

  enum class Phase : std::uint8_t { handshake, established, lingering, done };
  // A strict service's bytes, until the records before them are on disk.
  struct Waiting {
    std::uint64_t record = 0;
    buffer::Chain bytes;
  };
  // What carries a peer's segments, as its last frame had it. The congestion bits are each leg's own.
  struct Carrier {
    wire::LinkHeader link;
    std::uint8_t traffic_class = 0;
    std::uint32_t flow_label = 0;

    void take(const wire::Frame& frame) {
      link = frame.link;
      traffic_class = frame.tos & ~wire::kEcnMask;
      flow_label = frame.flow_label;
    }
  };
  // Both legs and the relay between them: while anything is under way.
  struct Terminated {
    // From what the handshake agreed on, or from what is left of legs at rest.
    template <class LegBegin>
    Terminated(const Session& session, const LegBegin& client, const LegBegin& server, buffer::Pools& pools,
               const HashKey& key, TimeNs now)
        : client_leg(client, session.limits_.leg, pools, now),
          server_leg(server, session.limits_.leg, pools, now),
          relay(make_relay(session, key)) {}
    tcp::Leg client_leg;
    tcp::Leg server_leg;
    std::optional<HttpRelay> http;  // one of both
    std::unique_ptr<PostgresRelay> postgres;
    Relay& relay;  // that one

   private:
    Relay& make_relay(const Session& session, const HashKey& key);
  };
  using TerminatedPtr = buffer::Slabs::Owned<Terminated>;
  static_assert(sizeof(Terminated*) == sizeof(TerminatedPtr));
  // The same while nothing is.
  struct AtRest {
    tcp::LegRest client_leg;
    tcp::LegRest server_leg;
    Relay::Rest relay;
    buffer::Pools& pools;
    buffer::Slabs& slabs;
    HashKey key;
  };
  // What a session has instead of legs and relay.
  struct Spliced {
    Splice splice;
    std::string principal;  // as the relay knew it last
    std::uint32_t units = 0;
    bool reset_due = false;
    TimeNs over_at = 0;  // lingering
  };
  // To the server, of which no answer has come yet.
  struct Call {
    TimeNs again_at;
    TimeNs give_up_at;
    DurationNs interval;
    unsigned refusals = 0;
  };
  struct Flow {                  // one direction
    std::list<Waiting> waiting;  // which, empty, allocates nothing
    std::size_t waiting_bytes = 0;
    std::size_t waiting_segments = 0;
    std::uint64_t bytes = 0;
  };

  void establish(Context& context, Outputs& outputs, const wire::Frame& ack);
  // What the server's leg begins with, and its handshake's last segment. `ack`: the client's, for its timestamp.
  [[nodiscard]] std::uint16_t server_window_field() const;
  [[nodiscard]] tcp::LegSetup server_setup(const wire::Frame& ack) const;
  void answer_server(Context& context, Outputs& outputs, const tcp::LegSetup& server);
  void send_syn(Context& context, Outputs& outputs);
  void run_handshake(Context& context, Outputs& outputs);
  void send_handshake(Context& context, Outputs& outputs, TraceLeg to, std::uint32_t seq, std::uint32_t ack,
                      std::uint8_t flags, std::uint16_t window, const wire::TcpOptions& options);
  void from_peer(Context& context, TraceLeg from, const wire::Frame& frame, buffer::Chain&& payload);
  ErrorCode network_refuses(Context& context, Outputs& outputs, TraceLeg from, const wire::IcmpError& error);
  ErrorCode network_refuses_spliced(TraceLeg from, const wire::IcmpError& error, std::uint32_t& seq) const;
  void relay_keepalive(TraceLeg from, tcp::Leg& near, tcp::Leg& far);
  // session_rest.cc: idle sessions are small, and so are those that linger
  void go_to_rest(Context& context);
  void linger_at_rest(Context& context);
  void leave_legs(Context& context);
  [[nodiscard]] TimeNs rests_until() const;
  void wake(TimeNs now);
  [[nodiscard]] TerminatedPtr awake(TimeNs now) const;
  void tell_terminated(FlowInfo& info, const Terminated& terminated) const;
  // session_ladder.cc: down to where the peers' own segments pass
  void establish_spliced(Context& context, Outputs& outputs, const wire::Frame& ack, buffer::Chain&& payload);
  void step_down(Context& context);
  void splice(Context& context, const tcp::Seam& client, const tcp::Seam& server, std::string principal,
              std::uint32_t units);
  void run_spliced(Context& context, Outputs& outputs, SessionObserver& observer);
  void end_spliced(Context& context, SessionObserver& observer);
  bool send_numbers(Context& context, Outputs& outputs, Direction direction, bool reset);
  void abort_spliced(ErrorCode why);
  [[nodiscard]] TimeNs spliced_deadline(TimeNs now) const;
  void tell_spliced(FlowInfo& info) const;
  [[nodiscard]] bool may_open(Context& context) const;
  // session_call.cc: a server that left while nothing but a held request needs it
  void follow_server(Context& context, Outputs& outputs);
  void leave_server();
  void call_server(Context& context, Outputs& outputs);
  void from_called(Context& context, Outputs& outputs, const wire::Frame& frame);
  void end_call(Context& context, bool answered);
  // session_trace.cc: what the trace is told
  void begin_counts();
  void begin_streams(const tcp::LegSetup& client, const tcp::LegSetup& server);
  void trace_phase(const Context& context);
  void trace_timers(const Context& context);
  void trace_ends(const Context& context);
  void run_terminated(Context& context, Outputs& outputs, SessionObserver& observer);
  void move(Context& context, Direction direction);
  // Of the payload, and of the records beside it.
  [[nodiscard]] bool has_record_room(Context& context, std::size_t bytes) const;
  void flush(Context& context, Direction direction);
  void flush_bytes(Context& context, Direction direction);
  void settle(Context& context, Outputs& outputs);
  void follow_fate(Context& context);
  void follow_idleness(Context& context);
  void follow_ends(Context& context);
  bool open_record(Context& context, SessionObserver& observer);
  bool close_record(Context& context, SessionObserver& observer);
  void update_deadline(Context& context);
  // Closed, and its reset (if there was one to send) is out.
  [[nodiscard]] static bool is_gone(const tcp::Leg& leg) {
    return leg.state() == tcp::LegState::closed && leg.next_deadline() == kNever;
  }
  [[nodiscard]] record::Subject subject() const;
  [[nodiscard]] wire::TcpHeader to_client() const;
  [[nodiscard]] wire::TcpHeader to_server() const;
  [[nodiscard]] tcp::Leg& client_leg() const { return terminated_->client_leg; }
  [[nodiscard]] tcp::Leg& server_leg() const { return terminated_->server_leg; }
  [[nodiscard]] Relay& relay() const { return terminated_->relay; }
  tcp::Leg& source(Direction direction) { return direction == Direction::request ? client_leg() : server_leg(); }
  tcp::Leg& sink(Direction direction) { return direction == Direction::request ? server_leg() : client_leg(); }
  LegTrace trace_of(const Context& context, TraceLeg leg) {
    LegCounts& counts = leg == TraceLeg::client ? client_counts_ : server_counts_;
    return {.ring = context.trace, .counts = counts, .now = context.now, .session = id_, .leg = leg};
  }
  Flow& flow_of(Direction direction) { return direction == Direction::request ? request_ : response_; }

  // First what finding it touches and what that leads to, then what each burst touches, by the line.
  const FlowKey flow_;
  const SessionId id_;
  // After the handshake one of three: these two, or at_rest_.
  TerminatedPtr terminated_;
  std::unique_ptr<Spliced> spliced_;

 public:                              // for the worker's bookkeeping
  std::uint64_t timer_tick = kNever;  // where the timer wheel has it
  Session* timer_next = nullptr;
  Session* timer_previous = nullptr;
  std::uint32_t table_tag = 0;  // by which the table finds it
  bool queued = false;          // waits for run() in this burst

 private:
  Phase phase_ = Phase::handshake;
  bool opened_ = false;
  bool stalled_ = false;
  TimeNs active_at_;
  TimeNs deadline_ = kNever;
  std::unique_ptr<AtRest> at_rest_;
  bool closing_ = false;                          // Sluice ended it, or one leg broke
  std::array<bool, 2> keepalive_waits_{};         // the peer's probe was sent on to the other, by TraceLeg
  std::array<tcp::LegState, 2> traced_states_{};  // what the trace last heard, by TraceLeg
  Phase traced_phase_ = Phase::done;
  ErrorCode error_ = ErrorCode::ok;

  const PolicyRef policy_;  // the one it was opened under
  const enforce::Service& service_;
  const SessionLimits& limits_;
  LegCounts client_counts_;
  LegCounts server_counts_;
  Carrier client_carrier_;  // of frames from the client: used toward the server
  Carrier server_carrier_;
  Flow request_;
  Flow response_;
  TimeNs closing_at_ = 0;
  const TimeNs began_at_;
  TimeNs next_syn_at_ = kNever;  // by cookie: nobody else sends it again
  DurationNs syn_interval_ = kSecond;
  Handshake handshake_;
  std::unique_ptr<Call> call_;
};

}  // namespace sluice::session
