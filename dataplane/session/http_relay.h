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

// Why a request was held, as it stands on the record; `number` of a score or of an order.
std::string told_cause(HoldCause cause, std::string_view name, std::uint64_t number);

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
  // The newest request waits until a limit has room for it; nothing behind it is read.
  [[nodiscard]] bool is_throttled() const { return throttled_until_ != kNever; }
  // What holds it is settled when all of it is here, or by people: nothing of it leaves before.
  [[nodiscard]] bool takes_whole() const override { return is_held() || (ticket_ != nullptr && ticket_->needed); }
  [[nodiscard]] bool needs_no_server() const override {
    return takes_whole() && exchanges_.size() == 1 && response_.reader.idle() && !response_.message.active() &&
           response_.held.length_bytes() == 0 && !response_.dead && !response_.finished;
  }
  void server_called(Context& context, bool answered) override;
  void abandon(Context& context) override;
  [[nodiscard]] std::size_t share_of(Context& context, Direction direction, std::size_t bytes) override;
  [[nodiscard]] TimeNs next_deadline(TimeNs now) const override;

  [[nodiscard]] bool accepts(Direction direction) const override;
  [[nodiscard]] std::size_t held_bytes(Direction direction) const override;
  [[nodiscard]] std::size_t held_segments(Direction direction) const override;
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
    Held held;
    Message message;
    bool head_ready = false;   // the head may be released
    bool judged = false;       // request: its verdict has fallen
    bool paused = false;       // request: an upgrade was asked for; whether this message goes on depends on the answer
    std::uint16_t status = 0;  // response: of the head that was read last
    bool discard = false;      // refused: the rest of the message is read and forgotten
    bool dead = false;         // nothing more is read
    bool ended = false;        // its sender finished

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
  void learn_limits();
  [[nodiscard]] enforce::LimitLists limits() const;
  std::uint64_t caller_hash(Context& context);
  enforce::LimitedUnit limited_unit(Context& context);
  void expect_limits(Context& context);
  void pass_limits(Context& context);
  bool ask_limits(Context& context, const enforce::LimitLists& lists, bool again, const enforce::Limit*& held_by);
  void note_route(const http1::Head& head, Exchange& exchange) const;
  [[nodiscard]] Verdict would_be(const enforce::Limit& limit) const;
  void go_on_throttled(Context& context);
  void give_up_throttled(Context& context, DurationNs wait_ns, bool close);

  // scores (http_risk.cc)
  void weigh_caller(Context& context, UnitInfo& unit);
  void note_stream(Context& context, const http1::Head& head);

  // holds (http_holds.cc)
  [[nodiscard]] bool may_hold(const Context& context) const;
  [[nodiscard]] const enforce::Order* order_now(Context& context) const;
  bool obey_orders(Context& context);
  bool hold_at_head(Context& context, const enforce::Limit* limit);
  bool hold_at_verdict(Context& context);
  bool hold_for_findings(Context& context);
  bool is_answered_early();
  void settle_by(Context& context, const enforce::Order& order, const enforce::Limit* limit);
  bool begin_hold(Context& context, HoldCause cause, std::string_view name, const enforce::Order* order);
  void end_hold(Context& context, HoldEnding ending, bool passed);
  void end_hold(Context& context, ErrorCode why);
  void show_hold(Context& context);
  [[nodiscard]] bool is_paused_no_more(Context& context);
  void go_on_held(Context& context);
  void pass_hold(Context& context);
  [[nodiscard]] NewHold new_hold(Context& context, HoldCause cause, std::string_view name, std::uint64_t order,
                                 const enforce::Fingerprint* ticket) const;
  // It keeps its place as the newest, and the server has not seen it.
  [[nodiscard]] bool is_waiting() const { return is_throttled() || is_held() || ticket_ != nullptr; }

  // tickets (http_tickets.cc)
  struct Ticket {
    bool needed = false;  // something holds the request; else it may be one that was rejected
    HoldCause cause = HoldCause::limit;
    std::string name;
    std::uint64_t order = 0;
  };
  [[nodiscard]] enforce::OrderedUnit ordered_unit(const enforce::Fingerprint* fingerprint) const;
  bool begin_ticket(Context& context, HoldCause cause, std::string_view name, const enforce::Order* order);
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
  void count_answer(Context& context);
  // A unit, or what should have been one, came to nothing: of whom it is, where that is known.
  void count_error(const UnitInfo* unit);

  std::uint64_t given_from_ = 0;                // where it calls from, if it gave itself the name; 0: the policy did
  std::span<const enforce::Limit> own_limits_;  // the principal's
  std::uint64_t caller_hash_ = 0;               // the principal, as limits know it; 0: not asked yet
  Side request_;
  Side response_;
  std::list<Exchange> exchanges_;
  TimeNs throttled_until_ = kNever;
  TimeNs throttled_since_ = 0;                         // while it waits
  const enforce::Limit* throttled_by_ = nullptr;       // likewise
  std::array<TimeNs, 2> paced_until_{kNever, kNever};  // by Direction
  std::array<std::uint32_t, 2> charged_bytes_{};       // likewise: what the limits were charged with and was not fed
  std::unique_ptr<Ticket> ticket_;                     // while it is taken whole for one
  TimeNs hold_until_ = kNever;                         // of the pause that holds it
  const enforce::Order* held_by_order_ = nullptr;      // within one call
  std::uint32_t settled_matches_ = 0;                  // of the request: of rules that hold, on which was decided
  bool hold_whole_ = false;                            // all of the request is here
  bool hold_shown_ = false;                            // as much of it as ever will be
  HoldEnding passes_as_ = HoldEnding::passed;          // once it goes
  std::uint32_t seen_matches_ = 0;                     // of rules that hold, that people could see
  std::uint32_t settles_ = 0;                          // as many of them are settled once it goes
  bool limits_bytes_ = false;                          // some of the principal's or the service's limits do
};

}  // namespace sluice::session
