// See service_reader.h.
#include "rules/service_reader.h"

#include <fmt/format.h>

#include <charconv>

#include "rules/bounds.h"
#include "rules/hold_reader.h"
#include "rules/limit_reader.h"
#include "rules/risk_reader.h"

namespace sluice::rules {
namespace {

constexpr Word<Protocol> kProtocols[] = {
    {"http", Protocol::http}, {"postgres", Protocol::postgres}, {"tcp", Protocol::tcp}};
constexpr std::string_view kLaterProtocols[] = {"raw", "ssh", "https", "mysql"};
constexpr Word<Mode> kModes[] = {{"observe", Mode::observe}, {"enforce", Mode::enforce}};
constexpr Word<RecordMode> kRecordModes[] = {
    {"required", RecordMode::required}, {"best_effort", RecordMode::best_effort}, {"off", RecordMode::off}};
constexpr Word<Durability> kDurabilities[] = {{"group", Durability::group}, {"strict", Durability::strict}};
constexpr Word<AfterWindow> kAfterWindows[] = {{"deny", AfterWindow::deny}, {"stream", AfterWindow::stream}};
constexpr Word<Unreadable> kUnreadable[] = {{"deny", Unreadable::deny}, {"pass", Unreadable::pass}};
constexpr Word<AfterUpgrade> kAfterUpgrades[] = {{"scan", AfterUpgrade::scan}, {"pass", AfterUpgrade::pass}};
constexpr Word<Replication> kReplications[] = {{"deny", Replication::deny}, {"pass", Replication::pass}};

std::optional<std::uint32_t> parse_decimal(std::string_view text, std::uint32_t high) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > high) return std::nullopt;
  return value;
}

// Something a client can connect to: no "this network", loopback, multicast or broadcast.
bool is_host_address(const IpAddress& address) {
  if (!address.is_ipv4()) return !address.is_none() && address != IpAddress(0, 1) && !address.is_multicast();
  const std::uint32_t first = address.ipv4() >> 24;
  return first != 0 && first != 127 && first < 224;
}

// What it would have to be.
std::string address_hint(std::string_view text) {
  if (const auto address = parse_address(text)) return fmt::format("with a port: {}", format_endpoint(*address, 8080));
  const std::size_t colon = text.rfind(':');
  if (colon != std::string::npos && text.find(':') != colon)
    return "an IPv6 address stands in brackets, and all of it in quotes: \"[2001:db8::2]:8080\"";
  return "for example 10.77.0.2:8080 or \"[2001:db8::2]:8080\"";
}

void read_address(const YamlNode& node, Service& service, Report& report) {
  const auto text = read_text(node, report);
  if (!text) return;
  const auto end = split_host_and_port(*text);
  const auto address = end ? parse_address(end->host) : std::nullopt;
  if (!address || address->is_ipv4() == end->bracketed || end->port == 0) {
    report.add(node.position, fmt::format("{} is no IP address with a port", show(*text)), address_hint(*text));
  } else if (!is_host_address(*address)) {
    report.add(node.position, fmt::format("{} is no address of a server", show(*text)),
               "the server's own address, not a loopback, multicast or wildcard one");
  } else {
    service.address = *address;
    service.port = end->port;
  }
}

// A mode alone, or {class, mode, durability}.
void read_record(const YamlNode& node, Service& service, Report& report) {
  if (node.kind == YamlNode::Kind::scalar) {
    service.record = read_choice(node, kRecordModes, report).value_or(service.record);
    return;
  }
  Fields fields(node, "record", report);
  if (const YamlNode* name = fields.get("class"))
    service.record_class = read_name(*name, "a retention class", report).value_or(service.record_class);
  if (const YamlNode* mode = fields.get("mode"))
    service.record = read_choice(*mode, kRecordModes, report).value_or(service.record);
  if (const YamlNode* rows = fields.get("rows")) {
    service.recorded_rows = read_number(*rows, 0, kAllRows - 1, report).value_or(kAllRows);
    if (service.protocol != Protocol::postgres)
      report.add(rows->position, "only answers of protocol postgres have rows", "remove it");
  }
  if (const YamlNode* durability = fields.get("durability")) {
    service.durability = read_choice(*durability, kDurabilities, report).value_or(service.durability);
    if (service.durability == Durability::strict && service.record != RecordMode::required)
      report.add(durability->position, "durability: strict without a complete record",
                 "mode: required, or durability: group");
  }
  fields.finish();
}

