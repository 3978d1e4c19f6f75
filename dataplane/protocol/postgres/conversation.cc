#include "dataplane/protocol/postgres/conversation.h"

#include <algorithm>
#include <utility>

namespace sluice::postgres {
namespace {

constexpr std::size_t kMostSettingBytes = 16;  // of a startup parameter that matters: replication
constexpr std::size_t kMostBeginBytes = 512;   // of a statement's text
constexpr std::string_view kQueryWords[] = {"select", "insert", "update", "delete", "merge",
                                            "with",   "values", "table",  "show",   "explain"};

void append(std::string& to, Bytes bytes, std::size_t most) {
  if (to.size() < most) to.append(as_text(bytes.first(std::min(bytes.size(), most - to.size()))));
}

// PostgreSQL's parse_bool takes any beginning of these, in any case, that is not ambiguous; `database` is no boolean.
bool asks_for_replication(std::string_view value) {
  std::string lower(value);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto begins = [&](std::string_view whole, std::size_t least) {
    return lower.size() >= least && whole.starts_with(lower);
  };
  return !(begins("false", 1) || begins("no", 1) || begins("off", 2) || lower == "0");
}

// Behind a comment, which may hold others.
std::string_view behind_comment(std::string_view text) {
  int depth = 0;
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    const std::string_view two = text.substr(at, 2);
    if (two != "/*" && two != "*/") continue;
    depth += two == "/*" ? 1 : -1;
    if (depth == 0) return text.substr(at + 2);
    ++at;
  }
  return {};
}

// Whether what begins like this has rows of its own: those of a query, which is what it was when it was parsed, or what
// nothing else decides. Nothing is known of what begins with more comment than is kept.
bool has_own_rows(std::string_view text) {
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\n\r\f\v"), text.size()));
    if (text.starts_with("/*"))
      text = behind_comment(text);
    else if (text.starts_with("--"))
      text.remove_prefix(std::min(text.find_first_of("\n\r"), text.size()));
    else
      break;
  }
  if (text.starts_with('(')) return true;
  std::string word;
  for (const char c : text) {
    if ((c | 0x20) < 'a' || (c | 0x20) > 'z') break;
    word += static_cast<char>(c | 0x20);
  }
  return std::ranges::find(kQueryWords, word) != std::end(kQueryWords);
}

QuestionKind question_kind(MessageKind kind) {
  switch (kind) {
    case MessageKind::query:
      return QuestionKind::query;
    case MessageKind::parse:
      return QuestionKind::parse;
    case MessageKind::bind:
      return QuestionKind::bind;
    case MessageKind::describe:
      return QuestionKind::describe_statement;  // or of a portal: its first byte says
    case MessageKind::execute:
      return QuestionKind::execute;
    case MessageKind::close:
      return QuestionKind::close_statement;
    case MessageKind::sync:
      return QuestionKind::sync;
    case MessageKind::function_call:
      return QuestionKind::function_call;
    case MessageKind::copy_done:
    case MessageKind::copy_fail:
      return QuestionKind::copy_end;
    default:
      return QuestionKind::none;
  }
}

bool is_copy(MessageKind kind) {
  return kind == MessageKind::copy_data || kind == MessageKind::copy_done || kind == MessageKind::copy_fail;
}

}  // namespace

Conversation::Conversation(const ConversationLimits& limits, const HashKey& key)
    : limits_(limits), statements_(limits.statements, key), portals_(limits.portals, key) {}

ErrorCode Conversation::request(const Reader& reader, const Step& step, Bytes bytes) {
  switch (step.kind) {
    case StepKind::message:
      return begin_request(reader.message());
    case StepKind::field:
      request_field(reader.field(), bytes);
      return ErrorCode::ok;
    case StepKind::message_end:
      return end_request(reader);
    default:
      return ErrorCode::ok;
  }
}

ErrorCode Conversation::allowed(MessageKind kind) const {
  if (over_) return ErrorCode::postgres_unexpected_message;
  const bool ends = kind == MessageKind::terminate;
  bool is_allowed = false;
  switch (phase_) {
    case Phase::startup:  // the reader takes no other packets; what a client sends before the answer comes is smuggled
      is_allowed = !awaits_encryption_answer_;
      break;
    case Phase::authenticating:
      return kind == MessageKind::credential || ends ? ErrorCode::ok : ErrorCode::postgres_not_authenticated;
    case Phase::starting:
    case Phase::ready:
    case Phase::copy_out:  // the server reads it later; it ignores what is left of a COPY that it failed
      is_allowed = kind != MessageKind::credential;
      break;
    case Phase::copy_in:
      is_allowed = is_copy(kind) || ends || kind == MessageKind::sync || kind == MessageKind::flush;
      break;
    case Phase::copy_both:
      is_allowed = is_copy(kind) || ends;
      break;
    case Phase::over:
      break;
  }
  return is_allowed ? ErrorCode::ok : ErrorCode::postgres_unexpected_message;
}

ErrorCode Conversation::begin_request(const Message& message) {
  if (const ErrorCode error = allowed(message.kind); error != ErrorCode::ok) return error;
  kind_asking_ = message.kind;
  asking_ = {.id = ++last_id_, .kind = question_kind(message.kind)};
  asking_.skipped = skips_ && message.kind != MessageKind::sync;
  statement_name_.clear();
  statement_begin_.clear();
  portal_name_.clear();
  const bool asks = asking_.kind != QuestionKind::none && !asking_.skipped;
  return asks && questions_.size() >= limits_.questions ? ErrorCode::postgres_too_many_questions : ErrorCode::ok;
}

