#include "bench/micro/tcp_relay.h"

#include <algorithm>

#include "bench/support/puppets.h"
#include "dataplane/port/offloads.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kBurst = 32;
constexpr std::uint16_t kMss = 1460;
constexpr tcp::LegLimits kLimits;
constexpr std::uint32_t kDistance = 0x12345;  // of the server's numbers from those that a spliced client knows

tcp::SegmentIn segment_of(const wire::Frame& frame, buffer::Chain&& payload) {
  return {.seq = frame.seq,
          .ack = frame.ack,
          .window = frame.window,
          .flags = frame.flags,
          .has_timestamps = frame.options.has_timestamps,
          .ts_value = frame.options.ts_value,
          .ts_echo = frame.options.ts_echo,
          .sack = frame.sack.all(),
          .payload = std::move(payload)};
}

wire::TcpHeader back_to(const wire::Frame& frame) {
  wire::TcpHeader header{.link = frame.link,
                         .source = frame.destination,
                         .destination = frame.source,
                         .source_port = frame.destination_port,
                         .destination_port = frame.source_port,
                         .options = {}};
  std::swap_ranges(header.link.bytes, header.link.bytes + 6, header.link.bytes + 6);
  return header;
}

wire::TcpHeader same_as(const wire::Frame& frame) {
  return {.link = frame.link,
          .source = frame.source,
          .destination = frame.destination,
          .source_port = frame.source_port,
          .destination_port = frame.destination_port,
          .options = {}};
}

void pass_on(session::FrameOutput& output, const wire::Frame& frame, const wire::TcpOptions& options) {
  wire::TcpHeader header = same_as(frame);
  header.seq = frame.seq;
  header.ack = frame.ack;
  header.flags = frame.flags;
  header.window = frame.window;
  header.options = options;
  output.send(header, 0, {});
}

}  // namespace

TcpRelay::TcpRelay(RelayKind kind, std::size_t connections, MemoryPort& client_port, MemoryPort& server_port,
                   buffer::Pools& pools)
    : kind_(kind),
      client_port_(client_port),
      server_port_(server_port),
      pools_(pools),
      client_output_(client_port, pools, errors_),
      server_output_(server_port, pools, errors_) {
  for (std::size_t i = 0; i < connections; ++i) flows_.push_back(std::make_unique<Flow>(kMss));
}

bool TcpRelay::burst(TimeNs now) {
  bool busy = receive(true, now);
  busy |= receive(false, now);
  if (!busy)
    for (const auto& flow : flows_)
      if (flow->client && std::min(flow->client->next_deadline(), flow->server->next_deadline()) <= now)
        queued_.push_back(flow.get());
  busy |= !queued_.empty();
  for (Flow* flow : queued_) run(*flow, now);
  queued_.clear();
  client_output_.flush();
  server_output_.flush();
  return busy;
}

TimeNs TcpRelay::next_deadline() const {
  TimeNs next = kNever;
  for (const auto& flow : flows_)
    if (flow->client) next = std::min({next, flow->client->next_deadline(), flow->server->next_deadline()});
  return next;
}

bool TcpRelay::receive(bool from_client, TimeNs now) {
  std::array<rte_mbuf*, kBurst> packets;
  const std::uint16_t count = (from_client ? client_port_ : server_port_).receive(packets);
  for (std::uint16_t i = 0; i < count; ++i) dispatch(from_client, packets[i], now);
  return count != 0;
}

void TcpRelay::dispatch(bool is_from_client, rte_mbuf* packet, TimeNs now) {
  const wire::Frame frame =
      wire::parse({rte_pktmbuf_mtod(packet, const std::uint8_t*), packet->data_len}, packet->pkt_len);
  const std::uint32_t number = is_from_client ? connection_of(frame.source.ipv4(), frame.source_port)
                                              : connection_of(frame.destination.ipv4(), frame.destination_port);
  if (frame.kind != wire::FrameKind::tcp || number >= flows_.size() || !port::tcp_checksum_ok(packet, frame)) {
    ++dropped_;
    rte_pktmbuf_free(packet);
    return;
  }
  Flow& flow = *flows_[number];
  if (flow.splice) return pass(flow, is_from_client, frame, packet);
  buffer::Chain payload;
  if (frame.payload_bytes == 0) {
    rte_pktmbuf_free(packet);
  } else {
    ++data_frames_;
    data_bytes_ += frame.payload_bytes;
    payload = buffer::Chain::payload_of(packet, frame.payload_offset, frame.payload_bytes);
  }
  if (is_from_client)
    from_client(flow, frame, std::move(payload), now);
  else
    from_server(flow, frame, std::move(payload), now);
  if (flow.client && !flow.queued) {
    flow.queued = true;
    queued_.push_back(&flow);
  }
}

