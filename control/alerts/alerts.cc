// See alerts.h.
#include "control/alerts/alerts.h"

#include <algorithm>
#include <chrono>

#include "common/clock.h"
#include "common/log.h"
#include "control/alerts/rule_reader.h"

namespace sluice::control {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(500);

std::string measure_text(const AlertRule& rule) {
  const std::string measure(measure_name(rule.measure));
  if (!rule.burn) return measure;
  return rule.burn->slower_than == 0 ? "burn rate of errors" : "burn rate of slow answers";
}

Alert alert_of(const AlertChange& change, WallNs now) {
  const AlertRule& rule = change.rule;
  return {.rule = rule.name,
          .severity = rule.severity,
          .summary = rule.summary,
          .key = change.key,
          .measure = measure_text(rule),
          .unit = unit_of(rule),
          .value = change.value,
          .above = rule.above,
          .principals = change.principals,
          .sessions = {},
          .action = {},
          .tell = rule.tell,
          .raised = now};
}

// Whose sessions it names: the principal's, or those of the one who has most of a service's.
std::optional<AlertKey> caller_of(const AlertChange& change) {
  if (change.key.per == AlertPer::principal) return change.key;
  if (change.principals.empty()) return std::nullopt;
  return AlertKey{AlertPer::principal, change.key.service, change.principals.front()};
}

}  // namespace

Result<std::unique_ptr<Alerts>> Alerts::open(const std::string& path, Approvals& approvals, Sources sources) {
  auto store = AlertStore::open(path);
  if (!store) return std::unexpected(store.error());
  std::unique_ptr<Alerts> alerts(new Alerts(std::move(*store), approvals, std::move(sources)));
  if (auto loaded = alerts->load(); !loaded) return std::unexpected(loaded.error());
  return alerts;
}

Alerts::~Alerts() {
  stop();
}

Result<void> Alerts::load() {
  const auto active = store_->alerts({.is_active = true, .limit = AlertEvaluator::kMaxSeries});
  if (!active) return std::unexpected(active.error());
  for (const Alert& alert : *active) active_.emplace(Place(alert.rule, alert.key), alert.id);
  return {};
}

void Alerts::set_file(const AlertFile& file, const std::string& path) {
  const std::lock_guard lock(mutex_);
  const bool is_first = status_.loaded == 0;
  for (AlertChange& change : evaluator_.set_rules(file.rules)) changes_.push_back(std::move(change));
  if (is_first)
    for (const auto& [place, id] : active_)
      if (!evaluator_.restore(place.first, place.second))
        changes_.push_back({.rule = {.name = place.first}, .key = place.second, .rule_is_gone = true});
  std::vector<SinkStatus> sinks;
  std::vector<std::string> names;
  for (const SinkConfig& sink : file.sinks) {
    const auto old = std::ranges::find(status_.sinks, sink.name, &SinkStatus::name);
    sinks.push_back(old != status_.sinks.end() ? *old : SinkStatus{.name = sink.name});
    sinks.back().kind = sink_kind(sink);
    names.push_back(sink.name);
  }
  if (auto done = store_->forget_other_sinks(names); !done)
    log::warn("places of sinks that are gone stay: " + done.error().message());
  status_.sinks = std::move(sinks);
  status_.rules.clear();
  for (const AlertRule& rule : file.rules) status_.rules.emplace_back(rule, 0);
  status_.file = path;
  status_.loaded = now();
  status_.refused.clear();
}

void Alerts::set_refused(const std::string& why) {
  const std::lock_guard lock(mutex_);
  status_.refused = why;
}

void Alerts::start() {
  thread_ = std::thread([this] { run(); });
}

void Alerts::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Alerts::run() {
  for (;;) {
    step(monotonic_ns());
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, kLookEvery, [this] { return stopping_; })) return;
  }
}

void Alerts::step(TimeNs now) {
  evaluate(now);
  settle(now);
  try_pauses_again(now);
}

void Alerts::evaluate(TimeNs now) {
  const ChannelStatus channel = sources_.status();
  if (!channel.data_plane || !channel.counters) return;
  unsigned pers = 0;
  bool needs_held = false;
  {
    const std::lock_guard lock(mutex_);
    pers = evaluator_.pers();
    needs_held = evaluator_.needs_held();
  }
  const auto held = needs_held ? approvals_.held() : std::vector<HeldCount>();
  if (!held) return;  // the next look may tell
  const AlertSnapshot snapshot = snapshot_of(*channel.counters, channel.data_plane->start_wall_ns, *held, pers);
  const std::lock_guard lock(mutex_);
  if (pers != evaluator_.pers()) return;  // rules were set meanwhile
  for (AlertChange& change : evaluator_.step(snapshot, now)) changes_.push_back(std::move(change));
}

