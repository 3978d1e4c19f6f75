// See hosts.h.
#include "bench/load/hosts.h"

#include <algorithm>
#include <charconv>

#include "bench/support/http_content.h"

namespace sluice::bench {
namespace {

constexpr std::uint32_t kServerAddress = 0x0a4d0002;  // 10.77.0.2
constexpr std::uint16_t kServerPort = 8080;
constexpr std::uint32_t kFirstClient = 0x0a4e0000;  // 10.78.0.0
constexpr std::uint32_t kPortsPerClient = 32768;
constexpr std::uint16_t kFirstPort = 16384;
constexpr std::uint32_t kRounds = 16;  // connections of a slot before its first port comes again
constexpr std::uint8_t kShift = 7;
constexpr std::uint16_t kMss = 1460;
constexpr std::uint32_t kSegmentBytes = 1448;
constexpr std::size_t kSegmentsAtOnce = 16;
constexpr DurationNs kRetransmitAfter = 200 * kMillisecond;
constexpr std::size_t kTimersAtOnce = 32;
constexpr std::size_t kMaxHead = 8192;
constexpr std::size_t kSurelyMasked = 20'000;

std::int32_t distance(std::uint32_t from, std::uint32_t to) {
  return static_cast<std::int32_t>(to - from);
}

std::string request_for(std::size_t part) {
  const std::string browser = browser_request();
  return "GET /load/" + std::to_string(part) + " HTTP/1.1" + browser.substr(browser.find("\r\n"));
}

std::size_t number_after(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  std::size_t number = ~std::size_t{0};
  if (at != std::string_view::npos) std::from_chars(text.data() + at + name.size(), text.data() + text.size(), number);
  return number;
}

}  // namespace

Hosts::Hosts(HostsConfig config, VhostPort& client_port, VhostPort& server_port)
    : config_(std::move(config)),
      client_port_(client_port),
      server_port_(server_port),
      clients_(config_.connections),
      servers_(config_.connections) {
  for (std::size_t part = 0; part < config_.mix.size(); ++part) {
    requests_.push_back(request_for(part));
    responses_.push_back(responses(1, config_.mix[part].bytes).front());
    body_starts_.push_back(responses_.back().find("\r\n\r\n") + 4);
  }
  clear_latency();
  for (std::uint32_t i = 0; i < config_.connections; ++i) {
    clients_[i].id = servers_[i].id = i;
    clients_[i].is_client = true;
  }
}

void Hosts::connect(std::uint32_t slot, TimeNs now) {
  now_ = now;
  End& end = clients_[slot];
  end.state = State::opening;
  end.una = end.next = end.base = end.id * 7919 + static_cast<std::uint32_t>(now / 4096);  // grows, as RFC 6528 wants
  end.progress = now;
  queue(end);
}

bool Hosts::run(TimeNs now) {
  now_ = now;
  const std::size_t before = queue_.size();
  take_frames(server_port_, false);
  take_frames(client_port_, true);
  check_timers();
  const bool busy = before + queue_.size() > 0;
  for (std::size_t turns = queue_.size(); turns > 0; --turns) {
    End* end = queue_.front();
    queue_.pop_front();
    end->queued = false;
    if (!speak(*end)) queue(*end);
  }
  client_port_.flush();
  server_port_.flush();
  return busy;
}

bool Hosts::ask(std::size_t part, TimeNs scheduled) {
  if (idle_.empty()) return false;
  End& end = clients_[idle_.back()];
  idle_.pop_back();
  end.waiting = true;
  end.part = static_cast<std::uint32_t>(part);
  end.scheduled = scheduled;
  end.progress = now_;
  ++counts_.requests;
  put(end, requests_[part]);
  return true;
}

void Hosts::put(End& end, std::string_view message) {
  end.base = end.base + static_cast<std::uint32_t>(end.outbox.size());
  end.outbox = message;
  end.progress = now_;
  queue(end);
}

void Hosts::take_frames(VhostPort& port, bool clients) {
  rte_mbuf* frames[64];
  const std::uint16_t count = port.receive(frames);
  for (std::uint16_t i = 0; i < count; ++i) {
    const rte_mbuf* packet = frames[i];
    const wire::Frame frame =
        wire::parse({rte_pktmbuf_mtod(packet, const std::uint8_t*), packet->data_len}, packet->pkt_len);
    const std::uint32_t address = (clients ? frame.destination : frame.source).ipv4();
    const std::uint16_t number = clients ? frame.destination_port : frame.source_port;
    const std::uint32_t id = (address - kFirstClient) * kPortsPerClient + (number - kFirstPort);
    if (frame.kind == wire::FrameKind::tcp && id / config_.connections < kRounds) {
      End& end = (clients ? clients_ : servers_)[id % config_.connections];
      const bool is_new = !clients && (frame.flags & wire::kSyn) != 0 && end.id != id;
      if (is_new) {
        const bool queued = end.queued;
        end = End{};
        end.queued = queued;
        end.id = id;
      }
      if (end.id == id) on_frame(end, frame, packet);
    }
    rte_pktmbuf_free(frames[i]);
  }
}

void Hosts::on_frame(End& end, const wire::Frame& frame, const rte_mbuf* packet) {
  if ((frame.flags & wire::kRst) != 0) {
    ++counts_.resets;
    return closed(end);
  }
  if (frame.options.has_timestamps) end.ts_recent = frame.options.ts_value;
  if (end.state != State::open || (frame.flags & wire::kSyn) != 0) {
    on_opening(end, frame);
    if (end.state != State::open) return;
  }
  on_ack(end, frame);
  if (frame.payload_bytes > 0 || (frame.flags & wire::kFin) != 0) on_payload(end, frame, packet);
}

void Hosts::on_opening(End& end, const wire::Frame& frame) {
  const bool syn = (frame.flags & wire::kSyn) != 0;
  if (syn && end.state == State::open) {  // our last ACK was lost
    end.ack_due = true;
    return queue(end);
  }
  if (syn) {
    end.receive_next = frame.seq + 1;
    end.send_shift = frame.options.window_shift.value_or(0);
    end.edge = frame.ack + frame.window;
  }
  if (end.is_client && end.state == State::opening && syn) {
    end.state = State::open;
    end.una = end.next = end.base = end.base + 1;
    end.ack_due = true;
    ++counts_.established;
    idle_.push_back(end.id % config_.connections);
    queue(end);
  } else if (!end.is_client && syn) {
    if (end.state == State::closed) end.una = end.next = end.base = end.id * 104729 + 17;
    end.state = State::opening;
    end.progress = now_;
    queue(end);
  } else if (!end.is_client && end.state == State::opening && frame.ack == end.base + 1) {
    end.state = State::open;
    end.una = end.next = end.base = end.base + 1;
  }
}

void Hosts::on_ack(End& end, const wire::Frame& frame) {
  if ((frame.flags & (wire::kAck | wire::kSyn)) != wire::kAck) return;
  if (distance(end.una, frame.ack) > 0 && distance(frame.ack, stream_end(end)) >= 0) {
    end.una = frame.ack;
    if (distance(end.next, end.una) > 0) end.next = end.una;
    end.progress = now_;
  }
  end.edge = frame.ack + (std::uint32_t{frame.window} << end.send_shift);
  if (distance(end.next, stream_end(end)) > 0) queue(end);
  if (end.finishing && end.peer_finished && end.una == stream_end(end)) closed(end);
}

void Hosts::on_payload(End& end, const wire::Frame& frame, const rte_mbuf* packet) {
  end.ack_due = true;
  queue(end);
  const std::int32_t old = distance(frame.seq, end.receive_next);
  if (old < 0 || (old > 0 && static_cast<std::uint32_t>(old) >= frame.payload_bytes + 1)) {
    ++counts_.out_of_order;
    return;
  }
  std::size_t offset = frame.payload_offset + static_cast<std::size_t>(old);
  std::size_t left = frame.payload_bytes - std::min(frame.payload_bytes, static_cast<std::uint32_t>(old));
  end.receive_next += static_cast<std::uint32_t>(left);
  for (const rte_mbuf* m = packet; m != nullptr && left > 0; m = m->next) {
    if (offset < m->data_len) {
      const std::size_t here = std::min<std::size_t>(m->data_len - offset, left);
      on_bytes(end, {rte_pktmbuf_mtod_offset(m, const std::uint8_t*, offset), here});
      left -= here;
      offset = 0;
    } else {
      offset -= m->data_len;
    }
  }
  if ((frame.flags & wire::kFin) != 0 && !end.peer_finished) on_fin(end);
}

void Hosts::on_bytes(End& end, Bytes bytes) {
  if (!end.in_body) {
    const std::size_t before = end.head.size();
    end.head += as_text(bytes);
    const std::size_t at = end.head.find("\r\n\r\n");
    if (at == std::string::npos) {
      if (end.head.size() > kMaxHead) end.head.clear();
      return;
    }
    bytes = bytes.subspan(at + 4 - before);
    end.head.resize(at + 4);
    on_head(end);
    end.head.clear();
  }
  if (end.in_body) on_body(end, bytes);
}

// A server answers at once; a client gets ready for the body.
void Hosts::on_head(End& end) {
  if (!end.is_client) {
    const std::size_t part = number_after(end.head, "/load/");
    if (part < responses_.size()) put(end, responses_[part]);
    return;
  }
  end.in_body = true;
  end.body_at = 0;
  end.stars = 0;
  end.bad_body = !end.waiting || !end.head.starts_with("HTTP/1.1 200") ||
                 number_after(end.head, "Content-Length: ") != config_.mix[end.part].bytes;
}

void Hosts::on_body(End& end, Bytes bytes) {
  const std::string& sent = responses_[end.part];
  const std::size_t at = body_starts_[end.part] + end.body_at;
  const std::size_t count = std::min(bytes.size(), sent.size() - at);
  std::uint32_t other = 0;
  std::uint32_t stars = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto was = static_cast<std::uint8_t>(sent[at + i]);
    stars += bytes[i] == '*' && was != '*' ? 1 : 0;
    other += bytes[i] != '*' && was != bytes[i] ? 1 : 0;
  }
  end.bad_body |= other > 0 || count < bytes.size();
  end.stars += stars;
  end.body_at += count;
  if (end.body_at == config_.mix[end.part].bytes) on_answer(end);
}

