// What both directions of an HTTP session share; see http_relay.h.
#include "dataplane/session/http_relay.h"

#include "common/assert.h"

namespace sluice::session {
namespace {

http1::Limits limits_of(const enforce::Service& service) {
  return {.head_bytes = service.head_limit_bytes, .headers = service.header_limit};
}

}  // namespace

HttpRelay::HttpRelay(PolicyRef policy, const enforce::Service& service, SessionId session, std::uint32_t client_address,
                     std::uint32_t server_address)
    : policy_(std::move(policy)),
      service_(&service),
      session_(session),
      client_address_(client_address),
      server_address_(server_address),
      principal_(policy_->snapshot->principal_of(client_address)),
      request_(Direction::request, limits_of(service)),
      response_(Direction::response, limits_of(service)) {}

void HttpRelay::feed(Context& context, Direction direction, buffer::Chain&& bytes) {
  Side& from = side(direction);
  if (from.dead) return;  // the chain goes with its owner
  from.held.append(std::move(bytes));
  if (direction == Direction::request) {
    read_requests(context);
    read_responses(context);  // a local answer may be due
  } else {
    read_responses(context);
    if (!request_.paused &&
        !request_.held.unlabelled().empty()) {  // requests that waited for a place among the pending ones
      read_requests(context);
      read_responses(context);
    }
  }
}

void HttpRelay::finish(Context& context, Direction direction) {
  Side& from = side(direction);
  if (from.ended) return;
  from.ended = true;
  if (from.dead) return;
  const http1::Step step = from.reader.finish();
  if (direction == Direction::request) {
    if (step.kind == http1::StepKind::error)
      request_error(context, step.error);
    else if (from.message.active())
      end_request(context);
    read_responses(context);
  } else {
    if (step.kind == http1::StepKind::error)
      response_error(context, step.error);
    else if (from.message.active())
      end_response(context);
  }
  from.finished = true;
}

void HttpRelay::close(Context& context, ErrorCode why) {
  for (const Direction direction : {Direction::request, Direction::response}) {
    Side& from = side(direction);
    if (from.message.active()) {
      from.message.content(context, from.held, true);
      from.message.end(context, from.held.content_end(), Ending::cut, why);
    }
    from.held.clear();
    from.dead = true;
  }
}

bool HttpRelay::accepts(Direction direction) const {
  const Side& from = side(direction);
  if (direction == Direction::request && !from.dead) return exchanges_.size() < service_->pending_limit;
  return true;  // a dead side takes bytes to forget them
}

void HttpRelay::take(Context&, Direction direction, buffer::Chain& out) {
  out.append(std::move(side(direction).out));
}

bool HttpRelay::finished(Direction direction) const {
  return side(direction).finished && side(direction).out.empty();
}

std::size_t HttpRelay::held_bytes(Direction direction) const {
  return side(direction).held.length_bytes() + side(direction).out.length_bytes();
}

// Observe: a stream that cannot be read passes on without structure, recorded and scanned as content.
void HttpRelay::go_opaque(Context& context) {
  if (!request_.message.active()) {
    request_.held.relabel_as_content();
    open_exchange(context);
  }
  request_.head_ready = request_.judged = true;
  request_.paused = false;
  for (Side* side : {&request_, &response_}) {
    side->reader = http1::Reader(side == &request_ ? Direction::request : Direction::response, limits_of(*service_));
    side->reader.become_opaque();
  }
  if (!response_.message.active()) {
    response_.held.relabel_as_content();
    response_.message.begin(exchanges_.empty() ? request_.message.unit() : exchanges_.front().unit,
                            Direction::response);
    response_.head_ready = true;
  }
}

std::size_t HttpRelay::held_segments(Direction direction) const {
  return side(direction).held.segments() + side(direction).out.segments();
}

bool HttpRelay::apply_edits(Context& context, Side& side) {
  // From the last to the first, so that offsets stay true.
  std::vector<http1::Edit>& edits = context.work.edits;
  for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit)
    if (!side.held.splice_head(context.pools, edit->offset, edit->remove, as_bytes(edit->insert))) return false;
  return true;
}

void HttpRelay::release(Context& context, Side& side, bool all) {
  if (side.message.active() && side.message.unit().service->mode == enforce::Mode::observe &&
      !side.held.pass(context.pools, side.out)) {
    abort(ErrorCode::buffers_exhausted);
    return;
  }
  const std::uint64_t through = side.message.active() ? side.message.decided() : side.held.content_end();
  if (!side.held.release(context.pools, side.head_ready, through, all, side.out)) abort(ErrorCode::buffers_exhausted);
}

void HttpRelay::abort(ErrorCode why) {
  fate_ = Fate::abort;
  if (error_ == ErrorCode::ok) error_ = why;
  request_.dead = response_.dead = true;
}

}  // namespace sluice::session
