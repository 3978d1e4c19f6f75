// Idle sessions rest, and go on as if they had not.
#include <array>

#include "tests/unit/dataplane/worker/harness.h"

namespace sluice::worker {
namespace {

constexpr std::uint8_t kDataFlags = wire::kAck | wire::kPsh;
constexpr std::string_view kAsk = "GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: Basic YWRhOng=\r\n\r\n";  // ada
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class RestTest : public WorkerTest {
 protected:
  void open(DurationNs rest_after = kSecond) {
    session::SessionLimits limits;
    limits.rest_after = rest_after;
    limits.idle = 100 * kSecond;
    start({.sessions = 8, .half_open = 4, .limits = limits, .hash_key = {1, 2}});
    use(test::masking_policy());
    connect();
  }
  // One exchange; what went out comes back, all of it.
  std::vector<FrameBytes> exchange() {
    std::vector<FrameBytes> sent;
    const auto collect = [&] {
      for (auto* port : {&server, &client}) {
        for (FrameBytes& frame : port->out) sent.push_back(std::move(frame));
        port->out.clear();
      }
    };
    from(Side::client, {.flags = kDataFlags, .seq = client_next, .ack = server_next, .payload = std::string(kAsk)});
    collect();
    client_next += static_cast<std::uint32_t>(kAsk.size());
    from(Side::server, {.flags = kDataFlags, .seq = server_next, .ack = client_next, .payload = std::string(kAnswer)});
    collect();
    server_next += static_cast<std::uint32_t>(kAnswer.size());
    from(Side::client, {.flags = wire::kAck, .seq = client_next, .ack = server_next});
    wait(100 * kMillisecond);
    collect();
    return sent;
  }
  void wait(DurationNs duration) {
    const TimeNs end = now + duration;
    for (; now < end; now += 10 * kMillisecond) burst();
  }
  session::FlowInfo flow() {
    EXPECT_TRUE(worker->listing().ask({}));
    std::array<session::FlowInfo, 8> rows;
    for (int i = 0; i < 1000; ++i) {
      burst();
      const auto progress = worker->listing().take(rows);
      if (progress.rows > 0) return rows[0];
    }
    ADD_FAILURE() << "no session";
    return {};
  }

  std::uint32_t client_next = 100;
  std::uint32_t server_next = 500;
};

TEST_F(RestTest, AfterASecondWithoutAnythingUnderWay) {
  open();
  exchange();
  EXPECT_FALSE(flow().at_rest);
  wait(2 * kSecond);
  const session::FlowInfo info = flow();
  EXPECT_TRUE(info.at_rest);
  EXPECT_EQ(info.units, 1U);
  EXPECT_EQ(info.client.tcp.state, tcp::TcpState::established);
  EXPECT_EQ(std::string_view(info.principal), "ada");
  EXPECT_EQ(info.client.received_bytes, kAsk.size());
}

TEST_F(RestTest, NoPeerCanTell) {
  std::vector<FrameBytes> sent[2];
  for (const bool rests : {false, true}) {
    client_next = 100, server_next = 500;
    now = kSecond;
    open(rests ? kSecond : 1000 * kSecond);
    for (int i = 0; i < 3; ++i) {
      for (FrameBytes& frame : exchange()) sent[rests].push_back(std::move(frame));
      wait(3 * kSecond);
      EXPECT_EQ(flow().at_rest, rests);
    }
    EXPECT_EQ(flow().units, 3U);
  }
  EXPECT_EQ(sent[0], sent[1]);
}

TEST_F(RestTest, WhatWaitsForItsAnswerDoesNotRest) {
  open();
  exchange();
  from(Side::client, {.flags = kDataFlags, .seq = client_next, .ack = server_next, .payload = std::string(kAsk)});
  client_next += static_cast<std::uint32_t>(kAsk.size());
  from(Side::server, {.flags = wire::kAck, .seq = server_next, .ack = client_next});
  wait(5 * kSecond);
  EXPECT_FALSE(flow().at_rest);
}

TEST_F(RestTest, HalfAHeadDoesNotRest) {
  open();
  from(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "GET / HT"});
  wait(5 * kSecond);
  EXPECT_FALSE(flow().at_rest);
}

TEST_F(RestTest, InTimeWaitAtOnceAndUntilItIsOver) {
  open();
  exchange();
  from(Side::server, {.flags = wire::kAck | wire::kFin, .seq = server_next, .ack = client_next});
  from(Side::client, {.flags = wire::kAck | wire::kFin, .seq = client_next, .ack = server_next + 1});
  from(Side::server, {.flags = wire::kAck, .seq = server_next + 1, .ack = client_next + 1});
  EXPECT_EQ(recorder.closed, 1U);
  const session::FlowInfo info = flow();
  EXPECT_TRUE(info.at_rest);
  EXPECT_EQ(info.client.tcp.state, tcp::TcpState::time_wait);
  client.out.clear();
  from(Side::client, {.flags = wire::kAck | wire::kFin, .seq = client_next, .ack = server_next + 1});
  EXPECT_EQ(next(Side::client).ack, client_next + 1) << "a repeated FIN has its answer";
  EXPECT_TRUE(flow().at_rest) << "again";
  wait(59 * kSecond);
  EXPECT_EQ(worker->sessions_open(), 1U);
  wait(2 * kSecond);
  EXPECT_EQ(worker->sessions_open(), 0U);
}

TEST_F(RestTest, ItEndsAsAnyOther) {
  open();
  exchange();
  wait(2 * kSecond);
  from(Side::client, {.flags = wire::kFin | wire::kAck, .seq = client_next, .ack = server_next});
  const wire::Frame fin = next(Side::server);
  EXPECT_EQ(fin.flags & wire::kFin, wire::kFin);
  from(Side::server, {.flags = wire::kFin | wire::kAck, .seq = server_next, .ack = client_next + 1});
  from(Side::client, {.flags = wire::kAck, .seq = client_next + 1, .ack = server_next + 1});
  EXPECT_EQ(recorder.last_close.units, 1U);
  EXPECT_EQ(recorder.last_close.error, ErrorCode::ok);
  client.out.clear();
  server.out.clear();
}

TEST_F(RestTest, IdleForTooLongItIsReset) {
  open();
  exchange();
  wait(101 * kSecond);
  EXPECT_EQ(next(Side::client).flags & wire::kRst, wire::kRst);
  EXPECT_EQ(next(Side::server).flags & wire::kRst, wire::kRst);
  EXPECT_EQ(recorder.last_close.error, ErrorCode::tcp_idle_timeout);
  EXPECT_EQ(recorder.last_close.units, 1U);
}

TEST_F(RestTest, AtShutDownItIsResetAndOnTheRecord) {
  open();
  exchange();
  wait(2 * kSecond);
  worker->shut_down(now, now);
  EXPECT_EQ(next(Side::client).flags & wire::kRst, wire::kRst);
  EXPECT_EQ(recorder.last_close.units, 1U);
}

}  // namespace
}  // namespace sluice::worker
