// See link.h.
#include "dataplane/channel/link.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "common/log.h"
#include "common/sealed_memory.h"
#include "common/unix_socket.h"
#include "dataplane/channel/count_messages.h"
#include "dataplane/channel/messages.h"

namespace sluice::channel {
namespace {

namespace fbs = sluice::schema::channel;

// Events are fed only while control keeps up, so that they wait in the host's ring and are counted there.
constexpr std::size_t kEventsQueueBytes = kMaxQueuedBytes / 2;
constexpr std::size_t kEventsAtOnce = 256;
constexpr std::size_t kTraceRecordsAtOnce = 8 * 1024;

}  // namespace

Result<void> Link::begin() {
  const auto peer = peer_of(socket_.fd());
  if (!peer) return std::unexpected(peer.error());
  if (!is_trusted(*peer))
    return fail(ErrorCode::conflict, "user " + std::to_string(peer->uid) + " listens at " + config_.socket_path +
                                         "; control must run as root or as this process's user");
  if (!socket_.queue(encode_hello(builder_, config_, keeper_.running()))) return fail(ErrorCode::channel_closed);
  return socket_.flush();
}

Result<void> Link::on_readable(TimeNs now) {
  now_ = now;
  const auto received = socket_.receive();
  // What came before the end still counts: control's refusal stands there.
  for (;;) {
    auto message = socket_.next();
    if (!message) return std::unexpected(message.error());
    if (!*message) break;
    if (auto done = on_message(**message); !done) return done;
  }
  if (!received) return received;
  return socket_.flush();
}

Result<void> Link::on_message(Bytes message) {
  flatbuffers::Verifier verifier(message.data(), message.size());
  if (!fbs::VerifySizePrefixedEnvelopeBuffer(verifier)) return fail(ErrorCode::channel_bad_message);
  const fbs::Envelope* envelope = fbs::GetSizePrefixedEnvelope(message.data());
  if (const auto* hello = envelope->message_as_ControlHello()) return on_hello(*hello);
  if (!established_) return fail(ErrorCode::channel_bad_message, "control did not say hello first");
  if (const auto* push = envelope->message_as_BundlePush()) return on_push(*push);
  if (const auto* request = envelope->message_as_FlowsRequest()) return on_flows_request(*request);
  if (const auto* request = envelope->message_as_TraceRequest()) return on_trace_request(*request);
  if (const auto* decision = envelope->message_as_HoldDecision()) {
    host_.decide(decode(*decision));
    return {};
  }
  if (const auto* orders = envelope->message_as_Orders()) {
    const enforce::TicketKey key = host_.apply(decode(*orders, now_), decode_ticket_key(*orders));
    if (orders->number() != 0 && !socket_.queue(encode_orders_obeyed(builder_, orders->number(), key)))
      return fail(ErrorCode::channel_closed, "control does not read what is obeyed");
    if (!std::exchange(holds_wanted_, true)) ask_holds();
    return {};
  }
  return fail(ErrorCode::channel_bad_message, "control sent a message that is not for the data plane");
}

Result<void> Link::on_hello(const fbs::ControlHello& hello) {
  if (hello.error() != 0)
    return fail(static_cast<ErrorCode>(hello.error()), hello.detail() != nullptr ? hello.detail()->str() : "");
  if (hello.channel_version() != kChannelVersion)
    return fail(ErrorCode::channel_bad_version, "control speaks version " + std::to_string(hello.channel_version()) +
                                                    ", this data plane " + std::to_string(kChannelVersion));
  if (established_) return fail(ErrorCode::channel_bad_message, "control said hello twice");
  established_ = true;
  return {};
}

Result<void> Link::take_bundle(std::uint64_t size_bytes) {
  const auto fd = socket_.take_fd();
  if (!fd) return fail(ErrorCode::channel_bad_message, "a bundle was announced and no memory passed");
  const auto memory = SealedMemory::map(*fd, size_bytes);
  if (!memory) return std::unexpected(memory.error());
  return keeper_.take(memory->bytes());
}

Result<void> Link::on_push(const fbs::BundlePush& push) {
  const auto taken = take_bundle(push.size_bytes());
  if (taken)
    log::info("policy version " + std::to_string(keeper_.running().version) + " runs");
  else
    log::warn("a pushed policy was refused: " + taken.error().message());
  const Error error = taken ? Error{} : taken.error();
  if (!socket_.queue(encode_bundle_result(builder_, push.push_id(), error, keeper_.running().version)))
    return fail(ErrorCode::channel_closed, "control does not read its answers");
  return {};
}

void Link::send_events() {
  std::array<SessionEvent, kEventsAtOnce> events;
  while (socket_.queued_bytes() < kEventsQueueBytes) {
    const std::size_t count = host_.take_events(events);
    for (std::size_t i = 0; i < count; ++i) (void)socket_.queue(encode_event(builder_, events[i]));
    if (count < events.size()) return;
  }
}

Result<void> Link::on_flows_request(const fbs::FlowsRequest& request) {
  if (request.request_id() == 0) return fail(ErrorCode::channel_bad_message, "a request has no number");
  flows_request_ = request.request_id();
  if (host_.ask_flows(decode(request))) return {};
  const FlowProgress refused{.last = true, .error = ErrorCode::channel_timeout};
  (void)socket_.queue(encode_flows(builder_, std::exchange(flows_request_, 0), {}, refused, 0));
  return {};
}

// As fast as control reads; what it does not read waits in the host's ring, and the worker waits for nobody.
void Link::send_flows(TimeNs now) {
  while (flows_request_ != 0 && socket_.queued_bytes() < kEventsQueueBytes) {
    const FlowProgress progress = host_.take_flows(flows_);
    if (progress.rows == 0 && !progress.last) return;
    (void)socket_.queue(encode_flows(builder_, flows_request_, std::span(flows_).first(progress.rows), progress, now));
    if (progress.last) flows_request_ = 0;
  }
}

Result<void> Link::on_trace_request(const fbs::TraceRequest& request) {
  if (request.request_id() == 0) return fail(ErrorCode::channel_bad_message, "a request has no number");
  trace_request_ = request.request_id();
  traces_ = host_.trace();
  trace_at_ = 0;
  return {};
}

// What was told to who was there before is told anew, and what waited for nobody is forgotten.
void Link::ask_holds() {
  std::array<session::HoldEvent, kEventsAtOnce> events;
  std::size_t count = events.size();
  while (count == events.size()) {
    count = host_.take_hold_events(events);
    for (std::size_t i = 0; i < count; ++i)
      if (events[i].hold != nullptr) host_.give_back(*events[i].hold);
  }
  hold_pass_ = host_.tell_holds();
}

void Link::send_holds(TimeNs now) {
  session::HoldEvent event;
  while (socket_.queued_bytes() < kEventsQueueBytes && host_.take_hold_events({&event, 1}) == 1) {
    if (holds_known_ || event.kind == session::HoldEvent::Kind::pass_begins) send_hold(event, now);
    if (event.hold != nullptr) host_.give_back(*event.hold);
  }
}

void Link::send_hold(const session::HoldEvent& event, TimeNs now) {
  switch (event.kind) {
    case session::HoldEvent::Kind::pass_begins:
      holds_known_ = event.asked == hold_pass_;
      live_holds_.clear();
      break;
    case session::HoldEvent::Kind::opened:
      live_holds_.insert(event.id);
      (void)socket_.queue(encode_hold_opened(builder_, *event.hold, now));
      break;
    case session::HoldEvent::Kind::ended:
      live_holds_.erase(event.id);
      (void)socket_.queue(encode_hold_ended(builder_, event));
      break;
    case session::HoldEvent::Kind::all_told:
      (void)socket_.queue(encode_holds_live(builder_, live_holds_));
      break;
    case session::HoldEvent::Kind::order_used:
      (void)socket_.queue(encode_order_used(builder_, event));
      break;
  }
}

void Link::send_trace(TimeNs now, WallNs wall) {
  while (trace_request_ != 0 && socket_.queued_bytes() < kEventsQueueBytes) {
    const TraceSnapshot& trace = traces_.front();
    const std::size_t count = std::min(kTraceRecordsAtOnce, trace.records.size() - trace_at_);
    const bool is_whole = trace_at_ + count == trace.records.size();
    const TracePart part{.worker = trace.worker,
                         .first = trace.written - trace.records.size() + trace_at_,
                         .records = std::span(trace.records).subspan(trace_at_, count),
                         .last = is_whole && traces_.size() == 1};
    (void)socket_.queue(encode_trace(builder_, trace_request_, part, now, wall));
    trace_at_ += count;
    if (part.last) trace_request_ = 0;
    if (!is_whole) continue;
    traces_.erase(traces_.begin());
    trace_at_ = 0;
  }
}

Result<void> Link::on_tick(TimeNs now, WallNs wall) {
  if (!established_) return {};
  send_holds(now);
  send_events();
  send_flows(now);
  send_trace(now, wall);
  if (now >= counters_due_) {
    counters_due_ = now + kSecond;
    send_counters(socket_, builder_, host_.counters(), ++reports_, wall);
  }
  return socket_.flush();
}

}  // namespace sluice::channel
