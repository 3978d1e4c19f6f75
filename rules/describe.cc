// The summary that `policy show` prints.
#include <fmt/format.h>

#include "rules/anchor_report.h"
#include "rules/bounds.h"
#include "rules/policy.h"
#include "rules/sample_text.h"
#include "rules/sql_text.h"

namespace sluice::rules {
namespace {

constexpr std::string_view kPlaceNames[kPlaces] = {"request head", "request body", "response head", "response body"};

std::string describe_mask(const Rule& rule) {
  std::string on;
  const auto add = [&](bool set, std::string_view word) {
    if (set) on.append(on.empty() ? "" : ", ").append(word);
  };
  add(rule.mask_wire[0] && rule.mask_wire[1], "wire");
  add(rule.mask_wire[0] && !rule.mask_wire[1], "wire of requests");
  add(!rule.mask_wire[0] && rule.mask_wire[1], "wire of responses");
  add(rule.mask_record, "record");
  if (on.empty()) return "";
  return fmt::format(", masked on {}{}", on,
                     rule.keep_last == 0 ? "" : fmt::format(" but for the last {}", rule.keep_last));
}

std::string describe_conditions(const ConditionSpec& spec) {
  std::string out;
  if (spec.group > 0) out += fmt::format(", group {}", spec.group);
  if (spec.min_entropy_millibits > 0) out += fmt::format(", entropy at least {}", spec.min_entropy_millibits / 1000.0);
  if (!spec.context.words.empty())
    out += fmt::format(", with one of {} words within {} bytes {}", spec.context.words.size(), spec.context.within,
                       spec.context.both_sides ? "on both sides" : "before it");
  const std::size_t allowed = spec.allow.values.size() + spec.allow.contain.size() + spec.allow.match.size();
  if (allowed > 0) out += fmt::format(", {} allowed", allowed);
  return out;
}

std::string describe_across(const std::optional<Across>& across) {
  if (!across) return "";
  std::string by;
  for (const Tie& tie : across->by)
    by += fmt::format("{}{}{}{}", by.empty() ? "" : ", ", EnumNameTieKind(tie.kind), tie.name.empty() ? "" : " ",
                      tie.name);
  return fmt::format(", across requests of one {}{}, for {} s", by,
                     across->offset.empty() ? "" : fmt::format(", in the order of header {}", across->offset),
                     across->seconds);
}

std::string describe_sql_rule(const Rule& rule, bool used) {
  return fmt::format("  {:<24} {}{}, SQL of {}{}\n", rule.name, EnumNameAction(rule.action),
                     rule.score == 0 ? "" : fmt::format(", score {}", rule.score), text_of(*rule.sql),
                     used ? "" : ", used by no service");
}

std::string describe_columns(const std::vector<ColumnPattern>& columns) {
  std::string out;
  for (const ColumnPattern& one : columns) {
    out += fmt::format("{} {}", out.empty() ? "" : ",", one.name.empty() ? "*" : one.name);
    if (one.table != 0) out += fmt::format(" of table {}", one.table);
    if (one.attribute != 0) out += fmt::format(" number {}", one.attribute);
    if (one.type != 0) out += fmt::format(" of type {}", one.type);
  }
  return out;
}

std::string describe_rule(const Rule& rule, bool used) {
  if (rule.sql) return describe_sql_rule(rule, used);
  if (!rule.columns.empty())
    return fmt::format("  {:<24} {}{}, columns{}{}\n", rule.name, EnumNameAction(rule.action), describe_mask(rule),
                       describe_columns(rule.columns), used ? "" : ", used by no service");
  return fmt::format(
      "  {:<24} {}{}{}{}{}{}, {}-{} bytes{}{}\n", rule.name, EnumNameAction(rule.action),
      rule.score == 0 ? "" : fmt::format(", score {}", rule.score), describe_mask(rule),
      rule.validator == Validator::none ? "" : fmt::format(", {} checked", EnumNameValidator(rule.validator)),
      describe_conditions(rule.conditions), rule.caseless ? ", either case" : "", rule.min_width, rule.max_width,
      describe_across(rule.across), used ? "" : ", used by no service");
}

std::string describe_anchor(const Rule& rule) {
  const AnchorReport report = report_anchor(rule.expression, rule.caseless, as_bytes(sample_text()));
  return fmt::format("  {:<24} {}\n", rule.name, describe(report));
}

std::string_view describe_upgrade(const Service& service) {
  if (!service.allow_upgrade) return "refused";
  return service.after_upgrade == AfterUpgrade::scan ? "allowed" : "allowed, what follows is not read";
}

std::string describe_limit(const Limit& limit, std::string_view for_whom) {
  const std::string_view unit = limit.of == LimitOf::rows                                         ? " rows"
                                : limit.of == LimitOf::bytes || limit.of == LimitOf::result_bytes ? " bytes"
                                                                                                  : "";
  if (limit.period_ns == 0 && limit.of != LimitOf::concurrent)
    return fmt::format("  {:<24} at most {}{} of one answer, then {}\n", "limit " + limit.name, limit.units, unit,
                       EnumNameLimitThen(limit.then));
  const std::string amount =
      limit.of == LimitOf::concurrent
          ? fmt::format("at most {} at once", limit.units)
          : fmt::format("{}{} in {} s, burst {}", limit.units, unit, limit.period_ns / 1'000'000'000, limit.burst);
  return fmt::format("  {:<24} {}{}, then {}\n", "limit " + limit.name, amount, for_whom,
                     EnumNameLimitThen(limit.then));
}

std::string describe_risk(const Risk& risk) {
  std::string out;
  for (const RiskLine& line : risk.lines) {
    const std::string pace =
        line.then == LimitThen::throttle
            ? fmt::format(" to {} in {} s for each principal", line.pace.units, line.pace.period_ns / 1'000'000'000)
            : "";
    out += fmt::format("  {:<24} then {}{}\n", fmt::format("score above {}", line.above), EnumNameLimitThen(line.then),
                       pace);
  }
  for (const Behaviour& one : risk.behaviours)
    out += fmt::format("  {:<24} score {}\n", fmt::format("behaviour {}", EnumNameBehaviourKind(one.kind)), one.score);
  return out;
}

// Statements have no place of their own: they are what a PostgreSQL client asks.
std::string describe_statements(const Service& service, const Policy& policy) {
  if (service.protocol != Protocol::postgres) return "";
  std::string names;
  for (const RuleIndex index : service.rules)
    if (policy.rules[index].sql) names.append(names.empty() ? "" : ", ").append(policy.rules[index].name);
  if (names.empty()) return "";
  return fmt::format("  {:<14} {}; what can not be read: {}\n", "SQL", names,
                     EnumNameUnreadable(service.unreadable_sql));
}

std::string describe_service(const Service& service, const Policy& policy) {
  std::string out =
      fmt::format("service {}  {}  {}  {}\n", service.name, format_endpoint(service.address, service.port),
                  EnumNameProtocol(service.protocol), EnumNameMode(service.mode));
  out += fmt::format("  record {}, class {}, durability {}\n", EnumNameRecordMode(service.record), service.record_class,
                     EnumNameDurability(service.durability));
  if (service.recorded_rows != kAllRows)
    out += fmt::format("  of an answer at most {} rows are recorded\n", service.recorded_rows);
  if (service.protocol == Protocol::tcp) return out + "  not read: the connection is decided on, its bytes pass\n";
  out += fmt::format("  window {} bytes, then {}; head at most {} bytes, {} headers; {} requests pending; upgrade {}\n",
                     service.window_bytes, EnumNameAfterWindow(service.after_window), service.head_limit_bytes,
                     service.header_limit, service.pending_limit, describe_upgrade(service));
  if (service.protocol == Protocol::postgres)
    out += service.replication == Replication::deny ? "  replication refused\n"
                                                    : "  replication allowed, it is not read\n";
  for (std::size_t place = 0; place < kPlaces; ++place) {
    std::string names;
    for (const RuleIndex index : service.rules)
      if (policy.rules[index].where[place]) names.append(names.empty() ? "" : ", ").append(policy.rules[index].name);
    if (!names.empty()) out += fmt::format("  {:<14} {}\n", kPlaceNames[place], names);
  }
  out += describe_statements(service, policy);
  for (const Limit& limit : service.limits)
    out += describe_limit(limit, fmt::format(" for each {}", EnumNameLimitPer(limit.per)));
  if (service.risk) out += describe_risk(*service.risk);
  return out;
}

}  // namespace

std::string describe(const Policy& policy) {
  std::string out;
  std::vector<bool> used(policy.rules.size(), false);
  for (const Service& service : policy.services) {
    for (const RuleIndex index : service.rules) used[index] = true;
    out += describe_service(service, policy);
  }
  if (!policy.rules.empty()) out += "rules\n";
  for (std::size_t i = 0; i < policy.rules.size(); ++i) out += describe_rule(policy.rules[i], used[i]);
  if (!policy.rules.empty()) out += "what each rule is looked for by, and how often that stands in ordinary text\n";
  for (const Rule& rule : policy.rules)
    if (!rule.sql && rule.columns.empty()) out += describe_anchor(rule);
  if (!policy.principals.empty()) out += "principals\n";
  for (const Principal& principal : policy.principals) {
    out += fmt::format("  {:<24} {}/{}\n", principal.name, format_address(principal.network), principal.prefix_bits);
    for (const Limit& limit : principal.limits) out += describe_limit(limit, "");
  }
  if (!policy.retention.empty()) out += "retention\n";
  for (const Retention& entry : policy.retention)
    out += fmt::format("  {:<24} {} days\n", entry.record_class, entry.days);
  return out;
}

}  // namespace sluice::rules
