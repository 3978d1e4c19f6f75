// Sessions that nothing looks at: their peers' own segments pass, counted, watched for their end, and on the record.
#include "tests/unit/dataplane/worker/ladder_harness.h"

namespace sluice::worker {
namespace {

constexpr const char* kTcpPolicy = R"(services:
  - {name: db, address: 10.0.0.2:80, protocol: tcp, mode: enforce}
  - {name: db6, address: "[2001:db8::2]:80", protocol: tcp, mode: enforce}
)";

std::string tcp_policy(std::string_view mode, std::string_view record = "required") {
  return "services:\n  - {name: db, address: 10.0.0.2:80, protocol: tcp, mode: " + std::string(mode) +
         ", record: " + std::string(record) + "}\n";
}

TEST_F(LadderTest, AServiceOfProtocolTcpIsForwardedFromItsFirstAckOn) {
  start(kTcpPolicy);
  const std::uint64_t before = counters().forwarded.value();
  connect();
  EXPECT_EQ(recorder.opened, 1U);
  EXPECT_EQ(counters().forwarded.value(), before + 1);
  expect_as_it_is(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "4111 1111 1111 1111"});
  expect_as_it_is(Side::server, {.flags = kDataFlags, .seq = 500, .ack = 119, .payload = "hello"});
  EXPECT_TRUE(client.out.empty() && server.out.empty()) << "nothing of our own";
  const session::FlowInfo info = flow();
  EXPECT_EQ(info.handling, session::Handling::forwarded);
  EXPECT_EQ(info.client.tcp.state, tcp::TcpState::established);
  EXPECT_EQ(info.client.received_bytes, 19U);
  EXPECT_EQ(info.server.received_bytes, 5U);
  EXPECT_EQ(info.client.counts.sent_bytes, 5U);
}

TEST_F(LadderTest, ItIsSoOverIpv6) {
  start(kTcpPolicy);
  connect(40000, test::kServerIpv6);
  expect_as_it_is(Side::client, {.flags = kDataFlags,
                                 .seq = 100,
                                 .ack = 500,
                                 .payload = "x",
                                 .server = test::kServerIpv6,
                                 .flow_label = 77,
                                 .traffic_class = 2});
}

TEST_F(LadderTest, WhatTheHandshakesLastAckCarriesGoesOnWithIt) {
  start(kTcpPolicy);
  from(Side::client, {.seq = 99});
  from(Side::server, {.flags = wire::kSyn | wire::kAck, .seq = 499, .ack = 100});
  server.out.clear();
  from(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "early"});
  FrameBytes bytes;
  const wire::Frame frame = next(Side::server, &bytes);
  EXPECT_EQ(frame.flags, kDataFlags);
  EXPECT_EQ(frame.window, 60000) << "the client's own window";
  EXPECT_TRUE(as_text(bytes).ends_with("early"));
  EXPECT_TRUE(has_right_checksum(bytes));
  expect_as_it_is(Side::client, {.flags = kDataFlags, .seq = 105, .ack = 500, .payload = "late"});
  EXPECT_EQ(flow().client.received_bytes, 9U);
}

TEST_F(LadderTest, BothFinsEndItAndItLingers) {
  start(kTcpPolicy);
  connect();
  through(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "bye"});
  expect_as_it_is(Side::client, {.flags = kFinFlags, .seq = 103, .ack = 500});
  EXPECT_EQ(flow().client.tcp.state, tcp::TcpState::close_wait);
  expect_as_it_is(Side::server, {.flags = wire::kAck, .seq = 500, .ack = 104});
  expect_as_it_is(Side::server, {.flags = kDataFlags, .seq = 500, .ack = 104, .payload = "half"});
  EXPECT_EQ(recorder.closed, 0U) << "half closed, for as long as they like";
  expect_as_it_is(Side::server, {.flags = kFinFlags, .seq = 504, .ack = 104});
  EXPECT_EQ(recorder.closed, 0U);
  expect_as_it_is(Side::client, {.flags = wire::kAck, .seq = 104, .ack = 505});
  EXPECT_EQ(recorder.closed, 1U);
  EXPECT_EQ(recorder.last_close.error, ErrorCode::ok);
  EXPECT_EQ(recorder.last_close.request_bytes, 3U);
  EXPECT_EQ(recorder.last_close.response_bytes, 4U);
  EXPECT_EQ(worker->sessions_open(), 1U);
  expect_as_it_is(Side::server, {.flags = kFinFlags, .seq = 504, .ack = 104});  // the last ACK was lost
  expect_as_it_is(Side::client, {.flags = wire::kAck, .seq = 104, .ack = 505});
  for (int i = 0; i < 20 && worker->sessions_open() > 0; ++i) {
    now = std::max(now, worker->next_deadline());
    burst();
  }
  EXPECT_EQ(worker->sessions_open(), 0U);
  EXPECT_GE(now, 60 * kSecond);
  EXPECT_EQ(recorder.closed, 1U);
}

