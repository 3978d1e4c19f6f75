// What is done with each cell of an answer's rows: which are hidden for their column, and which are read because their
// binary format is not their text. Made once an answer, when the first of its rows comes.
// Where nobody said what the columns are, a service whose rules hide columns hides every cell.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/protocol/postgres/conversation.h"
#include "dataplane/session/message.h"

namespace sluice::session {

class CellPlan {
 public:
  // The columns of the answer changed, or may have.
  void forget() { answer_ = 0; }
  // Of the row that comes, which has so many cells; of a unit under `unit`'s policy.
  void make(const postgres::Conversation& conversation, const UnitInfo& unit, std::uint32_t cells) {
    if (answer_ == conversation.answering().id && cells_described_ == cells) return;
    answer_ = conversation.answering().id;
    cells_described_ = cells;
    build(conversation, unit, cells);
  }

  // Every cell passes as the content that it is.
  [[nodiscard]] bool is_plain() const { return cells_.empty(); }

  struct Cell {
    std::uint32_t type = 0;  // OID; 0: not known
    bool is_coded = false;
    postgres::Blank blank = postgres::Blank::stars;
    std::span<const RuleIndex> hidden_by;
  };
  [[nodiscard]] Cell cell(std::uint32_t index) const {
    const Entry& entry = cells_[index];
    return {entry.type, entry.is_coded, entry.blank, std::span(rules_).subspan(entry.first_rule, entry.rules)};
  }

 private:
  struct Entry {
    std::uint32_t type = 0;
    std::uint32_t first_rule = 0;
    std::uint32_t rules = 0;
    bool is_coded = false;
    postgres::Blank blank = postgres::Blank::stars;
  };
  void build(const postgres::Conversation& conversation, const UnitInfo& unit, std::uint32_t cells);

  std::uint64_t answer_ = 0;  // the question that the rows answer
  std::uint32_t cells_described_ = 0;
  std::vector<Entry> cells_;
  std::vector<RuleIndex> rules_;
};

}  // namespace sluice::session
