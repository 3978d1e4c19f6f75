// See evaluator.h.
#include "control/alerts/evaluator.h"

#include <algorithm>
#include <array>

namespace sluice::control {
namespace {

constexpr double kSeenEnough = 0.8;  // of a window: reports come with some jitter
constexpr double kFade = 0.9;        // a report
constexpr double kForgotten = 0.01;
constexpr double kNsASecond = 1e9;
constexpr double kSlowest = 0.99;

// What a rule adds up: a number of its measure and one that it is a share of, or answers by their wait.
constexpr std::size_t kPair = 2;

bool is_percentile(const AlertRule& rule) {
  return rule.measure == Measure::latency_p99 && !rule.burn;
}

bool is_gauge(const AlertRule& rule) {
  return rule.measure == Measure::held || rule.measure == Measure::archive_failed;
}

Count count_of(Measure measure) {
  switch (measure) {
    case Measure::errors:
      return Count::errors;
    case Measure::denied:
      return Count::denied;
    case Measure::bytes_in:
      return Count::bytes_in;
    case Measure::bytes_out:
      return Count::bytes_out;
    case Measure::refused:
      return Count::refused;
    case Measure::record_stalls:
      return Count::record_stalls;
    case Measure::record_gaps:
      return Count::record_gaps;
    case Measure::events:
      return Count::events;
    default:
      return Count::requests;
  }
}

std::uint64_t gauge_of(const AlertRule& rule, const CountRow& row) {
  if (rule.measure == Measure::held) return row.held;
  return rule.measure == Measure::archive_failed ? row.archive_failed : 0;
}

std::array<double, kPair> pair_of(const AlertRule& rule, const CountRow& row) {
  if (!rule.burn || rule.burn->slower_than == 0)
    return {static_cast<double>(row[count_of(rule.measure)]), static_cast<double>(row[Count::requests])};
  std::array<double, kPair> out{};
  for (std::size_t i = 0; i < kWaitBuckets; ++i) {
    const auto answers = static_cast<double>(row.waits[i]);
    if (i > wait_bucket(rule.burn->slower_than)) out[0] += answers;
    out[1] += answers;
  }
  return out;
}

// Where in its bucket it lies is a guess along a straight line, as Prometheus makes it. Of the last, which has no end,
// its beginning.
std::optional<double> percentile(std::span<const double> waits, double part, double at_least) {
  double all = 0;
  for (const double count : waits) all += count;
  if (all <= 0 || all < at_least) return std::nullopt;
  double below = 0;
  for (std::size_t i = 0; i < kWaitBoundsNs.size(); ++i) {
    if (waits[i] > 0 && below + waits[i] >= part * all) {
      const double from = i == 0 ? 0 : static_cast<double>(kWaitBoundsNs[i - 1]) / kNsASecond;
      const double to = static_cast<double>(kWaitBoundsNs[i]) / kNsASecond;
      return from + (to - from) * (part * all - below) / waits[i];
    }
    below += waits[i];
  }
  return static_cast<double>(kWaitBoundsNs.back()) / kNsASecond;
}

// How much of a window reports cover; what is nearly all is all.
double seen_share(const Tally& seen, DurationNs window) {
  return std::min(1.0, seen.sums()[0] / (kSeenEnough * static_cast<double>(window)));
}

std::array<double, 6> recent_of(const CountRow& row) {
  return {static_cast<double>(row[Count::requests]),  static_cast<double>(row[Count::errors]),
          static_cast<double>(row[Count::denied]),    static_cast<double>(row[Count::bytes_in]),
          static_cast<double>(row[Count::bytes_out]), 0};
}

// Which of them says who has most of a measure.
std::size_t recent_index(const AlertRule& rule) {
  switch (rule.measure) {
    case Measure::errors:
      return 1;
    case Measure::denied:
      return 2;
    case Measure::bytes_in:
      return 3;
    case Measure::bytes_out:
      return 4;
    case Measure::held:
      return 5;
    default:
      return 0;
  }
}

}  // namespace

AlertEvaluator::Watch AlertEvaluator::watch(const AlertRule& rule) {
  Watch out{.rule = rule, .seen = Tally(rule.window, 1), .short_seen = {}, .series = {}};
  if (rule.burn) out.short_seen.emplace(rule.burn->short_window, 1);
  return out;
}

AlertEvaluator::Series AlertEvaluator::series_of(const AlertRule& rule) {
  Series out{.window = Tally(rule.window, is_percentile(rule) ? kWaitBuckets : kPair), .short_window = {}, .value = {}};
  if (rule.burn) out.short_window.emplace(rule.burn->short_window, kPair);
  return out;
}

bool AlertEvaluator::is_about(const AlertRule& rule, const AlertKey& key) {
  if (key.per != rule.per) return false;
  return rule.per == AlertPer::appliance ? key.name == rule.event : rule.service.empty() || rule.service == key.service;
}

std::vector<AlertChange> AlertEvaluator::set_rules(const std::vector<AlertRule>& rules) {
  std::vector<AlertChange> changes;
  const unsigned pers_before = pers();
  std::vector<Watch> before = std::exchange(watches_, {});
  for (const AlertRule& rule : rules) {
    const auto old = std::ranges::find_if(before, [&](const Watch& one) { return one.rule.name == rule.name; });
    if (old != before.end() && old->rule == rule) {
      watches_.push_back(std::move(*old));
      old->series.clear();
      continue;
    }
    watches_.push_back(watch(rule));
    if (old == before.end()) continue;
    std::erase_if(old->series, [&](const auto& one) { return !one.second.is_active || restore(rule.name, one.first); });
  }
  for (const Watch& gone : before)
    for (const auto& [key, series] : gone.series)
      if (series.is_active)
        changes.push_back({.rule = gone.rule, .key = key, .value = series.value.value_or(0), .rule_is_gone = true});
  if (pers() != pers_before) epoch_.reset();  // other rows come: what they counted so far is not new
  return changes;
}

bool AlertEvaluator::restore(const std::string& rule, const AlertKey& key) {
  const auto found = std::ranges::find_if(watches_, [&](const Watch& one) { return one.rule.name == rule; });
  if (found == watches_.end() || !is_about(found->rule, key)) return false;
  found->series.try_emplace(key, series_of(found->rule)).first->second.is_active = true;
  return true;
}

unsigned AlertEvaluator::pers() const {
  unsigned out = 0;
  for (const Watch& watch : watches_) out |= 1U << static_cast<unsigned>(watch.rule.per);
  return out;
}

bool AlertEvaluator::needs_held() const {
  return std::ranges::any_of(watches_, [](const Watch& watch) { return watch.rule.measure == Measure::held; });
}

std::vector<CountRow> AlertEvaluator::differences(const AlertSnapshot& snapshot, bool is_gap) {
  std::vector<CountRow> out;
  std::map<AlertKey, CountRow> seen;
  for (const CountRow& row : snapshot.rows) {
    const auto old = before_.find(row.key);
    if (seen.size() >= kMaxRows) {
      ++untracked_;
      continue;
    }
    seen.emplace(row.key, row);
    CountRow more = row;
    bool went_back = false;
    if (old != before_.end() && !is_gap) {
      for (std::size_t i = 0; i < kCounts; ++i) {
        went_back |= more.counts[i] < old->second.counts[i];
        more.counts[i] -= old->second.counts[i];
      }
      for (std::size_t i = 0; i < kWaitBuckets; ++i) {
        went_back |= more.waits[i] < old->second.waits[i];
        more.waits[i] -= old->second.waits[i];
      }
    }
    if (is_gap || went_back || (old == before_.end() && had_too_many_)) {
      more.counts = {};
      more.waits = {};
    }
    out.push_back(std::move(more));
  }
  before_ = std::move(seen);
  had_too_many_ = snapshot.rows.size() > kMaxRows;
  return out;
}

// Who has how much of late, to name them where an alert is about a service.
void AlertEvaluator::remember(const std::vector<CountRow>& rows) {
  for (auto& [who, recent] : recent_)
    for (double& number : recent) number *= kFade;
  std::erase_if(recent_, [](const auto& one) {
    return std::ranges::all_of(one.second, [](double number) { return number < kForgotten; });
  });
  for (const CountRow& row : rows) {
    if (row.key.per != AlertPer::principal) continue;
    const auto more = recent_of(row);
    if (row.held == 0 && std::ranges::all_of(more, [](double number) { return number == 0; })) continue;
    auto& recent = recent_[row.key];
    for (std::size_t i = 0; i < kRecent; ++i) recent[i] += more[i];
    recent.back() = static_cast<double>(row.held);
  }
}

void AlertEvaluator::count_given() {
  given_.clear();
  all_given_ = 0;
  for (const Watch& watch : watches_)
    for (const auto& [key, series] : watch.series) {
      if (key.source == 0) continue;
      ++given_[key.source];
      ++all_given_;
    }
}

bool AlertEvaluator::has_room(const AlertKey& key) const {
  if (series() >= kMaxSeries) return false;
  if (key.source == 0) return true;
  const auto of_source = given_.find(key.source);
  return all_given_ < kMaxGivenSeries && (of_source == given_.end() || of_source->second < kMaxSeriesOfSource);
}

void AlertEvaluator::add(Watch& watch, const std::vector<CountRow>& rows, TimeNs now) {
  for (auto& [key, series] : watch.series) {
    series.gauge = 0;
    series.window.advance(now);
    if (series.short_window) series.short_window->advance(now);
  }
  for (const CountRow& row : rows) {
    if (!is_about(watch.rule, row.key)) continue;
    std::array<double, kWaitBuckets> numbers{};
    std::size_t size = kPair;
    if (is_percentile(watch.rule)) {
      std::ranges::copy(row.waits, numbers.begin());
      size = kWaitBuckets;
    } else {
      std::ranges::copy(pair_of(watch.rule, row), numbers.begin());
    }
    const std::span<const double> added(numbers.data(), size);
    const std::uint64_t gauge = gauge_of(watch.rule, row);
    if (gauge == 0 && std::ranges::all_of(added, [](double number) { return number == 0; })) continue;
    auto found = watch.series.find(row.key);
    if (found == watch.series.end()) {
      if (!has_room(row.key)) {
        ++untracked_;
        continue;
      }
      if (row.key.source != 0) {
        ++given_[row.key.source];
        ++all_given_;
      }
      found = watch.series.try_emplace(row.key, series_of(watch.rule)).first;
    }
    found->second.gauge = gauge;
    found->second.window.add(now, added);
    if (found->second.short_window) found->second.short_window->add(now, added);
  }
}

// What was not seen of the windows counts as requests without errors, at the same rate: so nothing is raised sooner
// than it would have been had all been seen, and a real outage still is.
AlertEvaluator::Level AlertEvaluator::burn_level(const Watch& watch, const Series& series) {
  const AlertRule& rule = watch.rule;
  const auto burn = [&](const Tally& window, const Tally& seen, DurationNs length) {
    const double all = window.sums()[1];
    return all <= 0 ? 0 : window.sums()[0] / all * seen_share(seen, length) / (1 - rule.burn->objective);
  };
  const bool saw = seen_share(*watch.short_seen, rule.burn->short_window) >= 1;
  const double requests = series.window.sums()[1];
  if (requests <= 0 || requests < static_cast<double>(rule.at_least)) return {.value = {}, .is_below = saw};
  const double of_long = burn(series.window, watch.seen, rule.window);
  const double of_short = burn(*series.short_window, *watch.short_seen, rule.burn->short_window);
  // It is over when it no longer goes on: the long window remembers for long.
  return {.value = of_long,
          .is_above = of_long > rule.above && of_short > rule.above,
          .is_below = saw && of_short <= rule.clear_below};
}

AlertEvaluator::Level AlertEvaluator::level(const Watch& watch, const Series& series) {
  const AlertRule& rule = watch.rule;
  if (rule.burn) return burn_level(watch, series);
  const auto sums = series.window.sums();
  const double share = seen_share(watch.seen, rule.window);
  std::optional<double> value;
  double surely = 0;  // what it is at least, whatever was not seen
  if (is_gauge(rule)) {
    value = surely = static_cast<double>(series.gauge);
  } else if (is_percentile(rule)) {
    value = percentile(sums, kSlowest, static_cast<double>(rule.at_least));
    surely = share >= 1 ? value.value_or(0) : 0;
  } else if (rule.measure == Measure::errors) {
    if (sums[1] > 0 && sums[1] >= static_cast<double>(rule.at_least)) value = sums[0] / sums[1];
    surely = value.value_or(0) * share;
  } else if (const double seen = watch.seen.sums()[0] / kNsASecond; seen > 0) {
    value = sums[0] / seen;
    surely = *value * share;
  }
  // No number is one that is below: nobody calls any more.
  return {.value = value,
          .is_above = value && surely > rule.above,
          .is_below = (is_gauge(rule) || share >= 1) && value.value_or(0) <= rule.clear_below};
}

void AlertEvaluator::judge(Watch& watch, TimeNs now, std::vector<AlertChange>& changes) {
  for (auto one = watch.series.begin(); one != watch.series.end();) {
    auto& [key, series] = *one;
    const Level level = AlertEvaluator::level(watch, series);
    series.value = level.value;
    TimeNs& since = series.is_active ? series.below_since : series.above_since;
    const bool counts = series.is_active ? level.is_below : level.is_above;
    const DurationNs needed = series.is_active ? watch.rule.clear_after : watch.rule.hold_for;
    if (!counts) since = kNever;
    if (counts && since == kNever) since = now;
    if (counts && now - since >= needed) {
      series.is_active = !series.is_active;
      since = kNever;
      changes.push_back({.is_raised = series.is_active,
                         .rule = watch.rule,
                         .key = key,
                         .value = level.value.value_or(0),
                         .principals = principals(watch.rule, key)});
    }
    const bool is_idle = !series.is_active && series.gauge == 0 && series.window.empty();
    one = is_idle ? watch.series.erase(one) : std::next(one);
  }
}

std::vector<std::string> AlertEvaluator::principals(const AlertRule& rule, const AlertKey& key) const {
  if (key.per == AlertPer::principal) return {key.name};
  if (key.per != AlertPer::service) return {};
  const std::size_t index = recent_index(rule);
  std::vector<std::pair<double, std::string>> found;
  for (const auto& [who, recent] : recent_)
    if (who.service == key.service && recent[index] >= kForgotten) found.emplace_back(-recent[index], who.name);
  std::ranges::sort(found);
  std::vector<std::string> out;
  for (const auto& [share, name] : found)
    if (out.size() < kMaxPrincipals && std::ranges::find(out, name) == out.end()) out.push_back(name);
  return out;
}

std::vector<AlertChange> AlertEvaluator::step(const AlertSnapshot& snapshot, TimeNs now) {
  if (epoch_ == snapshot.epoch && snapshot.wall_ns == last_wall_) return {};
  const bool is_gap =
      epoch_ != snapshot.epoch || snapshot.wall_ns < last_wall_ || snapshot.wall_ns - last_wall_ > kMaxGap;
  const std::array<double, 1> seen = {is_gap ? 0 : static_cast<double>(snapshot.wall_ns - last_wall_)};
  epoch_ = snapshot.epoch;
  last_wall_ = snapshot.wall_ns;
  const std::vector<CountRow> rows = differences(snapshot, is_gap);
  remember(rows);
  count_given();
  std::vector<AlertChange> changes;
  for (Watch& watch : watches_) {
    watch.seen.add(now, seen);
    if (watch.short_seen) watch.short_seen->add(now, seen);
    add(watch, rows, now);
    if (!is_gap) {
      judge(watch, now, changes);
      continue;
    }
    for (auto& [key, series] : watch.series) series.above_since = series.below_since = kNever;
  }
  return changes;
}

std::optional<double> AlertEvaluator::value(const std::string& rule, const AlertKey& key) const {
  for (const Watch& watch : watches_) {
    if (watch.rule.name != rule) continue;
    const auto found = watch.series.find(key);
    if (found != watch.series.end()) return found->second.value;
  }
  return std::nullopt;
}

std::size_t AlertEvaluator::series() const {
  std::size_t count = 0;
  for (const Watch& watch : watches_) count += watch.series.size();
  return count;
}

}  // namespace sluice::control
