// Opening, holds and pruning. See store.h.
#include "control/approvals/store.h"

#include <algorithm>

namespace sluice::control {
namespace {

constexpr std::uint64_t kVersion = 1;

// Ids are unsigned 64-bit numbers, kept as SQLite has integers; nothing orders by them but orders and the audit.
constexpr const char* kSchema = R"(
  CREATE TABLE holds(
    number INTEGER PRIMARY KEY,
    hold INTEGER NOT NULL UNIQUE,
    session INTEGER NOT NULL, unit INTEGER NOT NULL,
    service TEXT NOT NULL, principal TEXT NOT NULL, principal_verified INTEGER NOT NULL,
    client TEXT NOT NULL,
    cause INTEGER NOT NULL, cause_name TEXT NOT NULL, cause_order INTEGER NOT NULL, score INTEGER NOT NULL,
    policy_version INTEGER NOT NULL,
    passes_on_timeout INTEGER NOT NULL, ticket INTEGER NOT NULL,
    body_bytes INTEGER NOT NULL,
    opened INTEGER NOT NULL, deadline INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0, ended INTEGER NOT NULL DEFAULT 0,
    claimed_by TEXT NOT NULL DEFAULT '', claimed_uid INTEGER NOT NULL DEFAULT 0, claim_until INTEGER NOT NULL DEFAULT 0,
    decided INTEGER NOT NULL DEFAULT 0, decided_pass INTEGER NOT NULL DEFAULT 0, override INTEGER NOT NULL DEFAULT 0,
    decided_by TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', decided_order INTEGER NOT NULL DEFAULT 0,
    approvals INTEGER NOT NULL DEFAULT 0);
  CREATE INDEX holds_live ON holds(state, number) WHERE state < 3;
  CREATE INDEX holds_state ON holds(state, number);
  CREATE TABLE hold_bytes(number INTEGER PRIMARY KEY, head BLOB NOT NULL, body BLOB NOT NULL, fingerprint BLOB NOT NULL);
  CREATE TABLE votes(
    number INTEGER PRIMARY KEY,
    hold INTEGER NOT NULL, order_id INTEGER NOT NULL,
    uid INTEGER NOT NULL, voter TEXT NOT NULL, at INTEGER NOT NULL, approve INTEGER NOT NULL,
    override INTEGER NOT NULL, scope INTEGER NOT NULL, window_ns INTEGER NOT NULL, reason TEXT NOT NULL);
  CREATE INDEX votes_hold ON votes(hold) WHERE hold <> 0;
  CREATE INDEX votes_order ON votes(order_id) WHERE order_id <> 0;
  CREATE TABLE orders(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    verdict INTEGER NOT NULL, service TEXT NOT NULL, principal TEXT NOT NULL, session INTEGER NOT NULL,
    source_high INTEGER NOT NULL, source_low INTEGER NOT NULL, source_bits INTEGER NOT NULL,
    fingerprint BLOB NOT NULL, once INTEGER NOT NULL, creator TEXT NOT NULL, reason TEXT NOT NULL,
    state INTEGER NOT NULL, created INTEGER NOT NULL, until INTEGER NOT NULL,
    from_minute INTEGER NOT NULL, to_minute INTEGER NOT NULL, days INTEGER NOT NULL, zone TEXT NOT NULL,
    from_hold INTEGER NOT NULL, override INTEGER NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0, ended_by TEXT NOT NULL DEFAULT '');
  CREATE INDEX orders_live ON orders(state) WHERE state < 2;
  CREATE TABLE audit(
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, hold INTEGER NOT NULL, order_id INTEGER NOT NULL,
    reason TEXT NOT NULL, override INTEGER NOT NULL);
  CREATE INDEX audit_hold ON audit(hold) WHERE hold <> 0;
  CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
  CREATE TABLE webhooks(name TEXT PRIMARY KEY, sequence INTEGER NOT NULL);
  PRAGMA user_version = 1;
)";

constexpr const char* kColumns = R"(
  number, hold, session, unit, service, principal, principal_verified, client, cause, cause_name, cause_order, score,
  policy_version, passes_on_timeout, ticket, body_bytes, opened, deadline, state, ended, claimed_by, claimed_uid,
  claim_until, decided, decided_pass, override, decided_by, reason, decided_order, approvals)";

