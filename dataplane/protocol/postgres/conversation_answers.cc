// The server's side of a conversation: which question an answer belongs to, and what it changes.
#include <algorithm>
#include <utility>

#include "dataplane/protocol/postgres/conversation.h"

namespace sluice::postgres {
namespace {

constexpr std::size_t kMostTagBytes = 32;

// A simple query goes on until ReadyForQuery, whatever it answers before.
bool may_return_rows(QuestionKind kind) {
  return kind == QuestionKind::query || kind == QuestionKind::execute;
}

}  // namespace

ErrorCode Conversation::take_response(const Reader& reader, const Step& step, Bytes bytes) {
  switch (step.kind) {
    case StepKind::message: {
      const MessageKind kind = reader.message().kind;
      const ErrorCode error = expected(kind);
      if (error != ErrorCode::ok || !answers(kind) || questions_.empty()) {
        answering_ = Question{};
      } else if (answering_.id != questions_.front().id) {
        answering_ = questions_.front();
      }
      tag_.clear();
      column_names_.clear();
      name_ends_.clear();
      return error;
    }
    case StepKind::field:
      return response_field(reader, bytes);
    case StepKind::message_end:
      return end_response(reader);
    default:
      return ErrorCode::ok;
  }
}

// Messages that a question has; the others come at any time.
bool Conversation::answers(MessageKind kind) const {
  return phase_ > Phase::starting && kind != MessageKind::notification && kind != MessageKind::setting;
}

ErrorCode Conversation::expected(MessageKind kind) {
  drop_copy_ends();  // in front they end no COPY: what began one would stand before them
  const QuestionKind asked = questions_.empty() ? QuestionKind::none : questions_.front().kind;
  const bool authenticating = phase_ == Phase::authenticating;
  const bool is_up = phase_ > Phase::authenticating;
  bool is_expected = false;
  switch (kind) {
    case MessageKind::encryption_answer:
      is_expected = awaits_encryption_answer_;
      break;
    case MessageKind::error:
      is_expected = true;
      break;
    case MessageKind::notice:
      is_expected = phase_ != Phase::startup;
      break;
    case MessageKind::authentication:
    case MessageKind::negotiate_version:
      is_expected = authenticating;
      break;
    case MessageKind::backend_key:
      is_expected = phase_ == Phase::starting;
      break;
    case MessageKind::setting:
    case MessageKind::notification:
      is_expected = is_up;
      break;
    case MessageKind::ready:
      is_expected = phase_ == Phase::starting || asked == QuestionKind::query || asked == QuestionKind::sync ||
                    asked == QuestionKind::function_call || spare_readies_ > 0;
      break;
    case MessageKind::parse_complete:
      is_expected = asked == QuestionKind::parse;
      break;
    case MessageKind::bind_complete:
      is_expected = asked == QuestionKind::bind;
      break;
    case MessageKind::close_complete:
      is_expected = asked == QuestionKind::close_statement || asked == QuestionKind::close_portal;
      break;
    case MessageKind::parameter_description:
      is_expected = asked == QuestionKind::describe_statement;
      break;
    case MessageKind::no_data:
      is_expected = asked == QuestionKind::describe_statement || asked == QuestionKind::describe_portal;
      break;
    case MessageKind::row_description:
      is_expected = asked == QuestionKind::query || asked == QuestionKind::describe_statement ||
                    asked == QuestionKind::describe_portal;
      break;
    case MessageKind::portal_suspended:
      is_expected = asked == QuestionKind::execute;
      break;
    case MessageKind::function_result:
      is_expected = asked == QuestionKind::function_call;
      break;
    case MessageKind::copy_data:
    case MessageKind::copy_done:
      is_expected = phase_ == Phase::copy_out || phase_ == Phase::copy_both;
      break;
    case MessageKind::data_row:
    case MessageKind::command_complete:
    case MessageKind::empty_query:
    case MessageKind::copy_in:
    case MessageKind::copy_out:
    case MessageKind::copy_both:
      is_expected = may_return_rows(asked);
      break;
    default:
      break;
  }
  return is_expected && (is_up || kind == MessageKind::error || kind == MessageKind::notice || authenticating ||
                         kind == MessageKind::encryption_answer)
             ? ErrorCode::ok
             : ErrorCode::postgres_unexpected_answer;
}

ErrorCode Conversation::response_field(const Reader& reader, Bytes bytes) {
  const Field& field = reader.field();
  if (field.kind == FieldKind::cell)
    return field.first && field.index == 0 ? check_row(reader.values().count) : ErrorCode::ok;
  if (field.kind == FieldKind::command_tag) {
    const std::size_t room = kMostTagBytes - tag_.size();
    tag_.append(as_text(bytes.first(std::min(bytes.size(), room))));
  } else if (field.kind == FieldKind::column_name) {
    const std::size_t begin = name_ends_.empty() ? 0 : name_ends_.back();
    const std::size_t room = limits_.name_bytes - (column_names_.size() - begin);
    column_names_.append(as_text(bytes.first(std::min(bytes.size(), room))));
    if (field.last) name_ends_.push_back(static_cast<std::uint32_t>(column_names_.size()));
  }
  return ErrorCode::ok;
}

ErrorCode Conversation::end_response(const Reader& reader) {
  const Values& values = reader.values();
  switch (reader.message().kind) {
    case MessageKind::encryption_answer:
      awaits_encryption_answer_ = false;
      break;
    case MessageKind::authentication:
      if (values.authentication == kAuthenticationOk) phase_ = Phase::starting;
      break;
    case MessageKind::ready:
      now_ready(values.transaction);
      break;
    case MessageKind::parse_complete:
    case MessageKind::bind_complete:
    case MessageKind::close_complete:
      pop(End::answered);
      break;
    case MessageKind::parameter_description:
      if (answering_.statement) answering_.statement->types = values.types;
      break;
    case MessageKind::no_data:
      describe(nullptr);
      pop(End::answered);
      break;
    case MessageKind::row_description:
      return row_described(values);
    case MessageKind::data_row:
      return values.count == 0 ? check_row(0) : ErrorCode::ok;
    case MessageKind::command_complete:
    case MessageKind::empty_query:
      command_complete();
      break;
    case MessageKind::portal_suspended:
      pop(End::answered);
      break;
    case MessageKind::error:
      failed();
      break;
    case MessageKind::copy_in:
      return copy_in_begins();
    case MessageKind::copy_out:
      phase_ = Phase::copy_out;
      break;
    case MessageKind::copy_both:
      phase_ = Phase::copy_both;
      client_copy_done_ = server_copy_done_ = false;
      break;
    case MessageKind::copy_done:
      server_copy_done_ = true;
      if (phase_ == Phase::copy_out || client_copy_done_) phase_ = Phase::ready;
      break;
    default:
      break;
  }
  return ErrorCode::ok;
}

ErrorCode Conversation::row_described(const Values& values) {
  if (columns_kept_ + values.columns.size() > limits_.columns) return ErrorCode::postgres_too_many_columns;
  auto columns = std::make_shared<const Columns>(values.columns, column_names_, name_ends_, columns_kept_);
  if (answering_.kind == QuestionKind::query) {
    result_ = std::move(columns);
    return ErrorCode::ok;
  }
  describe(columns);
  pop(End::answered);
  return ErrorCode::ok;
}

// What the portal of a statement returns, the statement returns.
void Conversation::describe(const std::shared_ptr<const Columns>& columns) {
  if (answering_.portal) answering_.portal->description = {.known = true, .columns = columns};
  if (answering_.statement) answering_.statement->description = {.known = true, .columns = columns};
}

// Of what an Execute returns: nullptr where nobody said, or where what was said may be of something else.
const Description* Conversation::description() const {
  const Portal* portal = answering_.kind == QuestionKind::execute ? answering_.portal.get() : nullptr;
  if (portal == nullptr) return nullptr;
  const bool has_own_rows = !portal->statement || portal->statement->has_own_rows;
  if (portal->description.known && (has_own_rows || portal->ran_at_once)) return &portal->description;
  if (!has_own_rows) return nullptr;
  return portal->statement && portal->statement->description.known ? &portal->statement->description : nullptr;
}

const Columns* Conversation::columns() const {
  if (answering_.kind == QuestionKind::query) return result_.get();
  const Description* said = description();
  return said == nullptr ? nullptr : said->columns.get();
}

std::optional<std::uint16_t> Conversation::format(std::uint32_t cell) const {
  if (answering_.kind == QuestionKind::query) {
    if (!result_ || cell >= result_->size()) return std::nullopt;
    return (*result_)[cell].format;
  }
  if (answering_.kind != QuestionKind::execute || !answering_.portal || !answering_.portal->formats_known)
    return std::nullopt;
  const std::vector<std::uint16_t>& formats = answering_.portal->formats;
  if (formats.empty()) return kTextFormat;
  if (formats.size() == 1) return formats.front();
  if (cell >= formats.size()) return std::nullopt;
  return formats[cell];
}

// A simple query describes each of its results; what an Execute returns may be of an unknown portal.
ErrorCode Conversation::check_row(std::uint32_t cells) const {
  const Columns* described = columns();
  if (described != nullptr) return described->size() == cells ? ErrorCode::ok : ErrorCode::postgres_row_mismatch;
  const bool returns_none = answering_.kind == QuestionKind::query || description() != nullptr;
  return returns_none ? ErrorCode::postgres_row_mismatch : ErrorCode::ok;
}

bool Conversation::goes_on_with_rows(std::uint32_t cells) const {
  return phase_ > Phase::starting && !questions_.empty() && questions_.front().id == answering_.id &&
         may_return_rows(answering_.kind) && check_row(cells) == ErrorCode::ok;
}

void Conversation::command_complete() {
  result_ = nullptr;
  swallowed_syncs_ = 0;
  names_changed_by_sql();
  if (!questions_.empty() && questions_.front().kind == QuestionKind::execute) pop(End::answered);
}

// Names change by SQL too, and of that only the command tags tell.
void Conversation::names_changed_by_sql() {
  if (tag_ == "DEALLOCATE ALL" || tag_ == "DISCARD ALL") distrust_statements();
  if (tag_ == "DEALLOCATE") deallocated_ = true;
  // PREPARE under a name that was freed: which one it was, is not known.
  if (tag_ == "PREPARE" && deallocated_) distrust_statements();
  // A cursor may get the name of a portal that a savepoint took with it.
  if (tag_ == "DECLARE CURSOR" || tag_ == "DISCARD ALL") distrust_portals();
}

// What was asked already, with a name that will stand for another thing by then, must not be taken for the old one.
void Conversation::distrust_statements() {
  deallocated_ = false;
  has_forgotten_ = true;
  statements_.for_each_kept([](std::string_view, Statement& statement) { statement.description = {}; });
  statements_.drop_kept();
}

void Conversation::distrust_portals() {
  has_forgotten_ = true;
  portals_.for_each_kept([](std::string_view, Portal& portal) {
    portal.statement = nullptr;
    portal.description = {};
    portal.formats_known = false;
  });
  portals_.drop_kept();
}

void Conversation::failed() {
  result_ = nullptr;
  const bool was_copy = phase_ == Phase::copy_in || phase_ == Phase::copy_out || phase_ == Phase::copy_both;
  if (was_copy) phase_ = Phase::ready;
  if (questions_.empty() || phase_ <= Phase::starting) return;
  spare_readies_ += swallowed_syncs_;
  swallowed_syncs_ = 0;
  switch (questions_.front().kind) {
    case QuestionKind::query:  // these go on until ReadyForQuery
    case QuestionKind::function_call:
    case QuestionKind::sync:
      return;
    default:
      break;
  }
  pop(End::failed);
  skips_ = true;
  skip_until_sync();
}

void Conversation::skip_until_sync() {
  while (!questions_.empty()) {
    if (questions_.front().kind == QuestionKind::sync) {
      skips_ = false;
      return;
    }
    pop(End::skipped);
  }
}

void Conversation::now_ready(std::uint8_t transaction) {
  transaction_ = transaction;
  result_ = nullptr;
  swallowed_syncs_ = 0;
  if (phase_ == Phase::starting) {
    phase_ = Phase::ready;
    return;
  }
  const QuestionKind asked = answering_.kind;
  if (asked == QuestionKind::query || asked == QuestionKind::sync || asked == QuestionKind::function_call) {
    pop(End::answered);
    phase_ = Phase::ready;
  } else {
    --spare_readies_;
    skips_ = false;  // it answers a Sync that came before the COPY failed
  }
  if (transaction == 'I') portals_.drop_kept();
}

// Until the client ends its COPY the server ignores Sync, so those that it sent behind the question get no answer.
ErrorCode Conversation::copy_in_begins() {
  phase_ = Phase::copy_in;
  swallowed_syncs_ = 0;
  Question copying = std::move(questions_.front());
  questions_.pop_front();
  for (; !questions_.empty() && questions_.front().kind == QuestionKind::sync; questions_.pop_front())
    ++swallowed_syncs_;
  if (!questions_.empty()) {
    // Anything else would fail the COPY.
    if (questions_.front().kind != QuestionKind::copy_end) return ErrorCode::postgres_unexpected_message;
    questions_.pop_front();
    phase_ = Phase::ready;
  }
  questions_.push_front(std::move(copying));
  return ErrorCode::ok;
}

void Conversation::settle(Question& question, End end) {
  if (question.portal_change != nullptr)
    portals_.settle(*question.portal_change,
                    end == End::answered || (end == End::failed && question.kind == QuestionKind::query));
  if (question.statement_change == nullptr) return;
  // Parse of the unnamed statement drops the one before first (exec_parse_message).
  if (end == End::failed && question.kind == QuestionKind::parse && !question.is_named) {
    statements_.settle_and_drop(*question.statement_change);
    return;
  }
  statements_.settle(*question.statement_change, end == End::answered);
}

void Conversation::pop(End end) {
  settle(questions_.front(), end);
  questions_.pop_front();
}

void Conversation::drop_copy_ends() {
  while (!questions_.empty() && questions_.front().kind == QuestionKind::copy_end) pop(End::skipped);
}

}  // namespace sluice::postgres
