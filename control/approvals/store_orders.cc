// Votes, orders and the audit. See store.h.
#include "control/approvals/store.h"

namespace sluice::control {
namespace {

Order read_order(const Statement& row) {
  Order order;
  OrderTold& told = order.told;
  told.order = row.number(0);
  told.verdict = static_cast<OrderVerdict>(row.integer(1));
  told.service = row.text(2);
  told.principal = row.text(3);
  told.session = row.number(4);
  told.source = IpAddress(row.number(5), row.number(6));
  told.source_bits = static_cast<std::uint8_t>(row.integer(7));
  told.fingerprint = row.text(8);
  told.once = row.integer(9) != 0;
  told.by = row.text(10);
  told.reason = row.text(11);
  order.state = static_cast<OrderState>(row.integer(12));
  order.created = row.number(13);
  order.until = row.number(14);
  order.window = {static_cast<std::uint16_t>(row.integer(15)), static_cast<std::uint16_t>(row.integer(16)),
                  static_cast<std::uint8_t>(row.integer(17)), row.text(18)};
  order.from_hold = row.number(19);
  order.is_override = row.integer(20) != 0;
  order.ended = row.number(21);
  order.ended_by = row.text(22);
  return order;
}

AuditEntry read_entry(const Statement& row) {
  return {row.number(0), row.number(1), row.text(2), row.text(3),
          row.number(4), row.number(5), row.text(6), row.integer(7) != 0};
}

constexpr const char* kOrderColumns = R"(
  id, verdict, service, principal, session, source_high, source_low, source_bits, fingerprint, once, creator, reason,
  state, created, until, from_minute, to_minute, days, zone, from_hold, override, ended, ended_by)";

}  // namespace

Result<void> ApprovalStore::add_vote(HoldId hold, OrderId order, const Vote& vote) {
  auto insert = database_.prepare(R"(
    INSERT INTO votes(hold, order_id, uid, voter, at, approve, override, scope, window_ns, reason)
    VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10))");
  if (!insert) return std::unexpected(insert.error());
  insert->bind(1, hold).bind(2, order).bind(3, std::uint64_t{vote.uid}).bind(4, vote.by).bind(5, vote.at);
  insert->bind(6, std::uint64_t{vote.approve}).bind(7, std::uint64_t{vote.is_override});
  insert->bind(8, static_cast<std::uint64_t>(vote.scope)).bind(9, vote.window_ns).bind(10, vote.reason);
  return insert->run();
}

Result<void> ApprovalStore::add_hold_vote(HoldId hold, const Vote& vote) {
  if (auto added = add_vote(hold, 0, vote); !added || !vote.approve) return added;
  auto update = database_.prepare("UPDATE holds SET approvals = approvals + 1 WHERE hold = ?1");
  if (!update) return std::unexpected(update.error());
  return update->bind(1, hold).run();
}

Result<void> ApprovalStore::add_order_vote(OrderId order, const Vote& vote) {
  return add_vote(0, order, vote);
}

Result<std::vector<Vote>> ApprovalStore::votes(const char* column, std::uint64_t id) {
  auto select = database_.prepare(
      std::string("SELECT uid, voter, at, approve, override, scope, window_ns, reason FROM votes WHERE ") + column +
      " = ?1 AND " + column + " <> 0 ORDER BY number");
  if (!select) return std::unexpected(select.error());
  return select->bind(1, id).all([](const Statement& row) {
    return Vote{.uid = static_cast<std::uint32_t>(row.number(0)),
                .by = row.text(1),
                .reason = row.text(7),
                .at = row.number(2),
                .approve = row.integer(3) != 0,
                .is_override = row.integer(4) != 0,
                .scope = static_cast<Scope>(row.integer(5)),
                .window_ns = row.number(6)};
  });
}

Result<std::vector<Vote>> ApprovalStore::hold_votes(HoldId hold) {
  return votes("hold", hold);
}

Result<std::vector<Vote>> ApprovalStore::order_votes(OrderId order) {
  return votes("order_id", order);
}