TEST_F(LadderTest, ANewConnectionReplacesOneThatLingers) {
  start(kTcpPolicy);
  connect();
  through(Side::client, {.flags = kFinFlags, .seq = 100, .ack = 500});
  through(Side::server, {.flags = kFinFlags, .seq = 500, .ack = 101});
  through(Side::client, {.flags = wire::kAck, .seq = 101, .ack = 501});
  EXPECT_EQ(recorder.closed, 1U);
  connect();
  EXPECT_EQ(recorder.opened, 2U);
}

TEST_F(LadderTest, AResetOfEitherSideEndsItAtOnce) {
  start(kTcpPolicy);
  connect();
  expect_as_it_is(Side::client, {.flags = wire::kRst, .seq = 100});
  EXPECT_EQ(recorder.last_close.error, ErrorCode::tcp_reset_by_client);
  EXPECT_EQ(worker->sessions_open(), 0U);
  connect();
  expect_as_it_is(Side::server, {.flags = wire::kRst | wire::kAck, .seq = 500, .ack = 100});
  EXPECT_EQ(recorder.last_close.error, ErrorCode::tcp_reset_by_server);
  EXPECT_EQ(worker->sessions_open(), 0U);
}

TEST_F(LadderTest, AGuessedResetPassesForItsReceiverToJudgeAndEndsNothing) {
  start(kTcpPolicy);
  connect();
  through(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "0123456789"});
  for (const std::uint32_t seq : {99U, 105U, 111U, 30000U})
    expect_as_it_is(Side::client, {.flags = wire::kRst, .seq = seq});
  EXPECT_EQ(worker->sessions_open(), 1U);
  expect_as_it_is(Side::client, {.flags = wire::kRst, .seq = 100});  // what the server acknowledged last
  EXPECT_EQ(worker->sessions_open(), 0U);
}

TEST_F(LadderTest, AForgedFinInTheMiddleIsForgottenWhenTheStreamGoesOn) {
  start(kTcpPolicy);
  connect();
  through(Side::client, {.flags = kFinFlags, .seq = 100, .ack = 500});
  through(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "more"});
  through(Side::server, {.flags = kFinFlags, .seq = 500, .ack = 104});
  through(Side::client, {.flags = wire::kAck, .seq = 104, .ack = 501});
  EXPECT_EQ(recorder.closed, 0U);
  through(Side::client, {.flags = kFinFlags, .seq = 104, .ack = 501});
  through(Side::server, {.flags = wire::kAck, .seq = 501, .ack = 105});
  EXPECT_EQ(recorder.closed, 1U);
}

TEST_F(LadderTest, ASynIsChallengedAndDoesNotPass) {
  start(kTcpPolicy);
  connect();
  through(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "abc"});
  through(Side::server, {.flags = wire::kAck, .seq = 500, .ack = 103});
  from(Side::client, {.seq = 7000});
  EXPECT_TRUE(server.out.empty());
  const wire::Frame challenge = next(Side::client);
  EXPECT_EQ(challenge.flags, wire::kAck);
  EXPECT_EQ(challenge.seq, 500U);
  EXPECT_EQ(challenge.ack, 103U);
  from(Side::client, {.seq = 7001});
  EXPECT_TRUE(client.out.empty()) << "not for each";
  expect_as_it_is(Side::client, {.flags = wire::kRst, .seq = 103});  // RFC 5961: the client knows of no connection
  EXPECT_EQ(worker->sessions_open(), 0U);
  from(Side::client, {.seq = 7002});
  EXPECT_EQ(next(Side::server).flags, wire::kSyn);
}

