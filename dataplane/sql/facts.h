// What the grammar says of a text of SQL: its statements, of which kind each is, what it names, and what it lacks. A
// value of three flat lists that never changes once it is made, so that workers may share and keep it.
//
// A statement is one of the text's own, or one that another holds: in WITH (those that change something), EXPLAIN,
// PREPARE, COPY, CREATE ... AS, DECLARE, CREATE RULE. Selects inside expressions, in FROM and in WITH belong to the
// statement around them. Names are as the server reads them: folded, escapes decoded, cut at 63 bytes. A name that WITH
// gives to a query is no table.
//
// What always holds: every list has a bound, and a text beyond one is `incomplete`. What the grammar refuses has no
// statements but a mistake.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/sql_words.h"

namespace sluice::sql {

enum class Role : std::uint8_t {
  reads,     // a table that is read
  writes,    // a table that is changed, made, dropped, or whose rights are
  column,    // with the table or alias before it, where one stands there; `*` for all
  function,  // that is called
  object,    // what DDL makes, changes or drops that is no table
};

struct Statement {
  Kind kind = Kind::other;
  Object object = Object::none;
  CopyEnd copy = CopyEnd::none;
  std::uint8_t depth = 0;      // 0: stands in the text itself
  bool without_where = false;  // an UPDATE or DELETE of every row, or one whose WHERE names no column
  bool limit = false;
  bool locks_rows = false;      // SELECT ... FOR UPDATE and its like
  bool opaque = false;          // holds code that the grammar does not read: DO, a function's body
  bool only_explained = false;  // EXPLAIN without ANALYZE: not run
};

struct Use {
  Role role = Role::reads;
  std::uint8_t statement = 0;  // whose
  std::uint16_t qualifier_bytes = 0;
  std::uint16_t name_bytes = 0;
  std::uint32_t at = 0;  // in the names
};

// What the grammar refuses.
struct Mistake {
  std::uint32_t position = 0;  // in the text that was given to the grammar
  std::string text;            // the grammar's, which quotes a word of it
};

struct FactsBounds {
  std::uint32_t statements = 64;
  std::uint32_t uses = 1024;
  std::uint32_t name_bytes = 32 * 1024;
  std::uint32_t depth = 3000;  // of the tree: three for an operator, a dozen for a query in a query
};

class Facts {
 public:
  [[nodiscard]] std::span<const Statement> statements() const { return statements_; }
  [[nodiscard]] std::span<const Use> uses() const { return uses_; }
  // The schema of a table or function, the table of a column; empty when none is named.
  [[nodiscard]] std::string_view qualifier(const Use& use) const {
    return std::string_view(names_).substr(use.at, use.qualifier_bytes);
  }
  [[nodiscard]] std::string_view name(const Use& use) const {
    return std::string_view(names_).substr(use.at + use.qualifier_bytes, use.name_bytes);
  }
  // In the text itself.
  [[nodiscard]] bool several() const { return top_level_ > 1; }
  [[nodiscard]] bool incomplete() const { return incomplete_; }
  // Null when the grammar took the text.
  [[nodiscard]] const Mistake* mistake() const { return refused_ ? &mistake_ : nullptr; }

 private:
  friend class FactsBuilder;

  std::vector<Statement> statements_;
  std::vector<Use> uses_;
  std::string names_;
  Mistake mistake_;
  std::uint32_t top_level_ = 0;
  bool incomplete_ = false;
  bool refused_ = false;
};

// Fills one, within its bounds, each name once for a statement and role.
class FactsBuilder {
 public:
  explicit FactsBuilder(const FactsBounds& bounds) : bounds_(bounds) {}

  // The new statement's number; the last one's again when there is no room.
  std::uint8_t add(const Statement& statement);
  Statement& statement(std::uint8_t number) { return facts_.statements_[number]; }
  void use(std::uint8_t statement, Role role, std::string_view qualifier, std::string_view name);
  void refuse(std::uint32_t position, std::string_view text);
  void mark_incomplete() { facts_.incomplete_ = true; }
  [[nodiscard]] const FactsBounds& bounds() const { return bounds_; }
  Facts take();

 private:
  FactsBounds bounds_;
  Facts facts_;
};

}  // namespace sluice::sql
