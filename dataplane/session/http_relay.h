// HTTP between the two legs of a session: reads both directions, gives each unit its verdict before
// its first byte leaves, rewrites heads, masks bodies, answers by itself where it refuses.
// Knows no TCP: chains and ends come in, chains and ends go out.
// Invariants: exchanges_ holds the requests without a complete response, in order; a response is
// read only for the first of them; a local answer is given only between server responses; nothing is
// put out in a direction that is finished, and no byte of a request that is held. How the streams are cut into feeds
// changes nothing.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/protocol/http1/reader.h"
#include "dataplane/session/context.h"
#include "dataplane/session/flow_info.h"
#include "dataplane/session/held.h"
#include "dataplane/session/message.h"
#include "dataplane/session/relay.h"

namespace sluice::session {

class HttpRelay final : public Relay {
 public:
  // `service` is the one the session was opened for, under `policy`.
  HttpRelay(PolicyRef policy, const enforce::Service& service, SessionId session, const IpAddress& client_address,
            const IpAddress& server_address);
  void go_on(const Rest& rest) override {
    principal_ = rest.principal;
    next_unit_ = rest.units;
    learn_limits();
  }

  void feed(Context& context, Direction direction, buffer::Chain&& bytes) override;
  void finish(Context& context, Direction direction) override;
  void leave(Context& context) override;
  void close(Context& context, ErrorCode why) override;
  void resume(Context& context) override {
    if (starved_) advance(context);
    go_on_throttled(context);
    if (is_held()) go_on_held(context);
  }
  // What holds it is settled when all of it is here, or by people: nothing of it leaves before.
  [[nodiscard]] bool takes_whole() const override { return is_held() || (ticket_ != nullptr && ticket_->needed); }
  [[nodiscard]] bool needs_no_server() const override {
    return takes_whole() && exchanges_.size() == 1 && response_.reader.idle() && !response_.message.active() &&
           response_.held.length_bytes() == 0 && !response_.dead && !response_.finished;
  }
  void server_called(Context& context, bool answered) override;
  void abandon(Context& context) override;

  [[nodiscard]] bool accepts(Direction direction) const override;
  [[nodiscard]] UnitPhase phase() const override;
  [[nodiscard]] bool answer_expected() const override {
    return phase() == UnitPhase::waiting && request_.held.length_bytes() == 0;
  }
  [[nodiscard]] std::size_t pending() const override { return exchanges_.size(); }
  [[nodiscard]] bool may_rest() const override;

 private:
  struct Exchange {
    UnitInfo unit;
    TimeNs since = 0;     // its head was whole
    TimeNs switched = 0;  // its answer left HTTP
    std::string method;
    std::string local;         // answer of our own; empty: the server answers
    bool close_after = false;  // the local answer ends the connection
    bool upgrade = false;      // the client asked to leave HTTP
    bool head_only = false;
    bool continue_due = false;  // the client waits for leave to send its body
    std::string path;           // where a limit is per route
    enforce::Flights flights;   // as limits count it
  };
  struct Side : Way {
    Side(Direction direction, const http1::Limits& head_limits) : reader(direction, head_limits) {}
    http1::Reader reader;
    bool head_ready = false;   // the head may be released
    bool paused = false;       // request: an upgrade was asked for; whether this message goes on depends on the answer
    std::uint16_t status = 0;  // response: of the head that was read last

    [[nodiscard]] bool may_rest() const {
      const bool empty = reader.idle() && held.length_bytes() == 0 && out.empty() && !message.active();
      return empty && !paused && !discard && !dead && !ended && !finished;
    }
  };

