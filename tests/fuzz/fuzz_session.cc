// Frames from both sides into a live worker: handshakes, HTTP in any cut, and segments that lie, on a few connections
// at once, with a recorder and ports that run out of room. What must hold: nothing asserts, what leaves is a frame that
// can be read, nothing is due at once again, every session closes with its record, and every buffer comes back.
// Input: a byte of options, then commands.
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "common/assert.h"
#include "dataplane/port/offloads.h"
#include "dataplane/wire/build.h"
#include "dataplane/worker/worker.h"
#include "tests/fuzz/eal.h"
#include "tests/support/memory_port.h"
#include "tests/support/memory_recorder.h"
#include "tests/support/test_policy.h"

namespace {

using namespace sluice;
using worker::Side;

constexpr std::size_t kConnections = 4;
constexpr std::uint16_t kFirstPort = 40000;

// What is said mostly: enough to reach every part of the relay.
constexpr std::array<std::string_view, 16> kPhrases = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\n",
    "14\r\nfour 4111 1111 1111 \r\n",
    "5\r\n1111 \r\n",
    "0\r\n\r\n",
    "card 4111111111111111",
    "write to ann@example.org",
    "\r\n",
    "GET /up HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
};

worker::PolicyUpdate policy_of(const std::string& text) {
  worker::PolicyUpdate update{.policy = nullptr, .scratch = std::make_unique<inspect::Scratch>()};
  update.policy = test::make_policy(text, *update.scratch);
  return update;
}

// A service that is read, one that is not, and one that is until an upgrade; each in both modes.
constexpr std::size_t kPolicies = 6;
std::array<worker::PolicyUpdate, kPolicies>& policies() {
  static auto& kept = *[] {
    auto* all = new std::array<worker::PolicyUpdate, kPolicies>;
    for (std::size_t i = 0; i < kPolicies; ++i) {
      const std::string mode = i % 2 == 0 ? "enforce" : "observe";
      const std::string service = "services:\n  - {name: web, address: 10.0.0.2:80, mode: " + mode;
      (*all)[i] = policy_of(i < 2   ? test::masking_policy("", mode)
                            : i < 4 ? service + ", protocol: tcp}\n"
                                    : service + ", protocol: http, allow_upgrade: true, after_upgrade: pass}\n");
    }
    return all;
  }();
  return kept;
}

class Game {
 public:
  Game(fuzz::Script script, std::uint8_t options)
      : script_(script),
        worker_({.sessions = 3,
                 .half_open = 2,
                 .limits = {.leg = {}, .rest_after = kMillisecond},
                 .hash_key = {1, 2},
                 .cookie_key = {3, 4}},
                ports_[0], ports_[1], fuzz::pools(), recorder_, now_) {
    // Compiled once; a scratch serves one worker after another.
    update_ = &policies()[(options & 1U) + 2 * ((options >> 2U & 3U) % 3U)];
    offered_.policy = update_->policy;
    offered_.scratch = std::move(update_->scratch);
    SLUICE_ASSERT(worker_.offer(&offered_));
    burst();
    SLUICE_ASSERT(worker_.taken() == &offered_);
    empty_ = std::move(offered_);
    with_options_ = (options & 2) != 0;
    with_marks_ = (options & 4) != 0;
  }

  void play() {
    while (!script_.over()) act();
    for (test::MemoryPort& port : ports_) port.full = false;
    recorder_.room = true;
    for (int i = 0; i < 10 && !worker_.shut_down(now_, now_); ++i) {
      now_ += kSecond;
      ports_[0].out.clear();
      ports_[1].out.clear();
    }
    SLUICE_ASSERT(recorder_.opened == recorder_.closed);
    for (test::RecordedUnit& unit : recorder_.units) SLUICE_ASSERT(unit.ends <= 1);
    // The policy goes back to where the next one finds it.
    empty_.policy = nullptr;
    empty_.scratch = std::make_unique<inspect::Scratch>();
    SLUICE_ASSERT(worker_.offer(&empty_));
    burst();
    update_->scratch = std::move(empty_.scratch);
  }

