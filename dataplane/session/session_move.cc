// How bytes move through a session, and how the end of one leg becomes the end of the other.
#include <algorithm>

#include "common/stage_clock.h"
#include "dataplane/session/session.h"

namespace sluice::session {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;   // taken from a leg at once
constexpr std::size_t kRecordSlack = 64 * 1024;  // heads, ends and encoding beside the payload

}  // namespace

bool Session::has_record_room(Context& context, std::size_t bytes) const {
  const StageScope stage(Stage::record);
  return relay().service().record != enforce::RecordMode::required || context.recorder.has_room(bytes + kRecordSlack);
}

void Session::move(Context& context, Direction direction) {
  tcp::Leg& from = source(direction);
  tcp::Leg& to = sink(direction);
  Flow& flow = flow_of(direction);
  relay().resume(context);
  if (direction == Direction::response && relay().is_server_absent()) return;
  while (from.readable_bytes() > 0) {
    const std::size_t count = std::min({from.readable_bytes(), kReadBytes,
                                        to.write_room_bytes() - std::min(to.write_room_bytes(), flow.waiting_bytes)});
    if (count == 0 || !relay().accepts(direction)) break;
    if (!has_record_room(context, count + relay().held_bytes(direction))) {
      stalled_ = true;
      break;
    }
    const std::size_t share = relay().share_of(context, direction, count);
    if (share == 0) break;
    buffer::Chain bytes;
    if (!from.read(share, bytes)) {
      stalled_ = true;
      break;
    }
    flow.bytes += share;
    ServiceCounters& counters = policy_->counters(service_);
    (direction == Direction::request ? counters.request_bytes : counters.response_bytes).add(share);
    relay().feed(context, direction, std::move(bytes));
    flush(context, Direction::request);
    flush(context, Direction::response);
  }
  if (from.read_finished()) {
    if (direction == Direction::response && relay().needs_no_server()) return leave_server();
    relay().finish(context, direction);
  }
  stalled_ |= relay().starved();
  flush(context, Direction::request);
  flush(context, Direction::response);
}

// What the relay lets go reaches the leg; for a strict service only when the records before it are on disk.
void Session::flush(Context& context, Direction direction) {
  Flow& flow = flow_of(direction);
  if (relay().has_output(direction) || !flow.waiting.empty()) flush_bytes(context, direction);
  if (relay().finished(direction) && flow.waiting.empty()) sink(direction).finish();
}

void Session::flush_bytes(Context& context, Direction direction) {
  Flow& flow = flow_of(direction);
  tcp::Leg& to = sink(direction);
  buffer::Chain out;
  relay().take(direction, out);
  const enforce::Service& service = relay().service();
  const bool strict =
      service.durability == enforce::Durability::strict && service.record == enforce::RecordMode::required;
  if (strict || !flow.waiting.empty()) {  // a policy that is no longer strict does not let bytes overtake
    if (!out.empty()) {
      flow.waiting_bytes += out.length_bytes();
      flow.waiting_segments += out.segments();
      flow.waiting.push_back({strict ? context.recorder.appended() : 0, std::move(out)});
    }
    const std::uint64_t durable = context.recorder.durable_through();
    if (!flow.waiting.empty() && flow.waiting.back().record > durable) context.recorder.urge();
    while (!flow.waiting.empty() && flow.waiting.front().record <= durable) {
      flow.waiting_bytes -= flow.waiting.front().bytes.length_bytes();
      flow.waiting_segments -= flow.waiting.front().bytes.segments();
      to.write(std::move(flow.waiting.front().bytes));
      flow.waiting.pop_front();
    }
  } else if (!out.empty()) {
    to.write(std::move(out));
  }
}

void Session::follow_fate(Context& context) {
  if (closing_ || relay().fate() == Fate::run) return;
  closing_at_ = context.now;
  if (relay().fate() == Fate::abort) {
    closing_ = true;
    error_ = relay().error();
    client_leg().abort(ErrorCode::tcp_aborted);
    server_leg().abort(ErrorCode::tcp_aborted);
  } else if (relay().fate() == Fate::close && response_.waiting.empty()) {
    closing_ = true;
    error_ = relay().error();
    client_leg().finish();
    server_leg().abort(ErrorCode::tcp_aborted);  // it must not take a half-sent request for a whole one
  }
}

void Session::follow_idleness(Context& context) {
  const bool idle = !relay().is_held() && context.now >= active_at_ + limits_.idle;
  const bool lingers = closing_ && context.now >= closing_at_ + limits_.linger;
  if (idle || lingers) abort(ErrorCode::tcp_idle_timeout);
}

void Session::abort(ErrorCode why) {
  if (spliced_ != nullptr) return abort_spliced(why);
  if (at_rest_ != nullptr) wake(active_at_);
  if (terminated_ == nullptr) {
    phase_ = Phase::done;
    return;
  }
  if (!closing_) error_ = why;
  closing_ = true;
  closing_at_ = active_at_;
  client_leg().abort(why);
  server_leg().abort(why);
}

// A leg that broke breaks the other one.
void Session::follow_ends(Context& context) {
  const auto broke = [](const tcp::Leg& leg) {
    return leg.state() == tcp::LegState::closed && leg.closed_by() != ErrorCode::ok;
  };
  const bool client_broke = broke(client_leg());
  const bool server_broke = !relay().is_server_absent() && broke(server_leg());
  if (closing_ || (!client_broke && !server_broke)) return;
  const ErrorCode by = client_broke ? client_leg().closed_by() : server_leg().closed_by();
  if (error_ == ErrorCode::ok)
    error_ = by != ErrorCode::tcp_reset_by_peer ? by
             : client_broke                     ? ErrorCode::tcp_reset_by_client
                                                : ErrorCode::tcp_reset_by_server;
  if (!client_broke) client_leg().abort(ErrorCode::tcp_aborted);
  if (!server_broke) server_leg().abort(ErrorCode::tcp_aborted);
  closing_ = true;
  closing_at_ = context.now;
}

}  // namespace sluice::session
