// Connections at their ends, through a worker: the same ports again, SYNs that cross, probes that go on.
#include "tests/unit/dataplane/worker/harness.h"

namespace sluice::worker {
namespace {

class EndsTest : public WorkerTest {
 protected:
  // The server closed first, so that the client's leg waits for stragglers; the client is at 101, the server at 501.
  void close_by_server() {
    start(test::masking_policy());
    connect();
    from(Side::server, {.flags = wire::kAck | wire::kFin, .seq = 500, .ack = 100});
    from(Side::client, {.flags = wire::kAck | wire::kFin, .seq = 100, .ack = 501});
    from(Side::server, {.flags = wire::kAck, .seq = 501, .ack = 101});
    EXPECT_EQ(recorder.closed, 1U);
    EXPECT_EQ(worker->sessions_open(), 1U);
    client.out.clear();
    server.out.clear();
  }
  void keep_alives_go_on() {
    WorkerConfig config{.sessions = 8, .half_open = 4, .hash_key = {1, 2}};
    config.limits.leg.relay_keepalives = true;
    start(config);
    use(test::masking_policy());
    connect();
  }
};

TEST_F(EndsTest, ALaterSynBeginsAnewInTimeWait) {
  close_by_server();
  from(Side::client, {.seq = 102});
  const wire::Frame syn = next(Side::server);
  EXPECT_EQ(syn.flags, wire::kSyn);
  EXPECT_EQ(syn.seq, 102U);
  EXPECT_EQ(worker->sessions_open(), 1U);
}

TEST_F(EndsTest, AnEarlierSynIsAnsweredAndTheWaitGoesOn) {
  close_by_server();
  from(Side::client, {.seq = 90});
  EXPECT_TRUE(server.out.empty()) << "it is the old connection's";
  const wire::Frame answer = next(Side::client);
  EXPECT_EQ(answer.flags, wire::kAck);
  EXPECT_EQ(answer.seq, 501U);
  EXPECT_EQ(answer.ack, 101U);
  // Who did mean it resets what is left of the old one, and asks again.
  from(Side::client, {.flags = wire::kRst, .seq = 101});
  from(Side::client, {.seq = 90});
  EXPECT_EQ(next(Side::server).flags, wire::kSyn);
}

// RFC 9293 section 3.5: both send a SYN, and neither has seen the other's. The server's stops here; its answer to the
// client's says the same.
TEST_F(EndsTest, SynsThatCrossMakeOneConnection) {
  start(test::masking_policy());
  from(Side::client, {.seq = 99});
  EXPECT_EQ(next(Side::server).flags, wire::kSyn);
  from(Side::server, {.flags = wire::kSyn, .seq = 499});
  EXPECT_TRUE(client.out.empty());
  EXPECT_TRUE(server.out.empty()) << "and is not refused";
  from(Side::server, {.flags = wire::kSyn | wire::kAck, .seq = 499, .ack = 100});
  EXPECT_EQ(next(Side::client).flags, wire::kSyn | wire::kAck);
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = 500});
  const wire::Frame ack = next(Side::server);
  EXPECT_EQ(ack.flags, wire::kAck);
  EXPECT_EQ(ack.ack, 500U);
  EXPECT_EQ(recorder.opened, 1U);
}

TEST_F(EndsTest, AProbeIsAnsweredHereByDefault) {
  start(test::masking_policy());
  connect();
  from(Side::client, {.flags = wire::kAck, .seq = 99, .ack = 500});
  EXPECT_EQ(next(Side::client).ack, 100U);
  EXPECT_TRUE(server.out.empty());
}

TEST_F(EndsTest, AProbeGoesOnAndItsAnswerComesBack) {
  keep_alives_go_on();
  from(Side::client, {.flags = wire::kAck, .seq = 99, .ack = 500});
  EXPECT_TRUE(client.out.empty());
  const wire::Frame probe = next(Side::server);
  EXPECT_EQ(probe.flags, wire::kAck);
  EXPECT_EQ(probe.seq, 99U);
  EXPECT_EQ(probe.ack, 500U);
  from(Side::server, {.flags = wire::kAck, .seq = 500, .ack = 100});
  const wire::Frame answer = next(Side::client);
  EXPECT_EQ(answer.flags, wire::kAck);
  EXPECT_EQ(answer.seq, 500U);
  EXPECT_EQ(answer.ack, 100U);
  EXPECT_TRUE(server.out.empty());
  from(Side::server, {.flags = wire::kAck, .seq = 499, .ack = 100});
  EXPECT_EQ(next(Side::client).seq, 499U) << "the server's probes too";
}

TEST_F(EndsTest, AProbeForAServerThatIsSilentIsNotAnswered) {
  keep_alives_go_on();
  for (int i = 0; i < 3; ++i) {
    from(Side::client, {.flags = wire::kAck, .seq = 99, .ack = 500});
    EXPECT_EQ(next(Side::server).seq, 99U);
    now += 10 * kSecond;
    burst();
    EXPECT_TRUE(client.out.empty());
  }
}

TEST_F(EndsTest, AHalfOfAConnectionLivesAsLongAsItsPeersLike) {
  start(test::masking_policy());
  connect();
  from(Side::client, {.flags = wire::kAck | wire::kPsh,
                      .seq = 100,
                      .ack = 500,
                      .payload = "GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"});
  const std::uint32_t client_end = 100 + 47;
  from(Side::client, {.flags = wire::kAck | wire::kFin, .seq = client_end, .ack = 500});
  now += 30 * kMillisecond;
  burst();
  from(Side::server, {.flags = wire::kAck, .seq = 500, .ack = client_end + 1});
  std::uint32_t at = 500;
  const auto say = [&](const std::string& text) {
    from(Side::server, {.flags = wire::kAck | wire::kPsh, .seq = at, .ack = client_end + 1, .payload = text});
    at += static_cast<std::uint32_t>(text.size());
    from(Side::client, {.flags = wire::kAck, .seq = client_end + 1, .ack = at});
  };
  say("HTTP/1.1 200 OK\r\nContent-Length: 4800\r\n\r\n");
  for (int hour = 0; hour < 48; ++hour) {
    now += 3600 * kSecond;
    burst();
    say(std::string(100, 'x'));
    ASSERT_EQ(worker->sessions_open(), 1U) << hour;
    ASSERT_EQ(recorder.closed, 0U) << hour;
  }
}

}  // namespace
}  // namespace sluice::worker