 private:
  struct Connection {
    std::array<std::uint32_t, 2> next{1000, 5000};  // of the client's and of the server's bytes
  };

  void act() {
    const std::uint8_t command = script_.byte();
    const int side = command & 1;
    Connection& connection = connections_[command >> 1 & 3];
    const auto port = static_cast<std::uint16_t>(kFirstPort + (command >> 1 & 3));
    switch (command >> 3 & 15) {
      case 0:
        return open(connection, port);
      case 1:
        return send(side, connection, port, wire::kSyn | (side != 0 ? wire::kAck : 0), 0, {});
      case 2:
        return send(side, connection, port, wire::kFin | wire::kAck, 0, {});
      case 3:
        return send(side, connection, port, wire::kRst, script_.near(), {});
      case 4:
        now_ += kMicrosecond << script_.byte() % 28;
        return burst();
      case 5:
        ports_[side].full = !ports_[side].full;
        return burst();
      case 6:
        recorder_.room = !recorder_.room;
        return burst();
      case 7: {
        const std::uint8_t flags = script_.byte();
        return send(side, connection, port, flags, script_.near(), cut(phrase()));
      }
      case 8:
        return raw(side);
      case 11:
        return network(side);
      case 9:
      case 10:
        return say(side, connection, port, std::string(script_.two() % 1400, static_cast<char>(script_.byte())));
      default:
        return say(side, connection, port, phrase());
    }
  }

  std::string cut(const std::string& text) { return text.substr(script_.byte() % (text.size() + 1)); }
  std::string phrase() { return std::string(kPhrases[script_.byte() % kPhrases.size()]); }

  void open(Connection& connection, std::uint16_t port) {
    send(0, connection, port, wire::kSyn, 0, {});
    ++connection.next[0];
    send(1, connection, port, wire::kSyn | wire::kAck, 0, {});
    ++connection.next[1];
    send(0, connection, port, wire::kAck, 0, {});
  }
  void say(int side, Connection& connection, std::uint16_t port, const std::string& text) {
    send(side, connection, port, wire::kPsh | wire::kAck, 0, text);
    connection.next[side] += static_cast<std::uint32_t>(text.size());
  }

  void send(int side, const Connection& connection, std::uint16_t port, int flags, std::uint32_t off,
            const std::string& payload) {
    const bool client = side == 0;
    wire::TcpHeader header{.link = {.bytes = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, .length = 14},
                           .source = client ? test::kClientAddress : test::kServerAddress,
                           .destination = client ? test::kServerAddress : test::kClientAddress,
                           .source_port = client ? port : test::kServerPort,
                           .destination_port = client ? test::kServerPort : port,
                           .seq = connection.next[side] + off,
                           .ack = (flags & wire::kAck) != 0 ? heard_[1 - side][port - kFirstPort] : 0,
                           .window = 60000,
                           .flags = static_cast<std::uint8_t>(flags),
                           .options = {}};
    header.tos = with_marks_ ? wire::kCongestionExperienced : 0;
    if ((flags & wire::kSyn) != 0) {
      if (with_marks_) header.flags |= side == 0 ? wire::kEce | wire::kCwr : wire::kEce;
      header.options.mss = 1460;
      header.options.sack_permitted = with_options_;
      header.ack = (flags & wire::kAck) != 0 ? connection.next[1 - side] : 0;
    }
    if (with_options_) {
      header.options.has_timestamps = true;
      header.options.ts_value = static_cast<std::uint32_t>(now_ / kMillisecond);
    }
    std::vector<std::uint8_t> bytes(wire::header_bytes(header) + payload.size());
    const std::size_t head = wire::write(header, payload.size(), bytes);
    std::memcpy(bytes.data() + head, payload.data(), payload.size());
    wire::ChecksumSum sum;
    sum.add(as_bytes(payload));
    wire::complete_checksum(MutableBytes(bytes).subspan(34, head - 34), wire::kTcpChecksumOffset, sum);
    ports_[side].in.push_back(std::move(bytes));
    burst();
  }