void Hosts::on_answer(End& end) {
  end.in_body = false;
  if (end.bad_body) ++counts_.wrong_bodies;
  if (end.stars == 0 && end.body_at >= kSurelyMasked) ++counts_.unmasked_bodies;
  if (!end.waiting) return;
  counts_.stars += end.stars;
  counts_.body_bytes += end.body_at;
  ++counts_.responses;
  latency_[end.part].add(now_ - end.scheduled);
  end.waiting = false;
  if (++end.asked == config_.requests_per_connection) {
    put(end, {});
    end.finishing = true;
  } else {
    idle_.push_back(end.id % config_.connections);
  }
}

void Hosts::on_fin(End& end) {
  ++end.receive_next;
  end.peer_finished = true;
  if (!end.finishing) {
    if (end.is_client) ++counts_.closed_early;
    put(end, {});
    end.finishing = true;
  }
  if (end.una != stream_end(end)) return;
  speak(end);
  closed(end);
}

// A client's slot goes on with its next port; a server waits for what comes.
void Hosts::closed(End& end) {
  const bool was_client = end.is_client;
  const std::uint32_t slot = end.id % config_.connections;
  const std::uint32_t round = (end.id / config_.connections + (was_client ? 1 : 0)) % kRounds;
  if (was_client) std::erase(idle_, slot);
  const bool queued = end.queued;
  end = End{};
  end.queued = queued;
  end.is_client = was_client;
  end.id = slot + round * config_.connections;
  if (was_client) connect(slot, now_);
}

