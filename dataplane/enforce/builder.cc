// See builder.h.
#include "dataplane/enforce/builder.h"

#include <flatbuffers/flatbuffers.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "dataplane/enforce/limit_builder.h"
#include "dataplane/enforce/risk_builder.h"
#include "dataplane/enforce/sql_builder.h"
#include "rules/bounds.h"
#include "rules/bundle.h"
#include "schema/policy_generated.h"

namespace sluice::enforce {
namespace {

namespace fbs = schema::policy;

constexpr std::size_t kMaxScans = rules::kMaxServices * (kPlaces + rules::kMaxAcrossGroups);
constexpr flatbuffers::uoffset_t kMaxDepth = 4;
constexpr flatbuffers::uoffset_t kMaxTables = 128 * 1024;  // a rule is one, or two; a limit is one

std::unexpected<Error> malformed(std::string why) {
  return fail(ErrorCode::bundle_malformed, std::move(why));
}

// The number of elements; an absent vector is an empty one.
template <class Vector>
std::size_t size_of(const Vector* vector) {
  return vector == nullptr ? 0 : vector->size();
}

std::string_view view_of(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : std::string_view(text->c_str(), text->size());
}

// Enumerations of the schema and of snapshot.h have the same numbers; false for a number neither has.
template <class To, class From>
bool convert(From from, To& to) {
  to = static_cast<To>(from);
  return from >= From::MIN && from <= From::MAX;
}

IpAddress address_of(const fbs::Ipv6& address) {
  return {address.high(), address.low()};
}

bool is_rule_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  return slash != name.npos && rules::is_name(name.substr(0, slash)) && rules::is_name(name.substr(slash + 1));
}

bool in(std::uint64_t value, std::uint64_t low, std::uint64_t high) {
  return value >= low && value <= high;
}

class Builder {
 public:
  explicit Builder(const fbs::Policy& policy) : policy_(policy) {}

  Result<Contents> run() {
    for (const auto step : {&Builder::read_header, &Builder::read_rules, &Builder::read_scans, &Builder::read_services,
                            &Builder::read_principals})
      if (auto done = (this->*step)(); !done) return std::unexpected(std::move(done.error()));
    return std::move(out_);
  }

 private:
  Result<void> read_header() {
    if (!in(policy_.format(), rules::kPolicyFormat, rules::kNewestPolicyFormat))
      return fail(ErrorCode::bundle_bad_version,
                  fmt::format("format {}, this data plane reads {} to {}", policy_.format(), rules::kPolicyFormat,
                              rules::kNewestPolicyFormat));
    const Platform here = this_platform();
    if (view_of(policy_.hyperscan_version()) != here.hyperscan_version)
      return fail(ErrorCode::bundle_bad_database,
                  fmt::format("it was not compiled with Hyperscan {}", here.hyperscan_version));
    if (policy_.cpu_tune() != here.cpu_tune || policy_.cpu_features() != here.cpu_features)
      return fail(ErrorCode::bundle_wrong_cpu,
                  fmt::format("compiled for tune {} features {:#x}, this is tune {} features {:#x}", policy_.cpu_tune(),
                              policy_.cpu_features(), here.cpu_tune, here.cpu_features));
    if (size_of(policy_.source_sha256()) != out_.source_sha256.size())
      return malformed("source digest of a wrong size");
    std::ranges::copy(*policy_.source_sha256(), out_.source_sha256.begin());
    out_.version = policy_.version();
    if (out_.version == 0) return malformed("version 0");
    return {};
  }

  Result<void> read_rules() {
    if (size_of(policy_.rules()) > rules::kMaxRules) return malformed("too many rules");
    for (std::size_t i = 0; i < size_of(policy_.rules()); ++i) {
      const fbs::Rule& source = *policy_.rules()->Get(static_cast<flatbuffers::uoffset_t>(i));
      Rule rule;
      rule.name = view_of(source.name());
      if (!is_rule_name(rule.name)) return malformed(fmt::format("rule {} has no proper name", i));
      inspect::Validator ignored{};
      if (!convert(source.action(), rule.action) || !convert(source.validator(), ignored))
        return malformed(fmt::format("rule {} has an unknown action or validator", rule.name));
      rule.keep_last = source.keep_last();
      rule.masks_signs = source.conditions() != nullptr && source.conditions()->group() != 0;
      rule.mask_wire = {source.mask_request_wire(), source.mask_response_wire()};
      rule.mask_record = source.mask_record();
      rule.score = source.score();
      if (rule.score > rules::kMaxScore) return malformed(fmt::format("rule {} has too high a score", rule.name));
      auto sql = build_sql(source.sql(), rule.name);
      if (!sql) return std::unexpected(std::move(sql.error()));
      rule.sql = *std::move(sql);
      if (rule.sql && (rule.action == Action::mask || rule.mask_record))
        return malformed(fmt::format("rule {} masks what a statement means", rule.name));
      if (rule.action != Action::mask && (rule.mask_wire[0] || rule.mask_wire[1]))
        return malformed(fmt::format("rule {} masks the wire without being a mask", rule.name));
      if (auto done = read_columns(source, rule); !done) return done;
      out_.rules.push_back(std::move(rule));
    }
    return {};
  }

