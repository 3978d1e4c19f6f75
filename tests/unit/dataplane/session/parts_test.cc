// The small parts of a session, each by itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "common/random.h"
#include "dataplane/session/handshake.h"
#include "dataplane/session/run_queue.h"
#include "dataplane/session/session_table.h"
#include "dataplane/session/timer_wheel.h"
#include "tests/support/relay_harness.h"

namespace sluice::session {
namespace {

buffer::Chain chain_of(std::string_view text) {
  buffer::Chain chain;
  EXPECT_TRUE(chain.append_copy(test_pools(), as_bytes(text)));
  return chain;
}

std::string text_of(const buffer::Chain& chain) {
  std::string text(chain.length_bytes(), '\0');
  chain.copy_out(0, text.size(), reinterpret_cast<std::uint8_t*>(text.data()));
  return text;
}

TEST(ContentView, CopiesAndStarsAcrossPieces) {
  std::string a = "4111";
  std::string b = "1";
  std::string c = "1112222";
  ContentView view;
  view.reset(100);
  for (std::string* piece : {&a, &b, &c}) view.add({reinterpret_cast<std::uint8_t*>(piece->data()), piece->size()});
  EXPECT_EQ(view.begin(), 100U);
  EXPECT_EQ(view.end(), 112U);
  for (std::uint64_t from = 100; from <= 112; ++from) {
    for (std::uint64_t to = from; to <= 112; ++to) {
      std::string out(to - from, '\0');
      view.copy(from, to, reinterpret_cast<std::uint8_t*>(out.data()));
      ASSERT_EQ(out, (a + b + c).substr(from - 100, to - from));
    }
  }
  view.star(102, as_bytes("**-*"));
  EXPECT_EQ(a + b + c, "41**1*112222");
}

TEST(Held, GivesOutWhatMayGoAndKeepsTheRest) {
  Held held;
  held.append(test_pools(), chain_of("HEAD5\r\nabcdeEND"));
  held.label(RunKind::head, 4);
  held.label(RunKind::framing, 3);
  held.label(RunKind::content, 5);
  EXPECT_EQ(as_text(held.unlabelled()), "END");
  held.label(RunKind::trailer, 3);
  buffer::Chain out;
  ASSERT_TRUE(held.release(test_pools(), false, 5, false, out));
  EXPECT_TRUE(out.empty()) << "the head goes first";
  ASSERT_TRUE(held.release(test_pools(), true, 2, false, out));
  EXPECT_EQ(text_of(out), "HEAD5\r\nab");
  ContentView view;
  held.view_content(2, view);
  EXPECT_EQ(view.end(), 5U);
  ASSERT_TRUE(held.release(test_pools(), true, 5, false, out));
  EXPECT_EQ(text_of(out), "HEAD5\r\nabcde");
  ASSERT_TRUE(held.release(test_pools(), true, 5, true, out));
  EXPECT_EQ(text_of(out), "HEAD5\r\nabcdeEND");
  EXPECT_EQ(held.length_bytes(), 0U);
  EXPECT_EQ(held.run_count(), 0U);
}

TEST(Held, PassesOnceAndReleasesNothingTwice) {
  Held held;
  buffer::Chain out;
  held.append(test_pools(), chain_of("abcdef"));
  held.label(RunKind::content, 4);
  ASSERT_TRUE(held.pass(test_pools(), out));
  ASSERT_TRUE(held.release(test_pools(), true, 2, false, out));
  EXPECT_EQ(text_of(out), "abcd");
  held.label(RunKind::content, 2);
  ASSERT_TRUE(held.pass(test_pools(), out));
  ASSERT_TRUE(held.release(test_pools(), true, 6, true, out));
  EXPECT_EQ(text_of(out), "abcdef");
}

TEST(Held, WithoutStructureContentCountsAnew) {
  Held held;
  buffer::Chain out;
  held.append(test_pools(), chain_of("bodywhat"));
  held.label(RunKind::content, 4);
  ASSERT_TRUE(held.release(test_pools(), true, 4, true, out));
  held.label(RunKind::head, 4);
  EXPECT_EQ(held.first_line(), "what");
  held.relabel_as_content();
  EXPECT_EQ(held.content_end(), 4U);
  ContentView view;
  held.view_content(0, view);
  EXPECT_EQ(view.end(), 4U);
}

FlowKey flow(std::uint32_t n) {
  return {.client_address = 0x0a000000 + n, .server_address = 1, .client_port = 2, .server_port = 3, .vlans = 0};
}

class TableTest : public testing::Test {
 protected:
  Session* make(SessionTable& table, std::uint32_t n) {
    return table.create(flow(n), table.hash(flow(n)), SessionId{n}, policy_, policy_->snapshot->services().front(),
                        limits_, std::uint16_t{1460}, TimeNs{0});
  }
  inspect::Scratch scratch_;
  PolicyRef policy_ = test::make_policy(test::masking_policy(), scratch_);
  SessionLimits limits_;
};

TEST_F(TableTest, FindsWhatIsThereWhateverWasRemoved) {
  SessionTable table(200, {3, 4});
  std::map<std::uint32_t, Session*> there;
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto n = static_cast<std::uint32_t>(random.below(300));
    if (const auto known = there.find(n); known != there.end()) {
      ASSERT_EQ(table.find(flow(n)), known->second);
      table.destroy(known->second);
      there.erase(known);
    } else {
      ASSERT_EQ(table.find(flow(n)), nullptr);
      Session* made = make(table, n);
      ASSERT_EQ(made == nullptr, there.size() == table.capacity());
      if (made != nullptr) there[n] = made;
    }
    ASSERT_EQ(table.size(), there.size());
  }
  for (const auto& [n, session] : there) EXPECT_EQ(table.find(flow(n)), session);
}

TEST(RunQueueTest, IsAQueue) {
  RunQueue<int> queue;
  std::deque<int> model;
  Random random(4);
  for (int i = 0; i < 20'000; ++i) {
    if (random.chance(i / 1000 % 2 == 0 ? 4 : 1, 6)) {
      queue.push_back(i);
      model.push_back(i);
    } else if (random.chance(1, 500)) {
      queue.clear();
      model.clear();
    } else {
      const std::size_t gone = random.below(std::min<std::size_t>(model.size(), 5) + 1);
      queue.drop_front(gone);
      model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(gone));
    }
    ASSERT_EQ(queue.size(), model.size());
    ASSERT_TRUE(std::ranges::equal(queue.all(), model));
    if (!model.empty()) {
      ASSERT_EQ(queue.front(), model.front());
      ASSERT_EQ(queue.back(), model.back());
    }
  }
}

