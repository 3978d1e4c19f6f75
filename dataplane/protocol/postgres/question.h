// What was asked of a server, and what it is about: statements, portals and the columns of their rows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/protocol/postgres/message.h"
#include "dataplane/protocol/postgres/names.h"

namespace sluice::postgres {

// The columns of a result, with their names (as much of each as PostgreSQL would keep). Counts itself in `budget`,
// which outlives it.
class Columns {
 public:
  Columns(std::vector<Column> columns, std::string names, std::vector<std::uint32_t> name_ends, std::uint32_t& budget)
      : columns_(std::move(columns)), names_(std::move(names)), name_ends_(std::move(name_ends)), budget_(budget) {
    budget_ += size();
  }
  ~Columns() { budget_ -= size(); }
  Columns(const Columns&) = delete;
  Columns& operator=(const Columns&) = delete;

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(columns_.size()); }
  [[nodiscard]] const Column& operator[](std::uint32_t index) const { return columns_[index]; }
  [[nodiscard]] std::string_view name(std::uint32_t index) const {
    const std::uint32_t begin = index == 0 ? 0 : name_ends_[index - 1];
    return std::string_view(names_).substr(begin, name_ends_[index] - begin);
  }

 private:
  std::vector<Column> columns_;
  std::string names_;
  std::vector<std::uint32_t> name_ends_;
  std::uint32_t& budget_;
};

// What Describe said of a statement or of a portal.
struct Description {
  bool known = false;
  std::shared_ptr<const Columns> columns;  // none: it returns no rows
};

struct Statement {
  std::uint64_t id = 0;              // that of the question that made it
  std::vector<std::uint32_t> types;  // of its parameters: as Parse has them (0: the server's choice), then as described
  // Its rows are those of a query that it has itself. FETCH and EXECUTE have those of a name, which may be another's
  // by then, and the server does not say so.
  bool has_own_rows = false;
  Description description{};
  std::shared_ptr<const void> notes{};  // of who asks about it
};

struct Portal {
  std::shared_ptr<Statement> statement;  // none: made by what is not known here, as by SQL's PREPARE
  bool formats_known = true;
  std::vector<std::uint16_t> formats;  // of its results: none (text), one for all, or one each
  Description description{};
  std::uint64_t made_by = 0;  // id of its Bind
  bool was_executed = false;  // asked for
  bool ran_at_once = false;   // nothing but Describe stood between its Bind and its first Execute, so that names
                              // stood for the same in both
  std::shared_ptr<const void> notes{};  // of who asks about it
};

enum class QuestionKind : std::uint8_t {
  none,
  query,
  parse,
  bind,
  describe_statement,
  describe_portal,
  execute,
  close_statement,
  close_portal,
  sync,
  function_call,
  copy_end,  // CopyDone or CopyFail ahead of the COPY that it ends; gets no answer
};

struct Question {
  std::uint64_t id = 0;  // grows by one with each message of the client
  QuestionKind kind = QuestionKind::none;
  bool is_named = false;                   // parse: a failed one drops the unnamed statement that was there
  bool skipped = false;                    // the server will skip it: it failed before, and has seen no Sync since
  std::uint32_t max_rows = 0;              // execute
  std::shared_ptr<Statement> statement{};  // what it makes or is about, directly or by its portal; none: not known
  std::shared_ptr<Portal> portal{};
  Names<Statement>::Entry* statement_change = nullptr;  // what it does to names once it is answered
  Names<Portal>::Entry* portal_change = nullptr;
};

}  // namespace sluice::postgres
