// Who gets a session: bounds of all, of a source and of a service; and cookies for those that come in a flood.
#include "tests/unit/dataplane/worker/harness.h"

namespace sluice::worker {
namespace {

constexpr std::uint8_t kSynAck = wire::kSyn | wire::kAck;

class AdmissionTest : public WorkerTest {
 protected:
  void start_with(WorkerConfig config) {
    config.hash_key = {1, 2};
    config.cookie_key = {3, 4};
    start(config);
    use(test::masking_policy());
  }
  // Four handshakes that nobody completes.
  void fill(std::uint16_t count = 4, std::uint16_t first_port = 1000) {
    for (std::uint16_t i = 0; i < count; ++i)
      from(Side::client, {.seq = 99, .client_port = static_cast<std::uint16_t>(first_port + i)});
    EXPECT_EQ(server.out.size(), count);
    server.out.clear();
  }
  // The SYN-ACK with a cookie that a SYN gets.
  wire::Frame cookie(std::uint16_t port = 40000) {
    from(Side::client, {.seq = 99, .client_port = port});
    EXPECT_TRUE(server.out.empty()) << "the server does not hear of it";
    return next(Side::client);
  }
};

TEST_F(AdmissionTest, SessionsAreBounded) {
  start_with({.sessions = 8, .half_open = 4});
  for (std::uint16_t i = 0; i < 8; ++i) connect(static_cast<std::uint16_t>(2000 + i));
  EXPECT_EQ(worker->sessions_open(), 8U);
  from(Side::client, {.seq = 99, .client_port = 3000});
  EXPECT_TRUE(server.out.empty());
  EXPECT_EQ(count(ErrorCode::sessions_exhausted), 1U);
  EXPECT_EQ(recorder.opened, 8U);
}

// Whoever is over waits a minute for what may still be on its way, unless its room is needed.
TEST_F(AdmissionTest, AFullTableGivesTheRoomOfWhoIsOver) {
  start_with({.sessions = 8, .half_open = 4});
  for (std::uint16_t i = 0; i < 8; ++i) connect(static_cast<std::uint16_t>(2000 + i));
  for (const std::uint16_t port : std::array<std::uint16_t, 2>{2003, 2006}) {
    from(Side::client, {.flags = wire::kFin | wire::kAck, .seq = 100, .ack = 500, .client_port = port});
    from(Side::server, {.flags = wire::kFin | wire::kAck, .seq = 500, .ack = 101, .client_port = port});
    from(Side::client, {.flags = wire::kAck, .seq = 101, .ack = 501, .client_port = port});
  }
  EXPECT_EQ(worker->sessions_open(), 8U);
  for (const std::uint16_t port : std::array<std::uint16_t, 2>{3000, 3001}) {
    server.out.clear();
    from(Side::client, {.seq = 99, .client_port = port});
    EXPECT_EQ(next(Side::server).flags, wire::kSyn);
  }
  EXPECT_EQ(count(ErrorCode::session_recycled), 2U);
  server.out.clear();
  from(Side::client, {.seq = 99, .client_port = 3002});
  EXPECT_TRUE(server.out.empty()) << "who lives keeps its room";
  EXPECT_EQ(count(ErrorCode::sessions_exhausted), 1U);
  EXPECT_EQ(worker->sessions_open(), 8U);
}

TEST_F(AdmissionTest, HandshakesGiveTheirPlacesBack) {
  start_with({.sessions = 8, .half_open = 4});
  fill();
  EXPECT_EQ(cookie().flags, kSynAck);
  for (std::uint16_t i = 0; i < 4; ++i) {  // answered or refused
    const std::uint8_t flags = i < 2 ? wire::kRst | wire::kAck : kSynAck;
    const auto port = static_cast<std::uint16_t>(1000 + i);
    from(Side::server, {.flags = flags, .seq = 499, .ack = 100, .client_port = port});
    from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = 500, .client_port = port});
  }
  server.out.clear();
  client.out.clear();
  fill(4, 1100);
  EXPECT_EQ(count(ErrorCode::syn_cookie_sent), 1U);
}

