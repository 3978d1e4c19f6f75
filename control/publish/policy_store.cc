// See policy_store.h.
#include "control/publish/policy_store.h"

#include <array>

namespace sluice::control {
namespace {

constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS policies(
    version INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    file_name TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    author TEXT NOT NULL,
    created_wall_ns INTEGER NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '');
)";

constexpr std::array<std::string_view, 3> kStates = {"pending", "running", "refused"};

PolicyState state_of(std::string_view name) {
  for (std::size_t i = 0; i < kStates.size(); ++i)
    if (kStates[i] == name) return static_cast<PolicyState>(i);
  return PolicyState::refused;
}

}  // namespace

std::string_view policy_state_name(PolicyState state) {
  return kStates[static_cast<std::size_t>(state)];
}

Result<std::unique_ptr<PolicyStore>> PolicyStore::open(const std::string& path) {
  auto database = Database::open(path);
  if (!database) return std::unexpected(database.error());
  if (auto made = database->run(kSchema); !made) return std::unexpected(made.error());
  return std::unique_ptr<PolicyStore>(new PolicyStore(std::move(*database)));
}

Result<std::uint64_t> PolicyStore::next_version(std::uint64_t at_least) {
  const std::lock_guard lock(mutex_);
  auto select = database_.prepare("SELECT max(coalesce(max(version), 0), ?1) + 1 FROM policies");
  if (!select) return std::unexpected(select.error());
  return select->bind(1, at_least).first_number();
}

Result<void> PolicyStore::add(const StoredPolicy& policy) {
  const std::lock_guard lock(mutex_);
  auto insert = database_.prepare(R"(
    INSERT INTO policies(version, source, file_name, sha256, author, created_wall_ns, state, detail)
    VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8))");
  if (!insert) return std::unexpected(insert.error());
  insert->bind(1, policy.version).bind(2, policy.source).bind(3, policy.file_name).bind(4, as_bytes(policy.sha256));
  insert->bind(5, policy.author).bind(6, policy.created_wall_ns).bind(7, policy_state_name(policy.state));
  return insert->bind(8, policy.detail).run();
}

Result<void> PolicyStore::set_state(std::uint64_t version, PolicyState state, std::string_view detail) {
  const std::lock_guard lock(mutex_);
  auto update = database_.prepare("UPDATE policies SET state = ?2, detail = ?3 WHERE version = ?1");
  if (!update) return std::unexpected(update.error());
  return update->bind(1, version).bind(2, policy_state_name(state)).bind(3, detail).run();
}

Result<std::optional<StoredPolicy>> PolicyStore::current() {
  const std::lock_guard lock(mutex_);
  auto select = database_.prepare(R"(
    SELECT version, source, file_name, sha256, author, created_wall_ns, state, detail
    FROM policies WHERE state <> 'refused' ORDER BY version DESC LIMIT 1)");
  if (!select) return std::unexpected(select.error());
  const auto row = select->step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return std::nullopt;
  return StoredPolicy{select->number(0), select->text(1),   select->text(2),           select->text(3),
                      select->text(4),   select->number(5), state_of(select->text(6)), select->text(7)};
}

}  // namespace sluice::control
