// See worker.h.
#include "dataplane/worker/worker.h"

#include <algorithm>
#include <cstring>

#include "common/stage_clock.h"
namespace sluice::worker {
namespace {

std::uint16_t mtu_between(const port::Port& a, const port::Port& b) {
  const std::uint32_t mtu = std::min(a.capabilities().mtu_bytes, b.capabilities().mtu_bytes);
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(mtu, 0xffff));
}

}  // namespace

Worker::Worker(const WorkerConfig& config, port::Port& client_port, port::Port& server_port, buffer::Pools& pools,
               record::Recorder& recorder, TimeNs now)
    : config_(config),
      guard_(pools, config.limits.leg.receive_bytes),
      ports_{&client_port, &server_port},
      trace_(config.trace_file, config.index, now, config.start_wall_ns),
      client_output_(client_port, pools, errors_),
      server_output_(server_port, pools, errors_),
      outputs_{client_output_, server_output_},
      mtu_bytes_(mtu_between(client_port, server_port)),
      context_{.pools = pools,
               .recorder = recorder,
               .errors = errors_,
               .trace = trace_,
               .policy = nullptr,
               .pieces = session::Pieces(config.hash_key),
               .limiter = enforce::Limiter(config.hash_key, config.limit_entries),
               .behaviours = enforce::Behaviours(config.hash_key, config.behaviour_entries),
               .callers = session::Callers(config.hash_key),
               .work = {},
               .holds = session::HoldTable(config.index, config.start_wall_ns),
               .statements = session::Statements(config.statements),
               .hash_key = config.hash_key},
      ids_(config.index, config.start_wall_ns),
      table_(config.sessions, config.hash_key),
      timers_(now),
      half_open_of_source_(config.half_open_per_source, config.half_open, config.hash_key),
      of_source_(config.sessions_per_source, config.sessions, config.hash_key),
      of_service_(config.sessions_per_service, config.sessions, config.hash_key),
      cookies_(config.cookie_key) {
  config_.limits.leg.pressure = &guard_.pressure();
  context_.holds.use_key(config.ticket_key);
}

Worker::~Worker() = default;

// Between bursts, so that a unit never sees half of a change. The former policy and scratch go back to
// who offered; nothing is freed here.
void Worker::take_policy() {
  update_.take([this](PolicyUpdate& update) {
    std::swap(context_.policy, update.policy);
    std::swap(scratch_, update.scratch);
    context_.scratch = scratch_.get();
  });
}

bool Worker::burst(TimeNs now, WallNs wall) {
  take_policy();
  context_.now = now;
  context_.wall = wall;
  guard_.look(now);
  const auto wake = [this](session::Session& session) { queue(session); };
  context_.holds.take(now, wall, wake);
  context_.statements.take(wake);
  context_.cancels.take(wake);
  bool busy = receive(Side::client);
  if (!guard_.pressure().is_calm()) guard_.look(now);
  busy |= receive(Side::server);
  timers_.advance(now, wake);
  busy |= !queued_.empty();
  run_queued();
  context_.holds.tell(wall);
  listing_.serve(table_, now);
  if (const std::uint64_t refused = context_.pools.blocks().take_refused(); refused != 0)
    errors_.add(ErrorCode::blocks_exhausted, refused);
  client_output_.flush();
  server_output_.flush();
  const StageScope stage(Stage::record);
  context_.recorder.flush(wall);
  return busy;
}

bool Worker::shut_down(TimeNs now, WallNs wall) {
  context_.now = now;
  context_.wall = wall;
  std::vector<session::Session*> over;
  table_.for_each([&](session::Session& session) {
    session.abort(ErrorCode::tcp_aborted);
    session.run(context_, outputs_, *this);
    if (session.done()) over.push_back(&session);
    client_output_.flush();
    server_output_.flush();
  });
  for (session::Session* session : over) remove(session);
  sessions_open_.store(table_.size(), std::memory_order_relaxed);
  context_.recorder.flush(wall);
  return table_.size() == 0 && !client_output_.pending() && !server_output_.pending();
}

bool Worker::receive(Side side) {
  std::array<rte_mbuf*, Arrivals::kMost> packets;
  std::uint16_t count = 0;
  {
    const StageScope stage(Stage::port);
    count = ports_[static_cast<std::size_t>(side)]->receive(packets);
  }
  look_up(side, std::span(packets).first(count));
  for (Arrival& arrival : arrivals_.all()) {
    if (arrival.is_run() && take_run(side, arrival)) continue;
    arrivals_.each_frame(arrival, [&](Arrival& frame) { dispatch(side, frame); });
  }
  return count != 0;
}

void Worker::queue(session::Session& session) {
  if (session.queued) return;
  session.queued = true;
  queued_.push_back(&session);
}

void Worker::run_queued() {
  for (std::size_t i = 0; i < queued_.size(); ++i) {
    session::Session* session = queued_[i];
    if (i + 1 < queued_.size()) queued_[i + 1]->prefetch_run();
    session->queued = false;
    const bool was_half_open = session->half_open();
    session->run(context_, outputs_, *this);
    if (was_half_open && !session->half_open()) end_half_open(*session);
    if (session->done()) {
      destroy(session);
    } else {
      timers_.arm(*session, session->next_deadline());
    }
  }
  queued_.clear();
  sessions_open_.store(table_.size(), std::memory_order_relaxed);
}

void Worker::push_event(bool is_opened, const session::FlowKey& flow, SessionId id, const enforce::Service& service,
                        std::string_view principal, ErrorCode error, WallNs wall) {
  channel::SessionEvent event{.opened = is_opened,
                              .session = id,
                              .wall_ns = wall,
                              .client_address = flow.client_address,
                              .client_port = flow.client_port,
                              .error = error};
  copy_name(event.service, service.name);
  copy_name(event.principal, principal);
  if (!events_.push(event)) lost_events_.add();
}

void Worker::opened(const session::FlowKey& flow, SessionId id, const enforce::Service& service,
                    std::string_view principal, WallNs wall) {
  push_event(true, flow, id, service, principal, ErrorCode::ok, wall);
}

void Worker::closed(const session::FlowKey& flow, SessionId id, const enforce::Service& service,
                    std::string_view principal, ErrorCode error, WallNs wall) {
  push_event(false, flow, id, service, principal, error, wall);
}

}  // namespace sluice::worker