// What is raised is stopped before it is kept and looked into.
void Alerts::begin(Change& change, TimeNs now) {
  if (std::exchange(change.is_begun, true)) return;
  change.alert = alert_of(change.what, this->now());
  forget_pause(Place(change.what.rule.name, change.what.key));
  if (change.what.is_raised) begin_pause(change, now);
}

void Alerts::make_ready(Change& change) {
  if (std::exchange(change.is_ready, true) || !change.what.is_raised) return;
  if (const auto caller = caller_of(change.what)) change.alert.sessions = sources_.sessions(*caller);
}

// One transaction, and the audit behind it.
Result<void> Alerts::keep(Change& change) {
  Alert& alert = change.alert;
  const Place place(alert.rule, alert.key);
  {
    const std::lock_guard lock(mutex_);
    const auto known = active_.find(place);
    if (change.what.is_raised == (known != active_.end())) return {};
    if (change.what.is_raised) {
      const auto id = store_->raise(alert);
      if (!id) return std::unexpected(id.error());
      active_.emplace(place, alert.id = *id);
    } else {
      const AlertId id = known->second;
      if (auto done = store_->clear(id, alert.raised, change.what.value, change.what.rule_is_gone); !done) return done;
      active_.erase(known);
      if (auto told = store_->alert(id); told && *told) alert = std::move(**told);
    }
  }
  changed_.notify_all();
  const std::string text = alert_text(alert);
  change.what.is_raised ? log::warn("alert " + text) : log::info("alert " + text);
  const auto noted = approvals_.note(maker_of(change.what.rule),
                                     change.what.is_raised ? "alert_raised" : "alert_cleared", alert.order, text);
  if (!noted) log::error("an alert is not on the audit: " + noted.error().message());
  return {};
}

void Alerts::settle(TimeNs now) {
  {
    const std::lock_guard lock(mutex_);
    for (AlertChange& change : changes_) settling_.push_back({.what = std::move(change)});
    changes_.clear();
  }
  for (Change& change : settling_) begin(change, now);
  while (!settling_.empty()) {
    make_ready(settling_.front());
    if (const auto kept = keep(settling_.front()); !kept) {
      if (!std::exchange(store_failed_, true)) log::error("alerts cannot be kept, and wait: " + kept.error().message());
      return;
    }
    store_failed_ = false;
    settling_.pop_front();
  }
}

AlertsStatus Alerts::status() {
  const std::lock_guard lock(mutex_);
  AlertsStatus out = status_;
  for (auto& [rule, count] : out.rules)
    for (const auto& [place, id] : active_) count += place.first == rule.name ? 1 : 0;
  for (SinkStatus& sink : out.sinks)
    if (const auto lost = store_->lost(sink.name)) sink.lost += lost->count;
  out.series = evaluator_.series();
  out.untracked = evaluator_.untracked();
  return out;
}

Result<std::vector<Alert>> Alerts::alerts(const AlertQuery& query) {
  const std::lock_guard lock(mutex_);
  return store_->alerts(query);
}

Result<std::optional<Alert>> Alerts::alert(AlertId id) {
  const std::lock_guard lock(mutex_);
  return store_->alert(id);
}

std::optional<double> Alerts::value(const Alert& alert) {
  const std::lock_guard lock(mutex_);
  return evaluator_.value(alert.rule, alert.key);
}

Result<std::vector<AlertEvent>> Alerts::events(std::uint64_t sequence, std::uint64_t limit, DurationNs wait) {
  std::unique_lock lock(mutex_);
  auto found = store_->events_after(sequence, limit);
  if (!found || !found->empty() || stopping_) return found;
  changed_.wait_for(lock, std::chrono::nanoseconds(wait));
  return store_->events_after(sequence, limit);
}

Result<std::uint64_t> Alerts::sink_cursor(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return store_->sink_cursor(name);
}

Result<void> Alerts::set_sink_cursor(const std::string& name, std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  return store_->set_sink_cursor(name, sequence);
}

Result<std::optional<AlertEvent>> Alerts::lost_event(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto lost = store_->lost(name);
  if (!lost) return std::unexpected(lost.error());
  if (lost->count == 0) return std::nullopt;
  return AlertEvent{.sequence = lost->sequence, .lost = lost->count};
}

Result<void> Alerts::told_of_lost(const std::string& name, std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  if (auto taken = store_->take_lost(name, count); !taken) return taken;
  const auto found = std::ranges::find(status_.sinks, name, &SinkStatus::name);
  if (found != status_.sinks.end()) found->lost += count;
  return {};
}

Result<void> Alerts::note_given_up(const std::string& name, std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  return store_->add_lost(name, sequence);
}

void Alerts::note_sink(const std::string& name, bool told, bool given_up, const std::string& problem) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(status_.sinks, name, &SinkStatus::name);
  if (found == status_.sinks.end()) return;
  found->told += told ? 1 : 0;
  found->given_up += given_up ? 1 : 0;
  found->problem = problem;
}

}  // namespace sluice::control