void read_http(const YamlNode& node, Service& service, Report& report) {
  Fields fields(node, "http", report);
  if (const YamlNode* head = fields.get("head"))
    service.head_limit_bytes =
        read_size(*head, kMinHeadBytes, kMaxHeadBytes, report).value_or(service.head_limit_bytes);
  if (const YamlNode* headers = fields.get("headers"))
    service.header_limit =
        static_cast<std::uint16_t>(read_number(*headers, 1, kMaxHeaders, report).value_or(service.header_limit));
  if (const YamlNode* pending = fields.get("pending"))
    service.pending_limit =
        static_cast<std::uint16_t>(read_number(*pending, 1, kMaxPending, report).value_or(service.pending_limit));
  fields.finish();
}

void read_identity(Fields& fields, Service& service, Report& report) {
  if (const YamlNode* node = fields.need("name", "name: orders"))
    service.name = read_name(*node, "a service", report).value_or("");
  if (const YamlNode* node = fields.need("address", "address: 10.77.0.2:8080")) read_address(*node, service, report);
  if (const YamlNode* node = fields.need("protocol", "protocol: http"))
    service.protocol = read_choice(*node, kProtocols, report, kLaterProtocols).value_or(service.protocol);
  if (const YamlNode* node = fields.need("mode", "mode: enforce"))
    service.mode = read_choice(*node, kModes, report).value_or(service.mode);
}

// What only a service has whose protocol is read.
void read_reading(Fields& fields, Service& service, RuleBook& book, Report& report) {
  if (const YamlNode* http = fields.get("http")) read_http(*http, service, report);
  if (const YamlNode* window = fields.get("window"))
    service.window_bytes = read_size(*window, kMinWindowBytes, kMaxWindowBytes, report).value_or(service.window_bytes);
  if (const YamlNode* after = fields.get("after_window"))
    service.after_window = read_choice(*after, kAfterWindows, report).value_or(service.after_window);
  if (const YamlNode* upgrade = fields.get("allow_upgrade"))
    service.allow_upgrade = read_bool(*upgrade, report).value_or(service.allow_upgrade);
  if (const YamlNode* after = fields.get("after_upgrade")) {
    service.after_upgrade = read_choice(*after, kAfterUpgrades, report).value_or(service.after_upgrade);
    if (!service.allow_upgrade)
      report.add(after->position, "after_upgrade where no upgrade is allowed", "allow_upgrade: true, or remove it");
  }
  if (const YamlNode* replication = fields.get("replication")) {
    service.replication = read_choice(*replication, kReplications, report).value_or(service.replication);
    if (service.protocol != Protocol::postgres)
      report.add(replication->position, "replication on a service of another protocol than postgres", "remove it");
  }
  if (const YamlNode* limits = fields.get("limits")) service.limits = read_limits(*limits, LimitsOf::service, report);
  if (const YamlNode* hold = fields.get("hold")) service.hold = read_hold(*hold, report);
  if (const YamlNode* risk = fields.get("risk")) service.risk = read_risk(*risk, report);
  if (const YamlNode* unreadable = fields.get("unreadable_sql")) {
    service.unreadable_sql = read_choice(*unreadable, kUnreadable, report).value_or(service.unreadable_sql);
    if (service.protocol != Protocol::postgres)
      report.add(unreadable->position, "unreadable_sql on a service that speaks no SQL",
                 "remove it, or protocol: postgres");
  }
  // The book reports by itself: a rule that is not there is no fault of the service's other fields.
  if (const YamlNode* rules = fields.get("rules")) service.rules = book.resolve(*rules);
}

// Of protocol postgres statements and values are read, and they have no place for what is of HTTP alone.
void refuse_http(Fields& fields, Report& report) {
  for (const std::string_view key : {"http", "allow_upgrade", "after_upgrade"})
    if (const YamlNode* node = fields.get(key))
      report.add(node->position, fmt::format("\"{}\" on a service of protocol postgres", key),
                 "remove it, or protocol: http");
}

// What its clients cannot be told, or its messages do not have.
void check_postgres(const Service& service, Fields& fields, Report& report) {
  if (const YamlNode* hold = fields.get("hold"); hold != nullptr && service.hold.ticket)
    report.add(hold->position, "a ticket on a service of protocol postgres, where nobody asks the same again",
               "remove ticket: a held statement waits, and its client can cancel it");
  for (const Limit& limit : service.limits)
    if (limit.per == LimitPer::route)
      report.add(limit.position, "a limit per: route on a service of protocol postgres, which has no paths",
                 "per: principal, source, rule or service");
  if (!service.risk) return;
  for (const Behaviour& one : service.risk->behaviours)
    if (one.kind == BehaviourKind::pieces)
      report.add(one.position, "pieces on a service of protocol postgres, which has no paths",
                 "remove it; requests and bytes count what comes often");
}

void check_rows(const Service& service, Report& report) {
  for (const Limit& limit : service.limits)
    if (limit.of == LimitOf::rows || limit.of == LimitOf::result_bytes)
      report.add(limit.position, "only answers of protocol postgres have rows",
                 limit.of == LimitOf::rows ? "of: requests or bytes" : "of: bytes, with a rate");
}

