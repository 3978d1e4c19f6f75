// A data plane that says what a test wants, and keeps what it is told.
#pragma once

#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>
#include <vector>

#include "dataplane/channel/channel.h"

namespace sluice::channel {

class FakeHost : public Host {
 public:
  Result<void> apply(std::unique_ptr<const enforce::Snapshot> snapshot) override {
    if (refuse) return fail(ErrorCode::io_failed, "no worker answers");
    version = snapshot->version();
    ++applied;
    return {};
  }
  CounterReport counters() override {
    CounterReport report;
    report.policy_version = version;
    report.services = {{"orders", 3, 1, 20, 19, 1000, 2000, 4, 5}};
    report.rules = {{"pii/card", 7}};
    for (int i = 1; i < rules; ++i) report.rules.push_back({"local/rule-" + std::to_string(i), 1});
    report.callers = {{"orders", "ci", 10, 9, 8, 7, 6, 5, 4, 3, {2}}};
    report.limits = {{"orders/few", 5, 4, 3, 2}};
    report.drops = {{"udp_refused", 2}};
    report.sessions_open = 1;
    return report;
  }
  std::size_t take_events(std::span<SessionEvent> events) override {
    const std::size_t count = std::min(events.size(), waiting_events.load());
    for (std::size_t i = 0; i < count; ++i) {
      events[i] = {};
      std::strcpy(events[i].service, "orders");
      std::memset(events[i].principal, 'p', sizeof events[i].principal);  // full: no terminating zero
    }
    waiting_events -= count;
    return count;
  }

  bool ask_flows(const FlowQuery& query) override {
    asked = query;
    told = 0;
    return true;
  }
  FlowProgress take_flows(std::span<session::FlowInfo> rows) override {
    FlowProgress progress;
    while (progress.rows < rows.size() && told < asked.limit) {
      rows[progress.rows] = {};
      rows[progress.rows].session = 1000 + told++;
      std::strcpy(rows[progress.rows++].service, asked.service);
    }
    progress.last = progress.rows < rows.size() && !never_ends;
    progress.more = true;
    progress.sessions = 12345;
    return progress;
  }

  std::vector<TraceSnapshot> trace() override {
    std::vector<TraceSnapshot> out = {{.worker = 0, .written = 50'000, .records = {}},
                                      {.worker = 1, .written = 0, .records = {}}};
    for (std::uint64_t i = 0; i < 20'000; ++i) out[0].records.push_back({.time_ns = i, .kind = TraceKind::drop});
    return out;
  }

  std::size_t take_hold_events(std::span<session::HoldEvent> events) override {
    std::lock_guard lock(mutex);
    std::size_t count = 0;
    while (count < events.size() && !hold_events.empty()) {
      events[count++] = hold_events.front();
      hold_events.pop_front();
    }
    return count;
  }
  void give_back(const session::Hold&) override { ++given_back; }
  std::uint32_t tell_holds() override {
    std::lock_guard lock(mutex);
    hold_events.push_back({.kind = session::HoldEvent::Kind::pass_begins, .asked = ++hold_passes});
    for (const session::Hold* hold : holds)
      hold_events.push_back({.kind = session::HoldEvent::Kind::opened, .hold = hold, .id = hold->id});
    hold_events.push_back({.kind = session::HoldEvent::Kind::all_told});
    return hold_passes;
  }
  void decide(const session::HoldDecision& decision) override {
    std::lock_guard lock(mutex);
    decisions.push_back(decision);
  }
  enforce::TicketKey apply(std::vector<enforce::Order> list,
                           const std::optional<enforce::TicketKey>& ticket_key) override {
    std::lock_guard lock(mutex);
    orders = std::move(list);
    ++orders_applied;
    if (ticket_key) key = *ticket_key;
    return key;
  }

  std::mutex mutex;
  std::deque<session::HoldEvent> hold_events;
  std::uint32_t hold_passes = 0;
  std::vector<const session::Hold*> holds;
  std::vector<session::HoldDecision> decisions;
  std::vector<enforce::Order> orders;
  enforce::TicketKey key{};
  std::atomic<int> orders_applied{0};
  std::atomic<int> given_back{0};
  std::atomic<bool> refuse{false};
  std::atomic<bool> never_ends{false};
  FlowQuery asked;  // the channel's thread alone, until an answer is there
  std::uint32_t told = 0;
  std::atomic<std::uint64_t> version{0};
  std::atomic<int> applied{0};
  std::atomic<std::size_t> waiting_events{0};
  int rules = 1;
};

}  // namespace sluice::channel
