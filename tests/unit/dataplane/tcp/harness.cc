#include "tests/unit/dataplane/tcp/harness.h"

#include <utility>

namespace sluice::tcp::test {

// Lives until the process ends: EAL gives its memory back, and destruction order stays out of the tests.
buffer::Pools& shared_pools() {
  static buffer::Pools* pools = [] {
    auto made = buffer::Pools::create("tcp", {.frames = 8192, .jumbos = 64, .views = 8192});
    if (!made) {
      ADD_FAILURE() << made.error().message();
      std::abort();
    }
    return new buffer::Pools(std::move(*made));
  }();
  return *pools;
}

buffer::Chain chain_of(buffer::Pools& pools, const std::string& text) {
  buffer::Chain chain;
  EXPECT_TRUE(chain.append_copy(pools, as_bytes(text)));
  return chain;
}

std::string text_of(const buffer::Chain& chain) {
  std::string text(chain.length_bytes(), '\0');
  chain.copy_out(0, text.size(), reinterpret_cast<std::uint8_t*>(text.data()));
  return text;
}

std::string pattern(std::size_t bytes, std::size_t from) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + (from + i) * 7919 % 8191 % 26);
  return text;
}

LegTest::LegTest() {
  limits.ack_delay = 0;  // the tests of delayed ACKs set it
  setup.send_next = kOurBase;
  setup.receive_next = kPeerBase;
  setup.mss = kMss;
  setup.receive_mss = kMss;
  setup.send_window = 65535;
  setup.receive_window = 65535;
  limits.receive_bytes = 65535;
}

LegTest::~LegTest() {
  leg_.reset();
  EXPECT_EQ(shared_pools().in_use(), 0u) << "buffers leaked";
}

void LegTest::start() {
  peer_window_ = static_cast<std::uint16_t>(setup.send_window >> setup.send_shift);
  peer_next_ = peer_ack_ = 0;
  leg_ = std::make_unique<Leg>(setup, limits, shared_pools(), now);
}

void LegTest::rest() {
  ASSERT_TRUE(leg().is_quiet() || leg().is_settled());
  leg_ = std::make_unique<Leg>(leg_->rest(), limits, shared_pools(), now);
}

Leg& LegTest::leg() {
  if (leg_ == nullptr) start();
  return *leg_;
}

ErrorCode LegTest::peer_sends(In in) {
  leg();
  const std::uint32_t seq = in.seq.value_or(peer_next_);
  const std::uint32_t end = seq + static_cast<std::uint32_t>(in.text.size()) + ((in.flags & kFin) != 0 ? 1 : 0);
  if (!in.seq) peer_next_ = end;
  peer_ack_ = in.ack.value_or(peer_ack_);
  peer_window_ = in.window.value_or(peer_window_);
  SegmentIn segment;
  segment.seq = kPeerBase + seq;
  segment.ack = kOurBase + peer_ack_;
  segment.window = peer_window_;
  segment.flags = in.flags;
  segment.congested = in.congested;
  segment.has_timestamps = in.ts_value.has_value();
  segment.ts_value = in.ts_value.value_or(0);
  segment.ts_echo = in.ts_echo;
  for (wire::SackBlock& block : in.sack) block = {kOurBase + block.begin, kOurBase + block.end};
  segment.sack = in.sack;
  segment.payload = chain_of(shared_pools(), in.text);
  return leg().input(std::move(segment), now);
}

bool LegTest::emit(SegmentOut&& segment) {
  if (sink_is_full) return false;
  sent_.push_back({.seq = segment.seq - kOurBase,
                   .ack = segment.ack - kPeerBase,
                   .window = segment.window,
                   .flags = segment.flags,
                   .ecn_capable = segment.ecn_capable,
                   .has_timestamps = segment.has_timestamps,
                   .ts_value = segment.ts_value,
                   .ts_echo = segment.ts_echo,
                   .mss = segment.mss,
                   .text = text_of(segment.payload),
                   .pieces = segment.payload.segments(),
                   .sack = {}});
  for (const wire::SackBlock& block : segment.sack)
    sent_.back().sack.push_back({block.begin - kPeerBase, block.end - kPeerBase});
  return true;
}

std::vector<Out> LegTest::output() {
  leg().output(now, *this);
  return std::exchange(sent_, {});
}

Out LegTest::expect_one() {
  std::vector<Out> sent = output();
  EXPECT_EQ(sent.size(), 1u);
  return sent.empty() ? Out{} : sent.front();
}

void LegTest::expect_nothing() {
  EXPECT_EQ(output().size(), 0u);
}

void LegTest::expect_ack(std::uint32_t ack) {
  const Out out = expect_one();
  EXPECT_EQ(out.flags, kAck);
  EXPECT_EQ(out.ack, ack);
  EXPECT_EQ(out.text, "");
}

void LegTest::write(const std::string& text) {
  leg().write(chain_of(shared_pools(), text));
}

std::string LegTest::read(std::size_t limit) {
  buffer::Chain out;
  EXPECT_TRUE(leg().read(limit, out));
  return text_of(out);
}

void LegTest::measure() {
  write(pattern(1'000));
  output();
  now += kRtt;
  peer_sends({.ack = 1'000});
}

void LegTest::wait_until_sent_again(std::uint32_t seq) {
  for (int tries = 0; tries < 20; ++tries) {
    wait_for_deadline();
    for (const Out& out : output())
      if (out.seq == seq && !out.text.empty()) return;
  }
  FAIL() << "nothing went again at " << seq;
}

DurationNs LegTest::wait_for_deadline() {
  const TimeNs at = leg().next_deadline();
  EXPECT_NE(at, kNever);
  if (at == kNever) return 0;
  const DurationNs waited = at > now ? at - now : 0;
  now += waited;
  leg().on_timer(now);
  return waited;
}

std::vector<Out> LegTest::wait(DurationNs duration) {
  const TimeNs end = now + duration;
  std::vector<Out> all;
  while (leg().next_deadline() <= end) {
    wait_for_deadline();
    for (Out& out : output()) all.push_back(std::move(out));
  }
  now = end;
  return all;
}

}  // namespace sluice::tcp::test