TEST_F(TableTest, TheWheelFiresEachSessionInTimeAndKnowsItsNextSlot) {
  SessionTable table(64, {3, 4});
  TimeNs now = 7 * kSecond;
  TimerWheel wheel(now);
  std::map<Session*, TimeNs> due;
  Random random(2);
  for (std::uint32_t n = 0; n < 64; ++n) due[make(table, n)] = kNever;
  EXPECT_EQ(wheel.next(), kNever);
  for (int i = 0; i < 5'000; ++i) {
    for (auto& [session, at] : due) {
      if (random.chance(1, 20)) {
        at = now + random.below(random.chance(1, 10) ? 40 * kSecond : 100 * kMillisecond);
        wheel.disarm(*session);
        wheel.arm(*session, at);
      }
    }
    TimeNs first = kNever;
    for (const auto& [session, at] : due) first = std::min(first, at);
    if (first == kNever) continue;
    ASSERT_LE(wheel.next(), first + kMillisecond);
    now = std::max(now, random.chance(1, 2) ? wheel.next() : now + random.below(kSecond));
    wheel.advance(now, [&](Session& session) {
      if (due[&session] <= now)
        due[&session] = kNever;
      else
        wheel.arm(session, due[&session]);  // further away than a lap
    });
    for (const auto& [session, at] : due) ASSERT_TRUE(at == kNever || at + kMillisecond > now);
  }
}

wire::Frame segment(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack) {
  wire::Frame frame = wire::parse({}, 0);
  frame.flags = flags;
  frame.seq = seq;
  frame.ack = ack;
  frame.window = 1000;
  frame.options.mss = 9000;
  frame.options.window_shift = 7;
  frame.options.has_timestamps = true;
  frame.options.sack_permitted = true;
  return frame;
}

TEST(Handshake, IsRelayedAndBoundsWhatIsOffered) {
  Handshake handshake(1460);
  EXPECT_EQ(handshake.from_client(segment(wire::kSyn, 99, 0)), Handshake::Step::relay_syn);
  EXPECT_EQ(handshake.syn_options().mss, 1460);
  EXPECT_TRUE(handshake.syn_options().sack_permitted);
  EXPECT_EQ(handshake.from_client(segment(wire::kAck, 100, 500)), Handshake::Step::nothing) << "before the answer";
  EXPECT_EQ(handshake.from_server(segment(wire::kSyn | wire::kAck, 499, 7)), Handshake::Step::nothing);
  wire::Frame answer = segment(wire::kSyn | wire::kAck, 499, 100);
  answer.options.window_shift.reset();
  EXPECT_EQ(handshake.from_server(answer), Handshake::Step::relay_syn_ack);
  EXPECT_EQ(handshake.from_client(segment(wire::kAck, 100, 501)), Handshake::Step::nothing);
  const wire::Frame ack = segment(wire::kAck, 100, 500);
  EXPECT_EQ(handshake.from_client(ack), Handshake::Step::establish);
  const tcp::LegSetup client = handshake.client_leg(ack);
  EXPECT_EQ(client.send_next, 500U);
  EXPECT_EQ(client.receive_next, 100U);
  EXPECT_EQ(client.send_shift, 0) << "the server did not scale";
  EXPECT_EQ(handshake.server_receive_shift(), 0);
  EXPECT_TRUE(client.timestamps);
  EXPECT_TRUE(client.sack);
  EXPECT_EQ(handshake.server_leg(ack, 1 << 20).send_next, 100U);
}

TEST(Handshake, EitherSideMaySayNo) {
  Handshake refused(1460);
  refused.from_client(segment(wire::kSyn, 99, 0));
  EXPECT_EQ(refused.from_server(segment(wire::kRst | wire::kAck, 0, 99)), Handshake::Step::nothing);
  EXPECT_EQ(refused.from_server(segment(wire::kRst | wire::kAck, 0, 100)), Handshake::Step::refuse);
  Handshake given_up(1460);
  given_up.from_client(segment(wire::kSyn, 99, 0));
  EXPECT_EQ(given_up.from_client(segment(wire::kRst, 7, 0)), Handshake::Step::nothing);
  EXPECT_EQ(given_up.from_client(segment(wire::kRst, 100, 0)), Handshake::Step::give_up);
  Handshake anew(1460);
  anew.from_client(segment(wire::kSyn, 99, 0));
  anew.from_server(segment(wire::kSyn | wire::kAck, 499, 100));
  anew.from_client(segment(wire::kSyn, 2000, 0));
  EXPECT_EQ(anew.from_client(segment(wire::kAck, 100, 500)), Handshake::Step::nothing) << "of the attempt before";
}

}  // namespace
}  // namespace sluice::session