TEST_F(LadderTest, ByCookieAllNumbersAreTranslated) {
  start_with_cookies(kTcpPolicy);
  const std::uint64_t before = counters().spliced.value();
  const std::uint32_t base = connect_by_cookie();
  EXPECT_EQ(counters().spliced.value(), before + 1);
  FrameBytes bytes = through(Side::client, {.flags = kDataFlags, .seq = 100, .ack = base, .payload = "ping"});
  EXPECT_EQ(bytes, tcp_frame(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "ping"}));
  bytes = through(Side::server, {.flags = kDataFlags, .seq = 500, .ack = 104, .payload = "pong"});
  EXPECT_EQ(bytes, tcp_frame(Side::server, {.flags = kDataFlags, .seq = base, .ack = 104, .payload = "pong"}));
  EXPECT_EQ(flow().handling, session::Handling::spliced);
  bytes = through(Side::server, {.flags = kFinFlags, .seq = 504, .ack = 104});
  EXPECT_EQ(wire::parse(bytes, bytes.size()).seq, base + 4);
  bytes = through(Side::client, {.flags = kFinFlags, .seq = 104, .ack = base + 5});
  EXPECT_EQ(wire::parse(bytes, bytes.size()).ack, 505U);
  through(Side::server, {.flags = wire::kAck, .seq = 505, .ack = 105});
  EXPECT_EQ(recorder.closed, 1U);
  EXPECT_EQ(recorder.last_close.error, ErrorCode::ok);
}

TEST_F(LadderTest, ByCookieALargeSegmentIsCutToWhatTheServerTakes) {
  start_with_cookies(kTcpPolicy);
  from(Side::client, {.seq = 99});
  const std::uint32_t base = next(Side::client).seq + 1;
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = base});
  server.out.clear();
  FrameBytes answer = tcp_frame(Side::server, {.flags = wire::kSyn | wire::kAck, .seq = 499, .ack = 100});
  // An MSS of 536.
  wire::ChecksumSum sum;
  store_be16(answer.data() + 34 + 22, 536);
  store_be16(answer.data() + 34 + 16,
             wire::pseudo_header_sum(test::kServerAddress, test::kClientAddress, wire::kProtocolTcp, 24).folded());
  wire::complete_checksum(MutableBytes(answer).subspan(34, 24), wire::kTcpChecksumOffset, sum);
  deliver(Side::server, answer);
  server.out.clear();
  std::string payload(1400, 'a');
  payload.back() = 'z';
  from(Side::client, {.flags = kDataFlags, .seq = 100, .ack = base, .payload = payload});
  ASSERT_EQ(server.out.size(), 3U);
  std::uint32_t seq = 100;
  std::string got;
  while (!server.out.empty()) {
    EXPECT_TRUE(has_right_checksum(server.out.front()));
    FrameBytes bytes;
    const wire::Frame frame = next(Side::server, &bytes);
    EXPECT_EQ(frame.seq, seq);
    EXPECT_LE(frame.payload_bytes, 536U);
    seq += frame.payload_bytes;
    got += as_text(Bytes(bytes).subspan(frame.payload_offset));
  }
  EXPECT_EQ(got, payload);
}

TEST_F(LadderTest, WithoutRoomOnTheRecordNothingPassesUntilThereIs) {
  start(kTcpPolicy);
  from(Side::client, {.seq = 99});
  from(Side::server, {.flags = wire::kSyn | wire::kAck, .seq = 499, .ack = 100});
  client.out.clear();
  server.out.clear();
  recorder.room = false;
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = 500});
  from(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "x"});
  EXPECT_TRUE(server.out.empty());
  EXPECT_EQ(recorder.opened, 0U);
  EXPECT_EQ(count(ErrorCode::record_stalled), 2U);
  EXPECT_LE(worker->next_deadline(), now + 10 * kMillisecond);
  recorder.room = true;
  from(Side::server, {.flags = wire::kSyn | wire::kAck, .seq = 499, .ack = 100});  // asks again
  const wire::Frame ack = next(Side::server);
  EXPECT_EQ(ack.flags, wire::kAck);
  EXPECT_EQ(ack.ack, 500U);
  expect_as_it_is(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "x"});
  EXPECT_EQ(recorder.opened, 1U);
}

