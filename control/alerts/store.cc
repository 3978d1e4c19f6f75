// See store.h.
#include "control/alerts/store.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

#include "common/session_id.h"

namespace sluice::control {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kVersion = 1;

// `detail` is what nothing is looked for by.
constexpr const char* kSchema = R"(
  CREATE TABLE alerts(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule TEXT NOT NULL, per INTEGER NOT NULL, service TEXT NOT NULL, name TEXT NOT NULL,
    raised INTEGER NOT NULL, cleared INTEGER NOT NULL DEFAULT 0,
    cleared_value TEXT NOT NULL DEFAULT '0', rule_is_gone INTEGER NOT NULL DEFAULT 0,
    detail TEXT NOT NULL);
  CREATE INDEX alerts_active ON alerts(cleared) WHERE cleared = 0;
  CREATE TABLE events(
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, alert INTEGER NOT NULL, is_raised INTEGER NOT NULL);
  CREATE INDEX events_alert ON events(alert);
  CREATE TRIGGER alerts_forgotten AFTER DELETE ON alerts BEGIN DELETE FROM events WHERE alert = OLD.id; END;
  CREATE TABLE sinks(name TEXT PRIMARY KEY, sequence INTEGER NOT NULL);
  PRAGMA user_version = 1;
)";

// What a sink will never be told. Beside the others: files of before have none of it.
constexpr const char* kLostSchema = R"(
  CREATE TABLE IF NOT EXISTS lost(name TEXT PRIMARY KEY, count INTEGER NOT NULL, sequence INTEGER NOT NULL);
)";

constexpr const char* kColumns = "id, rule, per, service, name, raised, cleared, cleared_value, rule_is_gone, detail";
constexpr int kColumnCount = 10;

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string detail_of(const Alert& alert) {
  Json out = {{"severity", static_cast<int>(alert.severity)},
              {"summary", alert.summary},
              {"measure", alert.measure},
              {"unit", static_cast<int>(alert.unit)},
              {"value", alert.value},
              {"above", alert.above},
              {"principals", alert.principals},
              {"sessions", Json::array()},
              {"order", alert.order},
              {"action", alert.action},
              {"tell", alert.tell},
              {"source", alert.key.source}};
  for (const SessionId session : alert.sessions) out["sessions"].push_back(format_session_id(session));
  return dumped(out);
}

// What we wrote ourselves; of what is not so nothing is taken.
void read_detail(const std::string& text, Alert& alert) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return;
  alert.severity = static_cast<AlertSeverity>(std::clamp(json.value("severity", 1), 0, 2));
  alert.summary = json.value("summary", "");
  alert.measure = json.value("measure", "");
  alert.unit = static_cast<AlertUnit>(std::clamp(json.value("unit", 0), 0, 5));
  alert.value = json.value("value", 0.0);
  alert.above = json.value("above", 0.0);
  alert.principals = json.value("principals", std::vector<std::string>());
  for (const std::string& session : json.value("sessions", std::vector<std::string>()))
    if (const auto id = parse_session_id(session)) alert.sessions.push_back(*id);
  alert.order = json.value("order", std::uint64_t{0});
  alert.action = json.value("action", "");
  alert.tell = json.value("tell", std::vector<std::string>());
  alert.key.source = json.value("source", std::uint64_t{0});
}

Alert read_alert(const Statement& row, int first) {
  Alert alert;
  alert.id = row.number(first);
  alert.rule = row.text(first + 1);
  alert.key = {static_cast<AlertPer>(row.integer(first + 2)), row.text(first + 3), row.text(first + 4)};
  alert.raised = row.number(first + 5);
  alert.cleared = row.number(first + 6);
  const Json value = Json::parse(row.text(first + 7), nullptr, false);
  alert.cleared_value = value.is_number() ? value.get<double>() : 0;
  alert.rule_is_gone = row.integer(first + 8) != 0;
  read_detail(row.text(first + 9), alert);
  return alert;
}

}  // namespace

Result<std::unique_ptr<AlertStore>> AlertStore::open(const std::string& path) {
  auto database = Database::open_kept(path, kSchema, kVersion);
  if (!database) return std::unexpected(database.error());
  if (auto made = database->run(kLostSchema); !made) return std::unexpected(made.error());
  return std::unique_ptr<AlertStore>(new AlertStore(std::move(*database)));
}

