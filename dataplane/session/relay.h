// What stands between the two legs of a session and reads their protocol: chains and ends come in, chains and ends go
// out. Knows no TCP. A session asks nothing else of a protocol. What is the same in all of them is here, too: the
// limits and orders that a unit meets (relay_limits.cc), what its score begins with (relay_risk.cc), and how it waits
// for a decision (relay_holds.cc). Invariants: nothing is put out in a direction that is finished, and no byte of a
// unit that is held. How the streams are cut into feeds changes nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "dataplane/buffer/chain.h"
#include "dataplane/session/context.h"
#include "dataplane/session/flow_info.h"
#include "dataplane/session/held.h"
#include "dataplane/session/message.h"

namespace sluice::session {

// Where a session's connections go next.
enum class Fate : std::uint8_t {
  run,
  close,  // after what is queued to the client: finish both legs
  abort,  // reset both legs
};

// Why a unit was held, as it stands on the record; `number` of a score or of an order.
std::string told_cause(HoldCause cause, std::string_view name, std::uint64_t number);

class Relay {
 public:
  // What a relay knows between two units.
  struct Rest {
    std::string principal;
    std::uint32_t units = 0;
  };

  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  virtual ~Relay() = default;

  // Goes on where a relay of the same session rested.
  virtual void go_on(const Rest& rest) = 0;
  [[nodiscard]] Rest rest() const { return {principal_, next_unit_}; }

  // Takes bytes of one direction (possibly none) and goes as far as it can.
  virtual void feed(Context& context, Direction direction, buffer::Chain&& bytes) = 0;
  // The peer that sends this direction finished; all its bytes were fed.
  virtual void finish(Context& context, Direction direction) = 0;
  // The streams go on without this relay: what is under way is recorded as complete, as far as it came.
  virtual void leave(Context& context) = 0;
  // The session ends here: what is unfinished or unanswered is recorded as cut, for `why`.
  virtual void close(Context& context, ErrorCode why) = 0;
  // Before each burst's feeds: what waited for room, for time or for a decision goes on.
  virtual void resume(Context& context) = 0;
  // The client finished, or is gone, while a unit is held.
  virtual void abandon(Context& context) = 0;

  // The unit that is read is kept back until all of it is here, or people decided.
  [[nodiscard]] virtual bool takes_whole() const { return is_held(); }
  // The server has nothing to do with this session but that unit: it may close, and be called anew.
  [[nodiscard]] virtual bool needs_no_server() const = 0;
  virtual void server_called(Context& context, bool answered) = 0;
  // It did close; what passes waits until it was called. What is taken whole for a ticket gets that all the same.
  void server_left() { server_absent_ = true; }
  [[nodiscard]] bool is_server_absent() const { return server_absent_; }
  [[nodiscard]] bool wants_server() const { return wants_server_; }

  // How many of these bytes of a direction the limits let be read now, and charges them, once until they are fed; with
  // 0, next_deadline() says when to ask again.
  [[nodiscard]] std::size_t share_of(Context& context, Direction direction, std::size_t bytes);
  // When something waits that no byte will announce.
  [[nodiscard]] virtual TimeNs next_deadline(TimeNs now) const;
  // More bytes of this direction may be fed (else: back-pressure on its sender).
  [[nodiscard]] virtual bool accepts(Direction direction) const = 0;

  // Whether take() would give any.
  [[nodiscard]] bool has_output(Direction direction) const { return !way(direction).out.empty(); }
  // Moves what may go out in this direction to `out`.
  void take(Direction direction, buffer::Chain& out) { out.append(std::move(way(direction).out)); }
  // After take(): nothing will follow in this direction; the receiver's leg may be finished.
  [[nodiscard]] bool finished(Direction direction) const {
    return way(direction).finished && way(direction).out.empty();
  }