TEST_F(LadderTest, OffTheRecordItIsCountedAllTheSame) {
  start(tcp_policy("enforce", "off"));
  recorder.room = false;
  connect();
  expect_as_it_is(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "x"});
  EXPECT_EQ(recorder.opened, 0U);
  expect_as_it_is(Side::client, {.flags = wire::kRst, .seq = 101});
  EXPECT_EQ(worker->sessions_open(), 0U);
}

TEST_F(LadderTest, SilenceBeyondTheBoundResetsBoth) {
  start({.sessions = 8, .half_open = 4, .limits = {.leg = {}, .idle = 10 * kSecond}, .hash_key = {1, 2}});
  use(kTcpPolicy);
  connect();
  through(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "abc"});
  through(Side::server, {.flags = wire::kAck, .seq = 500, .ack = 103});
  for (int i = 0; i < 20 && worker->sessions_open() > 0; ++i) {
    now = std::max(now, worker->next_deadline());
    burst();
  }
  EXPECT_EQ(recorder.last_close.error, ErrorCode::tcp_idle_timeout);
  EXPECT_GE(now, 11 * kSecond);
  const wire::Frame to_server = next(Side::server);
  EXPECT_EQ(to_server.flags, wire::kRst | wire::kAck);
  EXPECT_EQ(to_server.seq, 103U) << "what the server expects";
  EXPECT_EQ(next(Side::client).seq, 500U);
}

// A data plane that starts again knows of no session: it is as if each segment came in the middle of nothing.
TEST_F(LadderTest, AfterARestartAnObservedOneGoesOnAndAnEnforcedOneIsReset) {
  start(tcp_policy("observe"));
  connect();
  expect_as_it_is(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "abc"});
  EXPECT_TRUE(worker->shut_down(now, now));
  EXPECT_TRUE(client.out.empty() && server.out.empty()) << "let go without a word";
  EXPECT_EQ(recorder.closed, 1U);
  held.policy = nullptr;
  worker.reset();
  start(tcp_policy("observe"));
  expect_as_it_is(Side::client, {.flags = kDataFlags, .seq = 103, .ack = 500, .payload = "def"});
  expect_as_it_is(Side::server, {.flags = kDataFlags, .seq = 500, .ack = 106, .payload = "ghi"});
  held.policy = nullptr;
  worker.reset();
  start(tcp_policy("enforce"));
  from(Side::client, {.flags = kDataFlags, .seq = 106, .ack = 503, .payload = "jkl"});
  EXPECT_TRUE(server.out.empty());
  EXPECT_EQ(next(Side::client).flags, wire::kRst);
}

TEST_F(LadderTest, AnEnforcedOneIsResetWhenTheApplianceGoes) {
  start(kTcpPolicy);
  connect();
  EXPECT_TRUE(worker->shut_down(now, now));
  EXPECT_EQ(next(Side::server).flags, wire::kRst | wire::kAck);
  EXPECT_EQ(next(Side::client).flags, wire::kRst | wire::kAck);
  EXPECT_EQ(recorder.last_close.error, ErrorCode::tcp_aborted);
}

TEST_F(LadderTest, ABadChecksumIsDroppedAndMovesNothing) {
  start(kTcpPolicy);
  connect();
  FrameBytes frame = tcp_frame(Side::client, {.flags = kFinFlags, .seq = 100, .ack = 500, .payload = "abc"});
  frame.back() ^= 1;
  deliver(Side::client, frame);
  EXPECT_TRUE(server.out.empty());
  EXPECT_EQ(count(ErrorCode::tcp_bad_checksum), 1U);
  EXPECT_EQ(flow().client.received_bytes, 0U);
}

}  // namespace
}  // namespace sluice::worker
