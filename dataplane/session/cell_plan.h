// What is done with each cell of an answer's rows: which are hidden for their column, and which are read because their
// binary format is not their text. Made once an answer, when the first of its rows comes.
// Where nobody said what the columns are, a service whose rules hide columns hides every cell.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/protocol/postgres/conversation.h"
#include "dataplane/protocol/postgres/types.h"
#include "dataplane/session/message.h"

namespace sluice::session {

struct PlannedCell {
  std::uint32_t type = 0;                 // OID; 0: not known
  const postgres::Type* coded = nullptr;  // that of it, or of its elements, where its content is their texts
  bool is_array = false;                  // of such
  postgres::Blank blank = postgres::Blank::stars;
  std::span<const RuleIndex> hidden_by{};
};

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

  // Of each cell of a row; nothing where every cell passes as the content that it is.
  [[nodiscard]] std::span<const PlannedCell> cells() const { return cells_; }

 private:
  void build(const postgres::Conversation& conversation, const UnitInfo& unit, std::uint32_t cells);

  std::uint64_t answer_ = 0;  // the question that the rows answer
  std::uint32_t cells_described_ = 0;
  std::vector<PlannedCell> cells_;
  std::vector<RuleIndex> rules_;
};

}  // namespace sluice::session
