// What the index is asked.
#include "control/archive/index.h"

namespace sluice::control {
namespace {

constexpr const char* kColumns =
    "id, service, class, principal, verified, client_address, client_port, server_address, server_port, opened, last, "
    "closed, requests, responses, request_bytes, response_bytes, error, verdict, masked, denied, hits, gap_records, "
    "protocol";

SessionRow row_of(const Statement& s) {
  SessionRow row;
  row.id = s.number(0);
  row.service = s.text(1);
  row.record_class = s.text(2);
  row.principal = s.text(3);
  row.principal_verified = s.integer(4) != 0;
  row.client_address = parse_address(s.text(5)).value_or(IpAddress());
  row.client_port = static_cast<std::uint16_t>(s.integer(6));
  row.server_address = parse_address(s.text(7)).value_or(IpAddress());
  row.server_port = static_cast<std::uint16_t>(s.integer(8));
  row.opened_wall_ns = s.number(9);
  row.last_wall_ns = s.number(10);
  row.closed = s.integer(11) != 0;
  row.requests = s.number(12);
  row.responses = s.number(13);
  row.request_bytes = s.number(14);
  row.response_bytes = s.number(15);
  row.error = static_cast<ErrorCode>(s.integer(16));
  row.verdict = static_cast<Verdict>(s.integer(17));
  row.masked = s.number(18);
  row.denied = s.number(19);
  row.hits = s.number(20);
  row.gap_records = s.number(21);
  row.protocol = static_cast<schema::log::Protocol>(s.integer(22));
  return row;
}

}  // namespace

Result<std::vector<SessionRow>> Index::list(const SessionQuery& query) {
  const std::lock_guard lock(mutex_);
  auto select = database_.prepare(std::string("SELECT ") + kColumns + R"( FROM sessions
    WHERE (?1 = '' OR service = ?1) AND (?2 = '' OR principal = ?2) AND opened >= ?3 AND opened <= ?4
    ORDER BY opened DESC, id DESC LIMIT ?5)");
  if (!select) return std::unexpected(select.error());
  select->bind(1, query.service).bind(2, query.principal).bind(3, query.since_wall_ns).bind(4, query.until_wall_ns);
  return select->bind(5, std::uint64_t{query.limit}).all(row_of);
}

Result<SessionRow> Index::find(SessionId id) {
  const std::lock_guard lock(mutex_);
  auto select = database_.prepare(std::string("SELECT ") + kColumns + " FROM sessions WHERE id = ?1");
  if (!select) return std::unexpected(select.error());
  const auto row = select->bind(1, id).step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return fail(ErrorCode::not_found, "no session of that id is in the archive");
  return row_of(*select);
}

Result<std::vector<BlockRun>> Index::runs(SessionId id) {
  const std::lock_guard lock(mutex_);
  auto select = database_.prepare(R"(
    SELECT s.path, r.offset, r.block, r.blocks FROM runs r JOIN segments s ON s.id = r.segment
    WHERE r.session = ?1 ORDER BY r.sequence, s.sequence, r.block)");
  if (!select) return std::unexpected(select.error());
  return select->bind(1, id).all([&](const Statement& row) {
    return BlockRun{files_.root() + "/" + row.text(0), {row.number(1), row.number(2)}, row.number(3)};
  });
}

Result<IndexStatus> Index::status() {
  const std::lock_guard lock(mutex_);
  auto select = database_.prepare(R"(
    SELECT (SELECT count(*) FROM segments), (SELECT count(*) FROM sessions),
           (SELECT coalesce(sum(damages), 0) FROM segments))");
  if (!select) return std::unexpected(select.error());
  const auto row = select->step();
  if (!row) return std::unexpected(row.error());
  return IndexStatus{select->number(0), select->number(1), select->number(2)};
}

}  // namespace sluice::control
