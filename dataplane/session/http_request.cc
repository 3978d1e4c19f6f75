// Requests: from bytes to a verdict, and from a verdict to the server or to an answer of our own.
#include <algorithm>

#include "common/assert.h"
#include "common/session_id.h"
#include "common/stage_clock.h"
#include "dataplane/session/http_relay.h"

namespace sluice::session {

using http1::StepKind;

void HttpRelay::read_requests(Context& context) {
  Side& in = request_;
  bool labelled = false;
  while (!in.dead && !is_throttled()) {
    if (in.reader.idle()) {
      if (in.paused || is_held() || exchanges_.size() >= service_->pending_limit) break;
      if (in.held.unlabelled_bytes() > 0 && !has_room(context)) {
        starved_ = true;
        break;
      }
    }
    Bytes next = in.held.unlabelled();
    std::uint64_t behind = in.held.unlabelled_bytes() - next.size();
    // The window is filled exactly, so that what lies beyond it has no part in the verdict.
    if (judging()) {
      const std::uint64_t left =
          service_->window_bytes - std::min<std::uint64_t>(service_->window_bytes, in.held.content_end());
      const std::uint64_t most = std::max<std::uint64_t>(left, 1);
      behind = std::min(behind, most - std::min<std::uint64_t>(next.size(), most));
      next = next.first(std::min<std::size_t>(next.size(), most));
    }
    const http1::Step step = in.reader.next(next, behind);
    labelled |= step.bytes > 0;
    if (step.kind == StepKind::more && step.bytes == 0) break;
    const RunKind kind = run_kind(step.kind);
    if (kind == RunKind::content) request_content(context);
    if (!in.dead) in.held.label(kind, step.bytes);
    if (step.kind == StepKind::head) request_head(context);
    if (step.kind == StepKind::message_end) end_request(context);
    if (step.kind == StepKind::error) request_error(context, step.error);
    if (in.discard) in.held.drop_labelled();
    if (in.held.run_count() > Held::kMaxRuns) {
      judge_request(context, false);
      if (in.held.run_count() > Held::kMaxRuns / 2) request_error(context, ErrorCode::http_too_fragmented);
    }
  }
  if (labelled && !in.dead && in.message.active()) judge_request(context, false);
}

bool HttpRelay::can_read_requests() const {
  const Side& in = request_;
  if (in.dead || is_throttled() || in.held.unlabelled_bytes() == 0) return false;
  return !in.reader.idle() || (!in.paused && !is_held() && exchanges_.size() < service_->pending_limit);
}

// Before a byte of content is labelled: a stream without a head begins, or the window ends.
void HttpRelay::request_content(Context& context) {
  Side& in = request_;
  if (!in.message.active() && !in.discard) {  // a stream without structure that no request asked for (observe)
    in.held.begin_message();
    open_exchange(context);
    in.head_ready = in.judged = true;
  }
  if (judging() && in.held.content_end() >= service_->window_bytes) leave_window(context);
}

// A byte comes that lies beyond the window, so the verdict falls now, on the window alone.
void HttpRelay::leave_window(Context& context) {
  if (const ErrorCode error = request_.message.content(context, request_.held, false); error != ErrorCode::ok) {
    request_error(context, error);
  } else if (request_.message.denied()) {
    request_error(context, request_.message.denial());
  } else if (service_->after_window == enforce::AfterWindow::deny) {
    request_error(context, ErrorCode::http_body_beyond_window);
  } else {
    request_.judged = true;
    hold_at_verdict(context);
  }
}

void HttpRelay::adopt_policy(const Context& context) {
  if (adopt_newest(context)) learn_limits();
}

// A request begins: under the newest policy, from whom its head says.
void HttpRelay::learn_caller(Context& context, std::string_view user) {
  const StageScope stage(Stage::enforce);
  adopt_policy(context);
  const std::string_view network = policy_->snapshot->principal_of(client_address_);
  const std::string_view principal = user.empty() ? network : user;
  given_from_ = principal == network ? 0 : client_address_.source();
  if (principal == principal_) return;
  principal_ = principal;
  learn_limits();
}

void HttpRelay::open_exchange(Context& context, std::string_view user) {
  learn_caller(context, user);
  Exchange& exchange = exchanges_.emplace_back();
  UnitInfo& unit = exchange.unit;
  unit.session = session_;
  unit.number = next_unit_++;
  unit.policy = policy_;
  unit.service = service_;
  unit.principal = principal_;
  unit.client_address = client_address_;
  unit.caller = &context.callers.find(service_->name, principal_.empty() ? kAnonymous : std::string_view(principal_),
                                      given_from_, request_.message.unit().caller);
  unit.caller->requests.add();
  exchange.since = context.now;
  know_caller(context, unit, given_from_);
  request_.message.begin(unit, Direction::request);
  weigh(context);
  request_.judged = request_.discard = request_.head_ready = false;
  settled_matches_ = 0;
  ticket_.reset();
  if (may_hold(context)) request_.message.keep_shown(service_->hold.ticket);
  counters().requests.add();
}

void HttpRelay::request_head(Context& context) {
  const http1::Head& head = request_.reader.head();
  request_.held.begin_message();
  open_exchange(context, http1::basic_user(head));
  Exchange& exchange = exchanges_.back();
  exchange.method = head.method;
  exchange.head_only = head.method == "HEAD";
  exchange.upgrade = request_.paused = head.upgrade;

  note_route(head, exchange);
  note_stream(context, head);
  expect_limits(context);
  if (const ErrorCode error = request_.message.head(context, head, request_.held); error != ErrorCode::ok) {
    refuse(context, error, "", true);
    return;
  }
  const bool enforce = service_->mode == enforce::Mode::enforce;
  if (request_.message.denied()) {  // the body, if one follows, is read and forgotten
    refuse(context, request_.message.denial(), "", head.expect_continue);
    return;
  }
  if (enforce) {
    const http1::RewritePolicy policy{
        .masks_response_body = service_->masks_wire[static_cast<std::size_t>(enforce::Place::response_body)],
        .masks_request_body = service_->masks_wire[static_cast<std::size_t>(enforce::Place::request_body)],
        .takes_request_ranges = request_.message.is_ranged(),
        .allow_upgrade = service_->allow_upgrade,
        .strip_expect = service_->judges_request_body || may_hold(context)};
    context.work.edits.clear();
    const bool expects = head.expect_continue && policy.strip_expect;
    if (const ErrorCode error = http1::rewrite_request(head, policy, context.work.edits); error != ErrorCode::ok) {
      refuse(context, error, "", true);
      return;
    }
    if (!apply_edits(context, request_)) {
      abort(ErrorCode::buffers_exhausted);
      return;
    }
    exchange.continue_due = expects;
  }
  pass_limits(context);
}

// The client waits for leave to send a body that is judged before the server hears of it.
void HttpRelay::send_continue(Context& context) {
  exchanges_.back().continue_due = false;
  const bool in_turn = exchanges_.size() == 1 && response_.reader.idle();
  if (!in_turn || response_.dead || response_.finished) return;  // it sends without leave after a while
  if (!response_.out.append_copy(context.pools, as_bytes("HTTP/1.1 100 Continue\r\n\r\n")))
    abort(ErrorCode::buffers_exhausted);
}

void HttpRelay::judge_request(Context& context, bool last) {
  Message& message = request_.message;
  if (outgrows_ticket(context)) return;
  if (const ErrorCode error = message.content(context, request_.held, last); error != ErrorCode::ok) {
    request_error(context, error);
    return;
  }
  if (last) {
    if (const ErrorCode error = message.trailers(context, request_.held); error != ErrorCode::ok) {
      request_error(context, error);
      return;
    }
  }
  // Before its end, a verdict falls where the window ends and nowhere else: see leave_window().
  if (!request_.judged && !last) return;
  if (message.denied()) {
    request_error(context, request_.judged && !is_waiting() ? ErrorCode::rule_denied_late : message.denial());
    return;
  }
  // Beyond the window it is too late to wait.
  if (request_.judged && !takes_whole() && service_->judges_request_body && message.hold_matches() > settled_matches_) {
    request_error(context, ErrorCode::rule_denied_late);
    return;
  }
  if (!std::exchange(request_.judged, true) && hold_at_verdict(context) && !takes_whole()) return;  // refused
  release(context, request_, last);
}

void HttpRelay::end_request(Context& context) {
  if (request_.discard) {  // refused before; its end was recorded then
    request_.discard = false;
    request_.held.drop_labelled();
    return;
  }
  judge_request(context, true);
  if (!request_.message.active() || request_.dead) return;  // refused just now
  if (is_held()) {
    hold_whole_ = true;
    return;
  }
  if (ticket_ != nullptr && !settle_ticket(context)) return;
  if (request_.paused) return;  // if the server agrees, the stream belongs to it
  request_.message.end(context, request_.held.content_end(), Ending::complete, ErrorCode::ok);
}

// The request that asked for an upgrade has its answer.
void HttpRelay::settle_upgrade(Context& context, bool accepted) {
  Side& in = request_;
  in.paused = false;
  if (accepted)
    in.reader.become_opaque();
  else if (in.message.active() && in.reader.idle())
    in.message.end(context, in.held.content_end(), Ending::complete, ErrorCode::ok);
}

// After an upgrade, where nobody is to look, or would.
void HttpRelay::look_away(const enforce::Service& service) {
  const bool looks = service.record != enforce::RecordMode::off ||
                     service.scan(enforce::Place::request_body) != nullptr || !service.across.empty() ||
                     service.scan(enforce::Place::response_body) != nullptr;
  if (looks && service.after_upgrade == enforce::AfterUpgrade::scan) return;
  unread_ = true;
  request_.message.look_away();
  response_.message.look_away();
}

// The stream cannot be read on, or a verdict fell. The client gets an answer of our own unless the server's
// has begun. Once the request was let go, the server's leg is aborted with it (Fate::close does, too): the
// server must see an incomplete request, whether a byte of it happens to have left or not.
void HttpRelay::request_error(Context& context, ErrorCode error) {
  Side& in = request_;
  if (observes_all(context)) {
    context.errors.add(error);
    go_opaque(context);
    return;
  }
  if (in.discard) {  // of a request that has its answer, or waits for it
    context.errors.add(error);
    in.held.clear();
    in.dead = true;
    if (exchanges_.empty())
      fate_ = Fate::close;
    else
      exchanges_.back().close_after = true;
    return;
  }
  // What came of the message is on the record however much of it came at once.
  if (in.message.active())
    in.reader.idle() ? in.message.content(context, in.held, true) : in.message.cut_content(context, in.held);
  if (in.message.active() && is_answered_early()) {
    context.errors.add(error);
    count_error(&in.message.unit());
    in.message.end(context, in.held.content_end(), Ending::refused, error);
    in.held.clear();
    abort(error);
    return;
  }
  if (!in.message.active()) {
    // No head could be parsed: the record keeps the first line of what came.
    const std::string line = in.held.first_line();
    in.held.clear();
    in.held.begin_message();
    open_exchange(context);
    in.message.plain_head(context, as_bytes(line), false);
  }
  // A rule's verdict leaves the connection usable once the whole request was read.
  const bool found = error == ErrorCode::rule_denied || error == ErrorCode::score_denied;
  const bool readable_on = found && in.reader.idle() && !in.judged;
  refuse(context, error, "", !readable_on);
}

// The client gave up in the middle: nobody to answer, and the server must not take it for a whole request.
void HttpRelay::request_cut(Context& context) {
  Side& in = request_;
  context.errors.add(ErrorCode::http_incomplete);
  if (in.message.active()) {
    in.message.cut_content(context, in.held);
    in.message.end(context, in.held.content_end(), Ending::cut, ErrorCode::http_incomplete);
    const bool observed = in.message.unit().service->mode == enforce::Mode::observe;
    if (!observed && (in.judged || current_exchange() == nullptr)) {
      count_error(&in.message.unit());
      in.held.clear();
      abort(ErrorCode::http_incomplete);
      return;
    }
    if (!observed) {
      end_unanswered(context, exchanges_.back(), ErrorCode::http_incomplete);
      exchanges_.pop_back();
    }
  }
  in.held.clear();
  in.dead = true;
  if (exchanges_.empty()) fate_ = Fate::close;
}

HttpRelay::Exchange* HttpRelay::current_exchange() {
  const bool there = !exchanges_.empty() && exchanges_.back().unit.number == request_.message.unit().number;
  return there ? &exchanges_.back() : nullptr;
}

// Answers the newest request by ourselves and forgets it. With `close`, nothing more is read.
void HttpRelay::refuse(Context& context, ErrorCode error, std::string_view detail, bool close,
                       std::uint64_t retry_after_seconds, HoldId ticket) {
  SLUICE_ASSERT(current_exchange() != nullptr && request_.message.active());
  Exchange& exchange = *current_exchange();
  context.errors.add(error);
  counters().denied.add();
  exchange.unit.caller->denied.add();
  close |= server_absent_;
  const HoldId hold = is_held() ? hold_->id : ticket;
  if (is_held()) end_hold(context, error);
  ticket_.reset();
  request_.message.end(context, request_.held.content_end(), Ending::refused, error);
  exchange.local = http1::local_response(http1::status_for(error), error, detail, close, exchange.head_only,
                                         retry_after_seconds, hold == 0 ? std::string() : format_session_id(hold));
  exchange.close_after = close;
  request_.held.drop_labelled();
  request_.paused = false;
  if (close && error_ == ErrorCode::ok) error_ = error;
  if (close || response_.finished) {
    request_.dead = true;
    request_.held.clear();
    if (response_.finished) fate_ = Fate::close;  // the client was told already that nothing follows
  } else if (!request_.reader.idle()) {
    request_.discard = true;
  }
}

}  // namespace sluice::session
