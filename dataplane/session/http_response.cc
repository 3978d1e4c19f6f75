// Responses: matched to their requests, rewritten, masked, and our own put between them.
#include "common/assert.h"
#include "dataplane/session/http_relay.h"

namespace sluice::session {

using http1::StepKind;

void HttpRelay::read_responses(Context& context) {
  Side& in = response_;
  bool labelled = false;
  while (fate_ == Fate::run && !in.dead && !in.finished) {
    if (!in.message.active() && in.reader.idle()) {
      const bool waits = in.held.unlabelled_bytes() > 0 || (!exchanges_.empty() && !exchanges_.front().local.empty());
      if (waits && !has_room(context)) {
        starved_ = true;
        break;
      }
      if (!exchanges_.empty() && !exchanges_.front().local.empty()) {
        answer_locally(context);
        continue;
      }
      if (!is_asked()) {
        if (in.held.unlabelled_bytes() > 0) response_error(context, ErrorCode::http_unexpected_response);
        break;
      }
      in.reader.set_request_method(exchanges_.front().method);
    }
    const Bytes next = in.held.unlabelled();
    const http1::Step step = in.reader.next(next, in.held.unlabelled_bytes() - next.size());
    labelled |= step.bytes > 0;
    if (step.kind == StepKind::more && step.bytes == 0) break;
    in.held.label(run_kind(step.kind), step.bytes);
    if (step.kind == StepKind::head) response_head(context);
    if (step.kind == StepKind::message_end) end_response(context);
    if (step.kind == StepKind::error) response_error(context, step.error);
    if (in.held.run_count() > Held::kMaxRuns) {
      decide_response(context);
      if (in.held.run_count() > Held::kMaxRuns / 2) response_error(context, ErrorCode::http_too_fragmented);
    }
  }
  if (labelled) decide_response(context);
}

void HttpRelay::decide_response(Context& context) {
  Side& in = response_;
  if (in.dead || !in.message.active()) return;
  if (const ErrorCode error = in.message.content(context, in.held, false); error != ErrorCode::ok) {
    response_error(context, error);
    return;
  }
  release(context, in, false);
}

void HttpRelay::response_head(Context& context) {
  Side& in = response_;
  const http1::Head& head = in.reader.head();
  Exchange& exchange = exchanges_.front();
  const UnitInfo& unit = exchange.unit;
  in.held.begin_message();
  in.message.begin(unit, Direction::response);
  in.head_ready = false;
  in.status = head.status;
  if (const ErrorCode error = in.message.head(context, head, in.held); error != ErrorCode::ok) {
    response_error(context, error);
    return;
  }
  if (unit.service->mode == enforce::Mode::enforce) {
    const http1::RewritePolicy policy{
        .masks_response_body = unit.service->masks_wire[static_cast<std::size_t>(enforce::Place::response_body)],
        .allow_upgrade = unit.service->allow_upgrade};
    context.work.edits.clear();
    const bool agreed = exchange.upgrade && request_.reader.idle();  // asked for, by a request that is complete
    ErrorCode error = head.upgrade && !agreed ? ErrorCode::http_unexpected_response : ErrorCode::ok;
    if (error == ErrorCode::ok) error = http1::rewrite_response(head, policy, context.work.edits);
    if (error == ErrorCode::ok && !apply_edits(context, in)) error = ErrorCode::buffers_exhausted;
    if (error != ErrorCode::ok) {
      response_error(context, error);
      return;
    }
  }
  if (head.status >= 500) count_error(&unit);
  in.head_ready = true;
  if (head.upgrade) exchange.switched = context.now;
  if (head.upgrade) in.reader.become_opaque();  // 101, or 2xx to CONNECT
  if (head.upgrade || (exchange.upgrade && head.status / 100 != 1)) settle_upgrade(context, head.upgrade);
  if (head.upgrade && exchange.upgrade && exchanges_.size() == 1) look_away(*unit.service);
}

void HttpRelay::end_response(Context& context) {
  Side& in = response_;
  ErrorCode error = in.message.content(context, in.held, true);
  if (error == ErrorCode::ok) error = in.message.trailers(context, in.held);
  if (error != ErrorCode::ok) {
    response_error(context, error);
    return;
  }
  release(context, in, true);
  const bool informational = in.status / 100 == 1 && in.status != 101;
  if (informational) {
    in.message.leave();  // its head is on the record; the final response ends the unit
    return;
  }
  in.message.end(context, in.held.content_end(), Ending::complete, ErrorCode::ok, answer_facts(context));
  count_answer(context);
  if (!exchanges_.empty()) exchanges_.pop_front();
}

// How long it took, of the answer that ends now.
AnswerFacts HttpRelay::answer_facts(const Context& context) const {
  return {.duration = exchanges_.empty() ? 0 : context.now - exchanges_.front().since};
}

void HttpRelay::count_answer(Context& context) {
  counters().responses.add();
  if (exchanges_.empty()) return;  // a stream that nobody asked for (observe)
  const Exchange& exchange = exchanges_.front();
  exchange.unit.caller->add_answer((exchange.switched != 0 ? exchange.switched : context.now) - exchange.since);
}

void HttpRelay::count_error(const UnitInfo* unit) {
  counters().errors.add();
  if (unit != nullptr) unit->caller->errors.add();
}

// Of the server, that is: a request that is throttled or held it has not seen.
bool HttpRelay::is_asked() const {
  return exchanges_.size() > (is_waiting() ? 1 : 0);
}

// Before the head is out the client gets an answer of our own; after it, an abort is all that is honest.
void HttpRelay::response_error(Context& context, ErrorCode error) {
  Side& in = response_;
  if (observes_all(context)) {
    context.errors.add(error);
    go_opaque(context);
    return;
  }
  context.errors.add(error);
  count_error(is_asked() ? &exchanges_.front().unit : nullptr);
  const bool head_out = in.message.active() && in.head_ready;
  const bool asked = is_asked();
  if (!in.message.active() && asked) {  // no head could be parsed: the record keeps its first line
    in.message.begin(exchanges_.front().unit, Direction::response);
    const std::string line = in.held.first_line();
    in.held.clear();
    in.held.begin_message();
    in.message.plain_head(context, as_bytes(line), false);
  }
  if (in.message.active()) {
    in.message.cut_content(context, in.held);
    in.message.end(context, in.held.content_end(), Ending::refused, error, answer_facts(context));
  }
  in.held.clear();
  in.dead = true;
  if (error_ == ErrorCode::ok) error_ = error;
  const bool head_only = asked && exchanges_.front().head_only;
  if (asked) exchanges_.pop_front();
  if (head_out || !asked) {
    abort(error);
    return;
  }
  const std::string answer =
      http1::local_response(http1::status_for(error, Direction::response), error, "", true, head_only);
  if (!in.out.append_copy(context.pools, as_bytes(answer))) abort(ErrorCode::buffers_exhausted);
  if (request_.paused) settle_upgrade(context, false);
  request_.dead = true;
  throttled_until_ = kNever;  // what waits goes with the rest
  ticket_.reset();
  fate_ = fate_ == Fate::run ? Fate::close : fate_;
}

// The server closed in the middle: the client sees that too. What might have become part of a secret is not sent:
// starred, it would spoil what a client that resumes has already.
void HttpRelay::response_cut(Context& context) {
  Side& in = response_;
  context.errors.add(ErrorCode::http_incomplete);
  count_error(exchanges_.empty() ? nullptr : &exchanges_.front().unit);
  if (in.message.active()) {
    const bool masks = in.message.unit().service->masks_wire[static_cast<std::size_t>(enforce::Place::response_body)];
    if (in.message.content(context, in.held, false) == ErrorCode::ok) release(context, in, false);
    if (in.message.cut_content(context, in.held) == ErrorCode::ok && !masks) release(context, in, false);
    in.message.end(context, in.held.content_end(), Ending::cut, ErrorCode::http_incomplete, answer_facts(context));
    if (!exchanges_.empty()) exchanges_.pop_front();
  }
  in.dead = true;
  if (error_ == ErrorCode::ok) error_ = ErrorCode::http_incomplete;
}

// So that each unit has an end in both directions on the record.
void HttpRelay::end_unanswered(Context& context, const Exchange& exchange, ErrorCode why) {
  Message none;
  none.begin(exchange.unit, Direction::response);
  none.end(context, 0, Ending::cut, why);
}

void HttpRelay::answer_locally(Context& context) {
  Exchange& exchange = exchanges_.front();
  Message answer;
  answer.begin(exchange.unit, Direction::response);
  const std::string_view text = exchange.local;
  const std::size_t head_bytes = text.find("\r\n\r\n") + 4;
  answer.plain_head(context, as_bytes(text.substr(0, head_bytes)), true);
  answer.end(context, text.size() - head_bytes, Ending::complete, ErrorCode::ok, answer_facts(context));
  if (!response_.out.append_copy(context.pools, as_bytes(text))) abort(ErrorCode::buffers_exhausted);
  if (exchange.close_after) fate_ = Fate::close;
  exchanges_.pop_front();
}

}  // namespace sluice::session
