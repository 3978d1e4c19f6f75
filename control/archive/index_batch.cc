// See index_batch.h.
#include "control/archive/index_batch.h"

namespace sluice::control {
namespace {

// Adds a delta to what is there. Everything that a closed session says of its stream replaces the sums.
constexpr const char* kUpsertSession = R"(
  INSERT INTO sessions(id, service, class, principal, verified, client_address, client_port, server_address,
    server_port, opened, last, closed, requests, responses, request_bytes, response_bytes, error, verdict, masked,
    denied, hits, gap_records, protocol)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)
  ON CONFLICT(id) DO UPDATE SET
    principal = CASE WHEN excluded.principal <> '' THEN excluded.principal ELSE principal END,
    verified = CASE WHEN excluded.principal <> '' THEN excluded.verified ELSE verified END,
    client_address = max(client_address, excluded.client_address),
    client_port = max(client_port, excluded.client_port),
    server_address = max(server_address, excluded.server_address),
    server_port = max(server_port, excluded.server_port),
    opened = min(opened, excluded.opened),
    last = max(last, excluded.last),
    closed = max(closed, excluded.closed),
    requests = requests + excluded.requests,
    responses = responses + excluded.responses,
    request_bytes = CASE WHEN excluded.closed THEN excluded.request_bytes WHEN closed THEN request_bytes
                         ELSE request_bytes + excluded.request_bytes END,
    response_bytes = CASE WHEN excluded.closed THEN excluded.response_bytes WHEN closed THEN response_bytes
                          ELSE response_bytes + excluded.response_bytes END,
    error = CASE WHEN error = 0 OR (excluded.closed AND excluded.error <> 0) THEN excluded.error ELSE error END,
    verdict = max(verdict, excluded.verdict),
    masked = masked + excluded.masked,
    denied = denied + excluded.denied,
    hits = hits + excluded.hits,
    gap_records = gap_records + excluded.gap_records,
    protocol = max(protocol, excluded.protocol))";

constexpr const char* kInsertRun = R"(
  INSERT OR REPLACE INTO runs(session, segment, offset, block, blocks, sequence) VALUES(?1, ?2, ?3, ?4, ?5, ?6))";

Result<void> upsert(Statement& statement, const SessionRow& row) {
  // Of a part without the session's beginning nothing is known: less than any address.
  const auto text_of = [](const IpAddress& address) {
    return address.is_none() ? std::string() : format_address(address);
  };
  const std::string client = text_of(row.client_address);
  const std::string server = text_of(row.server_address);
  statement.bind(1, row.id).bind(2, row.service).bind(3, row.record_class).bind(4, row.principal);
  statement.bind(5, std::uint64_t{row.principal_verified}).bind(6, client);
  statement.bind(7, std::uint64_t{row.client_port}).bind(8, server);
  statement.bind(9, std::uint64_t{row.server_port}).bind(10, row.opened_wall_ns).bind(11, row.last_wall_ns);
  statement.bind(12, std::uint64_t{row.closed}).bind(13, row.requests).bind(14, row.responses);
  statement.bind(15, row.request_bytes).bind(16, row.response_bytes);
  statement.bind(17, static_cast<std::uint64_t>(row.error)).bind(18, static_cast<std::uint64_t>(row.verdict));
  statement.bind(19, row.masked).bind(20, row.denied).bind(21, row.hits).bind(22, row.gap_records);
  statement.bind(23, static_cast<std::uint64_t>(row.protocol));
  return statement.run();
}

}  // namespace

bool Index::Batch::add(const schema::log::Record& record, const segment::Location& at) {
  if (at.block != block_ && (sessions_.size() >= kMaxSessions || runs_ >= kMaxRuns)) return false;
  block_ = at.block;
  Session& session = sessions_[record.session()];
  session.row.add(record);
  if (!session.runs.empty()) {
    Run& last = session.runs.back();
    const std::uint64_t end = last.first.block + last.blocks;
    if (at.block + 1 == end) return true;
    if (at.block == end) {
      ++last.blocks;
      return true;
    }
  }
  session.runs.push_back({{at.block_offset, at.block}, 1, record.sequence()});
  ++runs_;
  return true;
}

Result<void> Index::Batch::write(Database& database, std::int64_t segment_row) const {
  auto session_statement = database.prepare(kUpsertSession);
  if (!session_statement) return std::unexpected(session_statement.error());
  auto run_statement = database.prepare(kInsertRun);
  if (!run_statement) return std::unexpected(run_statement.error());
  for (const auto& [id, session] : sessions_) {
    if (auto done = upsert(*session_statement, session.row); !done) return done;
    for (const Run& run : session.runs) {
      run_statement->bind(1, id).bind(2, segment_row).bind(3, run.first.offset).bind(4, run.first.block);
      if (auto done = run_statement->bind(5, run.blocks).bind(6, run.sequence).run(); !done) return done;
    }
  }
  return {};
}

}  // namespace sluice::control
