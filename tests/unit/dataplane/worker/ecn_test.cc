// ECN through the relayed handshake, and the congestion bits of what a session sends.
#include "tests/unit/dataplane/worker/harness.h"

namespace sluice::worker {
namespace {

using wire::kAck;
using wire::kCwr;
using wire::kEce;
using wire::kSyn;

const std::string kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

class EcnTest : public WorkerTest {
 protected:
  void SetUp() override { start(test::masking_policy()); }
  // The flags of the relayed SYN and SYN-ACK, without SYN and ACK.
  std::pair<int, int> handshake(int syn, int syn_ack) {
    from(Side::client, {.flags = static_cast<std::uint8_t>(kSyn | syn), .seq = 99});
    const wire::Frame called = next(Side::server);
    from(Side::server, {.flags = static_cast<std::uint8_t>(kSyn | kAck | syn_ack), .seq = 499, .ack = 100});
    const wire::Frame answered = next(Side::client);
    EXPECT_EQ(called.tos & wire::kEcnMask, 0) << "RFC 3168 section 6.1.1";
    EXPECT_EQ(answered.tos & wire::kEcnMask, 0);
    from(Side::client, {.flags = kAck, .seq = 100, .ack = 500});
    server.out.clear();
    return {called.flags & ~kSyn, answered.flags & ~(kSyn | kAck)};
  }
  wire::Frame request(std::uint8_t traffic_class = 0) {
    from(Side::client, {.flags = kAck, .seq = 100, .ack = 500, .payload = kRequest, .traffic_class = traffic_class});
    return next(Side::server);
  }
};

TEST_F(EcnTest, BothWantIt) {
  EXPECT_EQ(handshake(kEce | kCwr, kEce), std::pair(kEce | kCwr, int{kEce}));
  const wire::Frame sent = request(0xb8 | wire::kCongestionExperienced);
  EXPECT_EQ(sent.tos, 0xb8 | wire::kEcnCapable) << "its own leg has its own marks";
  now += 10 * kMillisecond;
  burst();
  const wire::Frame ack = next(Side::client);
  EXPECT_EQ(ack.flags, kAck | kEce);
  EXPECT_EQ(ack.tos & wire::kEcnMask, 0);
}

TEST_F(EcnTest, OneOfThemDoesNot) {
  EXPECT_EQ(handshake(kEce | kCwr, 0), std::pair(kEce | kCwr, 0));
  EXPECT_EQ(request(wire::kCongestionExperienced).tos, 0);
  now += 50 * kMillisecond;  // an answer could have carried it
  burst();
  EXPECT_EQ(next(Side::client).flags, kAck);
}

TEST_F(EcnTest, NobodyWantsIt) {
  EXPECT_EQ(handshake(0, kEce), std::pair(0, 0)) << "an answer that was not asked for";
  EXPECT_EQ(request().tos, 0);
}

TEST_F(EcnTest, AServerThatMirrorsTheFlagsDoesNotMeanIt) {
  EXPECT_EQ(handshake(kEce | kCwr, kEce | kCwr), std::pair(kEce | kCwr, 0));
  EXPECT_EQ(request().tos, 0);
}

TEST_F(EcnTest, AClientThatAsksAgainWithoutItHasItsReasons) {
  from(Side::client, {.flags = kSyn | kEce | kCwr, .seq = 99});
  EXPECT_EQ(next(Side::server).flags, kSyn | kEce | kCwr);
  from(Side::client, {.flags = kSyn, .seq = 99});
  EXPECT_EQ(next(Side::server).flags, kSyn);
  from(Side::client, {.flags = kSyn | kEce | kCwr, .seq = 99});
  EXPECT_EQ(next(Side::server).flags, kSyn);
  EXPECT_EQ(handshake(0, kEce), std::pair(0, 0));
  from(Side::client, {.flags = kSyn | kEce | kCwr, .seq = 7, .client_port = 40001});
  EXPECT_EQ(next(Side::server).flags, kSyn | kEce | kCwr);
}

}  // namespace
}  // namespace sluice::worker
