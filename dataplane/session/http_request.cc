// Requests: from bytes to a verdict, and from a verdict to the server or to an answer of our own.
#include <algorithm>

#include "common/assert.h"
#include "dataplane/session/http_relay.h"

namespace sluice::session {

using http1::StepKind;

void HttpRelay::read_requests(Context& context) {
  Side& in = request_;
  while (!in.dead) {
    if (in.reader.idle() && exchanges_.size() >= service_->pending_limit) break;
    const Bytes next = in.held.unlabelled();
    const http1::Step step = in.reader.next(next);
    if (step.kind == StepKind::more) {
      in.held.label(RunKind::head, step.bytes);
      if (step.bytes == 0) break;
    } else if (step.kind == StepKind::head) {
      in.held.label(RunKind::head, step.bytes);
      request_head(context);
    } else if (step.kind == StepKind::framing) {
      in.held.label(RunKind::framing, step.bytes);
    } else if (step.kind == StepKind::trailer) {
      in.held.label(RunKind::trailer, step.bytes);
    } else if (step.kind == StepKind::body || step.kind == StepKind::opaque) {
      in.held.label(RunKind::content, step.bytes);
    } else if (step.kind == StepKind::message_end) {
      end_request(context);
    } else {
      request_error(context, step.error);
    }
    if (in.discard) in.held.drop_labelled();
    if (in.held.run_count() > Held::kMaxRuns) request_error(context, ErrorCode::http_too_fragmented);
  }
  if (!in.dead && in.message.active() && !in.discard) judge_request(context, false);
}

// A request begins: the unit takes the newest policy, unless that no longer knows the service.
void HttpRelay::open_exchange(Context& context) {
  Exchange& exchange = exchanges_.emplace_back();
  UnitInfo& unit = exchange.unit;
  unit.session = session_;
  unit.number = next_unit_++;
  unit.policy = context.policy;
  unit.service = nullptr;
  if (unit.policy != policy_) {
    const enforce::Service* newest = unit.policy->snapshot->find_service(server_address_, service_->port);
    if (newest != nullptr) {
      service_ = newest;
      policy_ = unit.policy;
      principal_ = policy_->snapshot->principal_of(client_address_);
    }
  }
  unit.policy = policy_;
  unit.service = service_;
  unit.principal = principal_;
  request_.message.begin(unit, Direction::request);
  request_.judged = request_.sent = request_.discard = request_.head_ready = false;
  counters().requests.add();
}

void HttpRelay::request_head(Context& context) {
  const http1::Head& head = request_.reader.head();
  request_.held.begin_message();
  open_exchange(context);
  Exchange& exchange = exchanges_.back();
  exchange.method = head.method;
  exchange.head_only = head.method == "HEAD";
  if (std::string user = http1::basic_user(head); !user.empty()) principal_ = exchange.unit.principal = std::move(user);

  if (const ErrorCode error = request_.message.head(context, head, request_.held); error != ErrorCode::ok) {
    refuse(context, error, "", true);
    return;
  }
  const bool enforce = service_->mode == enforce::Mode::enforce;
  if (request_.message.denied() && !service_->judges_request_body) {
    refuse(context, ErrorCode::rule_denied, "", false);
    return;
  }
  if (enforce) {
    const http1::RewritePolicy policy{
        .masks_response_body = service_->masks_wire[static_cast<std::size_t>(enforce::Place::response_body)],
        .masks_request_body = service_->masks_wire[static_cast<std::size_t>(enforce::Place::request_body)],
        .allow_upgrade = service_->allow_upgrade,
        .strip_expect = service_->judges_request_body};
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
    if (expects) send_continue(context);
  }
  request_.head_ready = true;
  if (!service_->judges_request_body) request_.judged = true;
}

// The client waits for leave to send a body that is judged before the server hears of it.
void HttpRelay::send_continue(Context& context) {
  if (exchanges_.size() != 1 || !response_.reader.idle()) return;  // it sends without leave after a while
  if (!response_.out.append_copy(context.pools, as_bytes("HTTP/1.1 100 Continue\r\n\r\n")))
    abort(ErrorCode::buffers_exhausted);
}

void HttpRelay::judge_request(Context& context, bool last) {
  Message& message = request_.message;
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
  if (message.denied()) {
    request_error(context, request_.judged ? ErrorCode::rule_denied_late : ErrorCode::rule_denied);
    return;
  }
  if (!request_.judged) {
    if (last) {
      request_.judged = true;
    } else if (request_.held.content_end() >= service_->window_bytes) {
      if (service_->after_window == enforce::AfterWindow::deny) {
        request_error(context, ErrorCode::http_body_beyond_window);
        return;
      }
      request_.judged = true;
    }
  }
  if (request_.judged) {
    request_.sent = true;
    release(context, request_, last);
  }
}

void HttpRelay::end_request(Context& context) {
  if (request_.discard) {  // refused before; its end was recorded then
    request_.discard = false;
    request_.held.drop_labelled();
    return;
  }
  judge_request(context, true);
  if (!request_.message.active()) return;  // refused just now
  request_.message.end(context, request_.held.content_end(), Ending::complete, ErrorCode::ok);
}

// The stream cannot be read on, or a verdict fell. Before the first byte left: an answer of our own.
// After it: the server must see an incomplete request.
void HttpRelay::request_error(Context& context, ErrorCode error) {
  if (service_->mode == enforce::Mode::observe && error != ErrorCode::http_incomplete) {
    context.errors.add(error);
    go_opaque(context);
    return;
  }
  if (request_.message.active() && (request_.sent || current_exchange() == nullptr)) {
    context.errors.add(error);
    counters().errors.add();
    request_.message.end(context, request_.held.content_end(), Ending::refused, error);
    request_.held.clear();
    abort(error);
    return;
  }
  if (error == ErrorCode::http_incomplete) {  // the client gave up in the middle: nobody to answer
    context.errors.add(error);
    if (request_.message.active()) {
      request_.message.end(context, request_.held.content_end(), Ending::cut, error);
      if (current_exchange() != nullptr) exchanges_.pop_back();
    }
    request_.held.clear();
    request_.dead = true;
    if (exchanges_.empty()) fate_ = Fate::close;
    return;
  }
  if (!request_.message.active()) {
    // No head could be parsed: the record keeps the first line of what came.
    const Bytes came = request_.held.front();
    std::string line(as_text(came.first(std::min<std::size_t>(came.size(), 256))));
    line.resize(std::min(line.find_first_of("\r\n"), line.size()));
    request_.held.clear();
    request_.held.begin_message();
    open_exchange(context);
    request_.message.plain_head(context, as_bytes(line), false);
  }
  // A rule's verdict leaves the connection usable once the whole request was read.
  const bool readable_on = error == ErrorCode::rule_denied && request_.reader.idle();
  refuse(context, error, "", !readable_on);
}

HttpRelay::Exchange* HttpRelay::current_exchange() {
  const bool there = !exchanges_.empty() && exchanges_.back().unit.number == request_.message.unit().number;
  return there ? &exchanges_.back() : nullptr;
}

// Answers the newest request by ourselves and forgets it. With `close`, nothing more is read.
void HttpRelay::refuse(Context& context, ErrorCode error, std::string_view detail, bool close) {
  SLUICE_ASSERT(current_exchange() != nullptr && request_.message.active());
  Exchange& exchange = *current_exchange();
  context.errors.add(error);
  counters().denied.add();
  request_.message.end(context, request_.held.content_end(), Ending::refused, error);
  exchange.local = http1::local_response(http1::status_for(error), error, detail, close, exchange.head_only);
  exchange.close_after = close;
  request_.held.drop_labelled();
  if (close) {
    request_.dead = true;
    request_.held.clear();
  } else if (!request_.reader.idle()) {
    request_.discard = true;
  }
}

}  // namespace sluice::session
