// Holds and orders over the channel: what control is told at each hello, and what the data plane takes from it.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "common/framed_socket.h"
#include "common/unix_socket.h"
#include "rules/keys.h"
#include "schema/channel_generated.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"
#include "tests/unit/dataplane/channel/fake_host.h"

namespace sluice::channel {
namespace {

using test::eventually;

// The other end, bare: what the data plane tells, and what it takes.
TEST(ChannelHolds, HoldsAreToldAtEachHelloAndDecisionsAndOrdersAreTaken) {
  test::TempDir dir;
  auto pair = rules::generate_keypair();
  ASSERT_TRUE(pair);
  auto listener = listen_unix(dir.file("channel.sock"), 0600);
  ASSERT_TRUE(listener) << listener.error().message();
  FakeHost host;
  session::Hold hold;
  hold.id = 42;
  hold.unit = 7;
  hold.deadline = kNever;
  copy_name(hold.service, "orders");
  host.holds = {&hold};
  const auto& key = pair->public_key;
  auto channel =
      Channel::start({dir.file("channel.sock"), dir.file("bundle"), {key.begin(), key.end()}, 1, kSecond}, host);
  ASSERT_TRUE(channel);
  namespace fbs = schema::channel;
  for (int round = 0; round < 2; ++round) {
    int fd = -1;
    ASSERT_TRUE(eventually([&] {
      fd = ::accept4(listener->socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      return fd >= 0;
    }));
    FramedSocket control{Fd(fd)};
    const auto send = [&](flatbuffers::FlatBufferBuilder& builder, fbs::Message type, flatbuffers::Offset<void> at) {
      fbs::FinishSizePrefixedEnvelopeBuffer(builder, fbs::CreateEnvelope(builder, type, at));
      ASSERT_TRUE(control.queue({builder.GetBufferPointer(), builder.GetSize()}));
      ASSERT_TRUE(control.flush());
    };
    flatbuffers::FlatBufferBuilder hello;
    send(hello, fbs::Message::ControlHello, fbs::CreateControlHello(hello, 1).Union());
    flatbuffers::FlatBufferBuilder none;  // who sends orders is told of holds
    send(none, fbs::Message::Orders, fbs::CreateOrders(none).Union());
    std::vector<std::string> told;
    ASSERT_TRUE(eventually([&] {
      (void)control.receive();
      for (auto message = control.next(); message && *message; message = control.next()) {
        const auto* envelope = fbs::GetSizePrefixedEnvelope((**message).data());
        if (const auto* first = envelope->message_as_Hello())
          told.push_back("hello " + std::to_string(first->answers()));
        if (const auto* opened = envelope->message_as_HoldOpened())
          told.push_back("opened " + std::to_string(opened->hold()) + " " + opened->service()->str());
        if (const auto* live = envelope->message_as_HoldsLive())
          told.push_back("live " + std::to_string(live->holds()->size()));
      }
      return !told.empty() && told.back().starts_with("live");
    }));
    EXPECT_EQ(told, (std::vector<std::string>{"hello 7", "opened 42 orders", "live 1"}));
    flatbuffers::FlatBufferBuilder decision;
    const auto by = decision.CreateString("alice");
    send(decision, fbs::Message::HoldDecision, fbs::CreateHoldDecision(decision, 42, true, by).Union());
    flatbuffers::FlatBufferBuilder orders;
    const auto principal = orders.CreateString("ci");
    const fbs::Ipv6 source(0, 0xffff'0a4d'0000);
    const auto order =
        fbs::CreateOrder(orders, 9, fbs::OrderVerdict::hold, 0, principal, 0, &source, 112, 0, true, kSecond);
    const auto list = orders.CreateVector(&order, 1);
    const std::vector<std::uint8_t> ticket_key(32, static_cast<std::uint8_t>(0x60 + round));
    send(orders, fbs::Message::Orders, fbs::CreateOrders(orders, list, 77, orders.CreateVector(ticket_key)).Union());
    std::string said_key;
    std::uint64_t obeyed = 0;  // the list of no number was of nobody who waits
    ASSERT_TRUE(eventually([&] {
      (void)control.receive();
      for (auto message = control.next(); message && *message; message = control.next())
        if (const auto* said = fbs::GetSizePrefixedEnvelope((**message).data())->message_as_OrdersObeyed()) {
          obeyed = said->number();
          said_key.assign(said->ticket_key()->begin(), said->ticket_key()->end());
        }
      return obeyed != 0;
    }));
    EXPECT_EQ(obeyed, 77U);
    EXPECT_EQ(said_key, std::string(ticket_key.begin(), ticket_key.end())) << "what it goes on with is said back";
    EXPECT_EQ(host.orders_applied, 2 * (round + 1)) << "said when it is so";
    std::lock_guard lock(host.mutex);
    ASSERT_EQ(host.decisions.size(), static_cast<std::size_t>(round + 1));
    EXPECT_EQ(host.decisions.back().id, 42U);
    EXPECT_STREQ(host.decisions.back().by, "alice");
    ASSERT_EQ(host.orders.size(), 1U);
    EXPECT_EQ(host.orders[0].principal, "ci");
    EXPECT_EQ(host.orders[0].source, IpAddress(0x0a4d0000));
    EXPECT_TRUE(host.orders[0].once);
    EXPECT_NE(host.orders[0].until, kNever);
    EXPECT_EQ(host.given_back, round + 1);
  }  // control dies, and is called again
}

}  // namespace
}  // namespace sluice::channel
