// See statements.h.
#include "dataplane/session/statements.h"

#include <algorithm>
#include <utility>

#include "common/assert.h"

namespace sluice::session {

Statements::Statements(const StatementsConfig& config) : parsers_(config.parsers), worker_(config.worker) {
  if (parsers_ == nullptr) return;
  shaper_ = std::make_unique<sql::Shaper>(config.keys);
  known_ = std::make_unique<sql::FactsCache>(kShapes);
  asked_ = std::vector<Asked>(parsers_->most_under_way());
}

ErrorCode Statements::shape(Bytes statement, sql::LexerOptions options, sql::Shape& shape) {
  return shaper_ == nullptr ? ErrorCode::sql_helpers_busy : shaper_->shape(statement, options, shape);
}

ErrorCode Statements::ask(std::uint64_t source, const sql::Shape& shape, FactsWait& wait, Session* session) {
  const ErrorCode error = parsers_->post(worker_, source, shape.id, shape.skeleton);
  if (error == ErrorCode::sql_helpers_busy || error == ErrorCode::sql_source_busy) {
    wait.join(crowd_, session);
    return ErrorCode::ok;
  }
  if (error != ErrorCode::ok) return error;
  auto asked = std::ranges::find_if(asked_, [&](const Asked& one) { return one.is_asked && one.shape == shape.id; });
  if (asked == asked_.end()) {
    asked = std::ranges::find(asked_, false, &Asked::is_asked);
    SLUICE_ASSERT(asked != asked_.end());  // as many as the pool has jobs
    asked->shape = shape.id;
    asked->is_asked = true;
  }
  wait.join(asked->ring, session);
  return ErrorCode::ok;
}

// Who waited for it, or nullptr.
FactsWait* Statements::learn(sql::Answer& answer) {
  parsers_->retire(worker_, known_->put(answer.shape, std::exchange(answer.facts, nullptr)));
  const auto asked =
      std::ranges::find_if(asked_, [&](const Asked& one) { return one.is_asked && one.shape == answer.shape; });
  if (asked == asked_.end()) return nullptr;
  asked->is_asked = false;
  return &asked->ring;
}

}  // namespace sluice::session
