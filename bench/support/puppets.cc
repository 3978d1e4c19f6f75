#include "bench/support/puppets.h"

#include <algorithm>
#include <charconv>

namespace sluice::bench {
namespace {

constexpr std::uint8_t kShift = 7;
constexpr std::uint16_t kMss = 1460;
constexpr std::size_t kSegmentBytes = 1448;  // beside timestamps
constexpr std::size_t kSuperframeBytes = 45 * kSegmentBytes;
constexpr std::size_t kSegmentsAtOnce = 16;  // of one connection before the next has its turn
constexpr std::uint32_t kWindowBytes = 0xffff << kShift;
constexpr std::uint32_t kPortsPerClient = 32768;
constexpr std::uint16_t kFirstPort = 16384;
constexpr std::uint32_t kNextSequence = 1U << 20;  // from one connection to the next of the same ports

std::int32_t distance(std::uint32_t from, std::uint32_t to) {
  return static_cast<std::int32_t>(to - from);
}

wire::TcpOptions syn_options(std::uint32_t ts_value, std::uint32_t ts_echo) {
  wire::TcpOptions options;
  options.mss = kMss;
  options.window_shift = kShift;
  options.has_timestamps = true;
  options.ts_value = ts_value;
  options.ts_echo = ts_echo;
  return options;
}

std::size_t content_length(std::string_view head) {
  constexpr std::string_view kName = "Content-Length: ";
  const std::size_t at = head.find(kName);
  std::size_t length = 0;
  if (at != std::string_view::npos) std::from_chars(head.data() + at + kName.size(), head.data() + head.size(), length);
  return length;
}

}  // namespace

std::uint32_t connection_of(std::uint32_t client_address, std::uint16_t client_port) {
  return (client_address - kFirstClient) * kPortsPerClient + (client_port - kFirstPort);
}

Puppets::Puppets(PuppetConfig config, MemoryPort& client_port, MemoryPort& server_port)
    : config_(std::move(config)),
      client_port_(client_port),
      server_port_(server_port),
      clients_(config_.connections),
      servers_(config_.connections) {
  for (std::uint32_t i = 0; i < config_.connections; ++i) {
    clients_[i].connection = servers_[i].connection = i;
    servers_[i].role = Role::server;
    clients_[i].send_next = 1000 * i;
    servers_[i].send_next = 5000 * i + 17;
  }
}

void Puppets::connect() {
  for (End& end : clients_) queue(end);
}

void Puppets::ask(bool on) {
  ask_ = on;
  for (End& end : clients_) {
    if (!on || end.asking) continue;
    end.asking = true;
    ++waiting_;
    end.fin_due = config_.hang_up && end.open;  // else it connects first
    if (!config_.hang_up) end.outbox = said_by(end);
    end.outbox_at = 0;
    queue(end);
  }
}

bool Puppets::run(TimeNs now) {
  now_ = now;
  take_frames(server_port_, Role::server);
  take_frames(client_port_, Role::client);
  bool spoke = false;
  for (std::size_t turns = queue_.size(); turns > 0; --turns) {
    End* end = queue_.front();
    queue_.pop_front();
    end->queued = false;
    spoke = true;
    if (!speak(*end)) queue(*end);
  }
  return spoke || !late_acks_.empty();
}

void Puppets::take_frames(MemoryPort& port, Role role) {
  // What found no second segment by now is acknowledged alone.
  for (End* end : late_acks_) {
    if (end->role != role || end->unacked == 0) continue;
    end->ack_due = true;
    queue(*end);
  }
  std::erase_if(late_acks_, [role](const End* end) { return end->role == role; });
  for (const rte_mbuf* packet : port.take_sent()) {
    const wire::Frame frame =
        wire::parse({rte_pktmbuf_mtod(packet, const std::uint8_t*), packet->data_len}, packet->pkt_len);
    const std::uint32_t address = (role == Role::client ? frame.destination : frame.source).ipv4();
    const std::uint16_t port_number = role == Role::client ? frame.destination_port : frame.source_port;
    const std::uint32_t connection = connection_of(address, port_number);
    if (frame.kind != wire::FrameKind::tcp || connection >= config_.connections) {
      ++counts_.faults;
      continue;
    }
    on_frame(end_at(connection, role), frame, packet);
  }
}

void Puppets::on_frame(End& end, const wire::Frame& frame, const rte_mbuf* packet) {
  end.send_edge = frame.ack + (std::uint32_t{frame.window} << end.send_shift);
  if (frame.options.has_timestamps) end.ts_recent = frame.options.ts_value;
  if ((frame.flags & wire::kRst) != 0) ++counts_.faults;
  if ((frame.flags & wire::kSyn) != 0 || !end.open) return on_handshake(end, frame);
  if (end.outbox_at < end.outbox.size()) queue(end);
  const bool fin = (frame.flags & wire::kFin) != 0;
  if (frame.payload_bytes == 0 && !fin) return;
  if (frame.seq != end.receive_next) {
    ++counts_.faults;
    return;
  }
  if (fin) return on_finish(end);
  end.receive_next += frame.payload_bytes;
  end.unacked = static_cast<std::uint8_t>(end.unacked + (frame.payload_bytes > kSegmentBytes ? 2 : 1));
  on_payload(end, packet, frame.payload_offset, frame.payload_bytes);
  if (end.unacked < 2) {
    late_acks_.push_back(&end);
  } else if (end.outbox_at < end.outbox.size() || !send(end, wire::kAck, {})) {
    end.ack_due = true;  // rides on data, or waits for room
    queue(end);
  }
}

// A FIN alone: who hangs up has nothing to say.
void Puppets::on_finish(End& end) {
  if (!config_.hang_up) ++counts_.faults;
  ++end.receive_next;
  end.fin_due = end.role == Role::server;
  end.gone = end.role == Role::client;
  end.ack_due = true;
  queue(end);
}

void Puppets::connect_again(End& end) {
  ++counts_.closed;
  end.gone = end.open = false;
  end.send_next += kNextSequence;
  if (ask_) {
    queue(end);
  } else {
    end.asking = false;
    --waiting_;
  }
}

void Puppets::on_handshake(End& end, const wire::Frame& frame) {
  if ((frame.flags & wire::kSyn) != 0) {
    if (end.role == Role::server && end.open) {
      end.open = false;
      end.send_next += kNextSequence;
    }
    end.receive_next = frame.seq + 1;
    end.send_shift = frame.options.window_shift.value_or(0);
    end.send_edge = frame.ack + frame.window;
    if (end.role == Role::client) {
      ++end.send_next;
      end.open = true;
      end.fin_due = end.asking;
      ++counts_.established;
    }
    end.ack_due = true;
    queue(end);
  } else if (end.role == Role::server && (frame.flags & wire::kAck) != 0) {
    ++end.send_next;
    end.open = true;
  }
}

void Puppets::on_payload(End& end, const rte_mbuf* packet, std::size_t offset, std::size_t bytes) {
  for (const rte_mbuf* m = packet; m != nullptr && bytes > 0; m = m->next) {
    if (offset >= m->data_len) {
      offset -= m->data_len;
      continue;
    }
    const std::size_t here = std::min<std::size_t>(m->data_len - offset, bytes);
    on_bytes(end, {rte_pktmbuf_mtod_offset(m, const std::uint8_t*, offset), here});
    bytes -= here;
    offset = 0;
  }
}

void Puppets::on_bytes(End& end, Bytes bytes) {
  config_.hello.empty() ? on_http(end, bytes) : on_postgres(end, bytes);
}

void Puppets::on_http(End& end, Bytes bytes) {
  if (end.body_left == 0) {
    // Mostly the head comes in one piece; what does not is put together.
    const std::size_t before = end.head.size();
    if (before > 0) end.head += as_text(bytes);
    const std::string_view text = before > 0 ? std::string_view(end.head) : as_text(bytes);
    const std::size_t at = text.find("\r\n\r\n");
    if (at == std::string_view::npos) {
      if (before == 0) end.head = text;
      return;
    }
    end.body_left = content_length(text.substr(0, at + 2));
    bytes = bytes.subspan(at + 4 - before);
    end.head = {};
  }
  if (count_stars_) counts_.stars += static_cast<std::uint64_t>(std::ranges::count(bytes, '*'));
  if (bytes.size() > end.body_left) ++counts_.faults;
  end.body_left -= std::min(bytes.size(), end.body_left);
  if (end.body_left == 0) on_message(end);
}

// Each message of a client is answered, and an answer ends with ReadyForQuery.
void Puppets::on_postgres(End& end, Bytes bytes) {
  constexpr std::size_t kLengthBytes = 4;
  const bool is_server = end.role == Role::server;
  while (!bytes.empty()) {
    if (end.body_left == 0) {
      const std::size_t head = kLengthBytes + (is_server && end.rounds == 0 ? 0 : 1);
      const std::size_t taken = std::min(head - end.head.size(), bytes.size());
      end.head += as_text(bytes.first(taken));
      bytes = bytes.subspan(taken);
      if (end.head.size() < head) return;
      end.type = head > kLengthBytes ? end.head.front() : '\0';
      end.body_left = load_be32(as_bytes(end.head).last(kLengthBytes).data()) - kLengthBytes;
      end.head.clear();
    }
    const Bytes body = bytes.first(std::min(end.body_left, bytes.size()));
    if (count_stars_) counts_.stars += static_cast<std::uint64_t>(std::ranges::count(body, '*'));
    end.body_left -= body.size();
    bytes = bytes.subspan(body.size());
    if (end.body_left == 0 && (is_server || end.type == 'Z')) on_message(end);
  }
}

// What a client says next.
std::string_view Puppets::said_by(const End& client) const {
  return client.rounds == 0 && !config_.hello.empty() ? config_.hello : config_.request;
}

void Puppets::on_message(End& end) {
  const std::uint32_t round = end.rounds++;
  if (end.role == Role::server) {
    ++counts_.requests;
    end.outbox = round == 0 && !config_.greeting.empty()
                     ? config_.greeting
                     : config_.responses[(end.connection + round) % config_.responses.size()];
  } else {
    ++counts_.responses;
    end.asking = ask_;
    if (!ask_) --waiting_;
    end.outbox = ask_ ? said_by(end) : std::string_view();
  }
  end.outbox_at = 0;
  if (!end.outbox.empty()) queue(end);
}

void Puppets::queue(End& end) {
  if (end.queued) return;
  end.queued = true;
  queue_.push_back(&end);
}

bool Puppets::speak(End& end) {
  if (!end.open) {  // a client's SYN or a server's SYN-ACK
    const wire::TcpOptions options = syn_options(static_cast<std::uint32_t>(now_ / kMillisecond), end.ts_recent);
    const auto flags = static_cast<std::uint8_t>(end.role == Role::client ? wire::kSyn : wire::kSyn | wire::kAck);
    return send(end, flags, {}, &options);
  }
  const std::size_t largest = config_.superframes ? kSuperframeBytes : kSegmentBytes;
  for (std::size_t n = config_.superframes ? 1 : kSegmentsAtOnce; n > 0 && end.outbox_at < end.outbox.size(); --n) {
    const std::int32_t window = distance(end.send_next, end.send_edge);
    std::size_t bytes = std::min(end.outbox.size() - end.outbox_at, largest);
    if (window <= 0) break;
    if (bytes > static_cast<std::size_t>(window)) {
      if (window < static_cast<std::int32_t>(kSegmentBytes)) break;  // no silly windows
      bytes = static_cast<std::size_t>(window) / kSegmentBytes * kSegmentBytes;
    }
    const bool last = end.outbox_at + bytes == end.outbox.size();
    const auto flags = static_cast<std::uint8_t>(last ? wire::kAck | wire::kPsh : wire::kAck);
    if (!send(end, flags, as_bytes(end.outbox.substr(end.outbox_at, bytes)))) return false;
    end.outbox_at += bytes;
  }
  if (end.ack_due && !send(end, wire::kAck, {})) return false;
  if (end.fin_due) {
    if (!send(end, wire::kFin | wire::kAck, {})) return false;
    ++end.send_next;
    end.fin_due = false;
  }
  if (end.gone) {
    connect_again(end);
    return true;
  }
  // What is left goes on when the window says so, else at once.
  return end.outbox_at == end.outbox.size() || distance(end.send_next, end.send_edge) < std::int32_t{kSegmentBytes};
}

wire::TcpHeader Puppets::header_of(const End& end) const {
  const std::uint32_t client = kFirstClient + end.connection / kPortsPerClient;
  const auto client_port = static_cast<std::uint16_t>(kFirstPort + end.connection % kPortsPerClient);
  const bool is_client = end.role == Role::client;
  wire::TcpHeader header{.link = {.bytes = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, .length = 14},
                         .source = is_client ? client : kServerAddress,
                         .destination = is_client ? kServerAddress : client,
                         .source_port = is_client ? client_port : config_.server_port,
                         .destination_port = is_client ? config_.server_port : client_port,
                         .options = {}};
  if (!is_client) std::swap_ranges(header.link.bytes, header.link.bytes + 6, header.link.bytes + 6);
  return header;
}

bool Puppets::send(End& end, std::uint8_t flags, Bytes payload, const wire::TcpOptions* options) {
  MemoryPort& port = port_of(end);
  if (!port.has_room()) return false;
  wire::TcpHeader header = header_of(end);
  header.seq = end.send_next;
  header.ack = (flags & wire::kAck) != 0 ? end.receive_next : 0;
  header.flags = flags;
  header.window = static_cast<std::uint16_t>(options != nullptr ? 0xffff : kWindowBytes >> kShift);
  if (options != nullptr) {
    header.options = *options;
  } else {
    header.options.has_timestamps = true;
    header.options.ts_value = static_cast<std::uint32_t>(now_ / kMillisecond);
    header.options.ts_echo = end.ts_recent;
  }
  std::uint8_t head[wire::kMaxHeaderBytes];
  const std::size_t head_bytes = wire::write(header, payload.size(), head);
  const std::uint16_t coalesced = payload.size() > kSegmentBytes ? kSegmentBytes : 0;
  if (!port.deliver({head, head_bytes}, payload, coalesced)) return false;
  end.send_next += static_cast<std::uint32_t>(payload.size());
  end.ack_due = false;
  end.unacked = 0;
  return true;
}

}  // namespace sluice::bench
