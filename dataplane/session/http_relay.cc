// What both directions of an HTTP session share; see http_relay.h.
#include "dataplane/session/http_relay.h"

#include <algorithm>

#include "common/stage_clock.h"
namespace sluice::session {
namespace {

constexpr std::size_t kMessageRoom = 64 * 1024;  // of the recorder: a head, its end, and an answer of our own

http1::Limits limits_of(const enforce::Service& service) {
  return {.head_bytes = service.head_limit_bytes, .headers = service.header_limit};
}

}  // namespace

HttpRelay::HttpRelay(PolicyRef policy, const enforce::Service& service, SessionId session,
                     const IpAddress& client_address, const IpAddress& server_address)
    : Relay(std::move(policy), service, session, client_address, server_address, request_, response_),
      request_(Direction::request, limits_of(service)),
      response_(Direction::response, limits_of(service)) {
  learn_limits();
}

void HttpRelay::feed(Context& context, Direction direction, buffer::Chain&& bytes) {
  const StageScope stage(Stage::protocol);
  Side& from = side(direction);
  note_fed(direction, bytes.length_bytes());
  if (from.dead) return;  // the chain goes with its owner
  from.held.append(context.pools, std::move(bytes));
  advance(context);
}

// As far as it goes: an answer, also one of our own, makes room for requests that wait.
void HttpRelay::advance(Context& context) {
  const StageScope stage(Stage::protocol);
  starved_ = false;
  do {
    read_requests(context);
    read_responses(context);
  } while (can_read_requests() && !starved_);
  conclude(context, Direction::request);
  conclude(context, Direction::response);
  if (is_held()) show_held(context);
}

// Asked before each message: many small ones make more records than their bytes tell.
bool HttpRelay::has_room(Context& context) const {
  const StageScope stage(Stage::record);
  return service_->record != enforce::RecordMode::required ||
         context.recorder.has_room(request_.held.length_bytes() + response_.held.length_bytes() + kMessageRoom);
}

void HttpRelay::finish(Context& context, Direction direction) {
  const StageScope stage(Stage::protocol);
  Side& from = side(direction);
  if (from.ended) return;
  from.ended = true;
  advance(context);
}

void HttpRelay::conclude(Context& context, Direction direction) {
  Side& from = side(direction);
  if (!from.ended || from.finished || from.dead || from.held.unlabelled_bytes() > 0) return;
  if (direction == Direction::request && is_throttled()) return;  // whole or cut, it is told when it goes
  if (direction == Direction::request && is_held()) return abandon(context);
  const bool cut = from.reader.finish().kind == http1::StepKind::error;
  if (direction == Direction::request && cut && ticket_ != nullptr) {  // the server has not seen it
    ticket_.reset();
    from.judged = false;
  }
  if (direction == Direction::request) {
    from.paused = false;
    if (cut)
      request_cut(context);
    else if (from.message.active())
      end_request(context);
    read_responses(context);
  } else {
    const bool by_close = from.message.active() && !cut;  // whatever followed would be taken for more of it
    if (cut)
      response_cut(context);
    else if (from.message.active())
      end_response(context);
    if (is_throttled()) {  // nobody is there for it any more, and the client can still be told
      refuse_limited(context, give_up_throttled(throttled_until_ - std::min(throttled_until_, context.now)), true);
      if (!by_close) read_responses(context);
    }
    if (is_held()) {  // likewise: its answers and this one belong to one connection, which ends
      refuse(context, ErrorCode::hold_server_gone, "", true);
      if (!by_close) read_responses(context);
    }
    // An answer of our own that still waits for its turn will not be given any more.
    if (request_.dead && !request_.finished && fate_ == Fate::run) fate_ = Fate::close;
  }
  from.finished = true;
}

void HttpRelay::leave(Context& context) {
  for (Side* from : {&request_, &response_})
    if (from->message.active())
      from->message.end(context, from->held.content_end(), Ending::complete, ErrorCode::ok,
                        from == &response_ ? answer_facts(context) : AnswerFacts{});
  count_answer(context);
  exchanges_.clear();
}

void HttpRelay::close(Context& context, ErrorCode why) {
  throttled_until_ = kNever;
  ticket_.reset();
  if (is_held()) end_hold(context, why);
  for (const Direction direction : {Direction::request, Direction::response}) {
    Side& from = side(direction);
    if (from.message.active()) {
      from.message.cut_content(context, from.held);
      from.message.end(context, from.held.content_end(), Ending::cut, why,
                       direction == Direction::response ? answer_facts(context) : AnswerFacts{});
      if (direction == Direction::response && !exchanges_.empty()) exchanges_.pop_front();
    }
    from.held.clear();
    from.dead = true;
  }
  for (const Exchange& exchange : exchanges_) end_unanswered(context, exchange, why);
  exchanges_.clear();
}

UnitPhase HttpRelay::phase() const {
  if (response_.message.active()) return UnitPhase::response;
  if (request_.message.active()) return UnitPhase::request;
  return exchanges_.empty() ? UnitPhase::none : UnitPhase::waiting;
}

bool HttpRelay::may_rest() const {
  return fate_ == Fate::run && !unread_ && !starved_ && exchanges_.empty() && request_.may_rest() &&
         response_.may_rest();
}

bool HttpRelay::accepts(Direction direction) const {
  const Side& from = side(direction);
  if (starved_ || (direction == Direction::request && is_throttled())) return false;
  if (direction == Direction::request && is_held())
    return !hold_whole_ && request_.held.length_bytes() < service_->hold.body_bytes &&
           request_.held.run_count() < Held::kMaxRuns / 4;
  if (direction == Direction::request && !from.dead) return exchanges_.size() < service_->pending_limit;
  return true;  // a dead side takes bytes to forget them
}

// Only where all that is under way is observed may the streams go on without structure.
bool HttpRelay::observes_all(Context& context) {
  if (!request_.message.active()) adopt_policy(context);
  const auto observed = [](const enforce::Service* service) { return service->mode == enforce::Mode::observe; };
  return observed(service_) && (!response_.message.active() || observed(response_.message.unit().service)) &&
         std::ranges::all_of(exchanges_, [&](const Exchange& exchange) { return observed(exchange.unit.service); });
}

// Observe: a stream that cannot be read passes on without structure, recorded and scanned as content.
void HttpRelay::go_opaque(Context& context) {
  if (request_.message.active() && exchanges_.empty()) {  // it has its whole answer: what comes is another unit
    request_.message.content(context, request_.held, true);
    release(context, request_, true);
    request_.message.end(context, request_.held.content_end(), Ending::cut, ErrorCode::http_unexpected_response);
  }
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
  }
  response_.head_ready = true;
}

// What the bytes of a step are, once they are held. Steps without bytes may have any.
RunKind HttpRelay::run_kind(http1::StepKind kind) {
  switch (kind) {
    case http1::StepKind::framing:
      return RunKind::framing;
    case http1::StepKind::trailer:
      return RunKind::trailer;
    case http1::StepKind::body:
    case http1::StepKind::opaque:
      return RunKind::content;
    default:
      return RunKind::head;
  }
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
  throttled_until_ = kNever;
  ticket_.reset();
}

}  // namespace sluice::session