  static Result<void> read_columns(const fbs::Rule& source, Rule& rule) {
    const std::size_t count = size_of(source.columns());
    for (std::size_t i = 0; i < count; ++i) {
      const fbs::Column& column = *source.columns()->Get(static_cast<flatbuffers::uoffset_t>(i));
      rule.columns.push_back({std::string(view_of(column.name())), column.table(), column.attribute(), column.type()});
      if (rule.columns.back().name.size() > rules::kMaxColumnNameBytes)
        return malformed(fmt::format("rule {} names a column that is too long", rule.name));
    }
    const bool stops = rule.action == Action::deny || rule.action == Action::hold || rule.score != 0;
    if (count > rules::kMaxColumns || (count > 0 && (stops || rule.mask_wire[0])))
      return malformed(fmt::format("rule {} names too many columns, or of requests", rule.name));
    return {};
  }

  Result<void> read_scans() {
    inspect::SharedRules shared;
    if (size_of(policy_.scans()) > kMaxScans) return malformed("too many scans");
    for (std::size_t i = 0; i < size_of(policy_.scans()); ++i) {
      const fbs::Scan& scan = *policy_.scans()->Get(static_cast<flatbuffers::uoffset_t>(i));
      if (size_of(scan.rules()) == 0) return malformed(fmt::format("scan {} is empty", i));
      if (size_of(scan.anchors()) != size_of(scan.rules()))
        return malformed(fmt::format("scan {} has no anchor a rule", i));
      std::vector<inspect::RuleSpec> specs;
      for (const std::uint32_t index : *scan.rules()) {
        if (index >= out_.rules.size() || out_.rules[index].sql || (!specs.empty() && index <= specs.back().index))
          return malformed(fmt::format("scan {} names rule {}", i, index));
        specs.push_back(spec_of(index));
        specs.back().anchor =
            static_cast<rules::AnchorKind>(scan.anchors()->Get(static_cast<flatbuffers::uoffset_t>(specs.size() - 1)));
      }
      auto set = inspect::RuleSet::load(specs, databases_of(scan), shared);
      if (!set) return std::unexpected(std::move(set.error()));
      out_.rule_sets.push_back(std::move(*set));
    }
    return {};
  }

  static inspect::Databases databases_of(const fbs::Scan& scan) {
    const auto bytes = [](const flatbuffers::Vector<std::uint8_t>* vector) {
      return vector == nullptr ? Bytes() : Bytes(vector->data(), vector->size());
    };
    inspect::Databases databases{bytes(scan.patterns()), bytes(scan.literals()), {}};
    for (std::size_t i = 0; i < size_of(scan.literal_table()); ++i) {
      const fbs::ScanLiteral& literal = *scan.literal_table()->Get(static_cast<flatbuffers::uoffset_t>(i));
      databases.literal_table.push_back({literal.rule(), literal.min_reach(), literal.max_reach()});
    }
    return databases;
  }

  [[nodiscard]] inspect::RuleSpec spec_of(std::uint32_t index) const {
    const fbs::Rule& source = *policy_.rules()->Get(index);
    return {index,
            std::string(view_of(source.expression())),
            source.caseless(),
            static_cast<inspect::Validator>(source.validator()),
            source.min_width(),
            source.max_width(),
            rules::AnchorKind::pattern,
            conditions_of(source.conditions())};
  }