TEST_F(AdmissionTest, ACookieThatComesBackGetsAConnection) {
  start_with({.sessions = 8, .half_open = 4});
  fill();
  const wire::Frame answer = cookie();
  ASSERT_EQ(answer.flags, kSynAck);
  EXPECT_EQ(answer.ack, 100U);
  EXPECT_EQ(answer.options.mss, 1460);
  EXPECT_FALSE(answer.options.window_shift);
  EXPECT_EQ(worker->sessions_open(), 4U) << "nothing is remembered of it";

  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = answer.seq + 1});
  const wire::Frame syn = next(Side::server);
  EXPECT_EQ(syn.flags, wire::kSyn);
  EXPECT_EQ(syn.seq, 99U) << "the client's own number";
  EXPECT_EQ(syn.source, test::kClientAddress);
  from(Side::server, {.flags = kSynAck, .seq = 7499, .ack = 100});
  EXPECT_EQ(next(Side::server).flags, wire::kAck);
  EXPECT_EQ(count(ErrorCode::syn_cookie_accepted), 1U);

  // Bytes go both ways, each side under the numbers that it knows.
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = answer.seq + 1, .payload = request});
  FrameBytes bytes;
  const wire::Frame forwarded = next(Side::server, &bytes);
  EXPECT_EQ(forwarded.seq, 100U);
  EXPECT_EQ(forwarded.ack, 7500U);
  EXPECT_GT(forwarded.payload_bytes, 0U);
  from(Side::server, {.flags = wire::kAck,
                      .seq = 7500,
                      .ack = 100 + forwarded.payload_bytes,
                      .payload = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"});
  wire::Frame back = next(Side::client);
  while (back.payload_bytes == 0 && !client.out.empty()) back = next(Side::client);
  EXPECT_EQ(back.seq, answer.seq + 1);
  EXPECT_GT(back.payload_bytes, 0U);
}

TEST_F(AdmissionTest, ACookieRemembersThatSackWasPermitted) {
  start_with({.sessions = 8, .half_open = 4});
  fill();
  from(Side::client, {.seq = 99, .sack_permitted = true});
  const wire::Frame answer = next(Side::client);
  EXPECT_TRUE(answer.options.sack_permitted);
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = answer.seq + 1});
  EXPECT_TRUE(next(Side::server).options.sack_permitted);
  from(Side::server, {.flags = kSynAck, .seq = 7499, .ack = 100});  // which does not permit it
  from(Side::client, {.flags = wire::kAck, .seq = 110, .ack = answer.seq + 1, .payload = "early"});
  const wire::Frame hole = next(Side::client);
  EXPECT_EQ(hole.ack, 100U);
  ASSERT_EQ(hole.sack.all().size(), 1U);
  EXPECT_EQ(hole.sack.all()[0], (wire::SackBlock{110, 115}));
  from(Side::server, {.flags = wire::kAck, .seq = 7510, .ack = 100, .payload = "early"});
  wire::Frame told = next(Side::server);
  while (!server.out.empty()) told = next(Side::server);
  EXPECT_EQ(told.ack, 7500U);
  EXPECT_TRUE(told.sack.all().empty());
}

TEST_F(AdmissionTest, ACookieIsGoodForItsFlowAndTwoMinutes) {
  start_with({.sessions = 8, .half_open = 4});
  fill();
  const wire::Frame answer = cookie();
  const std::uint32_t ack = answer.seq + 1;
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = ack, .client_port = 40001});  // another port
  from(Side::client, {.flags = wire::kAck, .seq = 101, .ack = ack});                        // another number
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = ack ^ 4U});                   // guessed
  from(Side::client, {.flags = wire::kAck | wire::kRst, .seq = 100, .ack = ack});
  EXPECT_EQ(count(ErrorCode::unknown_flow_refused), 4U);
  EXPECT_TRUE(server.out.empty());
  now += 130 * kSecond;
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = ack});
  EXPECT_TRUE(server.out.empty());
  EXPECT_EQ(count(ErrorCode::syn_cookie_accepted), 0U);
}

