// Two live legs of one connection whose wire is the fuzzer's: segments are delivered, lost, repeated, kept back,
// changed within and around the window, or made up. What must hold: nothing asserts, memory stays bounded, a leg that
// was served is not due at once again, a closed leg holds nothing, and every buffer comes back. Input: a byte of
// options, then commands.
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/assert.h"
#include "dataplane/tcp/leg.h"
#include "dataplane/wire/frame.h"
#include "tests/fuzz/eal.h"

namespace {

using namespace sluice;

constexpr std::size_t kMostOnTheWire = 64;
constexpr std::size_t kMostQueued = 200'000;
constexpr std::uint32_t kBases[2] = {0xfffff000, 0x7ffffff0};  // both wrap soon, one of them its sign

struct Carried {
  tcp::SegmentIn segment;
  std::vector<wire::SackBlock> sack;
};

// One end, and the segments on their way to the other.
struct End : tcp::SegmentSink {
  bool emit(tcp::SegmentOut&& out) override {
    if (full) return false;
    SLUICE_ASSERT(out.payload.length_bytes() <= 65535);
    Carried carried;
    carried.segment = {.seq = out.seq,
                       .ack = out.ack,
                       .window = out.window,
                       .flags = out.flags,
                       .congested = out.ecn_capable && mark,
                       .has_timestamps = out.has_timestamps,
                       .ts_value = out.ts_value,
                       .ts_echo = out.ts_echo,
                       .payload = {}};
    carried.sack.assign(out.sack.begin(), out.sack.end());
    last_seq = out.seq + static_cast<std::uint32_t>(out.payload.length_bytes());
    last_ack = out.ack;
    carried.segment.payload = std::move(out.payload);
    if (wire.size() < kMostOnTheWire) wire.push_back(std::move(carried));  // else it is lost
    return true;
  }

  std::unique_ptr<tcp::Leg> leg;
  std::deque<Carried> wire;
  std::uint32_t last_seq = 0;
  std::uint32_t last_ack = 0;
  std::uint32_t ts_value = 1;
  bool full = false;
  bool mark = false;
  bool finished = false;
};

class Game {
 public:
  Game(fuzz::Script script, const tcp::LegLimits& limits, std::uint8_t options) : script_(script), limits_(limits) {
    for (int i = 0; i < 2; ++i) {
      tcp::LegSetup setup;
      setup.send_next = kBases[i];
      setup.receive_next = kBases[1 - i];
      setup.mss = (options & 1) != 0 ? 1460 : 100;
      setup.receive_mss = setup.mss;
      setup.send_shift = setup.receive_shift = (options & 2) != 0 ? 7 : 0;
      setup.send_window = setup.receive_window = 20'000;
      setup.sack = (options & 4) != 0;
      setup.timestamps = (options & 8) != 0;
      setup.ecn = (options & 128) != 0;
      ends_[i].leg = std::make_unique<tcp::Leg>(setup, limits_, fuzz::pools(), now_);
      ends_[i].last_seq = setup.send_next;
      ends_[i].last_ack = setup.receive_next;
    }
  }

  void play() {
    while (!script_.over()) {
      const std::uint8_t command = script_.byte();
      const int side = command & 1;
      act(ends_[side], ends_[1 - side], command >> 1 & 15);
      for (End& end : ends_) serve(end);
    }
    // A peaceful end: what is left is delivered, timers run, and the legs go.
    for (End& end : ends_) end.full = false;
    for (int i = 0; i < 20; ++i) {
      now_ += kSecond;
      for (int side = 0; side < 2; ++side) {
        while (!ends_[side].wire.empty()) deliver(ends_[side], ends_[1 - side]);
        serve(ends_[side]);
      }
    }
  }