  static rules::ConditionSpec conditions_of(const fbs::Conditions* source) {
    if (source == nullptr) return {};
    const auto texts = [](const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* list) {
      std::vector<std::string> out;
      for (std::size_t i = 0; i < size_of(list); ++i)
        out.emplace_back(view_of(list->Get(static_cast<flatbuffers::uoffset_t>(i))));
      return out;
    };
    return {.group = source->group(),
            .min_entropy_millibits = source->min_entropy(),
            .context = {texts(source->context_words()), source->context_within(), source->context_both_sides()},
            .allow = {texts(source->allow_values()), texts(source->allow_contain()), texts(source->allow_match())}};
  }

  Result<void> read_services() {
    if (size_of(policy_.services()) > rules::kMaxServices) return malformed("too many services");
    std::set<std::string> names;
    for (std::size_t i = 0; i < size_of(policy_.services()); ++i) {
      const fbs::Service& source = *policy_.services()->Get(static_cast<flatbuffers::uoffset_t>(i));
      Service service;
      service.index = static_cast<std::uint32_t>(i);
      if (auto done = read_service(source, service); !done) return done;
      if (!names.insert(service.name).second) return malformed(fmt::format("two services {}", service.name));
      out_.service_table.add(service.address, service.port, service.index);
      out_.services.push_back(std::move(service));
    }
    if (!out_.service_table.finish()) return malformed("two services at one address");
    return {};
  }

  Result<void> read_service(const fbs::Service& source, Service& service) {
    service.name = view_of(source.name());
    service.record_class = view_of(source.record_class());
    if (!rules::is_name(service.name) || !rules::is_name(service.record_class))
      return malformed(fmt::format("service {} has no proper name or class", service.index));
    service.address = source.ipv6() != nullptr ? address_of(*source.ipv6()) : IpAddress(source.address());
    const bool has_address = source.ipv6() != nullptr ? !service.address.is_ipv4() : source.address() != 0;
    service.port = source.port();
    if (!has_address || service.address.is_none() || service.port == 0)
      return malformed(fmt::format("service {} has no address", service.name));
    if (!convert(source.protocol(), service.protocol) || !convert(source.mode(), service.mode) ||
        !convert(source.record(), service.record) || !convert(source.durability(), service.durability) ||
        !convert(source.after_window(), service.after_window) ||
        !convert(source.after_upgrade(), service.after_upgrade) ||
        !convert(source.replication(), service.replication) || service.protocol == Protocol::raw)
      return malformed(fmt::format("service {} has an unknown protocol, mode or word", service.name));
    if (!in(source.head_limit_bytes(), rules::kMinHeadBytes, rules::kMaxHeadBytes) ||
        !in(source.header_limit(), 1, rules::kMaxHeaders) || !in(source.pending_limit(), 1, rules::kMaxPending) ||
        !in(source.window_bytes(), rules::kMinWindowBytes, rules::kMaxWindowBytes))
      return malformed(fmt::format("service {} has a limit out of bounds", service.name));
    service.head_limit_bytes = source.head_limit_bytes();
    service.header_limit = source.header_limit();
    service.pending_limit = source.pending_limit();
    service.recorded_rows = source.recorded_rows();
    service.window_bytes = source.window_bytes();
    service.allow_upgrade = source.allow_upgrade();
    auto risk = build_risk(source.risk(), service.name, out_.limit_count);
    if (!risk) return std::unexpected(std::move(risk.error()));
    service.risk = *std::move(risk);
    service.may_hold |= holds(service.risk);
    if (auto done = read_service_scans(source, service); !done) return done;
    if (auto done = read_across(source, service); !done) return done;
    if (auto done = read_column_rules(source, service); !done) return done;
    auto limits = build_limits(source.limits(), service.name, out_.limit_count);
    if (!limits) return std::unexpected(std::move(limits.error()));
    service.limits = std::move(*limits);
    service.may_hold |= holds(service.limits);
    if (auto done = read_hold(source.hold(), service); !done) return done;
    if (auto done = read_sql_terms(source, service); !done) return done;
    const bool has_scans =
        !service.across.empty() || std::ranges::any_of(service.scans, [](const auto* scan) { return scan != nullptr; });
    if (service.protocol == Protocol::tcp && (has_scans || !service.limits.empty() || !service.risk.lines.empty()))
      return malformed(fmt::format("service {} has rules or limits and a protocol that nothing reads", service.name));
    const bool has_unread =
        service.hold.ticket || !service.across.empty() || service.risk.behaviour(BehaviourKind::pieces).score != 0;
    if (service.protocol == Protocol::postgres && has_unread)
      return malformed(
          fmt::format("service {} has tickets, pieces or rules across, and protocol postgres", service.name));
    return {};
  }

