// The desk at work: takes what the channel hands over into the store on a thread of its own, sends what was decided,
// and answers the API. The channel's thread never waits for it: the queue between them is bounded, and the data plane
// is simply not read while it is full. But while the store cannot be written, and that may be for long, what else comes
// over the channel must go on: what does not fit is not kept then, and counted, and when the store is back the data
// plane is made to tell all of it anew. Meanwhile those requests wait. Which orders were used up is never dropped: no
// data plane is told of one that counts once when another said that it was.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "control/approvals/desk.h"
#include "control/channel/server.h"

namespace sluice::control {

struct ApprovalsHealth {
  std::string problem = {};  // with the store, now; empty: none
  std::uint64_t unkept = 0;  // messages about holds that found no room while there was one
};

class Approvals : public ChannelObserver {
 public:
  using Clock = std::function<WallNs()>;

  static Result<std::unique_ptr<Approvals>> open(const std::string& path, Desk::Terms terms, Clock clock);
  ~Approvals() override;

  // From start() to stop() the channel is there.
  void start(ChannelServer& channel);
  void stop();

  // --- the channel's thread
  void on_connected() override;
  void on_hold(HoldMessage&& message) override;
  [[nodiscard]] bool has_room() const override;

  // --- any thread. A decision is on disk when this returns.
  Result<VoteAnswer> vote(HoldId hold, const Reviewer& reviewer, const VoteRequest& request);
  Result<Hold> claim(HoldId hold, const Reviewer& reviewer, bool take_back);
  Result<Order> add_order(Order order, const Reviewer& reviewer, bool is_override);
  Result<Order> vote_order(OrderId order, const Reviewer& reviewer, const VoteRequest& request);
  Result<Order> lift_order(OrderId order, const Reviewer& reviewer, const std::string& reason);
  // Whether the data plane obeys all orders that there are now; waits up to `wait` for it to say so. Nothing of one
  // that does not say it.
  std::optional<bool> are_obeyed(DurationNs wait);
  Result<std::vector<Hold>> holds(const HoldQuery& query);
  Result<HoldDetail> hold(HoldId hold);
  // By the policy that counts now (deciding.h).
  Result<bool> means_declared(const OrderTold& order);
  Result<std::vector<Order>> orders(bool with_ended, std::uint64_t limit);
  // Who has how many open holds: those who have most, at most 1024.
  Result<std::vector<HeldCount>> held();
  [[nodiscard]] ApprovalsHealth health() const;
  // A line of the audit that is no decision.
  Result<void> note(std::string_view by, std::string_view what, OrderId order, std::string_view reason);
  Result<std::uint64_t> audit_sequence();
  // What happened after `sequence`; waits up to `wait` for the first of it, where not too many wait already.
  Result<std::vector<AuditEntry>> changes(std::uint64_t sequence, std::uint64_t limit, DurationNs wait);
  Result<std::uint64_t> webhook_cursor(std::string_view name);
  Result<void> set_webhook_cursor(std::string_view name, std::uint64_t sequence);
  [[nodiscard]] WallNs now() const { return clock_(); }

 private:
  static constexpr std::size_t kMaxQueuedBytes = 16 * 1024 * 1024;
  static constexpr std::size_t kMaxQueued = 16 * 1024;

  Approvals(Desk desk, Clock clock) : clock_(std::move(clock)), desk_(std::move(desk)) {}
  void run();
  // Takes a part of what waits. False when that failed, and is to be tried again.
  bool take_some();
  void note_store(const Result<void>& done);
  // Of an order that it was not heard of yet, and that there is room to remember.
  bool note_used(const HoldMessage& message);
  [[nodiscard]] bool is_full() const { return queue_bytes_ >= kMaxQueuedBytes || queue_.size() >= kMaxQueued; }
  void send();
  template <class F>
  auto at_desk(const F& work);

  const Clock clock_;
  ChannelServer* channel_ = nullptr;

  std::mutex desk_mutex_;  // guards the next two
  Desk desk_;
  bool must_say_again_ = false;  // something was not sent that should have been
  std::condition_variable changed_;
  std::atomic<int> waiting_{0};

  mutable std::mutex queue_mutex_;  // guards what follows; taken after the other, or alone
  std::condition_variable wake_;
  std::deque<HoldMessage> queue_;
  std::size_t queue_bytes_ = 0;
  std::set<OrderId> used_;  // that the store may not know yet; at most kMaxOrders
  ApprovalsHealth health_;
  bool must_hear_again_ = false;  // something did not fit
  bool connected_ = false;        // since it was looked at last
  std::condition_variable obeyed_changed_;
  std::string ticket_key_;    // that the data plane said last
  std::uint64_t obeyed_ = 0;  // the number of the last list that is; 0: of none of this connection's
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace sluice::control