Hold read_hold(const Statement& row) {
  Hold hold;
  HoldOpened& unit = hold.opened;
  unit.hold = row.number(1);
  unit.session = row.number(2);
  unit.unit = static_cast<std::uint32_t>(row.number(3));
  unit.service = row.text(4);
  unit.principal = row.text(5);
  unit.principal_verified = row.integer(6) != 0;
  unit.client = row.text(7);
  unit.cause = static_cast<HoldCause>(row.integer(8));
  unit.cause_name = row.text(9);
  unit.order = row.number(10);
  unit.score = static_cast<std::uint32_t>(row.number(11));
  unit.policy_version = row.number(12);
  unit.passes_on_timeout = row.integer(13) != 0;
  unit.ticket = row.integer(14) != 0;
  unit.body_bytes = row.number(15);
  unit.wall_ns = row.number(16);
  hold.deadline = row.number(17);
  hold.state = static_cast<HoldState>(row.integer(18));
  hold.ended = row.number(19);
  hold.claimed_by = row.text(20);
  hold.claimed_uid = static_cast<std::uint32_t>(row.number(21));
  hold.claim_until = row.number(22);
  if (row.number(23) != 0)
    hold.decision = Decision{row.integer(24) != 0, row.integer(25) != 0, row.text(26),
                             row.text(27),         row.number(23),       row.number(28)};
  hold.approvals = static_cast<std::uint32_t>(row.number(29));
  return hold;
}

// By their number, so that a page goes on where the one before ended, whatever ended meanwhile.
std::string list_sql(const HoldQuery& query) {
  std::string sql = "SELECT " + std::string(kColumns) + " FROM holds WHERE ";
  if (query.state)
    sql += "state = ?1";
  else
    sql += query.live ? "state < 3" : "1";
  if (!query.service.empty()) sql += " AND service = ?2";
  if (!query.principal.empty()) sql += " AND principal = ?3";
  if (query.session != 0) sql += " AND session = ?4";
  const bool oldest_first = query.live || (query.state && *query.state <= HoldState::rejected);
  if (query.after != 0)
    sql += std::string(" AND number ") + (oldest_first ? ">" : "<") + " (SELECT number FROM holds WHERE hold = ?5)";
  return sql + " ORDER BY number " + (oldest_first ? "ASC" : "DESC") + " LIMIT ?6";
}

}  // namespace

Result<std::unique_ptr<ApprovalStore>> ApprovalStore::open(const std::string& path) {
  auto database = Database::open_kept(path, kSchema, kVersion);
  if (!database) return std::unexpected(database.error());
  return std::unique_ptr<ApprovalStore>(new ApprovalStore(std::move(*database)));
}

Result<void> ApprovalStore::add(const HoldOpened& opened, WallNs deadline) {
  auto insert = database_.prepare(R"(
    INSERT INTO holds(hold, session, unit, service, principal, principal_verified, client, cause, cause_name,
                      cause_order, score, policy_version, passes_on_timeout, ticket, body_bytes, opened, deadline)
    VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17))");
  if (!insert) return std::unexpected(insert.error());
  insert->bind(1, opened.hold).bind(2, opened.session).bind(3, std::uint64_t{opened.unit}).bind(4, opened.service);
  insert->bind(5, opened.principal).bind(6, std::uint64_t{opened.principal_verified}).bind(7, opened.client);
  insert->bind(8, static_cast<std::uint64_t>(opened.cause)).bind(9, opened.cause_name).bind(10, opened.order);
  insert->bind(11, std::uint64_t{opened.score}).bind(12, opened.policy_version);
  insert->bind(13, std::uint64_t{opened.passes_on_timeout}).bind(14, std::uint64_t{opened.ticket});
  insert->bind(15, opened.body_bytes).bind(16, opened.wall_ns).bind(17, deadline);
  if (auto done = insert->run(); !done) return done;
  auto bytes = database_.prepare(
      "INSERT INTO hold_bytes(number, head, body, fingerprint) VALUES(last_insert_rowid(), ?1, ?2, ?3)");
  if (!bytes) return std::unexpected(bytes.error());
  return bytes->bind(1, as_bytes(opened.head))
      .bind(2, as_bytes(opened.body))
      .bind(3, as_bytes(opened.fingerprint))
      .run();
}

Result<void> ApprovalStore::set_state(HoldId hold, HoldState state, WallNs ended) {
  auto update = database_.prepare("UPDATE holds SET state = ?2, ended = ?3 WHERE hold = ?1");
  if (!update) return std::unexpected(update.error());
  return update->bind(1, hold).bind(2, static_cast<std::uint64_t>(state)).bind(3, ended).run();
}

Result<void> ApprovalStore::set_told(const HoldOpened& opened, WallNs deadline) {
  auto update =
      database_.prepare("UPDATE holds SET deadline = ?2, body_bytes = ?3, score = ?4, cause_name = ?5 WHERE hold = ?1");
  if (!update) return std::unexpected(update.error());
  update->bind(1, opened.hold).bind(2, deadline).bind(3, opened.body_bytes);
  update->bind(4, std::uint64_t{opened.score}).bind(5, opened.cause_name);
  if (auto done = update->run(); !done) return done;
  auto bytes = database_.prepare(
      "UPDATE hold_bytes SET head = ?2, body = ?3 WHERE number = (SELECT number FROM holds WHERE hold = ?1)");
  if (!bytes) return std::unexpected(bytes.error());
  return bytes->bind(1, opened.hold).bind(2, as_bytes(opened.head)).bind(3, as_bytes(opened.body)).run();
}

