// See compile.h.
#include "rules/compile.h"

#include <flatbuffers/flatbuffers.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "rules/bundle.h"
#include "rules/scan_compiler.h"

namespace sluice::rules {
namespace {

namespace fbs = schema::policy;
using RuleList = std::vector<RuleIndex>;

Result<flatbuffers::Offset<fbs::Scan>> add_scan(flatbuffers::FlatBufferBuilder& builder, const Policy& policy,
                                                const RuleList& list, const Platform& platform, KnownAnchors& known) {
  std::vector<ScanRule> rules;
  for (const RuleIndex index : list)
    rules.push_back({policy.rules[index].name, policy.rules[index].expression, policy.rules[index].caseless});
  const auto scan = compile_scan(rules, platform, Anchoring::anchors, known);
  if (!scan) return std::unexpected(scan.error());
  std::vector<std::uint8_t> anchors;
  for (const AnchorKind kind : scan->anchors) anchors.push_back(static_cast<std::uint8_t>(kind));
  std::vector<fbs::ScanLiteral> table;
  for (const ScanLiteral& literal : scan->literal_table)
    table.emplace_back(literal.rule, literal.min_reach, literal.max_reach);
  const auto indexes = builder.CreateVector(list);
  const auto patterns = builder.CreateVector(scan->patterns);
  const auto kinds = builder.CreateVector(anchors);
  const auto literals = builder.CreateVector(scan->literals);
  return fbs::CreateScan(builder, indexes, patterns, kinds, literals, builder.CreateVectorOfStructs(table));
}

// Every distinct rule list, in the order of its first use: the same policy gives the same bytes.
class ScanTable {
 public:
  std::int32_t index_of(RuleList list) {
    if (list.empty()) return -1;
    const auto [found, fresh] = indexes_.emplace(std::move(list), static_cast<std::int32_t>(lists_.size()));
    if (fresh) lists_.push_back(&found->first);
    return found->second;
  }
  [[nodiscard]] const std::vector<const RuleList*>& lists() const { return lists_; }

