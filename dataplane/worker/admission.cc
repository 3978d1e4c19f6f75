// Who gets a session. A SYN takes one while connections in their handshake are few; beyond that it is answered with a
// cookie, and takes one when it has proven that somebody is there. So a flood costs an answer a SYN, and no room.
#include <algorithm>

#include "dataplane/worker/worker.h"

namespace sluice::worker {
namespace {

// Work of one SYN in a full table.
constexpr std::size_t kRecycleLooks = 64;

}  // namespace

std::uint64_t Worker::service_of(const session::FlowKey& flow) const {
  const IpAddress& server = flow.server_address;
  if (server.is_ipv4()) return std::uint64_t{server.ipv4()} << 16 | flow.server_port;
  const std::uint64_t words[] = {server.high, server.low, flow.server_port};
  return siphash(config_.hash_key, {reinterpret_cast<const std::uint8_t*>(words), sizeof words});
}

std::uint16_t Worker::mss_limit(const session::FlowKey& flow) const {
  return static_cast<std::uint16_t>(mtu_bytes_ - wire::kTcpHeaderBytes -
                                    (flow.client_address.is_ipv4() ? wire::kIpv4HeaderBytes : wire::kIpv6HeaderBytes));
}

bool Worker::is_crowded(const session::FlowKey& flow) const {
  return half_open_ >= config_.half_open || half_open_of_source_.is_reached(flow.client_address.source());
}

// A full table gives the room of a session that is over and on the record, and waits only for what may still be on its
// way (TIME_WAIT): that is worth less than a newcomer, as it is to hosts beyond a bound.
void Worker::recycle() {
  std::size_t words = kRecycleLooks;
  for (std::size_t looks = 0; looks < kRecycleLooks; ++looks) {
    const session::Session* found = table_.walk(recycle_at_, words);
    if (found == nullptr) break;
    if (!found->replaceable()) continue;
    session::Session* over = table_.find(found->flow());
    remove(over);
    errors_.add(ErrorCode::session_recycled);
    break;
  }
  if (recycle_at_ >= table_.rooms()) recycle_at_ = 0;
}

session::Session* Worker::create(const Arrival& arrival, const enforce::Service& service) {
  const session::FlowKey& flow = arrival.flow;
  if (table_.size() == table_.capacity()) recycle();
  session::Session* session = table_.create(flow, arrival.flow_hash, ids_.next(), context_.policy, service,
                                            config_.limits, mss_limit(flow), context_.now);
  if (session == nullptr) {
    refuse(Side::client, arrival.frame, ErrorCode::sessions_exhausted);
    return nullptr;
  }
  of_source_.add(flow.client_address.source());
  of_service_.add(service_of(flow));
  return session;
}

void Worker::destroy(session::Session* session) {
  timers_.disarm(*session);
  of_source_.remove(session->flow().client_address.source());
  of_service_.remove(service_of(session->flow()));
  table_.destroy(session);
}

void Worker::remove(session::Session* session) {
  std::erase(queued_, session);
  destroy(session);
}

void Worker::end_half_open(const session::Session& session) {
  --half_open_;
  half_open_of_source_.remove(session.flow().client_address.source());
}

// For a SYN from the client; nullptr when it gets none now.
session::Session* Worker::open_session(const Arrival& arrival, const enforce::Service& service) {
  const wire::Frame& frame = arrival.frame;
  const session::FlowKey& flow = arrival.flow;
  const bool many_of_source = of_source_.is_reached(flow.client_address.source());
  if (many_of_source || of_service_.is_reached(service_of(flow))) {
    refuse(Side::client, frame,
           many_of_source ? ErrorCode::source_sessions_exceeded : ErrorCode::service_sessions_exceeded);
    reset_sender(Side::client, frame);
    return nullptr;
  }
  if (is_crowded(flow)) {
    send_cookie(frame, flow);
    return nullptr;
  }
  session::Session* session = create(arrival, service);
  if (session == nullptr) return nullptr;
  ++half_open_;
  half_open_of_source_.add(flow.client_address.source());
  return session;
}

void Worker::send_cookie(const wire::Frame& frame, const session::FlowKey& flow) {
  const session::CookieOffer offer{.mss = frame.options.mss, .sack_permitted = frame.options.sack_permitted};
  wire::TcpHeader answer = wire::answer_to(frame);
  answer.seq = cookies_.make(flow, frame.seq, offer, context_.now);
  answer.ack = frame.seq + 1;
  answer.window = session::kCookieWindow;
  answer.flags = wire::kSyn | wire::kAck;
  answer.options.mss = mss_limit(flow);
  answer.options.sack_permitted = offer.sack_permitted;
  client_output_.send(answer, 0, {});
  refuse(Side::client, frame, ErrorCode::syn_cookie_sent);
}

// True when the segment, of no known session, brought a cookie back: its session calls the server now. What else the
// segment carries will come again.
bool Worker::accept_cookie(const Arrival& arrival, const enforce::Service& service) {
  const wire::Frame& frame = arrival.frame;
  const session::FlowKey& flow = arrival.flow;
  if ((frame.flags & (wire::kSyn | wire::kRst | wire::kAck)) != wire::kAck) return false;
  const auto offer = cookies_.read(flow, frame.seq - 1, frame.ack - 1, context_.now);
  if (!offer) return false;
  session::Session* session = create(arrival, service);
  if (session == nullptr) return true;
  errors_.add(ErrorCode::syn_cookie_accepted);
  session->connect(context_, outputs_, frame, *offer, mss_limit(flow));
  queue(*session);
  return true;
}

}  // namespace sluice::worker