Result<void> ApprovalStore::set_decision(HoldId hold, const Decision& decision) {
  auto update = database_.prepare(R"(
    UPDATE holds SET state = ?2, decided = ?3, decided_pass = ?4, override = ?5, decided_by = ?6, reason = ?7,
                     decided_order = ?8, claimed_by = '', claim_until = 0 WHERE hold = ?1)");
  if (!update) return std::unexpected(update.error());
  const HoldState state = decision.pass ? HoldState::approved : HoldState::rejected;
  update->bind(1, hold).bind(2, static_cast<std::uint64_t>(state)).bind(3, decision.at);
  update->bind(4, std::uint64_t{decision.pass}).bind(5, std::uint64_t{decision.is_override}).bind(6, decision.by);
  return update->bind(7, decision.reason).bind(8, decision.order).run();
}

Result<void> ApprovalStore::set_claim(HoldId hold, const Reviewer& by, WallNs until) {
  auto update =
      database_.prepare("UPDATE holds SET claimed_by = ?2, claimed_uid = ?3, claim_until = ?4 WHERE hold = ?1");
  if (!update) return std::unexpected(update.error());
  return update->bind(1, hold).bind(2, by.name).bind(3, std::uint64_t{by.uid}).bind(4, until).run();
}

Result<std::optional<Hold>> ApprovalStore::hold(HoldId hold) {
  auto select = database_.prepare("SELECT " + std::string(kColumns) + " FROM holds WHERE hold = ?1");
  if (!select) return std::unexpected(select.error());
  const auto row = select->bind(1, hold).step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return std::nullopt;
  Hold found = read_hold(*select);
  auto bytes = database_.prepare("SELECT head, body, fingerprint FROM hold_bytes WHERE number = ?1");
  if (!bytes) return std::unexpected(bytes.error());
  const auto there = bytes->bind(1, select->integer(0)).step();
  if (!there) return std::unexpected(there.error());
  if (!*there) return found;
  found.opened.head = bytes->text(0);
  found.opened.body = bytes->text(1);
  found.opened.fingerprint = bytes->text(2);
  return found;
}

Result<std::vector<Hold>> ApprovalStore::holds(const HoldQuery& query) {
  auto select = database_.prepare(list_sql(query));
  if (!select) return std::unexpected(select.error());
  if (query.state) select->bind(1, static_cast<std::uint64_t>(*query.state));
  if (!query.service.empty()) select->bind(2, query.service);
  if (!query.principal.empty()) select->bind(3, query.principal);
  if (query.session != 0) select->bind(4, query.session);
  if (query.after != 0) select->bind(5, query.after);
  return select->bind(6, query.limit).all(read_hold);
}

Result<std::uint64_t> ApprovalStore::count(HoldState state) {
  auto select = database_.prepare("SELECT count(*) FROM holds WHERE state = ?1");
  if (!select) return std::unexpected(select.error());
  return select->bind(1, static_cast<std::uint64_t>(state)).first_number();
}

Result<std::vector<ApprovalStore::OpenCount>> ApprovalStore::open_counts() {
  auto select =
      database_.prepare("SELECT service, principal, client, count(*) FROM holds WHERE state = 0 GROUP BY 1, 2, 3");
  if (!select) return std::unexpected(select.error());
  return select->all(
      [](const Statement& row) { return OpenCount{row.text(0), row.text(1), row.text(2), row.number(3)}; });
}

Result<void> ApprovalStore::prune() {
  struct Rule {
    const char* sql;
    std::uint64_t keep;
  };
  // Each finds the newest that goes; nothing when there are no more than are kept.
  for (const Rule& rule : {
           Rule{R"(DELETE FROM hold_bytes WHERE number <= (SELECT number FROM holds WHERE state > 2
                   ORDER BY number DESC LIMIT 1 OFFSET ?1)
                   AND number IN (SELECT number FROM holds WHERE state > 2))",
                kMaxShownHolds},
           Rule{R"(DELETE FROM votes WHERE hold <> 0 AND hold IN (SELECT hold FROM holds WHERE state > 2 AND number <=
                   (SELECT number FROM holds WHERE state > 2 ORDER BY number DESC LIMIT 1 OFFSET ?1)))",
                kMaxEndedHolds},
           Rule{R"(DELETE FROM holds WHERE state > 2 AND number <= (SELECT number FROM holds WHERE state > 2
                   ORDER BY number DESC LIMIT 1 OFFSET ?1))",
                kMaxEndedHolds},
           Rule{R"(DELETE FROM orders WHERE state > 1 AND id <= (SELECT id FROM orders WHERE state > 1
                   ORDER BY id DESC LIMIT 1 OFFSET ?1))",
                kMaxKeptOrders},
           Rule{"DELETE FROM audit WHERE sequence <= (SELECT max(sequence) FROM audit) - ?1", kMaxAuditEntries},
       }) {
    auto remove = database_.prepare(rule.sql);
    if (!remove) return std::unexpected(remove.error());
    if (auto done = remove->bind(1, rule.keep).run(); !done) return done;
  }
  return {};
}

}  // namespace sluice::control
