// Gathers the parts of an incident. See incident.h.
#include "control/cli/incident.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <memory>

#include "common/bytes.h"
#include "common/file.h"
#include "common/ip_address.h"
#include "control/cli/fields.h"
#include "control/cli/text.h"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kNsASecond = 1'000'000'000;
constexpr std::size_t kMostHolds = 100;
constexpr std::size_t kMostSessions = 1000;

struct IncidentOptions {
  std::string principal, service, since = "1h", out = "-";
};

std::string iso_second(std::uint64_t wall) {
  return fmt::format("{:%FT%T}", fmt::gmtime(static_cast<std::time_t>(wall / kNsASecond)));
}

// Times are ISO 8601 in UTC, so text compares as time.
bool is_before(const Json& row, const char* key, const std::string& from) {
  return text_of(row, key) < from;
}

// "10.77.0.65:4000" in "10.77.0.0/24"
bool is_from(const std::string& client, const std::string& source) {
  std::string_view host = std::string_view(client).substr(0, client.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::size_t slash = std::min(source.find('/'), source.size());
  const auto address = parse_address(host);
  const auto network = parse_address(std::string_view(source).substr(0, slash));
  if (!address || !network) return false;
  unsigned bits = kAddressBits;
  if (slash < source.size()) {
    std::from_chars(source.data() + slash + 1, source.data() + source.size(), bits);
    bits = std::min(bits + (network->is_ipv4() ? kIpv4PrefixBits : 0), kAddressBits);
  }
  return address->prefix(bits) == network->prefix(bits);
}

// Whether an order that names no principal is about one of the caller's sessions or holds.
bool is_about(const Json& order, const Json& row, const char* session_key) {
  const std::string session = text_of(order, "session"), service = text_of(order, "service");
  const std::string source = text_of(order, "source");
  return (session.empty() || session == text_of(row, session_key)) &&
         (service.empty() || service == text_of(row, "service")) &&
         (source.empty() || is_from(text_of(row, "client"), source));
}

Answer gather(const Client& client, const IncidentOptions& options, IncidentParts& parts) {
  Answer answer;
  const auto get = [&](const std::string& path, Json& to) {
    answer = client.get(path);
    to = answer.json;
    return answer.exit == Exit::ok;
  };
  Json holds;
  if (!get("/v1/status", parts.status) || !get("/v1/callers", parts.callers)) return answer;
  const std::uint64_t from = wall_ns_before(duration_ns(options.since).value_or(0));
  const Parameter principal = {"principal", options.principal};
  const Parameter service = {"service", options.service};
  if (!get(with_query(
               "/v1/sessions",
               {{"limit", std::to_string(kMostSessions)}, {"since_wall_ns", std::to_string(from)}, principal, service}),
           parts.sessions) ||
      !get("/v1/orders?state=all", parts.orders) ||
      !get(with_query("/v1/alerts", {{"state", "all"}, {"since_wall_ns", std::to_string(from)}, principal, service}),
           parts.alerts) ||
      !get(with_query("/v1/holds", {{"state", "all"}, {"limit", std::to_string(kMostHolds)}, principal, service}),
           holds))
    return answer;
  const std::string begin = iso_second(from);
  parts.holds_are_all = !holds.value("more", false);
  const Json rows = holds.value("holds", Json::array());
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {  // the newest came first
    Json hold;
    if (is_before(*row, "opened", begin)) continue;
    if (!get("/v1/holds/" + text_of(*row, "id"), hold)) return answer;
    parts.holds.push_back(std::move(hold));
  }
  Json kept = Json::array();
  for (const Json& order : parts.orders.value("orders", Json::array()))
    if (belongs(order, parts, begin)) kept.push_back(order);
  parts.orders = {{"orders", kept}};
  return answer;
}

Exit incident(const Shared& shared, const IncidentOptions& options) {
  if (!duration_ns(options.since))
    return complain(shared, Exit::usage, "--since takes a number and s, m, h or d, for example 2h");
  IncidentParts parts{.principal = options.principal, .service = options.service, .since = options.since};
  if (const Answer answer = gather(Client(shared.socket_path), options, parts); answer.exit != Exit::ok)
    return tell(shared, answer, nullptr);
  const std::string text = incident_text(parts);
  if (options.out == "-") {
    std::cout << text;
    return Exit::ok;
  }
  // For the eyes of who asked: it holds what callers sent.
  if (auto written = replace_file(options.out, as_bytes(text), 0600); !written)
    return complain(shared, Exit::refused, written.error().message());
  return Exit::ok;
}

}  // namespace

bool belongs(const Json& order, const IncidentParts& parts, const std::string& from) {
  if (!text_of(order, "ended").empty() && is_before(order, "ended", from)) return false;
  const std::string service = text_of(order, "service");
  if (!parts.service.empty() && !service.empty() && service != parts.service) return false;
  if (const std::string principal = text_of(order, "principal"); !principal.empty())
    return principal == parts.principal;
  const Json sessions = parts.sessions.value("sessions", Json::array());
  return std::ranges::any_of(sessions, [&](const Json& row) { return is_about(order, row, "id"); }) ||
         std::ranges::any_of(parts.holds, [&](const Json& row) { return is_about(order, row, "session"); });
}

void add_incident(CLI::App& app, const Shared& shared, Exit& exit) {
  auto options = std::make_shared<IncidentOptions>();
  CLI::App* command = app.add_subcommand("incident", "what a caller did and what was decided, as one Markdown file");
  command->add_option("--principal", options->principal, "whose")->required();
  command->add_option("--service", options->service, "at this service only");
  command->add_option("--since", options->since, "how far back")->capture_default_str();
  command->add_option("-o,--out", options->out, "the file, of mode 0600; - for standard output")->capture_default_str();
  command->callback([&shared, &exit, options] { exit = incident(shared, *options); });
}

}  // namespace sluice::cli