Result<void> AlertStore::note(AlertId alert, bool is_raised) {
  auto insert = database_.prepare("INSERT INTO events(alert, is_raised) VALUES(?1, ?2)");
  if (!insert) return std::unexpected(insert.error());
  return insert->bind(1, alert).bind(2, std::uint64_t{is_raised}).run();
}

Result<AlertId> AlertStore::raise(const Alert& alert) {
  auto transaction = Transaction::begin(database_);
  if (!transaction) return std::unexpected(transaction.error());
  AlertId id = 0;
  {
    auto insert = database_.prepare(R"(
      INSERT INTO alerts(rule, per, service, name, raised, detail) VALUES(?1, ?2, ?3, ?4, ?5, ?6) RETURNING id)");
    if (!insert) return std::unexpected(insert.error());
    const std::string detail = detail_of(alert);
    insert->bind(1, alert.rule).bind(2, static_cast<std::uint64_t>(alert.key.per)).bind(3, alert.key.service);
    const auto row = insert->bind(4, alert.key.name).bind(5, alert.raised).bind(6, detail).step();
    if (!row) return std::unexpected(row.error());
    id = insert->number(0);
    if (auto end = insert->step(); !end) return std::unexpected(end.error());
  }
  if (auto noted = note(id, true); !noted) return std::unexpected(noted.error());
  if (auto committed = transaction->commit(); !committed) return std::unexpected(committed.error());
  return id;
}

Result<void> AlertStore::clear(AlertId alert, WallNs cleared, double value, bool rule_is_gone) {
  auto transaction = Transaction::begin(database_);
  if (!transaction) return std::unexpected(transaction.error());
  {
    auto update = database_.prepare(
        "UPDATE alerts SET cleared = ?2, cleared_value = ?3, rule_is_gone = ?4 WHERE id = ?1 AND cleared = 0");
    if (!update) return std::unexpected(update.error());
    const std::string number = dumped(value);
    update->bind(1, alert).bind(2, cleared).bind(3, number).bind(4, std::uint64_t{rule_is_gone});
    if (auto done = update->run(); !done) return done;
  }
  if (auto noted = note(alert, false); !noted) return noted;
  if (auto pruned = prune(); !pruned) return pruned;
  return transaction->commit();
}

Result<void> AlertStore::set_action(AlertId id, OrderId order, const std::string& action) {
  auto known = alert(id);
  if (!known) return std::unexpected(known.error());
  if (!*known) return {};
  (*known)->order = order;
  (*known)->action = action;
  auto update = database_.prepare("UPDATE alerts SET detail = ?2 WHERE id = ?1");
  if (!update) return std::unexpected(update.error());
  const std::string detail = detail_of(**known);
  return update->bind(1, id).bind(2, detail).run();
}

// What goes and was not told yet is lost to the sinks that it is for.
Result<void> AlertStore::prune() {
  std::uint64_t newest = 0;  // that goes
  {
    auto select = database_.prepare("SELECT id FROM alerts WHERE cleared <> 0 ORDER BY id DESC LIMIT 1 OFFSET ?1");
    if (!select) return std::unexpected(select.error());
    const auto row = select->bind(1, kMaxEndedAlerts).step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    newest = select->number(0);
  }
  auto count = database_.prepare(R"(
    INSERT INTO lost(name, count, sequence)
      SELECT sinks.name, count(*), max(events.sequence) FROM sinks
        JOIN events ON events.sequence > sinks.sequence JOIN alerts ON alerts.id = events.alert
        WHERE alerts.cleared <> 0 AND alerts.id <= ?1
          AND EXISTS (SELECT 1 FROM json_each(alerts.detail, '$.tell') WHERE value = sinks.name)
        GROUP BY sinks.name
      ON CONFLICT(name) DO UPDATE SET count = count + excluded.count, sequence = max(sequence, excluded.sequence))");
  if (!count) return std::unexpected(count.error());
  if (auto counted = count->bind(1, newest).run(); !counted) return counted;
  auto remove = database_.prepare("DELETE FROM alerts WHERE cleared <> 0 AND id <= ?1");
  if (!remove) return std::unexpected(remove.error());
  return remove->bind(1, newest).run();
}

Result<AlertStore::Lost> AlertStore::lost(std::string_view name) {
  auto select = database_.prepare("SELECT count, sequence FROM lost WHERE name = ?1 AND count > 0");
  if (!select) return std::unexpected(select.error());
  const auto row = select->bind(1, name).step();
  if (!row) return std::unexpected(row.error());
  return *row ? Lost{.count = select->number(0), .sequence = select->number(1)} : Lost{};
}

