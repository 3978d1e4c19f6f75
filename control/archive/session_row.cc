// See session_row.h.
#include "control/archive/session_row.h"

#include <algorithm>

namespace sluice::control {
namespace {

namespace log = sluice::schema::log;

void add_end(SessionRow& row, const log::UnitEnd& end) {
  const bool is_request = end.direction() == log::Direction::request;
  (is_request ? row.requests : row.responses) += 1;
  if (!row.closed) (is_request ? row.request_bytes : row.response_bytes) += end.body_bytes();
  const auto verdict = static_cast<Verdict>(end.verdict());
  row.verdict = std::max(row.verdict, verdict);
  if (verdict == Verdict::mask) ++row.masked;
  if (verdict == Verdict::deny) ++row.denied;
  if (end.hits() != nullptr)
    for (const log::RuleHits* hits : *end.hits()) row.hits += hits->count();
  if (row.error == ErrorCode::ok) row.error = static_cast<ErrorCode>(end.error());
}

void add_close(SessionRow& row, const log::SessionClose& close) {
  row.closed = true;
  row.request_bytes = close.request_bytes();
  row.response_bytes = close.response_bytes();
  if (close.error() != 0) row.error = static_cast<ErrorCode>(close.error());
}

}  // namespace

void SessionRow::add(const log::Record& record) {
  if (opened_wall_ns == 0) {
    id = record.session();
    service = record.service()->str();
    record_class = record.record_class()->str();
    opened_wall_ns = record.wall_ns();
  }
  opened_wall_ns = std::min(opened_wall_ns, record.wall_ns());
  last_wall_ns = std::max(last_wall_ns, record.wall_ns());
  // The principal may be learnt after the opening (Basic authentication).
  if (record.principal()->size() > 0) {
    principal = record.principal()->str();
    principal_verified = record.principal_verified();
  }
  if (const auto* open = record.body_as_SessionOpen()) {
    const auto address_of = [](std::uint32_t ipv4, const log::Ipv6* ipv6) {
      return ipv6 == nullptr ? IpAddress(ipv4) : IpAddress(ipv6->high(), ipv6->low());
    };
    client_address = address_of(open->client_address(), open->client_ipv6());
    client_port = open->client_port();
    server_address = address_of(open->server_address(), open->server_ipv6());
    server_port = open->server_port();
    protocol = open->protocol();
  } else if (const auto* end = record.body_as_UnitEnd()) {
    add_end(*this, *end);
  } else if (const auto* close = record.body_as_SessionClose()) {
    add_close(*this, *close);
  } else if (const auto* gap = record.body_as_Gap()) {
    gap_records += gap->records();
  }
}

}  // namespace sluice::control