void Hosts::check_timers() {
  for (std::size_t i = 0; i < kTimersAtOnce; ++i) {
    End& end = timer_at_ < clients_.size() ? clients_[timer_at_] : servers_[timer_at_ - clients_.size()];
    timer_at_ = (timer_at_ + 1) % (clients_.size() + servers_.size());
    const bool unacknowledged = end.state == State::opening || (end.state == State::open && end.una != stream_end(end));
    if (!unacknowledged || now_ - end.progress < kRetransmitAfter) continue;
    ++counts_.retransmissions;
    end.progress = now_;
    end.next = end.una;
    queue(end);
  }
}

void Hosts::queue(End& end) {
  if (end.queued) return;
  end.queued = true;
  queue_.push_back(&end);
}

// True when all was said that can be said now.
bool Hosts::speak(End& end) {
  if (end.state == State::closed) return true;
  if (end.state == State::opening) {
    const auto flags = static_cast<std::uint8_t>(end.is_client ? wire::kSyn : wire::kSyn | wire::kAck);
    return send(end, flags, end.base, {});
  }
  const std::uint32_t data_end = end.base + static_cast<std::uint32_t>(end.outbox.size());
  std::size_t turns = kSegmentsAtOnce;
  while (distance(end.next, data_end) > 0) {
    const std::int32_t window = distance(end.next, end.edge);
    const std::uint32_t bytes = std::min(data_end - end.next, kSegmentBytes);
    if (window < static_cast<std::int32_t>(bytes)) break;
    if (turns-- == 0) return false;
    const bool last = end.next + bytes == data_end;
    const auto flags = static_cast<std::uint8_t>(last ? wire::kAck | wire::kPsh : wire::kAck);
    if (!send(end, flags, end.next, as_bytes(end.outbox.substr(end.next - end.base, bytes)))) return false;
    end.next += bytes;
  }
  if (end.finishing && end.next == data_end) {
    if (!send(end, wire::kFin | wire::kAck, end.next, {})) return false;
    ++end.next;
  }
  return !end.ack_due || send(end, wire::kAck, end.next, {});
}

