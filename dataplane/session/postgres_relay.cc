// What both directions of a PostgreSQL session share; see postgres_relay.h.
#include "dataplane/session/postgres_relay.h"

#include <algorithm>
#include <utility>

#include "common/stage_clock.h"
#include "dataplane/protocol/postgres/writer.h"

namespace sluice::session {
namespace {

// Of the recorder: heads, ends, an answer of our own, and what values in binary are more than they were on the wire.
constexpr std::size_t kMessageRoom = 128 * 1024;
constexpr std::size_t kMostErrorBytes = 4096;
// Without an answer; a client that asks more waits. So many answers fill a server's buffer, so that it sends them.
constexpr std::size_t kMostQuestions = 8192;

}  // namespace

PostgresRelay::PostgresRelay(PolicyRef policy, const enforce::Service& service, SessionId session,
                             const IpAddress& client_address, const IpAddress& server_address, const HashKey& key)
    : Relay(std::move(policy), service, session, client_address, server_address, request_, response_),
      conversation_({}, key),
      request_(Direction::request),
      response_(Direction::response) {
  learn_limits();
}

void PostgresRelay::feed(Context& context, Direction direction, buffer::Chain&& bytes) {
  const StageScope stage(Stage::protocol);
  Side& from = side(direction);
  note_fed(direction, bytes.length_bytes());
  if (from.dead) return;  // the chain goes with its owner
  from.held.append(context.pools, std::move(bytes));
  advance(context);
}

void PostgresRelay::advance(Context& context) {
  const StageScope stage(Stage::protocol);
  do {
    starved_ = false;
    read_requests(context);
    read_responses(context);
    if (!starved_ && request_.held.unlabelled_bytes() > request_.header_bytes)
      read_requests(context);  // there is room now
  } while (is_waiting() && follow_server(context));
  conclude(context, Direction::request);
  conclude(context, Direction::response);
}

// Asked before each message: many small ones make more records than their bytes tell.
bool PostgresRelay::has_room(Context& context) const {
  const StageScope stage(Stage::record);
  return service_->record != enforce::RecordMode::required ||
         context.recorder.has_room(request_.held.length_bytes() + request_.held.text_bytes() +
                                   response_.held.length_bytes() + response_.held.text_bytes() + kMessageRoom);
}

void PostgresRelay::finish(Context& context, Direction direction) {
  const StageScope stage(Stage::protocol);
  Side& from = side(direction);
  if (from.ended) return;
  from.ended = true;
  advance(context);
}

// Does what the end of a stream means, once all of the stream was read. Of a message that is cut the receiver gets no
// more than it has: nothing where its verdict had not fallen.
void PostgresRelay::conclude(Context& context, Direction direction) {
  Side& from = side(direction);
  if (!from.ended || from.finished || from.dead || from.held.unlabelled_bytes() > from.header_bytes) return;
  if (direction == Direction::request && is_held()) return abandon(context);
  if (direction == Direction::request && is_waiting()) return;  // it is concluded when it goes
  const bool in_turn = from.reader.idle();
  if (from.reader.finish().kind == postgres::StepKind::error) context.errors.add(ErrorCode::postgres_incomplete);
  if (from.message.active()) {
    const bool judged = direction == Direction::response || from.judged;
    const bool decided = from.message.cut_content(context, from.held) == ErrorCode::ok;
    if (direction == Direction::request && judged && from.message.denied())
      refuse(context, from.message.denial());
    else if (decided && judged)
      release(context, from, false);
  }
  if (direction == Direction::request)
    cut_request(context, Ending::cut, ErrorCode::postgres_incomplete);
  else
    cut_response(context, ErrorCode::postgres_incomplete);
  from.held.clear();
  from.header_bytes = 0;
  if (direction == Direction::response && is_waiting()) lose_server(context, in_turn);
  from.finished = true;
}

void PostgresRelay::leave(Context& context) {
  close(context, ErrorCode::ok);
}

void PostgresRelay::close(Context& context, ErrorCode why) {
  if (is_held()) end_hold(context, why == ErrorCode::tcp_reset_by_server ? ErrorCode::hold_server_gone : why);
  cut_request(context, Ending::cut, why);
  cut_response(context, why);
  for (Side* from : {&request_, &response_}) {
    from->held.clear();
    from->header_bytes = 0;
    from->dead = true;
  }
  end_all_silently(context, why);
}

// What the client was saying, with an end in both directions.
void PostgresRelay::cut_request(Context& context, Ending ending, ErrorCode why) {
  Message& message = request_.message;
  end_wait(context, why);
  if (!message.active() && refused_ == ErrorCode::ok) return;
  if (message.active()) {
    message.cut_content(context, request_.held);
    message.end(context, request_.held.content_end(), ending, why);
  }
  refused_ = ErrorCode::ok;
  copying_ = false;
  end_silently(context, unit_, Direction::response, Ending::cut, why);
}

void PostgresRelay::cut_response(Context& context, ErrorCode why) {
  Message& message = response_.message;
  if (!message.active()) return;
  tell_left_out();
  message.cut_content(context, response_.held);
  message.end(context, response_.held.content_end(), Ending::cut, why, answer_facts(context));
  if (!std::exchange(says_unasked_, false)) exchanges_.pop_front();
}

void PostgresRelay::end_all_silently(Context& context, ErrorCode why) {
  for (const Exchange& exchange : exchanges_)
    if (!exchange.is_told) end_silently(context, exchange.unit, Direction::response, Ending::cut, why);
  exchanges_.clear();
}

// So that each unit has an end in both directions on the record.
void PostgresRelay::end_silently(Context& context, const UnitInfo& unit, Direction direction, Ending ending,
                                 ErrorCode why) {
  Message none;
  none.begin(unit, direction);
  none.end(context, 0, ending, why);
}

bool PostgresRelay::accepts(Direction direction) const {
  const Side& from = side(direction);
  if (starved_) return false;
  if (direction == Direction::response || from.dead || is_opaque_) return true;
  return !is_waiting() && conversation_.open_questions() < kMostQuestions;
}

UnitPhase PostgresRelay::phase() const {
  if (response_.message.active()) return UnitPhase::response;
  if (request_.message.active()) return UnitPhase::request;
  return exchanges_.empty() ? UnitPhase::none : UnitPhase::waiting;
}

bool PostgresRelay::answer_expected() const {
  return phase() == UnitPhase::waiting && request_.held.length_bytes() == 0;
}

// What a reader said of the next `bytes` of its direction: followed, labelled, and done. A header is labelled when it
// is whole, and what it ends has ended.
void PostgresRelay::take_step(Context& context, Direction direction, const postgres::Step& step, Bytes bytes) {
  using postgres::StepKind;
  const bool is_request = direction == Direction::request;
  Side& in = side(direction);
  const ErrorCode error = step.kind == StepKind::error ? step.error
                          : is_request                 ? conversation_.request(in.reader, step, bytes)
                                                       : conversation_.response(in.reader, step, bytes);
  if (error != ErrorCode::ok) return is_request ? request_error(context, error) : response_error(context, error);
  if (step.kind == StepKind::more) {
    in.header_bytes += step.bytes;
    return;
  }
  std::size_t labelled = step.bytes;
  if (step.kind == StepKind::message) {
    in.value.leave();
    labelled += std::exchange(in.header_bytes, 0);
    is_request ? begin_request(context) : begin_response(context);
  } else if (step.kind == StepKind::field) {
    is_request ? begin_parameter(context) : begin_value();
  }
  if (in.dead) return;
  const bool is_value = in.is_value && step.kind == StepKind::field;
  if (is_value && in.value.active())
    label_value(context, in, bytes);
  else if (is_value && in.reader.field().kind == postgres::FieldKind::copy_data)
    label_copied(context, in, bytes);
  else
    in.held.label(run_kind(in, step.kind), labelled);
  if (step.kind == StepKind::field) is_request ? end_parameter(bytes) : end_value(bytes);
  if (in.discard) in.held.drop_labelled();
  if (step.kind == StepKind::message_end) is_request ? end_request(context) : end_response(context);
}

// Labels of what is about to be held.
RunKind PostgresRelay::run_kind(const Side& side, postgres::StepKind kind) {
  return kind == postgres::StepKind::field && side.is_value ? RunKind::content : RunKind::framing;
}

void PostgresRelay::release(Context& context, Side& side, bool all) {
  if (side.message.active() && side.message.unit().service->mode == enforce::Mode::observe &&
      !side.held.pass(context.pools, side.out)) {
    abort(ErrorCode::buffers_exhausted);
    return;
  }
  side.passed = true;
  const std::uint64_t through = side.message.active() ? side.message.decided() : side.held.content_end();
  if (!side.held.release(context.pools, true, through, all, side.out)) abort(ErrorCode::buffers_exhausted);
}

void PostgresRelay::say(Context& context, Side& side, std::string_view bytes) {
  if (side.finished) return;  // nobody hears it
  if (!side.out.append_copy(context.pools, as_bytes(bytes))) abort(ErrorCode::buffers_exhausted);
}

// In our own words, between the server's messages or in place of one.
void PostgresRelay::say_error(Context& context, std::string_view severity, ErrorCode why, const Words& words) {
  std::string bytes;
  const std::string message = "refused by the gateway: " + std::string(error_text(why));
  postgres::Writer(bytes, kMostErrorBytes)
      .error({.severity = severity,
              .code = postgres::sqlstate_for(why),
              .message = message,
              .detail = words.detail,
              .hint = words.hint});
  say(context, response_, bytes);
}

// Only where all that is under way is observed may the streams go on without structure.
bool PostgresRelay::observes_all() const {
  const auto observed = [](const enforce::Service* service) { return service->mode == enforce::Mode::observe; };
  return observed(service_) && (!request_.message.active() || observed(request_.message.unit().service)) &&
         (!response_.message.active() || observed(response_.message.unit().service)) &&
         std::ranges::all_of(exchanges_, [&](const Exchange& exchange) { return observed(exchange.unit.service); });
}

// Observe: streams that cannot be read pass on without structure, and the record says since where.
void PostgresRelay::go_opaque(Context& context, ErrorCode why) {
  context.errors.add(why);
  is_opaque_ = true;
  for (Side* from : {&request_, &response_}) {
    if (from->message.active()) {
      from->message.cut_content(context, from->held);
      release(context, *from, true);
    }
    from->header_bytes = 0;
    from->discard = from->is_value = false;
    from->reader = postgres::Reader(from == &request_ ? Direction::request : Direction::response);
    from->reader.become_opaque();
  }
  cut_request(context, Ending::cut, why);
  cut_response(context, why);
  end_all_silently(context, why);
}

void PostgresRelay::abort(ErrorCode why) {
  fate_ = Fate::abort;
  if (error_ == ErrorCode::ok) error_ = why;
  request_.dead = response_.dead = true;
}

}  // namespace sluice::session
