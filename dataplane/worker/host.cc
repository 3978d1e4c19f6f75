// See host.h.
#include "dataplane/worker/host.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace sluice::worker {
namespace {

constexpr auto kMailboxPoll = std::chrono::microseconds(200);

CallerCount caller_count(const session::CallerRow& row) {
  CallerCount out{.service = row.service.data(),
                  .principal = row.principal.data(),
                  .source = row.source,
                  .requests = row.requests.value(),
                  .responses = row.responses.value(),
                  .errors = row.errors.value(),
                  .denied = row.denied.value(),
                  .request_bytes = row.request_bytes.value(),
                  .response_bytes = row.response_bytes.value(),
                  .waited_ns = row.waited_ns.value(),
                  .waits = {}};
  std::ranges::transform(row.waits, out.waits.begin(), &Counter::value);
  return out;
}

}  // namespace

WorkerHost::WorkerHost(Worker& worker, std::function<void()> wake, ReportMore more)
    : worker_(worker), wake_(std::move(wake)), more_(std::move(more)) {}

WorkerHost::~WorkerHost() = default;

session::PolicyRef WorkerHost::with_counters(std::unique_ptr<const enforce::Snapshot> snapshot) {
  auto policy = std::make_shared<session::Policy>();
  for (const enforce::Service& service : snapshot->services()) {
    auto& counters = services_[service.name];
    if (!counters) counters = std::make_unique<session::ServiceCounters>();
    policy->services.push_back(counters.get());
  }
  for (std::size_t i = 0; i < snapshot->rule_count(); ++i) {
    auto& counter = rules_[snapshot->rule(static_cast<RuleIndex>(i)).name];
    if (!counter) counter = std::make_unique<Counter>();
    policy->rules.push_back(counter.get());
  }
  for (const std::string_view name : snapshot->limit_names()) {
    auto& counters = limits_[std::string(name)];
    if (!counters) counters = std::make_unique<enforce::LimitCounters>();
    policy->limits.push_back(counters.get());
  }
  policy->snapshot = std::move(snapshot);
  return policy;
}

template <class T, class Taker>
void WorkerHost::hand_over(T& value, Taker& taker) {
  while (!taker.offer(&value)) std::this_thread::sleep_for(kMailboxPoll);
  wake_();
  while (taker.taken() != &value) std::this_thread::sleep_for(kMailboxPoll);
}

Result<void> WorkerHost::apply(std::unique_ptr<const enforce::Snapshot> snapshot) {
  forget_unused_policies();
  PolicyUpdate update{.policy = with_counters(std::move(snapshot)), .scratch = std::make_unique<inspect::Scratch>()};
  if (auto grown = update.policy->snapshot->prepare(*update.scratch); !grown) return grown;
  for (const session::PolicyRef& older : policies_)
    if (auto grown = older->snapshot->prepare(*update.scratch); !grown) return grown;
  policies_.push_back(update.policy);

  hand_over(update, worker_);
  return {};
}

void WorkerHost::forget_unused_policies() {
  std::erase_if(policies_, [this](const session::PolicyRef& policy) {
    return policy != policies_.back() && policy.use_count() == 1;
  });
}

CounterReport WorkerHost::counters() {
  forget_unused_policies();
  CounterReport report;
  if (!policies_.empty()) report.policy_version = policies_.back()->snapshot->version();
  for (const auto& [name, counters] : services_) {
    const std::uint64_t sessions = counters->sessions.value();
    report.services.push_back({.service = name,
                               .sessions = sessions,
                               .open = sessions - std::min(sessions, counters->closed.value()),
                               .requests = counters->requests.value(),
                               .responses = counters->responses.value(),
                               .request_bytes = counters->request_bytes.value(),
                               .response_bytes = counters->response_bytes.value(),
                               .denied = counters->denied.value(),
                               .errors = counters->errors.value(),
                               .spliced = counters->spliced.value(),
                               .forwarded = counters->forwarded.value()});
  }
  for (const auto& [name, counter] : rules_) report.rules.push_back({name, counter->value()});
  for (const auto& [name, counters] : limits_)
    report.limits.push_back({.limit = name,
                             .passed = counters->passed.value(),
                             .denied = counters->denied.value(),
                             .throttled = counters->throttled.value(),
                             .observed = counters->observed.value(),
                             .held = counters->held.value()});
  for (const session::CallerRow& row : worker_.callers()) report.callers.push_back(caller_count(row));
  for (std::size_t i = 1; i < error_count(); ++i) {
    const ErrorCode code = error_at(i);
    if (const std::uint64_t count = worker_.errors().value(code); count != 0)
      report.drops.push_back({std::string(error_name(code)), count});
  }
  const session::HoldCounters& holds = worker_.holds().counters();
  report.holds.open = holds.open.load(std::memory_order_relaxed);
  report.holds.opened = holds.opened.value();
  report.holds.exhausted = holds.exhausted.value();
  for (std::size_t i = 0; i < kHoldEndings; ++i) report.holds.ended[i] = holds.ended[i].value();
  report.sessions_open = worker_.sessions_open();
  report.lost_events = worker_.lost_events();
  more_(report);
  return report;
}

std::size_t WorkerHost::take_hold_events(std::span<session::HoldEvent> events) {
  pass_decisions();
  std::size_t count = 0;
  while (count < events.size() && worker_.holds().take_event(events[count])) ++count;
  return count;
}

void WorkerHost::give_back(const session::Hold& hold) {
  worker_.holds().give_back(&hold);
}

std::uint32_t WorkerHost::tell_holds() {
  worker_.holds().tell_again(++hold_passes_);
  wake_();
  return hold_passes_;
}

void WorkerHost::decide(const session::HoldDecision& decision) {
  decisions_.push_back(decision);
  pass_decisions();
}

void WorkerHost::pass_decisions() {
  if (decisions_.empty()) return;
  while (!decisions_.empty() && worker_.holds().decide(decisions_.front())) decisions_.pop_front();
  wake_();
}

// As policies are: the list that the worker had is freed here.
enforce::TicketKey WorkerHost::apply(std::vector<enforce::Order> orders,
                                     const std::optional<enforce::TicketKey>& ticket_key) {
  session::OrdersPtr next;
  if (!orders.empty() || ticket_key) next = std::make_unique<const enforce::Orders>(std::move(orders), ticket_key);
  hand_over(next, worker_.holds());
  return worker_.holds().ticket_key();
}

std::size_t WorkerHost::take_events(std::span<channel::SessionEvent> events) {
  std::size_t count = 0;
  while (count < events.size() && worker_.pop_event(events[count])) ++count;
  return count;
}

bool WorkerHost::ask_flows(const channel::FlowQuery& query) {
  const bool asked = worker_.listing().ask(query);
  wake_();
  return asked;
}

std::vector<channel::TraceSnapshot> WorkerHost::trace() {
  std::vector<channel::TraceSnapshot> snapshots(1);
  snapshots[0].written = worker_.trace().copy(snapshots[0].records);
  return snapshots;
}

channel::FlowProgress WorkerHost::take_flows(std::span<session::FlowInfo> rows) {
  return worker_.listing().take(rows);
}

}  // namespace sluice::worker