  Result<void> read_service_scans(const fbs::Service& source, Service& service) {
    if (size_of(source.scans()) != kPlaces)
      return malformed(fmt::format("service {} has no scan a place", service.name));
    for (std::size_t place = 0; place < kPlaces; ++place) {
      const std::int32_t scan = source.scans()->Get(static_cast<flatbuffers::uoffset_t>(place));
      if (scan == -1) continue;
      if (scan < 0 || static_cast<std::size_t>(scan) >= out_.rule_sets.size())
        return malformed(fmt::format("service {} names scan {}", service.name, scan));
      service.scans[place] = out_.rule_sets[static_cast<std::size_t>(scan)].get();
      if (auto done = note_scan(static_cast<std::size_t>(scan), static_cast<Place>(place), service); !done) return done;
    }
    return {};
  }

  Result<void> read_column_rules(const fbs::Service& source, Service& service) {
    for (std::size_t i = 0; i < size_of(source.column_rules()); ++i) {
      const RuleIndex index = source.column_rules()->Get(static_cast<flatbuffers::uoffset_t>(i));
      if (index >= out_.rules.size() || out_.rules[index].columns.empty() || service.protocol != Protocol::postgres)
        return malformed(fmt::format("service {} names rule {} for columns", service.name, index));
      service.column_rules.push_back(index);
    }
    return {};
  }

  // What the rules of a scan mean for the service that looks for them at `place`.
  Result<void> note_scan(std::size_t scan, Place place, Service& service) {
    const bool enforcing = service.mode == Mode::enforce;
    const auto direction = place < Place::response_head ? Direction::request : Direction::response;
    for (const std::uint32_t index : *policy_.scans()->Get(static_cast<flatbuffers::uoffset_t>(scan))->rules()) {
      const Rule& rule = out_.rules[index];
      const bool holds = rule.action == Action::hold;
      const bool denies = rule.action == Action::deny || holds;
      if (rule.score != 0 && direction == Direction::response)
        return malformed(fmt::format("rule {} scores responses of service {}", rule.name, service.name));
      if (denies && direction == Direction::response)
        return malformed(fmt::format("rule {} denies or holds responses of service {}", rule.name, service.name));
      if (enforcing && rule.masks_wire(direction)) service.masks_wire[static_cast<std::size_t>(place)] = true;
      const bool may_stop = denies || (rule.score != 0 && may_stop_units(service.risk));
      if (enforcing && may_stop && place == Place::request_body) service.judges_request_body = true;
      service.may_hold |= enforcing && holds;
    }
    return {};
  }

  Result<void> read_sql_terms(const fbs::Service& source, Service& service) {
    SqlTerms& terms = service.sql;
    const bool enforcing = service.mode == Mode::enforce;
    for (std::size_t i = 0; i < size_of(source.sql_rules()); ++i) {
      const std::uint32_t index = source.sql_rules()->Get(static_cast<flatbuffers::uoffset_t>(i));
      if (service.protocol != Protocol::postgres || index >= out_.rules.size() || !out_.rules[index].sql ||
          (!terms.rules.empty() && index <= terms.rules.back()))
        return malformed(fmt::format("service {} asks rule {} of SQL", service.name, index));
      const Rule& rule = out_.rules[index];
      terms.rules.push_back(index);
      terms.asks_functions |= !rule.sql->functions.empty();
      const bool holds = rule.action == Action::hold;
      const bool may_stop = rule.action == Action::deny || holds || (rule.score != 0 && may_stop_units(service.risk));
      terms.may_stop |= enforcing && may_stop;
      service.may_hold |= enforcing && holds;
    }
    const fbs::Unreadable unreadable = source.unreadable_sql();
    if (unreadable > fbs::Unreadable::MAX)
      return malformed(fmt::format("service {} has an unknown word for what can not be read", service.name));
    terms.pass_unreadable = unreadable == fbs::Unreadable::pass;
    return {};
  }

  static bool holds(const Risk& risk) {
    return std::ranges::any_of(risk.lines, [](const RiskLine& line) { return line.then == LimitThen::hold; });
  }
  static bool may_stop_units(const Risk& risk) {
    return holds(risk) ||
           std::ranges::any_of(risk.lines, [](const RiskLine& line) { return line.then == LimitThen::deny; });
  }
  static bool holds(const std::vector<Limit>& limits) {
    return std::ranges::any_of(limits, [](const Limit& limit) { return limit.then == LimitThen::hold; });
  }

