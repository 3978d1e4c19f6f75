// See sqlite.h.
#include "control/store/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "common/fd.h"
#include "common/file.h"

namespace sluice::control {
namespace {

constexpr int kBusyTimeoutMs = 5000;

std::unexpected<Error> failed(sqlite3* database, std::string_view what) {
  return fail(ErrorCode::io_failed, std::string(what) + ": " + ::sqlite3_errmsg(database));
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  ::sqlite3_finalize(statement);
}

Statement& Statement::bind(int index, std::int64_t value) {
  bad_bind_ |= ::sqlite3_bind_int64(statement_.get(), index, value) != SQLITE_OK;
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  bad_bind_ |= ::sqlite3_bind_text64(statement_.get(), index, text.data() != nullptr ? text.data() : "", text.size(),
                                     SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK;
  return *this;
}

Statement& Statement::bind(int index, Bytes blob) {
  bad_bind_ |= ::sqlite3_bind_blob64(statement_.get(), index, blob.data(), blob.size(), SQLITE_STATIC) != SQLITE_OK;
  return *this;
}

Result<bool> Statement::step() {
  if (bad_bind_) return failed(database_, "binding a parameter");
  const int result = ::sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return failed(database_, "database");
}

Result<void> Statement::run() {
  const auto row = step();
  reset();
  if (!row) return std::unexpected(row.error());
  return {};
}

Result<std::uint64_t> Statement::first_number() {
  if (const auto row = step(); !row) return std::unexpected(row.error());
  return number(0);
}

void Statement::reset() {
  ::sqlite3_reset(statement_.get());
  ::sqlite3_clear_bindings(statement_.get());
  bad_bind_ = false;
}

std::int64_t Statement::integer(int column) const {
  return ::sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const void* data = ::sqlite3_column_blob(statement_.get(), column);  // text too: its bytes
  const int size = ::sqlite3_column_bytes(statement_.get(), column);
  return data != nullptr ? std::string(static_cast<const char*>(data), static_cast<std::size_t>(size)) : std::string();
}

void Database::Close::operator()(sqlite3* database) const {
  ::sqlite3_close(database);
}

Result<Database> Database::open(const std::string& path) {
  // Made first, so that SQLite and its side files take this mode.
  if (!Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)).valid())
    return std::unexpected(system_error("opening " + path));
  sqlite3* handle = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_NOFOLLOW;
  const int result = ::sqlite3_open_v2(path.c_str(), &handle, kFlags, nullptr);
  Database database(handle);
  if (result != SQLITE_OK) return failed(handle, "opening " + path);
  ::sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  if (auto done = database.run("PRAGMA journal_mode=WAL; PRAGMA trusted_schema=OFF;"); !done)
    return std::unexpected(done.error());
  return database;
}

Result<Database> Database::open_kept(const std::string& path, const char* schema, std::uint64_t version) {
  auto database = open(path);
  if (!database) return database;
  if (auto set = database->run("PRAGMA synchronous=FULL;"); !set) return std::unexpected(set.error());
  const auto found = database->first_number("PRAGMA user_version");
  if (!found) return std::unexpected(found.error());
  if (*found > version)
    return fail(ErrorCode::io_failed, path + " was written by a newer control (its version is " +
                                          std::to_string(*found) + ", this control knows " + std::to_string(version) +
                                          "); start that one, or move the file away");
  if (*found == version) return database;
  auto making = Transaction::begin(*database);
  if (!making) return std::unexpected(making.error());
  if (auto made = database->run(schema); !made) return std::unexpected(made.error());
  if (auto committed = making->commit(); !committed) return std::unexpected(committed.error());
  return database;
}

Result<void> Database::run(const char* sql) {
  if (::sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return failed(database_.get(), "database");
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (::sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK)
    return failed(database_.get(), "preparing a statement");
  return Statement(database_.get(), statement);
}

Result<std::uint64_t> Database::first_number(std::string_view sql) {
  auto select = prepare(sql);
  if (!select) return std::unexpected(select.error());
  return select->first_number();
}

Result<Transaction> Transaction::begin(Database& database) {
  if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return std::unexpected(begun.error());
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->run("ROLLBACK");
}

Result<void> Transaction::commit() {
  auto committed = database_->run("COMMIT");
  if (committed) database_ = nullptr;
  return committed;
}

}  // namespace sluice::control