 private:
  std::map<RuleList, std::int32_t> indexes_;
  std::vector<const RuleList*> lists_;
};

// What a service looks for in request bodies as pieces of one payload, and by which scans.
using AcrossScans = std::map<Across, std::int32_t>;

struct ServiceScans {
  std::vector<std::int32_t> places;
  AcrossScans across;
};

bool is_across(const Rule& rule, std::size_t place) {
  return rule.across.has_value() && place == static_cast<std::size_t>(Place::request_body);
}

ServiceScans scans_of(const Service& service, const Policy& policy, ScanTable& table) {
  ServiceScans scans;
  for (std::size_t place = 0; place < kPlaces; ++place) {
    RuleList list;
    for (const RuleIndex index : service.rules)
      if (policy.rules[index].where[place] && policy.rules[index].columns.empty() &&
          !is_across(policy.rules[index], place))
        list.push_back(index);
    scans.places.push_back(table.index_of(std::move(list)));
  }
  std::map<Across, RuleList> groups;
  for (const RuleIndex index : service.rules)
    if (policy.rules[index].across) groups[*policy.rules[index].across].push_back(index);
  for (auto& [across, list] : groups) scans.across.emplace(across, table.index_of(std::move(list)));
  return scans;
}

flatbuffers::Offset<fbs::Across> add_across(flatbuffers::FlatBufferBuilder& builder, const Across& across,
                                            std::int32_t scan) {
  std::vector<flatbuffers::Offset<fbs::Tie>> ties;
  for (const Tie& tie : across.by)
    ties.push_back(fbs::CreateTie(builder, tie.kind, tie.name.empty() ? 0 : builder.CreateString(tie.name)));
  const auto by = builder.CreateVector(ties);
  const auto offset = across.offset.empty() ? 0 : builder.CreateString(across.offset);
  return fbs::CreateAcross(builder, static_cast<std::uint32_t>(scan), by, offset, across.seconds);
}

// 0 for none.
flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<fbs::Limit>>> add_limits(
    flatbuffers::FlatBufferBuilder& builder, const std::vector<Limit>& limits) {
  std::vector<flatbuffers::Offset<fbs::Limit>> out;
  for (const Limit& limit : limits)
    out.push_back(fbs::CreateLimit(builder, builder.CreateString(limit.name), limit.per, limit.of, limit.then,
                                   limit.units, limit.period_ns, limit.burst));
  return out.empty() ? 0 : builder.CreateVector(out);
}

// 0 for none.
flatbuffers::Offset<fbs::Risk> add_risk(flatbuffers::FlatBufferBuilder& builder, const std::optional<Risk>& risk) {
  if (!risk) return 0;
  std::vector<flatbuffers::Offset<fbs::RiskLine>> lines;
  for (const RiskLine& line : risk->lines)
    lines.push_back(
        fbs::CreateRiskLine(builder, line.above, line.then, line.pace.units, line.pace.period_ns, line.pace.burst));
  std::vector<flatbuffers::Offset<fbs::Behaviour>> behaviours;
  for (const Behaviour& one : risk->behaviours)
    behaviours.push_back(fbs::CreateBehaviour(builder, one.kind, one.score, one.above, one.factor));
  const auto lines_at = builder.CreateVector(lines);
  return fbs::CreateRisk(builder, lines_at, builder.CreateVector(behaviours), risk->interval_ns);
}

using TextsOffset = flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>>;

TextsOffset add_names(flatbuffers::FlatBufferBuilder& builder, const std::vector<SqlName>& names) {
  std::vector<std::string> texts;
  for (const SqlName& name : names) texts.push_back(text_of(name));
  return builder.CreateVectorOfStrings(texts);
}

// 0 for none.
flatbuffers::Offset<fbs::Sql> add_sql(flatbuffers::FlatBufferBuilder& builder, const std::optional<SqlCondition>& sql) {
  if (!sql) return 0;
  std::vector<std::string> words;
  for (const sql::Kind kind : sql->kinds) words.emplace_back(sql::word_of(kind));
  const auto kinds = builder.CreateVectorOfStrings(words);
  const auto tables = add_names(builder, sql->tables);
  const auto columns = add_names(builder, sql->columns);
  const auto functions = add_names(builder, sql->functions);
  const auto copy = static_cast<fbs::SqlCopyEnd>(sql->copy.value_or(sql::CopyEnd::none));
  return fbs::CreateSql(builder, kinds, tables, columns, functions, copy, sql->where_absent, sql->opaque, sql->several);
}

// Those rules of a service that PostgreSQL's sessions ask beside the scans; 0 for none.
template <class Is>
flatbuffers::Offset<flatbuffers::Vector<RuleIndex>> add_rules(flatbuffers::FlatBufferBuilder& builder,
                                                              const Service& service, const Policy& policy, Is is) {
  RuleList list;
  if (service.protocol == Protocol::postgres)
    for (const RuleIndex index : service.rules)
      if (is(policy.rules[index])) list.push_back(index);
  return list.empty() ? 0 : builder.CreateVector(list);
}

flatbuffers::Offset<fbs::Service> add_service(flatbuffers::FlatBufferBuilder& builder, const Service& service,
                                              const ServiceScans& scans, const Policy& policy) {
  const auto name = builder.CreateString(service.name);
  const auto record_class = builder.CreateString(service.record_class);
  const bool ipv4 = service.address.is_ipv4();
  const fbs::Ipv6 ipv6(service.address.high, service.address.low);
  std::vector<flatbuffers::Offset<fbs::Across>> groups;
  for (const auto& [across, scan] : scans.across) groups.push_back(add_across(builder, across, scan));
  const auto across = groups.empty() ? 0 : builder.CreateVector(groups);
  const auto limits = add_limits(builder, service.limits);
  const auto hold = fbs::CreateHold(builder, service.hold.timeout_ns, service.hold.pass_on_timeout, service.hold.ticket,
                                    service.hold.body_bytes);
  const auto risk = add_risk(builder, service.risk);
  const auto sql_rules = add_rules(builder, service, policy, [](const Rule& rule) { return rule.sql.has_value(); });
  const auto column_rules = add_rules(builder, service, policy, [](const Rule& rule) { return !rule.columns.empty(); });
  return fbs::CreateService(builder, name, ipv4 ? service.address.ipv4() : 0, service.port, service.protocol,
                            service.mode, service.record, service.durability, record_class,
                            builder.CreateVector(scans.places), service.head_limit_bytes, service.header_limit,
                            service.window_bytes, service.after_window, service.allow_upgrade, service.pending_limit,
                            ipv4 ? nullptr : &ipv6, service.after_upgrade, across, limits, hold, risk, sql_rules,
                            service.unreadable_sql, column_rules, service.recorded_rows, service.replication);
}

flatbuffers::Offset<fbs::Principal> add_principal(flatbuffers::FlatBufferBuilder& builder, const Principal& principal) {
  const bool ipv4 = principal.network.is_ipv4();
  const fbs::Ipv6 ipv6(principal.network.high, principal.network.low);
  const auto name = builder.CreateString(principal.name);
  const auto limits = add_limits(builder, principal.limits);
  return fbs::CreatePrincipal(builder, name, ipv4 ? principal.network.ipv4() : 0, principal.prefix_bits,
                              ipv4 ? nullptr : &ipv6, limits);
}

flatbuffers::Offset<fbs::Conditions> add_conditions(flatbuffers::FlatBufferBuilder& builder,
                                                    const ConditionSpec& spec) {
  if (spec.empty()) return {};
  const auto words = builder.CreateVectorOfStrings(spec.context.words);
  const auto values = builder.CreateVectorOfStrings(spec.allow.values);
  const auto contain = builder.CreateVectorOfStrings(spec.allow.contain);
  const auto match = builder.CreateVectorOfStrings(spec.allow.match);
  return fbs::CreateConditions(builder, static_cast<std::uint8_t>(spec.group), spec.min_entropy_millibits, words,
                               static_cast<std::uint8_t>(spec.context.within), spec.context.both_sides, values, contain,
                               match);
}

// 0 for none.
flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<fbs::Column>>> add_columns(
    flatbuffers::FlatBufferBuilder& builder, const std::vector<ColumnPattern>& columns) {
  std::vector<flatbuffers::Offset<fbs::Column>> out;
  for (const ColumnPattern& one : columns)
    out.push_back(fbs::CreateColumn(builder, one.name.empty() ? 0 : builder.CreateString(one.name), one.table,
                                    one.attribute, one.type));
  return out.empty() ? 0 : builder.CreateVector(out);
}

flatbuffers::Offset<fbs::Rule> add_rule(flatbuffers::FlatBufferBuilder& builder, const Rule& rule) {
  const auto name = builder.CreateString(rule.name);
  const auto expression = builder.CreateString(rule.expression);
  const auto columns = add_columns(builder, rule.columns);
  return fbs::CreateRule(builder, name, expression, rule.caseless, rule.validator, rule.action, rule.keep_last,
                         rule.mask_wire[0], rule.mask_wire[1], rule.mask_record, rule.min_width, rule.max_width,
                         add_conditions(builder, rule.conditions), rule.score, add_sql(builder, rule.sql), columns);
}

std::uint16_t format_of(const Policy& policy) {
  const auto limits_rows = [](const auto& owner) {
    return std::ranges::any_of(owner.limits, [](const Limit& limit) { return limit.of >= LimitOf::rows; });
  };
  if (std::ranges::any_of(policy.services, limits_rows) || std::ranges::any_of(policy.principals, limits_rows))
    return kPolicyFormatWithRows;
  const auto bounds_rows = [](const Service& service) { return service.recorded_rows != kAllRows; };
  if (std::ranges::any_of(policy.rules, [](const Rule& r) { return !r.columns.empty(); }) ||
      std::ranges::any_of(policy.services, bounds_rows))
    return kPolicyFormatWithResults;
  if (std::ranges::any_of(policy.rules, [](const Rule& r) { return r.sql.has_value(); })) return kPolicyFormatWithSql;
  if (std::ranges::any_of(policy.services, [](const Service& s) { return s.risk.has_value() || s.hold.ticket; }))
    return kPolicyFormatWithRisk;
  const auto holds = [](const auto& owner) {
    return std::ranges::any_of(owner.limits, [](const Limit& limit) { return limit.then == LimitThen::hold; });
  };
  if (std::ranges::any_of(policy.services, holds) || std::ranges::any_of(policy.principals, holds) ||
      std::ranges::any_of(policy.rules, [](const Rule& r) { return r.action == Action::hold; }))
    return kPolicyFormatWithHolds;
  const auto limited = [](const auto& owner) { return !owner.limits.empty(); };
  if (std::ranges::any_of(policy.services, limited) || std::ranges::any_of(policy.principals, limited))
    return kPolicyFormatWithLimits;
  if (std::ranges::any_of(policy.rules, [](const Rule& r) { return r.across.has_value(); }))
    return kPolicyFormatWithAcross;
  const bool conditions = std::ranges::any_of(policy.rules, [](const Rule& r) { return !r.conditions.empty(); });
  return conditions ? kPolicyFormatWithConditions : kPolicyFormat;
}

}  // namespace

Result<std::vector<std::uint8_t>> compile_policy(const Policy& policy, const Platform& platform, std::uint64_t version,
                                                 WallNs now) {
  if (platform.hyperscan_version != this_platform().hyperscan_version)
    return fail(ErrorCode::bundle_bad_database,
                fmt::format("the data plane has Hyperscan {}, this process {}; install the same version",
                            platform.hyperscan_version, this_platform().hyperscan_version));
  flatbuffers::FlatBufferBuilder builder(64 * 1024);
  ScanTable table;
  std::vector<flatbuffers::Offset<fbs::Service>> services;
  for (const Service& service : policy.services)
    services.push_back(add_service(builder, service, scans_of(service, policy, table), policy));

  std::vector<flatbuffers::Offset<fbs::Scan>> scans;
  KnownAnchors known;
  for (const RuleList* list : table.lists()) {
    const auto scan = add_scan(builder, policy, *list, platform, known);
    if (!scan) return std::unexpected(scan.error());
    scans.push_back(*scan);
  }
  std::vector<flatbuffers::Offset<fbs::Rule>> rules;
  for (const Rule& rule : policy.rules) rules.push_back(add_rule(builder, rule));
  std::vector<flatbuffers::Offset<fbs::Principal>> principals;
  for (const Principal& principal : policy.principals) principals.push_back(add_principal(builder, principal));
  std::vector<flatbuffers::Offset<fbs::Retention>> retention;
  for (const Retention& entry : policy.retention)
    retention.push_back(fbs::CreateRetention(builder, builder.CreateString(entry.record_class), entry.days));

  const auto digest = builder.CreateVector(policy.source_sha256.data(), policy.source_sha256.size());
  const auto hyperscan = builder.CreateString(platform.hyperscan_version);
  const auto services_at = builder.CreateVector(services);
  const auto principals_at = builder.CreateVector(principals);
  const auto retention_at = builder.CreateVector(retention);
  const auto rules_at = builder.CreateVector(rules);
  const auto scans_at = builder.CreateVector(scans);
  builder.Finish(fbs::CreatePolicy(builder, format_of(policy), version, now, digest, hyperscan, platform.cpu_tune,
                                   platform.cpu_features, services_at, principals_at, retention_at, rules_at,
                                   scans_at));
  return std::vector<std::uint8_t>(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
}

}  // namespace sluice::rules