  // The frame that left last, with a byte changed: it comes back, or comes from the other side.
  void raw(int side) {
    if (last_.empty()) return;
    std::vector<std::uint8_t> bytes = last_;
    bytes[script_.two() % bytes.size()] ^= script_.byte();
    if (bytes.size() > 2000) return;
    ports_[side].in.push_back(std::move(bytes));
    burst();
  }

  // The frame that left last to that side was not delivered, as a router or somebody else tells.
  void network(int side) {
    if (last_to_[side].size() < 34) return;
    const std::vector<std::uint8_t>& sent = last_to_[side];
    const std::size_t quoted = std::min<std::size_t>(sent.size() - 14, 20U + script_.byte());
    std::vector<std::uint8_t> bytes(14 + 20 + 8 + quoted, 0);
    std::uint8_t* const ip = bytes.data() + 14;
    std::uint8_t* const icmp = ip + 20;
    std::memcpy(bytes.data(), sent.data(), 14);
    std::memcpy(icmp + 8, sent.data() + 14, quoted);
    ip[0] = 0x45;
    store_be16(ip + 2, static_cast<std::uint16_t>(bytes.size() - 14));
    ip[9] = wire::kProtocolIcmp;
    store_be32(ip + 12, 0x0a0000fe);
    std::memcpy(ip + 16, sent.data() + 26, 4);
    store_be16(ip + 10, wire::ipv4_header_checksum({ip, 20}));
    const std::uint8_t what = script_.byte();
    icmp[0] = (what & 1) != 0 ? 3 : what >> 4;
    icmp[1] = (what & 2) != 0 ? 4 : what >> 4;
    store_be16(icmp + 6, script_.two());
    if (quoted >= 28) store_be32(icmp + 32, load_be32(icmp + 32) + script_.near());
    if ((what & 4) != 0) icmp[8 + script_.two() % quoted] ^= script_.byte();
    wire::ChecksumSum sum;
    sum.add({icmp, 8 + quoted});
    store_be16(icmp + 2, sum.checksum());
    ports_[side].in.push_back(std::move(bytes));
    burst();
  }

  void burst() {
    worker_.burst(now_, now_);
    for (int side = 0; side < 2; ++side) {
      for (std::vector<std::uint8_t>& bytes : ports_[side].out) {
        const wire::Frame frame = wire::parse(bytes, bytes.size());
        if (frame.kind == wire::FrameKind::tcp) note(side, frame);
        last_to_[side] = bytes;
        last_ = std::move(bytes);
      }
      ports_[side].out.clear();
    }
  }
  // What was said toward a side is what it would acknowledge.
  void note(int to, const wire::Frame& frame) {
    const std::uint16_t port = to == 0 ? frame.destination_port : frame.source_port;
    if (port < kFirstPort || port >= kFirstPort + kConnections) return;
    const int flags = frame.flags & (wire::kSyn | wire::kFin);
    heard_[1 - to][port - kFirstPort] =
        frame.seq + static_cast<std::uint32_t>(frame.payload_bytes) + (flags != 0 ? 1 : 0);
  }

  fuzz::Script script_;
  TimeNs now_ = kSecond;
  std::array<test::MemoryPort, 2> ports_{test::MemoryPort(fuzz::pools()), test::MemoryPort(fuzz::pools())};
  test::MemoryRecorder recorder_;
  worker::PolicyUpdate* update_ = nullptr;
  worker::PolicyUpdate offered_;
  worker::PolicyUpdate empty_;
  worker::Worker worker_;
  bool with_options_ = false;
  bool with_marks_ = false;
  std::array<Connection, kConnections> connections_;
  std::array<std::array<std::uint32_t, kConnections>, 2> heard_{};
  std::vector<std::uint8_t> last_;
  std::array<std::vector<std::uint8_t>, 2> last_to_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  (void)fuzz::pools();
  {
    Game(fuzz::Script(data + 1, size - 1), data[0]).play();
  }
  SLUICE_ASSERT(fuzz::pools().in_use() == 0);
  return 0;
}