  static Result<void> read_hold(const fbs::Hold* source, Service& service) {
    if (source == nullptr) return {};
    if (!in(source->timeout_ns(), rules::kMinHoldNs, rules::kMaxHoldNs) ||
        !in(source->body_bytes(), rules::kMinHoldBytes, rules::kMaxHoldBytes) ||
        (source->ticket() && source->pass_on_timeout()))
      return malformed(fmt::format("service {} holds beyond the bounds", service.name));
    service.hold = {.timeout = source->timeout_ns(),
                    .pass_on_timeout = source->pass_on_timeout(),
                    .ticket = source->ticket(),
                    .body_bytes = source->body_bytes()};
    return {};
  }

  Result<void> read_across(const fbs::Service& source, Service& service) {
    if (size_of(source.across()) > rules::kMaxAcrossGroups)
      return malformed(fmt::format("service {} has too many groups of rules across requests", service.name));
    for (std::size_t i = 0; i < size_of(source.across()); ++i) {
      const fbs::Across& from = *source.across()->Get(static_cast<flatbuffers::uoffset_t>(i));
      if (from.scan() >= out_.rule_sets.size())
        return malformed(fmt::format("service {} names scan {}", service.name, from.scan()));
      Across across{.rules = out_.rule_sets[from.scan()].get(),
                    .by = {},
                    .offset = std::string(view_of(from.offset())),
                    .life = from.life_seconds() * kSecond};
      for (std::size_t j = 0; j < size_of(from.by()); ++j) {
        const fbs::Tie& tie = *from.by()->Get(static_cast<flatbuffers::uoffset_t>(j));
        Tie& to = across.by.emplace_back();
        to.name = view_of(tie.name());
        const bool named = tie.kind() == fbs::TieKind::header || tie.kind() == fbs::TieKind::query;
        if (!convert(tie.kind(), to.kind) || named == to.name.empty())
          return malformed(fmt::format("service {} ties requests by what is not known", service.name));
      }
      if (!in(across.by.size(), 1, rules::kMaxTies) || !in(from.life_seconds(), 1, rules::kMaxAcrossSeconds) ||
          across.rules->max_width() > rules::kMaxAcrossMatchBytes)
        return malformed(fmt::format("service {} looks across requests beyond the bounds", service.name));
      service.across.push_back(std::move(across));
      if (auto done = note_scan(from.scan(), Place::request_body, service); !done) return done;
    }
    return {};
  }

  Result<void> read_principals() {
    if (size_of(policy_.principals()) > rules::kMaxPrincipals) return malformed("too many principals");
    for (std::size_t i = 0; i < size_of(policy_.principals()); ++i) {
      const fbs::Principal& source = *policy_.principals()->Get(static_cast<flatbuffers::uoffset_t>(i));
      const bool ipv4 = source.ipv6() == nullptr;
      const IpAddress network = ipv4 ? IpAddress(source.network()) : address_of(*source.ipv6());
      const unsigned bits = source.prefix_bits() + (ipv4 ? kIpv4PrefixBits : 0);
      if (!rules::is_name(view_of(source.name())) || bits > kAddressBits || network.is_ipv4() != ipv4)
        return malformed(fmt::format("principal {} is not proper", i));
      if (network.prefix(bits) != network) return malformed(fmt::format("principal {} has host bits", i));
      std::string name(view_of(source.name()));
      auto limits = build_limits(source.limits(), fmt::format("principal:{}", name), out_.limit_count);
      if (!limits) return std::unexpected(std::move(limits.error()));
      if (!limits->empty() && !out_.principal_limits.emplace(name, std::move(*limits)).second)
        return malformed(fmt::format("principal {} has limits twice", name));
      out_.principal_table.add(network, bits, std::move(name));
    }
    out_.principal_table.finish();
    for (const auto& [name, limits] : out_.principal_limits)
      for (Service& service : out_.services) service.may_hold |= holds(limits);  // it may call any of them
    return {};
  }

  const fbs::Policy& policy_;
  Contents out_;
};

}  // namespace

Result<Contents> build_contents(Bytes policy) {
  flatbuffers::Verifier verifier(policy.data(), policy.size(), kMaxDepth, kMaxTables);
  if (!verifier.VerifyBuffer<fbs::Policy>(nullptr)) return malformed("the policy in it is no flatbuffer");
  return Builder(*flatbuffers::GetRoot<fbs::Policy>(policy.data())).run();
}

}  // namespace sluice::enforce