Result<void> AlertStore::add_lost(std::string_view name, std::uint64_t sequence) {
  auto insert = database_.prepare(R"(
    INSERT INTO lost(name, count, sequence) VALUES(?1, 1, ?2)
      ON CONFLICT(name) DO UPDATE SET count = count + 1, sequence = max(sequence, excluded.sequence))");
  if (!insert) return std::unexpected(insert.error());
  return insert->bind(1, name).bind(2, sequence).run();
}

Result<void> AlertStore::take_lost(std::string_view name, std::uint64_t count) {
  auto update = database_.prepare("UPDATE lost SET count = count - ?2 WHERE name = ?1");
  if (!update) return std::unexpected(update.error());
  return update->bind(1, name).bind(2, count).run();
}

Result<std::vector<Alert>> AlertStore::read(Statement& select) {
  return select.all([](const Statement& row) { return read_alert(row, 0); });
}

Result<std::optional<Alert>> AlertStore::alert(AlertId id) {
  auto select = database_.prepare("SELECT " + std::string(kColumns) + " FROM alerts WHERE id = ?1");
  if (!select) return std::unexpected(select.error());
  auto found = read(select->bind(1, id));
  if (!found) return std::unexpected(found.error());
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

Result<std::vector<Alert>> AlertStore::alerts(const AlertQuery& query) {
  std::string sql = "SELECT " + std::string(kColumns) + " FROM alerts WHERE ";
  sql += query.is_active ? "cleared = 0" : "(cleared = 0 OR cleared >= ?1)";
  if (!query.service.empty()) sql += " AND service = ?2";
  // Of a service's alert too, where it names them.
  if (!query.principal.empty()) sql += " AND EXISTS (SELECT 1 FROM json_each(detail, '$.principals') WHERE value = ?3)";
  auto select = database_.prepare(sql + " ORDER BY id DESC LIMIT ?4");
  if (!select) return std::unexpected(select.error());
  if (!query.is_active) select->bind(1, query.since);
  if (!query.service.empty()) select->bind(2, query.service);
  if (!query.principal.empty()) select->bind(3, query.principal);
  return read(select->bind(4, query.limit));
}

Result<std::vector<AlertEvent>> AlertStore::events_after(std::uint64_t sequence, std::uint64_t limit) {
  auto select = database_.prepare("SELECT " + std::string(kColumns) +
                                  ", sequence, is_raised FROM events JOIN alerts ON id = alert WHERE sequence > ?1 "
                                  "ORDER BY sequence LIMIT ?2");
  if (!select) return std::unexpected(select.error());
  return select->bind(1, sequence).bind(2, limit).all([](const Statement& row) {
    return AlertEvent{.sequence = row.number(kColumnCount),
                      .is_raised = row.integer(kColumnCount + 1) != 0,
                      .alert = read_alert(row, 0)};
  });
}

Result<std::uint64_t> AlertStore::sink_cursor(std::string_view name) {
  auto insert = database_.prepare(
      "INSERT OR IGNORE INTO sinks(name, sequence) SELECT ?1, coalesce(max(sequence), 0) FROM events");
  if (!insert) return std::unexpected(insert.error());
  if (auto done = insert->bind(1, name).run(); !done) return std::unexpected(done.error());
  auto select = database_.prepare("SELECT sequence FROM sinks WHERE name = ?1");
  if (!select) return std::unexpected(select.error());
  return select->bind(1, name).first_number();
}

Result<void> AlertStore::set_sink_cursor(std::string_view name, std::uint64_t sequence) {
  auto update = database_.prepare("UPDATE sinks SET sequence = ?2 WHERE name = ?1");
  if (!update) return std::unexpected(update.error());
  return update->bind(1, name).bind(2, sequence).run();
}

Result<void> AlertStore::forget_other_sinks(const std::vector<std::string>& names) {
  const std::string list = dumped(names);
  for (const char* sql : {"DELETE FROM sinks WHERE name NOT IN (SELECT value FROM json_each(?1))",
                          "DELETE FROM lost WHERE name NOT IN (SELECT value FROM json_each(?1))"}) {
    auto remove = database_.prepare(sql);
    if (!remove) return std::unexpected(remove.error());
    if (auto done = remove->bind(1, list).run(); !done) return done;
  }
  return {};
}

}  // namespace sluice::control