bool Hosts::send(End& end, std::uint8_t flags, std::uint32_t seq, Bytes payload) {
  VhostPort& port = end.is_client ? client_port_ : server_port_;
  if (!port.has_room()) return false;
  const std::uint32_t client = kFirstClient + end.id / kPortsPerClient;
  const auto client_port = static_cast<std::uint16_t>(kFirstPort + end.id % kPortsPerClient);
  wire::TcpHeader header{.link = {.bytes = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, .length = 14},
                         .source = end.is_client ? client : kServerAddress,
                         .destination = end.is_client ? kServerAddress : client,
                         .source_port = end.is_client ? client_port : kServerPort,
                         .destination_port = end.is_client ? kServerPort : client_port,
                         .options = {}};
  if (!end.is_client) std::swap_ranges(header.link.bytes, header.link.bytes + 6, header.link.bytes + 6);
  header.seq = seq;
  header.ack = (flags & wire::kAck) != 0 ? end.receive_next : 0;
  header.flags = flags;
  header.window = 0xffff;
  header.options.has_timestamps = true;
  header.options.ts_value = static_cast<std::uint32_t>(now_ / kMillisecond);
  header.options.ts_echo = end.ts_recent;
  if ((flags & wire::kSyn) != 0) {
    header.options.mss = kMss;
    header.options.window_shift = kShift;
  }
  std::uint8_t head[wire::kMaxHeaderBytes];
  const std::size_t head_bytes = wire::write(header, payload.size(), head);
  if (!port.send({head, head_bytes}, header.link.length, payload)) return false;
  end.ack_due = false;
  return true;
}

}  // namespace sluice::bench