TEST_F(AdmissionTest, TheCallToTheServerIsRepeatedAndGivenUp) {
  start_with({.sessions = 8, .half_open = 4});
  fill();
  const wire::Frame answer = cookie();
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = answer.seq + 1});
  std::vector<TimeNs> calls;
  const TimeNs began = now;
  while (worker->next_deadline() != kNever && now < began + 200 * kSecond) {
    for (const FrameBytes& frame : server.out)
      if (wire::parse(frame, frame.size()).source_port == 40000) calls.push_back((now - began + kSecond / 2) / kSecond);
    server.out.clear();
    now = std::max(now, worker->next_deadline());
    burst();
  }
  EXPECT_EQ(calls, (std::vector<TimeNs>{0, 1, 3, 7, 15, 31, 63}));
  EXPECT_EQ(worker->sessions_open(), 0U);
}

TEST_F(AdmissionTest, ARefusalReachesAClientThatCameByCookie) {
  start_with({.sessions = 8, .half_open = 4});
  fill();
  const wire::Frame answer = cookie();
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = answer.seq + 1});
  from(Side::server, {.flags = wire::kRst | wire::kAck, .seq = 0, .ack = 100});
  const wire::Frame reset = next(Side::client);
  EXPECT_EQ(reset.flags & wire::kRst, wire::kRst);
  EXPECT_EQ(reset.seq, answer.seq + 1) << "else the client does not believe it";
  EXPECT_EQ(count(ErrorCode::tcp_refused_by_server), 1U);
}

TEST_F(AdmissionTest, EstablishedSessionsAndOthersGoOnUnderAFlood) {
  start_with({.sessions = 64, .half_open = 4});
  connect(5000);
  for (std::uint16_t port = 10000; port < 12000; ++port) from(Side::client, {.seq = 1, .client_port = port});
  EXPECT_EQ(count(ErrorCode::syn_cookie_sent), 1996U);
  EXPECT_EQ(worker->sessions_open(), 5U);
  client.out.clear();
  server.out.clear();
  from(Side::client, {.flags = wire::kAck,
                      .seq = 100,
                      .ack = 500,
                      .payload = "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                      .client_port = 5000});
  EXPECT_GT(next(Side::server).payload_bytes, 0U);
}

TEST_F(AdmissionTest, OneSourceHasItsOwnBounds) {
  start_with({.sessions = 64, .half_open = 32, .half_open_per_source = 2, .sessions_per_source = 5});
  fill(2);
  EXPECT_EQ(cookie().flags, kSynAck);
  for (std::uint16_t i = 0; i < 2; ++i)
    from(Side::server,
         {.flags = wire::kRst | wire::kAck, .seq = 0, .ack = 100, .client_port = static_cast<std::uint16_t>(1000 + i)});
  client.out.clear();
  for (std::uint16_t i = 0; i < 5; ++i) connect(static_cast<std::uint16_t>(2000 + i));
  from(Side::client, {.seq = 99, .client_port = 3000});
  const wire::Frame reset = next(Side::client);
  EXPECT_EQ(reset.flags, wire::kRst | wire::kAck);
  EXPECT_EQ(reset.ack, 100U);
  EXPECT_EQ(count(ErrorCode::source_sessions_exceeded), 1U);
}

TEST_F(AdmissionTest, OneServiceHasItsOwnBound) {
  start_with({.sessions = 64, .half_open = 32, .sessions_per_service = 3});
  for (std::uint16_t i = 0; i < 3; ++i) connect(static_cast<std::uint16_t>(2000 + i));
  from(Side::client, {.seq = 99, .client_port = 3000});
  EXPECT_EQ(next(Side::client).flags, wire::kRst | wire::kAck);
  EXPECT_EQ(count(ErrorCode::service_sessions_exceeded), 1U);
}

}  // namespace
}  // namespace sluice::worker
