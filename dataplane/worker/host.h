// What stands between the channel's thread and the worker: policies on their way in, counters and
// session events on their way out. Everything here runs on the channel's thread; the worker is reached
// only through its mailbox and its counters.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/channel/channel.h"
#include "dataplane/worker/worker.h"

namespace sluice::worker {

// What else is reported once a second; read on the channel's thread.
using ReportMore = std::function<void(CounterReport& report)>;

class WorkerHost final : public channel::Host {
 public:
  // `wake` rouses a worker that rests.
  WorkerHost(Worker& worker, std::function<void()> wake, ReportMore more);
  ~WorkerHost() override;

  Result<void> apply(std::unique_ptr<const enforce::Snapshot> snapshot) override;
  CounterReport counters() override;
  std::size_t take_events(std::span<channel::SessionEvent> events) override;
  bool ask_flows(const channel::FlowQuery& query) override;
  channel::FlowProgress take_flows(std::span<session::FlowInfo> rows) override;
  std::vector<channel::TraceSnapshot> trace() override;
  std::size_t take_hold_events(std::span<session::HoldEvent> events) override;
  void give_back(const session::Hold& hold) override;
  std::uint32_t tell_holds() override;
  void decide(const session::HoldDecision& decision) override;
  enforce::TicketKey apply(std::vector<enforce::Order> orders,
                           const std::optional<enforce::TicketKey>& ticket_key) override;

 private:
  session::PolicyRef with_counters(std::unique_ptr<const enforce::Snapshot> snapshot);
  void forget_unused_policies();
  // Waits until the worker has it, and `value` is what the worker had.
  template <class T, class Taker>
  void hand_over(T& value, Taker& taker);
  void pass_decisions();

  Worker& worker_;
  std::function<void()> wake_;
  ReportMore more_;
  // By name: they outlive every policy, so that a push resets nothing.
  std::map<std::string, std::unique_ptr<session::ServiceCounters>> services_;
  std::map<std::string, std::unique_ptr<Counter>> rules_;
  std::map<std::string, std::unique_ptr<enforce::LimitCounters>, std::less<>> limits_;
  std::uint32_t hold_passes_ = 0;                // that were asked for
  std::deque<session::HoldDecision> decisions_;  // for which the worker had no room yet
  // All policies that a session may still hold; the last is the newest. They are freed here, never by a worker.
  std::vector<session::PolicyRef> policies_;
};

}  // namespace sluice::worker