  [[nodiscard]] Fate fate() const { return fate_; }
  [[nodiscard]] ErrorCode error() const { return error_; }
  // The recorder had no room for the messages that come next: they wait until resume() finds some.
  [[nodiscard]] bool starved() const { return starved_; }
  // A unit waits for a decision, and nothing behind it is read.
  [[nodiscard]] bool is_held() const { return static_cast<bool>(hold_); }
  // The newest unit waits until a limit has room for it; nothing behind it is read.
  [[nodiscard]] bool is_throttled() const { return throttled_until_ != kNever; }
  // The streams belong to the peers since an upgrade, and nothing looks at them any more: neither a rule nor the
  // record.
  [[nodiscard]] bool is_unread() const { return unread_; }
  // Nothing is under way, and the connection lives on.
  [[nodiscard]] virtual bool may_rest() const = 0;

  [[nodiscard]] std::size_t held_bytes(Direction direction) const {
    return way(direction).held.length_bytes() + way(direction).out.length_bytes();
  }
  [[nodiscard]] std::size_t held_segments(Direction direction) const {
    return way(direction).held.segments() + way(direction).out.segments();
  }
  [[nodiscard]] std::uint32_t units() const { return next_unit_; }
  [[nodiscard]] virtual UnitPhase phase() const = 0;
  // All units that began are complete, and one of them has no answer yet.
  [[nodiscard]] virtual bool answer_expected() const = 0;
  // Units without a complete answer.
  [[nodiscard]] virtual std::size_t pending() const = 0;
  // As the newest unit knows it.
  [[nodiscard]] const enforce::Service& service() const { return *service_; }
  // The principal as known now: the last user seen, else the one of the network.
  [[nodiscard]] const std::string& principal() const { return principal_; }

 protected:
  // One direction: what came in, what is read of it, what goes out.
  struct Way {
    buffer::Chain out;
    Held held;
    Message message;
    bool judged = false;    // request: its verdict has fallen
    bool discard = false;   // refused: the rest of the message is read and forgotten
    bool dead = false;      // nothing more is read
    bool ended = false;     // its sender finished
    bool finished = false;  // nothing will follow
  };
  // What limits say of a unit.
  struct LimitAnswer {
    enum class Says : std::uint8_t { pass, wait, refuse };
    Says says = Says::pass;
    const enforce::Limit* by = nullptr;  // that has no room; of a unit that passes: which holds it
    std::uint64_t retry_after_seconds = 0;
  };
  // Why a unit is held.
  struct HoldReason {
    HoldCause cause = HoldCause::limit;
    std::string name;                       // of the limit, the rule; what the score came from
    const enforce::Order* order = nullptr;  // good for as long as this burst
  };
  enum class HoldOutcome : std::uint8_t { waits, passes, refused };

  // `request` and `response` belong to the relay that is made; `service` is the one the session was opened for.
  Relay(PolicyRef policy, const enforce::Service& service, SessionId session, const IpAddress& client_address,
        const IpAddress& server_address, Way& request, Way& response)
      : policy_(std::move(policy)),
        service_(&service),
        session_(session),
        client_address_(client_address),
        server_address_(server_address),
        principal_(policy_->snapshot->principal_of(client_address)),
        ways_{&request, &response} {}

  // Between units: takes the newest policy, unless that no longer knows the service, or reads it as something else.
  // True when it is another.
  bool adopt_newest(const Context& context) {
    if (context.policy == policy_) return false;
    const enforce::Service* newest = context.policy->snapshot->find_service(server_address_, service_->port);
    if (newest == nullptr || newest->protocol != service_->protocol) return false;
    service_ = newest;
    policy_ = context.policy;
    return true;
  }

  [[nodiscard]] Way& way(Direction direction) const { return *ways_[static_cast<std::size_t>(direction)]; }
  [[nodiscard]] Message& asked() const { return way(Direction::request).message; }