// And of protocol tcp nothing is read.
void refuse_reading(Fields& fields, const Service& service, Report& report) {
  for (const std::string_view key : {"rules", "http", "window", "after_window", "allow_upgrade", "after_upgrade",
                                     "replication", "limits", "hold", "risk", "unreadable_sql"})
    if (const YamlNode* node = fields.get(key))
      report.add(node->position, fmt::format("\"{}\" on a service of protocol tcp, whose bytes nothing looks at", key),
                 "remove it, or protocol: http");
  if (service.durability == Durability::strict)
    report.add(service.position, "durability: strict on a service of protocol tcp, of whose bytes none wait",
               "durability: group, or protocol: http");
}

}  // namespace

// What is observed leaves before it is decided, and what is not decided cannot be on the record.
void check_strict(const Service& service, Report& report) {
  if (service.mode == Mode::observe && service.durability == Durability::strict)
    report.add(service.position, "mode: observe holds nothing back, durability: strict waits for the record",
               "mode: enforce, or durability: group");
}

std::optional<Service> read_service(const YamlNode& node, RuleBook& book, Report& report) {
  Report own = report.fresh();
  Service service;
  service.position = node.position;
  Fields fields(node, "a service", own);
  read_identity(fields, service, own);
  if (const YamlNode* record = fields.get("record")) read_record(*record, service, own);
  if (service.protocol == Protocol::postgres) refuse_http(fields, own);
  if (service.protocol == Protocol::tcp)
    refuse_reading(fields, service, own);
  else
    read_reading(fields, service, book, own);
  if (service.protocol == Protocol::postgres)
    check_postgres(service, fields, own);
  else
    check_rows(service, own);
  for (const std::string_view key : {"flush_after", "tls", "idle", "approvals"}) fields.not_yet(key);
  fields.finish();
  check_strict(service, own);
  const bool whole = own.empty();
  report.add(own.take());
  if (!whole) return std::nullopt;
  return service;
}

// "10.77.0.64/26", "2001:db8::/32".
void read_network(const YamlNode& node, Principal& principal, Report& report) {
  const auto text = read_text(node, report).value_or("");
  const std::size_t slash = text.find('/');
  const auto network = parse_address(std::string_view(text).substr(0, slash));
  const unsigned all = network && !network->is_ipv4() ? kAddressBits : kAddressBits - kIpv4PrefixBits;
  const auto bits =
      slash == std::string::npos ? std::nullopt : parse_decimal(std::string_view(text).substr(slash + 1), all);
  if (!network || !bits) {
    report.add(node.position, fmt::format("{} is no IP network", show(text)),
               network && slash == std::string::npos ? fmt::format("one host is {}/{}", text, all)
                                                     : "for example 10.77.0.64/26 or 2001:db8::/32");
    return;
  }
  principal.network = network->prefix(kAddressBits - all + *bits);
  principal.prefix_bits = static_cast<std::uint8_t>(*bits);
  if (principal.network != *network)
    report.add(node.position, fmt::format("{} has host bits set", show(text)),
               fmt::format("did you mean {}/{} or {}/{}?", format_address(principal.network), *bits,
                           format_address(*network), all));
}

std::optional<Principal> read_principal(const YamlNode& node, Report& report) {
  Report own = report.fresh();
  Principal principal;
  Fields fields(node, "a principal", own);
  if (const YamlNode* name = fields.need("name", "name: ci-runner"))
    principal.name = read_name(*name, "a principal", own).value_or("");
  principal.position = node.position;
  if (const YamlNode* from = fields.need("from", "from: 10.77.0.64/26")) read_network(*from, principal, own);
  if (const YamlNode* limits = fields.get("limits")) principal.limits = read_limits(*limits, LimitsOf::principal, own);
  for (const std::string_view key : {"groups", "proof", "certificate", "token"}) fields.not_yet(key);
  fields.finish();
  const bool whole = own.empty();
  report.add(own.take());
  if (!whole) return std::nullopt;
  return principal;
}

std::optional<Retention> read_retention(const YamlNode& node, Report& report) {
  YamlNode name;
  name.kind = YamlNode::Kind::scalar;
  name.text = node.key;
  name.position = node.key_position;
  const auto record_class = read_name(name, "a retention class", report);
  const auto text = read_text(node, report);
  if (!record_class || !text) return std::nullopt;
  if (text->ends_with('d'))
    if (const auto days = parse_decimal(std::string_view(*text).substr(0, text->size() - 1), kMaxRetentionDays);
        days && *days > 0)
      return Retention{*record_class, *days};
  report.add(node.position, fmt::format("{} is no time to keep records", show(*text)),
             fmt::format("whole days from 1d to {}d, for example 90d", kMaxRetentionDays));
  return std::nullopt;
}

}  // namespace sluice::rules
