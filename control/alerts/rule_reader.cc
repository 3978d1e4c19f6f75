// See rule_reader.h.
#include "control/alerts/rule_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/file.h"
#include "common/waits.h"
#include "rules/bounds.h"

namespace sluice::control {
namespace {

using rules::Fields;
using rules::Report;
using rules::show;
using rules::Word;
using rules::YamlNode;

constexpr std::size_t kMaxFileBytes = 256 * 1024;
constexpr DurationNs kMinute = 60 * kSecond;
constexpr DurationNs kDay = 24 * 60 * kMinute;
constexpr DurationNs kMaxFor = kDay;
constexpr DurationNs kMinWindow = 5 * kSecond;  // reports come each second
constexpr DurationNs kMinBurnWindow = kMinute;
constexpr DurationNs kMaxWindow = 7 * kDay;
constexpr double kClearShare = 0.8;  // of `above`
constexpr double kUnread = -1;       // what it is was reported
constexpr unsigned kShortPart = 12;  // of a burn rate's long window
constexpr std::uint64_t kUsualAtLeast = 10;
constexpr std::size_t kMaxErrorNameBytes = 63;

constexpr Word<AlertPer> kPers[] = {{"principal", AlertPer::principal},
                                    {"service", AlertPer::service},
                                    {"limit", AlertPer::limit},
                                    {"appliance", AlertPer::appliance}};
constexpr Word<Measure> kMeasures[] = {{"requests", Measure::requests},
                                       {"errors", Measure::errors},
                                       {"denied", Measure::denied},
                                       {"bytes_in", Measure::bytes_in},
                                       {"bytes_out", Measure::bytes_out},
                                       {"latency_p99", Measure::latency_p99},
                                       {"held", Measure::held},
                                       {"refused", Measure::refused},
                                       {"record_stalls", Measure::record_stalls},
                                       {"record_gaps", Measure::record_gaps},
                                       {"events", Measure::events},
                                       {"archive_failed", Measure::archive_failed}};
constexpr Word<AlertSeverity> kSeverities[] = {
    {"info", AlertSeverity::info}, {"warning", AlertSeverity::warning}, {"critical", AlertSeverity::critical}};

bool is_of_callers(Measure measure) {
  return measure <= Measure::held;
}

// What a measure can be counted for.
void check_per(const AlertRule& rule, const YamlNode& at, Report& report) {
  const bool right = rule.measure == Measure::refused ? rule.per == AlertPer::limit
                     : is_of_callers(rule.measure)    ? rule.per == AlertPer::principal || rule.per == AlertPer::service
                                                      : rule.per == AlertPer::appliance;
  if (right) return;
  report.add(at.position, fmt::format("{} is not counted per {}", measure_name(rule.measure), alert_per_name(rule.per)),
             rule.measure == Measure::refused ? "per: limit"
             : is_of_callers(rule.measure)    ? "per: principal or service"
                                              : "per: appliance");
}

void read_burn(const YamlNode& node, AlertRule& rule, Report& report) {
  BurnRate burn;
  Fields fields(node, "burn", report);
  rule.window = 60 * kMinute;
  if (const YamlNode* objective = fields.need("objective", "objective: 99.9%"))
    if (const auto share = read_amount(*objective, AlertUnit::share, report)) {
      burn.objective = *share;
      if (*share < 0.5 || *share > 0.99999)
        report.add(objective->position, fmt::format("{} is no objective to keep", show(objective->text)),
                   "50% to 99.999%");
    }
  if (const YamlNode* slower = fields.get("slower_than"))
    if (const auto bound = read_duration(*slower, 0, kMaxWindow, report)) {
      burn.slower_than = *bound;
      if (std::ranges::find(kWaitBoundsNs, *bound) == kWaitBoundsNs.end())
        report.add(slower->position, fmt::format("answers are not counted by {}", slower->text),
                   "one of 0.1ms, 0.25ms, 0.5ms, 1ms, 2.5ms, 5ms, 10ms, 25ms, 50ms, 100ms, 250ms, 500ms, 1s, 2.5s, 5s, "
                   "10s, 30s");
    }
  if (const YamlNode* window = fields.get("long"))
    rule.window = read_duration(*window, kMinBurnWindow, kMaxWindow, report).value_or(rule.window);
  burn.short_window = rule.window / kShortPart;
  if (const YamlNode* window = fields.get("short"))
    burn.short_window = read_duration(*window, kMinWindow, rule.window, report).value_or(burn.short_window);
  if (const YamlNode* factor = fields.need("factor", "factor: 14.4"))
    rule.above = read_amount(*factor, AlertUnit::budgets, report).value_or(kUnread);
  fields.finish();
  rule.measure = burn.slower_than != 0 ? Measure::latency_p99 : Measure::errors;
  rule.hold_for = 0;
  rule.burn = burn;
}

// `measure` with a threshold, or `burn`.
void read_condition(Fields& fields, const YamlNode& node, AlertRule& rule, Report& report) {
  const YamlNode* const measure = fields.get("measure");
  const YamlNode* const burn = fields.get("burn");
  const YamlNode* const above = fields.get("above");
  const YamlNode* const window = fields.get("window");
  const YamlNode* const event = fields.get("event");
  if ((measure != nullptr) == (burn != nullptr) && is_map(node))
    report.add(node.position, "an alert needs a measure or a burn rate", "either measure and above, or burn");
  if (burn != nullptr) read_burn(*burn, rule, report);
  for (const YamlNode* key : {above, window, event})
    if (burn != nullptr && key != nullptr)
      report.add(key->key_position, fmt::format("{} beside burn", show(key->key)), "its keys stand in burn");
  if (measure == nullptr || burn != nullptr) return;
  const auto known = read_choice(*measure, kMeasures, report);
  if (!known) return;
  rule.measure = *known;
  if (above != nullptr)
    rule.above = read_amount(*above, unit_of(*known), report).value_or(kUnread);
  else if (*known != Measure::archive_failed)
    report.add(node.position, "an alert has no \"above\"", "add the number from which on it is one");
  if (window != nullptr) rule.window = read_duration(*window, kMinWindow, kDay, report).value_or(rule.window);
  if (*known == Measure::events && event == nullptr)
    report.add(node.position, "it does not say of which event", "add `event: tcp_memory_short`");
  if (event == nullptr) return;
  rule.event = read_text(*event, report).value_or("");
  if (*known != Measure::events)
    report.add(event->key_position, "event is for measure: events", "remove it");
  else if (!rules::is_name(rule.event) || rule.event.size() > kMaxErrorNameBytes)
    report.add(event->position, fmt::format("{} is no event's name", show(rule.event)),
               "as `sluice status` lists drops, for example tcp_memory_short");
}

void read_times(Fields& fields, AlertRule& rule, Report& report) {
  const auto set = [&](const char* key, DurationNs& to) {
    if (const YamlNode* node = fields.get(key)) to = read_duration(*node, 0, kMaxFor, report).value_or(to);
  };
  set("for", rule.hold_for);
  set("clear_after", rule.clear_after);
  rule.clear_below = rule.above * kClearShare;
  if (const YamlNode* below = fields.get("clear_below")) {
    rule.clear_below = read_amount(*below, unit_of(rule), report).value_or(rule.clear_below);
    if (rule.above >= 0 && rule.clear_below > rule.above)
      report.add(below->position, "it would be over before it begins",
                 "clear_below is at most what it is raised above");
  }
  const bool is_share = rule.burn || rule.measure == Measure::errors || rule.measure == Measure::latency_p99;
  rule.at_least = is_share ? kUsualAtLeast : 0;
  if (const YamlNode* least = fields.get("at_least")) {
    rule.at_least = rules::read_number(*least, 0, 1'000'000'000, report).value_or(0);
    if (!is_share) report.add(least->key_position, "at_least is for errors, latency_p99 and burn", "remove it");
  }
}

void read_action(Fields& fields, AlertRule& rule, Report& report) {
  const YamlNode* const pause = fields.get("pause");
  if (pause == nullptr) return;
  rule.pause_for = read_duration(*pause, kMinute, 30 * kDay, report).value_or(0);
  if (rule.per != AlertPer::principal)
    report.add(pause->key_position, "only a principal can be paused by an alert", "per: principal, or remove pause");
}

// Names of sinks that exist; all of them where the rule does not say.
void read_tell(const YamlNode* list, const AlertFile& file, AlertRule& rule, Report& report) {
  std::vector<std::string_view> names;
  for (const SinkConfig& sink : file.sinks) names.emplace_back(sink.name);
  if (list == nullptr) {
    rule.tell.assign(names.begin(), names.end());
    return;
  }
  for (const YamlNode& item : read_list(*list, "tell", report)) {
    const auto name = read_text(item, report);
    if (!name) continue;
    if (std::ranges::find(names, *name) == names.end())
      report.add(item.position, fmt::format("no sink has the name {}", show(*name)),
                 names.empty() ? "add it to sinks" : rules::suggest_word(*name, names));
    else if (std::ranges::find(rule.tell, *name) == rule.tell.end())
      rule.tell.push_back(*name);
  }
}

AlertRule read_rule(const YamlNode& node, const AlertFile& file, Report& report) {
  AlertRule rule;
  Fields fields(node, "an alert", report);
  if (const YamlNode* name = fields.need("name", "name: runaway"))
    rule.name = read_name(*name, "an alert", report).value_or("");
  if (const YamlNode* summary = fields.get("summary")) {
    rule.summary = read_text(*summary, report).value_or("");
    if (rule.summary.size() > kMaxSummaryBytes ||
        std::ranges::any_of(rule.summary, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
      report.add(summary->position, "this is no summary",
                 fmt::format("one line of at most {} bytes", kMaxSummaryBytes));
  }
  if (const YamlNode* severity = fields.get("severity"))
    rule.severity = read_choice(*severity, kSeverities, report).value_or(rule.severity);
  const std::size_t before = report.size();
  read_condition(fields, node, rule, report);
  const YamlNode* const per = fields.need("per", "per: principal");
  if (per != nullptr) rule.per = read_choice(*per, kPers, report).value_or(rule.per);
  if (per != nullptr && report.size() == before) check_per(rule, *per, report);
  if (const YamlNode* service = fields.get("service")) {
    rule.service = read_name(*service, "a service", report).value_or("");
    if (rule.per == AlertPer::appliance)
      report.add(service->key_position, "an appliance's numbers are of no service", "remove it");
  }
  read_times(fields, rule, report);
  read_action(fields, rule, report);
  read_tell(fields.get("tell"), file, rule, report);
  fields.finish();
  return rule;
}

}  // namespace

std::expected<AlertFile, rules::Problems> parse_alerts(std::string_view text, std::string_view file_name) {
  const auto tree = rules::parse_yaml(text, file_name);
  if (!tree) return std::unexpected(tree.error());
  Report report(file_name);
  AlertFile file;
  Fields fields(*tree, "an alerts file", report);
  const auto twice = [&](const auto& list, const std::string& name, const YamlNode& at) {
    if (std::ranges::any_of(list, [&](const auto& other) { return other.name == name; }))
      report.add(at.position, fmt::format("two have the name {}", show(name)), "give one of them another");
  };
  if (const YamlNode* sinks = fields.get("sinks"))
    for (const YamlNode& node : read_list(*sinks, "sinks", report)) {
      auto sink = read_sink(node, report);
      if (!sink) continue;
      twice(file.sinks, sink->name, node);
      file.sinks.push_back(std::move(*sink));
    }
  if (const YamlNode* list = fields.need("alerts", "alerts: [...]"))
    for (const YamlNode& node : read_list(*list, "alerts", report)) {
      AlertRule rule = read_rule(node, file, report);
      twice(file.rules, rule.name, node);
      file.rules.push_back(std::move(rule));
    }
  fields.finish();
  if (file.rules.size() > kMaxAlertRules || file.sinks.size() > kMaxAlertSinks)
    report.add(tree->position, fmt::format("{} alerts and {} sinks", file.rules.size(), file.sinks.size()),
               fmt::format("at most {} and {}", kMaxAlertRules, kMaxAlertSinks));
  if (!report.empty()) return std::unexpected(report.take());
  return file;
}

Result<AlertFile> read_alerts(const std::string& path) {
  const auto text = read_trusted_file(path, kMaxFileBytes);
  if (!text) return std::unexpected(text.error());
  auto file = parse_alerts(*text, path);
  if (!file) return fail(ErrorCode::bad_argument, to_error(file.error()).detail);
  return std::move(*file);
}

}  // namespace sluice::control