Result<OrderId> ApprovalStore::add(const Order& order) {
  auto insert = database_.prepare(R"(
    INSERT INTO orders(verdict, service, principal, session, source_high, source_low, source_bits, fingerprint, once,
                       creator, reason, state, created, until, from_minute, to_minute, days, zone, from_hold, override)
    VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20) RETURNING id)");
  if (!insert) return std::unexpected(insert.error());
  const OrderTold& told = order.told;
  insert->bind(1, static_cast<std::uint64_t>(told.verdict)).bind(2, told.service).bind(3, told.principal);
  insert->bind(4, told.session).bind(5, told.source.high).bind(6, told.source.low);
  insert->bind(7, std::uint64_t{told.source_bits}).bind(8, as_bytes(told.fingerprint));
  insert->bind(9, std::uint64_t{told.once}).bind(10, told.by).bind(11, told.reason);
  insert->bind(12, static_cast<std::uint64_t>(order.state)).bind(13, order.created).bind(14, order.until);
  insert->bind(15, std::uint64_t{order.window.from_minute}).bind(16, std::uint64_t{order.window.to_minute});
  insert->bind(17, std::uint64_t{order.window.days}).bind(18, order.window.zone).bind(19, order.from_hold);
  const auto row = insert->bind(20, std::uint64_t{order.is_override}).step();
  if (!row) return std::unexpected(row.error());
  const OrderId id = insert->number(0);
  if (auto end = insert->step(); !end) return std::unexpected(end.error());
  return id;
}

Result<void> ApprovalStore::end_order(OrderId order, OrderState state, WallNs ended, std::string_view by) {
  auto update = database_.prepare("UPDATE orders SET state = ?2, ended = ?3, ended_by = ?4 WHERE id = ?1");
  if (!update) return std::unexpected(update.error());
  return update->bind(1, order).bind(2, static_cast<std::uint64_t>(state)).bind(3, ended).bind(4, by).run();
}

Result<void> ApprovalStore::activate_order(OrderId order) {
  auto update = database_.prepare("UPDATE orders SET state = 1 WHERE id = ?1");
  if (!update) return std::unexpected(update.error());
  return update->bind(1, order).run();
}

Result<std::optional<Order>> ApprovalStore::order(OrderId order) {
  auto select = database_.prepare("SELECT " + std::string(kOrderColumns) + " FROM orders WHERE id = ?1");
  if (!select) return std::unexpected(select.error());
  auto found = select->bind(1, order).all(read_order);
  if (!found) return std::unexpected(found.error());
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

Result<std::vector<Order>> ApprovalStore::orders(bool with_ended, std::uint64_t limit) {
  auto select = database_.prepare("SELECT " + std::string(kOrderColumns) + " FROM orders WHERE " +
                                  (with_ended ? "1" : "state < 2") + " ORDER BY id DESC LIMIT ?1");
  if (!select) return std::unexpected(select.error());
  return select->bind(1, limit).all(read_order);
}

Result<void> ApprovalStore::note(const AuditEntry& entry) {
  auto insert = database_.prepare(R"(
    INSERT INTO audit(at, who, what, hold, order_id, reason, override) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7))");
  if (!insert) return std::unexpected(insert.error());
  insert->bind(1, entry.at).bind(2, entry.by).bind(3, entry.what).bind(4, entry.hold).bind(5, entry.order);
  return insert->bind(6, entry.reason).bind(7, std::uint64_t{entry.is_override}).run();
}

Result<std::vector<AuditEntry>> ApprovalStore::audit_after(std::uint64_t sequence, std::uint64_t limit) {
  auto select = database_.prepare(R"(
    SELECT sequence, at, who, what, hold, order_id, reason, override FROM audit
    WHERE sequence > ?1 ORDER BY sequence LIMIT ?2)");
  if (!select) return std::unexpected(select.error());
  return select->bind(1, sequence).bind(2, limit).all(read_entry);
}

Result<std::vector<AuditEntry>> ApprovalStore::audit_of(HoldId hold) {
  auto select = database_.prepare(R"(
    SELECT sequence, at, who, what, hold, order_id, reason, override FROM audit
    WHERE hold = ?1 AND hold <> 0 ORDER BY sequence LIMIT 1000)");
  if (!select) return std::unexpected(select.error());
  return select->bind(1, hold).all(read_entry);
}

Result<std::uint64_t> ApprovalStore::audit_sequence() {
  return database_.first_number("SELECT coalesce(max(sequence), 0) FROM audit");
}

Result<std::uint64_t> ApprovalStore::webhook_cursor(std::string_view name) {
  auto insert = database_.prepare(
      "INSERT OR IGNORE INTO webhooks(name, sequence) SELECT ?1, coalesce(max(sequence), 0) FROM audit");
  if (!insert) return std::unexpected(insert.error());
  if (auto done = insert->bind(1, name).run(); !done) return std::unexpected(done.error());
  auto select = database_.prepare("SELECT sequence FROM webhooks WHERE name = ?1");
  if (!select) return std::unexpected(select.error());
  return select->bind(1, name).first_number();
}

Result<void> ApprovalStore::set_webhook_cursor(std::string_view name, std::uint64_t sequence) {
  auto update = database_.prepare("UPDATE webhooks SET sequence = ?2 WHERE name = ?1");
  if (!update) return std::unexpected(update.error());
  return update->bind(1, name).bind(2, sequence).run();
}

}  // namespace sluice::control