 private:
  void act(End& here, End& there, int what) {
    switch (what) {
      case 0:
      case 1:
        return write(here, script_.two() % 9'000);
      case 2:
      case 3:
        if (!here.wire.empty()) deliver(here, there);
        return;
      case 4:
        while (!here.wire.empty()) deliver(here, there);
        return;
      case 5:
        if (!here.wire.empty()) here.wire.pop_front();
        return;
      case 6:
        return repeat(here, there);
      case 7:
        if (here.wire.size() > 1) std::swap(here.wire.front(), here.wire.back());
        return;
      case 8:
        return change(here, there);
      case 9:
        return make_up(here, there);
      case 10:
        now_ += kMicrosecond << script_.byte() % 27;
        here.leg->on_timer(now_);
        return;
      case 11: {
        buffer::Chain bytes;
        (void)here.leg->read(script_.two(), bytes);
        return;
      }
      case 12:
        return here.leg->set_downstream_bytes(script_.two(), script_.two() * std::size_t{4});
      case 13:
        if ((script_.byte() & 1) != 0) {
          here.full = !here.full;
        } else {
          here.mark = !here.mark;
        }
        return;
      case 14:
        if (script_.byte() < 32) return here.leg->abort(ErrorCode::tcp_aborted);
        return network_says(here);
      default:
        if (script_.byte() < 64) {
          here.finished = true;
          here.leg->finish();
        } else {
          here.leg->set_ts_value(here.ts_value += script_.byte());
        }
    }
  }

  // Of a segment that left, or of none.
  void network_says(End& here) {
    wire::IcmpError error;
    error.kind = static_cast<wire::IcmpKind>(1 + script_.byte() % 4);
    error.seq = here.last_seq - script_.two() + script_.near();
    error.mtu = script_.two();
    error.packet_bytes = script_.two();
    error.source = IpAddress(0x0a000001U);
    if ((script_.byte() & 1) != 0) error.source = {1, 2};
    (void)here.leg->input_error(error, now_);
  }

  void write(End& end, std::size_t bytes) {
    if (end.finished || end.leg->unacknowledged_bytes() > kMostQueued) return;
    const std::string text(bytes, static_cast<char>('a' + bytes % 26));
    buffer::Chain chain;
    if (chain.append_copy(fuzz::pools(), as_bytes(text))) end.leg->write(std::move(chain));
  }

  void input(End& to, Carried&& carried) {
    carried.segment.sack = carried.sack;
    to.leg->input(std::move(carried.segment), now_);
  }
  void deliver(End& from, End& to) {
    Carried carried = std::move(from.wire.front());
    from.wire.pop_front();
    input(to, std::move(carried));
  }
  void repeat(End& from, End& to) {
    if (from.wire.empty()) return;
    Carried& first = from.wire.front();
    Carried copy;
    buffer::Chain views;
    if (!first.segment.payload.share(fuzz::pools(), 0, first.segment.payload.length_bytes(), views)) return;
    copy.sack = first.sack;
    copy.segment = {.seq = first.segment.seq,
                    .ack = first.segment.ack,
                    .window = first.segment.window,
                    .flags = first.segment.flags,
                    .has_timestamps = first.segment.has_timestamps,
                    .ts_value = first.segment.ts_value,
                    .ts_echo = first.segment.ts_echo,
                    .payload = std::move(views)};
    input(to, std::move(copy));
  }
  void change(End& from, End& to) {
    if (from.wire.empty()) return;
    Carried carried = std::move(from.wire.front());
    from.wire.pop_front();
    tcp::SegmentIn& segment = carried.segment;
    const std::uint8_t which = script_.byte();
    if ((which & 1) != 0) segment.seq += script_.near();
    if ((which & 2) != 0) segment.ack += script_.near();
    if ((which & 4) != 0) segment.window = script_.two();
    if ((which & 8) != 0) segment.flags ^= script_.byte();
    if ((which & 16) != 0) segment.ts_value += script_.near();
    if ((which & 32) != 0) segment.ts_echo += script_.near();
    if ((which & 64) != 0) segment.payload.drop_front(script_.two() % (segment.payload.length_bytes() + 1));
    if ((which & 128) != 0) add_blocks(carried);
    input(to, std::move(carried));
  }
  void make_up(End& from, End& to) {
    Carried carried;
    const std::size_t bytes = script_.byte() < 128 ? 0 : script_.two() % 3'000;
    const std::string text(bytes, '#');
    buffer::Chain chain;
    if (!chain.append_copy(fuzz::pools(), as_bytes(text))) return;
    carried.segment = {
        .seq = from.last_seq + script_.near(),
        .ack = to.last_seq + script_.near(),
        .window = script_.two(),
        .flags = static_cast<std::uint8_t>(script_.byte() < 200 ? std::uint8_t{wire::kAck} : script_.byte()),
        .has_timestamps = (script_.byte() & 1) != 0,
        .ts_value = from.ts_value + script_.near(),
        .ts_echo = to.ts_value,
        .payload = std::move(chain)};
    add_blocks(carried);
    input(to, std::move(carried));
  }
  void add_blocks(Carried& carried) {
    for (int i = script_.byte() % 5; i > 0 && carried.sack.size() < wire::SackBlocks::kMost; --i) {
      const std::uint32_t begin = carried.segment.ack + script_.near();
      carried.sack.push_back({begin, begin + script_.near()});
    }
  }

  void serve(End& end) {
    if (end.leg->next_deadline() <= now_) end.leg->on_timer(now_);
    end.leg->output(now_, end);
    SLUICE_ASSERT(end.leg->next_deadline() > now_);
    SLUICE_ASSERT(end.leg->state() != tcp::LegState::closed || end.leg->unacknowledged_bytes() == 0);
    // A full pin, and a compacted segment that came over it; and what was written.
    SLUICE_ASSERT(end.leg->unacknowledged_bytes() <= kMostQueued + 9'000);
    SLUICE_ASSERT(end.leg->readable_bytes() <= limits_.receive_bytes + 65'536);
  }

  fuzz::Script script_;
  const tcp::LegLimits& limits_;
  TimeNs now_ = kSecond;
  End ends_[2];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const std::uint8_t options = data[0];
  tcp::LegLimits limits;
  limits.receive_bytes = 40'000;
  limits.pinned_bytes = (options & 32) != 0 ? 64u << 10 : 1u << 20;
  limits.out_of_order_segments = 16;
  limits.burst_bytes = (options & 16) != 0 ? 65'000 : 0;
  if ((options & 64) != 0) limits.congestion = tcp::CongestionControl::new_reno;
  {
    Game(fuzz::Script(data + 1, size - 1), limits, options).play();
  }
  SLUICE_ASSERT(fuzz::pools().in_use() == 0);
  return 0;
}
