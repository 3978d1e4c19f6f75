// A recorded answer of PostgreSQL, read value by value (docs/formats/segment.md), against the one that another server
// gives: columns, rows, tags, SQLSTATEs and COPY data, in their order. Notices on the record are passed over. Nothing
// of the replay is shown that was not redacted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/replay/binary_copy.h"
#include "control/replay/postgres_unit.h"
#include "control/replay/recorded_items.h"
#include "control/replay/redactor.h"
#include "control/replay/value_match.h"

namespace sluice::control {

struct ValueDifference {
  std::string where;     // "row 3, value 2"
  std::string recorded;  // "" where there is none
  std::string replayed;
};

struct ValuesCompared {
  std::uint64_t values = 0;                  // that both have
  std::uint64_t masked = 0;                  // of them: the record shows less than all
  std::uint64_t unread = 0;                  // of them: the record has them in a format that is not read
  std::uint64_t rows = 0;                    // that policy kept off the record, and were only counted
  std::uint64_t differing = 0;               // of the values, and what only one has
  std::vector<ValueDifference> differences;  // the first ones

  // Without the differences.
  void add(const ValuesCompared& other);
};

struct ReplayedColumn {
  std::string_view name;
  std::uint32_t type = 0;  // OID
  int attribute = 0;       // number in its table
};

class AnswerComparison {
 public:
  using Row = std::vector<std::optional<std::string_view>>;

  // `body` and `redactor` outlive it; `head` is that of the answer.
  AnswerComparison(std::string_view body, PostgresHead head, bool is_masked, const Redactor& redactor,
                   ValuesCompared& out);

  // A result begins; with `is_told`, its columns stand on the record.
  void columns(const std::vector<ReplayedColumn>& columns, bool is_told);
  void row(const Row& values);
  void copied(std::string_view bytes);
  void tag(std::string_view tag);
  void error(std::string_view sqlstate, std::string_view message);
  // The record says how the statement ended: with a tag or an error. Else it was stopped before its last row.
  [[nodiscard]] bool has_end() const { return has_end_; }
  // The record has no row before something else comes.
  [[nodiscard]] bool rows_are_over();
  // Rows, rows of COPY and results that came where the record has none.
  [[nodiscard]] std::uint64_t beyond() const { return beyond_; }
  // Nothing is compared any more: `why` is a difference, which is always shown.
  void give_up(std::string why);
  // Nothing comes any more.
  void finish();

 private:
  struct Column {
    std::uint32_t type = 0;
    bool is_hidden = false;
  };

  [[nodiscard]] std::string reported();
  void pass_notices();
  void pass_rows();
  void pass_copied();
  std::string take_binary_copy();
  void left_out_row(const std::string& where, const Row& values);
  void note(ValueMatch match, const std::string& where, std::string_view recorded, std::string_view replayed);
  void compare_text(const std::string& where, std::string_view recorded, std::string_view replayed);
  void differ(const std::string& where, std::string_view recorded, std::string_view shown);
  void differ_beyond(const std::string& where, std::string_view shown);
  [[nodiscard]] bool is_full() const;  // nothing more is shown
  [[nodiscard]] std::string redacted(std::string_view text) const;
  [[nodiscard]] std::string shown_value(std::optional<std::string_view> value, std::size_t column) const;
  [[nodiscard]] std::string shown_row(const Row& values) const;

  RecordedItems items_;
  PostgresHead head_;
  std::vector<Column> columns_;
  std::string binary_copy_;     // data on the record, if it is values
  std::string_view copy_left_;  // of the data on the record, what was not compared
  bool in_copy_ = false;
  std::uint64_t rows_ = 0;
  std::uint64_t beyond_ = 0;
  std::uint32_t rows_left_out_ = 0;  // of those of the next item, that came
  bool has_end_ = false;
  bool is_masked_;
  const Redactor& redactor_;
  ValuesCompared& out_;
};

}  // namespace sluice::control