  // requests (http_request.cc)
  void read_requests(Context& context);
  [[nodiscard]] bool can_read_requests() const;
  void adopt_policy(const Context& context);
  void request_head(Context& context);
  void request_content(Context& context);
  // Held back for a verdict that has not fallen.
  [[nodiscard]] bool judging() const { return request_.message.active() && !request_.judged; }
  void leave_window(Context& context);
  void learn_caller(Context& context, std::string_view user);
  void open_exchange(Context& context, std::string_view user = {});
  void judge_request(Context& context, bool last);
  void end_request(Context& context);
  void request_error(Context& context, ErrorCode error);
  void request_cut(Context& context);
  void settle_upgrade(Context& context, bool accepted);
  void look_away(const enforce::Service& service);
  void refuse(Context& context, ErrorCode error, std::string_view detail, bool close,
              std::uint64_t retry_after_seconds = 0, HoldId ticket = 0);
  void send_continue(Context& context);
  // The exchange of the request that is being read; nullptr when its response is complete already.
  Exchange* current_exchange();

  // limits (http_limits.cc)
  void expect_limits(Context& context);
  void pass_limits(Context& context);
  void note_route(const http1::Head& head, Exchange& exchange) const;
  void go_on_throttled(Context& context);
  void refuse_limited(Context& context, const LimitAnswer& answer, bool close);

  // scores (http_risk.cc)
  void note_stream(Context& context, const http1::Head& head);

  // holds (http_holds.cc)
  bool obey_orders(Context& context);
  bool hold_at_head(Context& context, const enforce::Limit* limit);
  bool hold_at_verdict(Context& context);
  bool is_answered_early();
  bool begin_hold(Context& context, const HoldReason& reason);
  void show_held(Context& context);
  void go_on_held(Context& context);
  void go_on_passed(Context& context);
  // It keeps its place as the newest, and the server has not seen it.
  [[nodiscard]] bool is_waiting() const { return is_throttled() || is_held() || ticket_ != nullptr; }

  // tickets (http_tickets.cc)
  struct Ticket {
    bool needed = false;  // something holds the request; else it may be one that was rejected
    HoldCause cause = HoldCause::limit;
    std::string name;
    std::uint64_t order = 0;
  };
  bool begin_ticket(Context& context, const HoldReason& reason);
  void await_ticket(Context& context);
  bool may_be_decided(Context& context);
  bool outgrows_ticket(Context& context);
  bool obey_new_orders(Context& context, Ticket& ticket);
  bool settle_ticket(Context& context);
  void give_ticket(Context& context, const Ticket& ticket, const enforce::Fingerprint& fingerprint);
  [[nodiscard]] std::uint64_t number_of(const Ticket& ticket) const;

  // responses (http_response.cc)
  void read_responses(Context& context);
  [[nodiscard]] bool is_asked() const;
  void response_head(Context& context);
  void decide_response(Context& context);
  void end_response(Context& context);
  void response_error(Context& context, ErrorCode error);
  void response_cut(Context& context);
  void answer_locally(Context& context);
  void end_unanswered(Context& context, const Exchange& exchange, ErrorCode why);

  // both (http_relay.cc)
  Side& side(Direction direction) { return direction == Direction::request ? request_ : response_; }
  [[nodiscard]] const Side& side(Direction direction) const {
    return direction == Direction::request ? request_ : response_;
  }
  void advance(Context& context);
  // Does what the end of a stream means, once all of the stream was read.
  void conclude(Context& context, Direction direction);
  [[nodiscard]] bool has_room(Context& context) const;
  [[nodiscard]] bool observes_all(Context& context);
  void go_opaque(Context& context);
  static RunKind run_kind(http1::StepKind kind);
  bool apply_edits(Context& context, Side& side);
  void release(Context& context, Side& side, bool all);
  void abort(ErrorCode why);
  [[nodiscard]] ServiceCounters& counters() const { return policy_->counters(*service_); }
  [[nodiscard]] AnswerFacts answer_facts(const Context& context) const;
  void count_answer(Context& context);
  // A unit, or what should have been one, came to nothing: of whom it is, where that is known.
  void count_error(const UnitInfo* unit);

  std::uint64_t given_from_ = 0;  // where it calls from, if it gave itself the name; 0: the policy did
  Side request_;
  Side response_;
  std::list<Exchange> exchanges_;
  std::unique_ptr<Ticket> ticket_;                 // while it is taken whole for one
  const enforce::Order* held_by_order_ = nullptr;  // within one call
  bool hold_whole_ = false;                        // all of the request is here
};

}  // namespace sluice::session