void Conversation::request_field(const Field& field, Bytes bytes) {
  switch (field.kind) {
    case FieldKind::statement_name:
      append(statement_name_, bytes, limits_.name_bytes);
      break;
    case FieldKind::portal_name:
      append(portal_name_, bytes, limits_.name_bytes);
      break;
    case FieldKind::query_text:
      if (asking_.kind == QuestionKind::parse) append(statement_begin_, bytes, kMostBeginBytes);
      return;
    case FieldKind::startup_name:
      if (field.first) setting_.clear();
      append(setting_, bytes, kMostSettingBytes);
      return;
    case FieldKind::startup_value:
      if (field.first) value_.clear();
      append(value_, bytes, kMostSettingBytes);
      if (field.last && setting_ == "replication") {
        is_replication_ = asks_for_replication(value_);
        is_logical_ |= value_ == "database";  // whatever comes after it (ProcessStartupPacket)
      }
      return;
    default:
      return;
  }
  if (field.last) name_complete(field);
}

// What it is about can be asked for before the message is complete.
void Conversation::name_complete(const Field& field) {
  if (asking_.kind == QuestionKind::parse || asking_.skipped) return;
  if (field.kind == FieldKind::statement_name) {
    asking_.statement = statements_.newest(statement_name_);
    return;
  }
  if (asking_.kind == QuestionKind::bind) return;  // makes it
  if (asking_.kind == QuestionKind::describe_statement) asking_.kind = QuestionKind::describe_portal;
  if (asking_.kind == QuestionKind::close_statement) asking_.kind = QuestionKind::close_portal;
  asking_.portal = portals_.newest(portal_name_);
  if (asking_.portal) asking_.statement = asking_.portal->statement;
}

ErrorCode Conversation::end_request(const Reader& reader) {
  switch (kind_asking_) {
    case MessageKind::startup:
      phase_ = Phase::authenticating;
      return ErrorCode::ok;
    case MessageKind::ssl_request:
    case MessageKind::gss_request:
      awaits_encryption_answer_ = true;
      return ErrorCode::ok;
    case MessageKind::cancel_request:
    case MessageKind::terminate:
      over_ = true;
      return ErrorCode::ok;
    case MessageKind::copy_done:
    case MessageKind::copy_fail:
      end_copy_of_client();
      return ErrorCode::ok;
    default:
      break;
  }
  asking_.skipped |= skips_ && asking_.kind != QuestionKind::sync;  // the error may have come since it began
  if (asking_.kind == QuestionKind::none || asking_.skipped) return ErrorCode::ok;
  return ask(reader.values());
}

ErrorCode Conversation::ask(const Values& values) {
  switch (asking_.kind) {
    case QuestionKind::query:  // it drops both unnamed ones before anything else (exec_simple_query)
      asking_.statement_change = statements_.ask_close({}, asking_.id);
      asking_.portal_change = portals_.ask_close({}, asking_.id);
      break;
    case QuestionKind::parse:
      if (const ErrorCode error = ask_parse(values); error != ErrorCode::ok) return error;
      break;
    case QuestionKind::bind:
      if (const ErrorCode error = ask_bind(values); error != ErrorCode::ok) return error;
      break;
    case QuestionKind::execute:
      asking_.max_rows = values.max_rows;
      if (asking_.portal && !std::exchange(asking_.portal->was_executed, true))
        asking_.portal->ran_at_once = last_change_ == asking_.portal->made_by;
      break;
    case QuestionKind::close_statement:
      asking_.statement_change = statements_.ask_close(statement_name_, asking_.id);
      break;
    case QuestionKind::close_portal:
      asking_.portal_change = portals_.ask_close(portal_name_, asking_.id);
      break;
    case QuestionKind::sync:
      if (phase_ == Phase::copy_in) {  // a COPY swallows it (CopyGetData)
        ++swallowed_syncs_;
        return ErrorCode::ok;
      }
      skips_ = false;
      break;
    default:
      break;
  }
  const bool only_tells =
      asking_.kind == QuestionKind::describe_statement || asking_.kind == QuestionKind::describe_portal;
  if (!only_tells) last_change_ = asking_.id;
  questions_.push_back(asking_);
  return ErrorCode::ok;
}

ErrorCode Conversation::ask_parse(const Values& values) {
  asking_.statement = std::make_shared<Statement>(
      Statement{.id = asking_.id, .types = values.types, .has_own_rows = has_own_rows(statement_begin_)});
  statement_begin_.clear();
  asking_.is_named = !statement_name_.empty();
  asking_.statement_change = statements_.ask(statement_name_, asking_.statement, asking_.id);
  return asking_.statement_change == nullptr ? ErrorCode::postgres_too_many_statements : ErrorCode::ok;
}

ErrorCode Conversation::ask_bind(const Values& values) {
  asking_.portal = std::make_shared<Portal>(
      Portal{.statement = asking_.statement, .formats = values.result_formats, .made_by = asking_.id});
  asking_.portal_change = portals_.ask(portal_name_, asking_.portal, asking_.id);
  return asking_.portal_change == nullptr ? ErrorCode::postgres_too_many_portals : ErrorCode::ok;
}

void Conversation::end_copy_of_client() {
  if (phase_ == Phase::copy_both) {
    client_copy_done_ = true;
    if (server_copy_done_) phase_ = Phase::ready;
  } else if (phase_ == Phase::copy_in) {
    phase_ = Phase::ready;
  } else if (!questions_.empty() && !asking_.skipped && asking_.kind != QuestionKind::none) {
    questions_.push_back(asking_);  // the COPY that it ends may come yet
  }
}

}  // namespace sluice::postgres
