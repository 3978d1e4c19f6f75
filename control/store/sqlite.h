// SQLite, owned and with errors as values. One connection belongs to one owner, who locks around it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::control {

// A prepared statement. Parameters count from 1, columns from 0, as SQLite has it.
// What is bound must live until the last step().
class Statement {
 public:
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::uint64_t value) { return bind(index, static_cast<std::int64_t>(value)); }
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, Bytes blob);
  // True when there is a row to read, false at the end.
  Result<bool> step();
  // For statements without rows.
  Result<void> run();
  // Every row, as `read(const Statement&)` makes a value of it.
  template <class Read, class Row = std::invoke_result_t<Read, const Statement&>>
  Result<std::vector<Row>> all(Read read);
  // The first column of the first row.
  Result<std::uint64_t> first_number();
  // Ready for the next bind and step.
  void reset();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::uint64_t number(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  [[nodiscard]] std::string text(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  sqlite3* database_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  bool bad_bind_ = false;
};

template <class Read, class Row>
Result<std::vector<Row>> Statement::all(Read read) {
  std::vector<Row> rows;
  for (;;) {
    const auto row = step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return rows;
    rows.push_back(read(*this));
  }
}

class Database {
 public:
  // Opens or creates the file with mode 0600, in WAL mode.
  static Result<Database> open(const std::string& path);
  // The same of what nobody can make anew: each commit is on the disk, and a file that a newer control wrote is left
  // alone. `schema` makes one of `version`, and says so.
  static Result<Database> open_kept(const std::string& path, const char* schema, std::uint64_t version);
  // Several statements, none with parameters.
  Result<void> run(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  // Of a query without parameters.
  Result<std::uint64_t> first_number(std::string_view sql);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}
  std::unique_ptr<sqlite3, Close> database_;
};

// Rolls back unless it was committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_ = nullptr;
};

}  // namespace sluice::control
