// Two readers and the conversation that follows them, fed with what both sides say, in runs of any length. Also used by
// the fuzzer, so it depends on no test framework.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/assert.h"
#include "dataplane/protocol/postgres/conversation.h"
#include "tests/unit/dataplane/protocol/postgres/wire.h"

namespace sluice::postgres {

inline std::string_view name_of(QuestionKind kind) {
  constexpr std::string_view kNames[] = {
      "-",       "query",           "parse",        "bind", "describe_statement", "describe_portal",
      "execute", "close_statement", "close_portal", "sync", "function_call",      "copy_end"};
  return kNames[static_cast<std::size_t>(kind)];
}

class Talk {
 public:
  explicit Talk(const ConversationLimits& limits = {}, std::size_t run_bytes = 1'000'000)
      : run_bytes_(run_bytes), conversation_(limits, {1, 2}) {}

  // Until all is read, or something is refused.
  ErrorCode client(std::string_view bytes) { return feed(Direction::request, client_, bytes); }
  // Appends to log() for each message: its type, and the question it belongs to: "1:parse#1"; of a row its columns.
  ErrorCode server(std::string_view bytes) { return feed(Direction::response, server_, bytes); }

  // Behind a startup without a password: the client may ask.
  void start() {
    const ErrorCode asked = client(postgres::startup());
    const ErrorCode answered = server(authentication(0) + backend_key() + ready());
    SLUICE_ASSERT(asked == ErrorCode::ok && answered == ErrorCode::ok);
    base_ = conversation_.asking().id;
    log_.clear();
  }

  // What was said since the last call.
  std::string said() {
    std::string out;
    out.swap(log_);
    return out;
  }
  [[nodiscard]] Conversation& conversation() { return conversation_; }
  [[nodiscard]] Reader& client_reader() { return client_; }
  [[nodiscard]] Reader& server_reader() { return server_; }

 private:
  ErrorCode feed(Direction direction, Reader& reader, std::string_view bytes) {
    while (!bytes.empty()) {
      const std::string run(bytes.substr(0, run_bytes_));
      bytes.remove_prefix(run.size());
      Bytes rest = as_bytes(run);
      for (Step step = reader.next(rest);; step = reader.next(rest)) {
        if (step.kind == StepKind::error) return step.error;
        if (step.kind == StepKind::more && step.bytes == 0) break;
        const ErrorCode error = take(direction, reader, step, rest.first(step.bytes));
        if (error != ErrorCode::ok) return error;
        rest = rest.subspan(step.bytes);
      }
    }
    return ErrorCode::ok;
  }

  ErrorCode take(Direction direction, Reader& reader, const Step& step, Bytes bytes) {
    if (direction == Direction::request) {
      const MessageKind kind = reader.message().kind;
      const bool asks = kind == MessageKind::ssl_request || kind == MessageKind::gss_request;
      if (asks && step.kind == StepKind::message_end)
        server_.expect_encryption_answer(kind == MessageKind::gss_request);
      return conversation_.request(reader, step, bytes);
    }
    const ErrorCode error = conversation_.response(reader, step, bytes);
    if (error != ErrorCode::ok) return error;
    const bool is_cell = step.kind == StepKind::field && reader.field().kind == FieldKind::cell;
    if (is_cell && reader.field().first && reader.field().index == 0) row_ = columns();
    if (step.kind == StepKind::message_end) note(reader);
    return error;
  }

  std::string columns() {
    const Columns* columns = conversation_.columns();
    if (columns == nullptr) return "(?)";
    std::string out = "(";
    for (std::uint32_t i = 0; i < columns->size(); ++i) {
      const std::optional<std::uint16_t> format = conversation_.format(i);
      out.append(i == 0 ? "" : ",").append(columns->name(i)).append(!format ? "?" : *format == 1 ? ":b" : "");
    }
    return out.append(")");
  }

  void note(Reader& reader) {
    const Question& question = conversation_.answering();
    if (!log_.empty()) log_.push_back(' ');
    log_.append(1, static_cast<char>(reader.message().type));
    if (question.kind != QuestionKind::none)
      log_.append(":").append(name_of(question.kind)).append("#").append(std::to_string(question.id - base_));
    if (reader.message().kind == MessageKind::data_row) log_.append(row_);
    row_.clear();
  }

  std::size_t run_bytes_;
  Reader client_{Direction::request};
  Reader server_{Direction::response};
  Conversation conversation_;
  std::uint64_t base_ = 0;  // the last question of the startup
  std::string row_;
  std::string log_;
};

}  // namespace sluice::postgres
