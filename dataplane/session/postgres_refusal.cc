// What is refused of a client: none of it reaches the server, and in its place stands what the server refuses by
// itself.
#include <string>
#include <utility>

#include "dataplane/session/postgres_relay.h"

namespace sluice::session {
namespace {

using postgres::MessageKind;

constexpr std::string_view kRefused = "refused by policy";  // no statement

std::string message_of(char type, std::initializer_list<std::string_view> parts) {
  std::string out(5, type);
  for (const std::string_view part : parts) out += part;
  store_be32(reinterpret_cast<std::uint8_t*>(out.data()) + 1, static_cast<std::uint32_t>(out.size() - 1));
  return out;
}

}  // namespace

// Nothing of the message reaches the server. Where some has, its connection goes: there are no words that take back
// half a message.
void PostgresRelay::refuse(Context& context, ErrorCode error, Words words) {
  Side& in = request_;
  const bool whole = !in.passed;
  const bool is_given_up = error == ErrorCode::postgres_canceled || error == ErrorCode::postgres_skipped;
  end_wait(context, error);
  context.errors.add(error);
  if (!is_given_up) {
    counters().denied.add();
    unit_.caller->denied.add();
  }
  words_ = error == ErrorCode::score_denied ? score_words() : std::move(words);
  in.message.end(context, in.held.content_end(), is_given_up ? Ending::cut : Ending::refused, error);
  in.held.drop_labelled();
  in.discard = true;
  if (whole && !copying_) {
    refused_ = error;
    return;
  }
  end_silently(context, unit_, Direction::response, Ending::cut, error);
  if (whole) return refuse_copy(context, error);
  copying_ = false;
  abort(ErrorCode::rule_denied_late);
}

// What the server refuses by itself, at the same place: a statement that is none, a statement or portal that is not
// there. Its error is then told in our words. The message is over, so that its answer cannot come before its question.
void PostgresRelay::put_in_place(Context& context) {
  using std::string_view_literals::operator""sv;
  Side& in = request_;
  in.held.drop_labelled();
  in.discard = false;
  constexpr std::string_view kEnd = "\0"sv;
  switch (in.reader.message().kind) {
    case MessageKind::query:
      say(context, in, message_of('Q', {kRefused, kEnd}));
      break;
    case MessageKind::parse:
      say(context, in, message_of('P', {statement_, kEnd, kRefused, kEnd, "\0\0"sv}));
      break;
    case MessageKind::bind:
    case MessageKind::describe:
    case MessageKind::execute:  // two formats of no values: whatever the statement is, this is no Bind
      say(context, in, message_of('B', {kEnd, kRefused, kEnd, "\0\2\0\0\0\0\0\0\0\0"sv}));
      break;
    default:
      say(context, in, message_of('F', {"\0\0\0\0\0\0\0\0\0\0"sv}));
      break;
  }
  const MessageKind kind = in.reader.message().kind;
  is_doomed_ |= kind != MessageKind::query && kind != MessageKind::function_call;
  ask(context, std::exchange(refused_, ErrorCode::ok));
}

// The COPY fails, and the rest of its data goes no further.
void PostgresRelay::refuse_copy(Context& context, ErrorCode error) {
  using std::string_view_literals::operator""sv;
  copying_ = false;
  copy_refused_ = true;
  say(context, request_, message_of('f', {kRefused, "\0"sv}));
  if (exchanges_.empty()) return;
  Exchange& exchange = exchanges_.back();                  // what asked for the data, if anything did, was asked last
  if (exchange.copy_refused.why != ErrorCode::ok) return;  // the server fails the first, and what follows it with it
  exchange.copy_refused = {error, std::exchange(words_, {})};
  exchange.refused_copy = copy_number_;
}

}  // namespace sluice::session