void TcpRelay::pass(Flow& flow, bool is_from_client, const wire::Frame& frame, rte_mbuf* packet) {
  const Direction direction = is_from_client ? Direction::request : Direction::response;
  if (frame.payload_bytes > 0) ++data_frames_;
  data_bytes_ += frame.payload_bytes;
  if (!flow.splice->note(direction, frame).passes || !flow.splice->carry(direction, frame, packet)) {
    ++dropped_;
    rte_pktmbuf_free(packet);
    return;
  }
  (is_from_client ? server_output_ : client_output_).forward(packet);
}

// The client's ACK, which knows the server by other numbers, goes on with the server's own.
void TcpRelay::splice(Flow& flow, const wire::Frame& ack) {
  tcp::LegSetup client = flow.handshake.client_leg(ack);
  client.send_next += kDistance;
  flow.splice.emplace(tcp::seam_of(client), tcp::seam_of(flow.handshake.server_leg(ack, 0)));
  pass_on(server_output_, ack, ack.options);
}

void TcpRelay::from_client(Flow& flow, const wire::Frame& frame, buffer::Chain&& payload, TimeNs now) {
  if (flow.client) {
    flow.client->input(segment_of(frame, std::move(payload)), now);
    return;
  }
  wire::Frame seen = frame;
  if (kind_ == RelayKind::spliced) seen.ack -= kDistance;
  const session::Handshake::Step step = flow.handshake.from_client(seen);
  if (step == session::Handshake::Step::relay_syn) pass_on(server_output_, frame, flow.handshake.syn_options());
  if (step != session::Handshake::Step::establish) return;
  if (kind_ == RelayKind::spliced) return splice(flow, seen);
  const std::uint32_t window = kLimits.receive_bytes >> flow.handshake.server_receive_shift();
  tcp::LegSetup client = flow.handshake.client_leg(frame);
  tcp::LegSetup server = flow.handshake.server_leg(frame, window << flow.handshake.server_receive_shift());
  if (!client_output_.capabilities().tx_segmentation) client.burst_bytes = client.mss;
  if (!server_output_.capabilities().tx_segmentation) server.burst_bytes = server.mss;
  flow.client.emplace(client, kLimits, pools_, now);
  flow.server.emplace(server, kLimits, pools_, now);
  flow.to_client = back_to(frame);
  flow.to_server = same_as(frame);
  wire::TcpOptions options;
  options.has_timestamps = true;
  options.ts_value = server.ts_value;
  options.ts_echo = server.ts_recent;
  pass_on(server_output_, frame, options);
}

void TcpRelay::from_server(Flow& flow, const wire::Frame& frame, buffer::Chain&& payload, TimeNs now) {
  if (flow.server) {
    flow.server->input(segment_of(frame, std::move(payload)), now);
  } else if (flow.handshake.from_server(frame) == session::Handshake::Step::relay_syn_ack) {
    wire::Frame seen = frame;
    if (kind_ == RelayKind::spliced) seen.seq += kDistance;
    pass_on(client_output_, seen, flow.handshake.syn_ack_options());
  }
}

void TcpRelay::run(Flow& flow, TimeNs now) {
  flow.queued = false;
  flow.client->on_timer(now);
  flow.server->on_timer(now);
  const auto move = [this](tcp::Leg& from, tcp::Leg& to) {
    buffer::Chain bytes;
    if (from.readable_bytes() > 0 && !from.read(to.write_room_bytes(), bytes)) ++dropped_;
    if (!bytes.empty()) to.write(std::move(bytes));
    from.set_downstream_bytes(to.unacknowledged_bytes());
  };
  move(*flow.client, *flow.server);
  move(*flow.server, *flow.client);
  session::LegOutput to_client(client_output_, flow.to_client);
  flow.client->output(now, to_client);
  session::LegOutput to_server(server_output_, flow.to_server);
  flow.server->output(now, to_server);
}

}  // namespace sluice::bench