  // limits (relay_limits.cc)
  void learn_limits();
  [[nodiscard]] enforce::LimitLists limits() const;
  std::uint64_t caller_hash(Context& context);
  [[nodiscard]] enforce::LimitedUnit limited_unit(Context& context);
  LimitAnswer ask_limits(Context& context, bool again, std::string_view path, enforce::Flights& flights);
  LimitAnswer give_up_throttled(DurationNs wait_ns);
  [[nodiscard]] Verdict would_be(const enforce::Limit& limit) const;
  // True when the unit waited, which it does no more.
  bool end_throttle() { return std::exchange(throttled_until_, kNever) != kNever; }
  // Rows of an answer passed.
  void charge_rows(Context& context, std::uint64_t rows);
  void note_fed(Direction direction, std::size_t bytes);

  // scores (relay_risk.cc)
  void know_caller(Context& context, UnitInfo& unit, std::uint64_t given_from);
  void weigh(Context& context);

  // holds (relay_holds.cc)
  [[nodiscard]] bool may_hold(const Context& context) const;
  [[nodiscard]] enforce::OrderedUnit ordered_unit(const enforce::Fingerprint* fingerprint) const;
  [[nodiscard]] const enforce::Order* order_now(Context& context) const;
  const enforce::Order* meet_order(Context& context);
  std::optional<HoldReason> what_holds(Context& context, const enforce::Order* order, const enforce::Limit* limit);
  void settle_by(Context& context, const enforce::Order& order, const enforce::Limit* limit);
  [[nodiscard]] NewHold new_hold(Context& context, HoldCause cause, std::string_view name, std::uint64_t order,
                                 const enforce::Fingerprint* ticket) const;
  HoldOutcome open_hold(Context& context, const HoldReason& reason);
  void show_hold(Context& context, std::string_view head, std::string_view body, std::uint64_t body_bytes, bool all);
  [[nodiscard]] HoldOutcome judge_hold(Context& context);
  [[nodiscard]] ErrorCode hold_refusal() const;
  void pass_hold(Context& context);
  void end_hold(Context& context, HoldEnding ending, bool passed);
  void end_hold(Context& context, ErrorCode why);

  // Under which the session was opened; a unit has its own in its UnitInfo.
  PolicyRef policy_;
  const enforce::Service* service_;
  SessionId session_;
  IpAddress client_address_;
  IpAddress server_address_;
  std::string principal_;
  std::uint32_t next_unit_ = 0;
  HoldRef hold_;
  bool server_absent_ = false;
  bool wants_server_ = false;
  bool starved_ = false;
  bool unread_ = false;
  Fate fate_ = Fate::run;
  ErrorCode error_ = ErrorCode::ok;
  TimeNs throttled_until_ = kNever;
  std::uint32_t settled_matches_ = 0;  // of the request: of rules that hold, on which was decided

 private:
  LimitAnswer await_limit(Context& context, const enforce::Admission& admission, bool again);
  [[nodiscard]] HoldReason what_was_found(Context& context) const;
  [[nodiscard]] bool is_paused_no_more(Context& context);

  std::array<Way*, 2> ways_;                           // by Direction
  std::span<const enforce::Limit> own_limits_;         // the principal's
  std::uint64_t caller_hash_ = 0;                      // the principal, as limits know it; 0: not asked yet
  TimeNs throttled_since_ = 0;                         // while it waits
  const enforce::Limit* throttled_by_ = nullptr;       // likewise
  std::array<TimeNs, 2> paced_until_{kNever, kNever};  // by Direction
  std::array<std::uint32_t, 2> charged_bytes_{};       // likewise: what the limits were charged with and was not fed
  TimeNs hold_until_ = kNever;                         // of the pause that holds it
  HoldEnding passes_as_ = HoldEnding::passed;          // once it goes
  std::uint32_t seen_matches_ = 0;                     // of rules that hold, that people could see
  std::uint32_t settles_ = 0;                          // as many of them are settled once it goes
  bool hold_shown_ = false;                            // as much of it as ever will be
  bool limits_bytes_ = false;                          // some of the principal's or the service's limits do
  bool limits_rows_ = false;                           // likewise
};

}  // namespace sluice::session
