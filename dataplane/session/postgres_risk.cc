// Scores of PostgreSQL: what lets the server work counts among what its caller does, and is worth what that is. What is
// found in a statement goes with it, so that its values, its run and the data of its COPY are judged together with it,
// as if all of that was one message.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "dataplane/session/postgres_relay.h"

namespace sluice::session {

using postgres::MessageKind;

namespace {

const CarriedScore& worse_of(const CarriedScore& one, const CarriedScore& other) {
  return one == nullptr || (other != nullptr && other->total() > one->total()) ? other : one;
}

}  // namespace

// When a unit begins. What the server skips is nothing that its caller does.
void PostgresRelay::begin_score(Context& context) {
  carried_.reset();
  if (service_->risk.lines.empty()) return;
  if (copying_) return exchanges_.empty() ? void() : carry(exchanges_.back().score);  // what asks for data is the last
  if (lets_work() && !is_doomed_ && !is_spoiled_ && !conversation_.asking().skipped) weigh(context);
}

// What a Bind or an Execute is about is known by its name. Where that may stand for several, as what was asked before
// may come to nothing, it is the worst of those; and where nobody knows any more, the worst that the session had.
void PostgresRelay::carry_score(postgres::FieldKind name) {
  const MessageKind kind = request_.reader.message().kind;
  bool is_known = false;
  CarriedScore worst;
  const auto visit = [&](const auto& thing) {
    is_known = true;
    worst = worse_of(worst, std::static_pointer_cast<const CarriedParts>(thing.notes));
  };
  if (kind == MessageKind::bind && name == postgres::FieldKind::statement_name)
    conversation_.for_each_possible_statement(last_sync_, visit);
  else if (kind == MessageKind::execute)
    conversation_.for_each_possible_portal(last_sync_, visit);
  else
    return;
  carry(!is_known && conversation_.has_forgotten_names() ? worst_score_ : std::move(worst));
}

void PostgresRelay::carry(CarriedScore score) {
  if (score == nullptr) return;
  carried_ = std::move(score);
  request_.message.carry(*carried_);
}

CarriedScore PostgresRelay::score_to_carry() const {
  const Message& message = request_.message;
  return message.adds_to_score() ? std::make_shared<const CarriedParts>(message.score_parts()) : carried_;
}

// Of a message that went to the server.
void PostgresRelay::keep_score() {
  const MessageKind kind = request_.reader.message().kind;
  const postgres::Question& question = conversation_.asking();
  if (request_.message.score() == 0) return;
  const bool is_statement = kind == MessageKind::parse && question.statement;
  if (!is_statement && (kind != MessageKind::bind || !question.portal)) return;
  CarriedScore score = score_to_carry();
  worst_score_ = worse_of(worst_score_, score);
  (is_statement ? question.statement->notes : question.portal->notes) = std::move(score);
}

// Of the answer that comes, for what its caller does. An error in our words is none of the server's.
void PostgresRelay::note_answer(MessageKind kind) {
  using postgres::QuestionKind;
  const QuestionKind asked = conversation_.answering().kind;
  const bool is_work =
      asked == QuestionKind::query || asked == QuestionKind::execute || asked == QuestionKind::function_call;
  const bool is_error = kind == MessageKind::error;
  if (kind == MessageKind::notice || (is_error && exchanges_.front().refusal() != nullptr)) return;
  if (is_work || is_error) response_.message.note_answer(is_error);
}

// Which line; not what the score came from: who is told that knows how to stay below.
PostgresRelay::Words PostgresRelay::score_words() const {
  const enforce::RiskLine* line = request_.message.line();
  if (line == nullptr) return {};
  return {.detail = fmt::format("line {}", line->limit.name),
          .hint = "The record of this session says what its score came from."};
}

}  // namespace sluice::session
