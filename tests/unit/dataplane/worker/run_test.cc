// Frames of one flow that come in one burst: what comes of them is what would have come of them one by one.
#include <random>

#include "tests/unit/dataplane/worker/ladder_harness.h"

namespace sluice::worker {
namespace {

constexpr const char* kPassing = "services:\n  - {name: web, address: 10.0.0.2:80, mode: enforce, protocol: tcp}\n";

class RunOfFramesTest : public LadderTest {
 protected:
  void add(Side from_side, const Segment& segment) { add(from_side, tcp_frame(from_side, segment)); }
  void add(Side from_side, FrameBytes frame) {
    (from_side == Side::client ? client : server).in.push_back(std::move(frame));
  }
  // A text in segments of so many bytes, and where the next one begins.
  std::uint32_t add_cut(Side from_side, std::uint32_t seq, std::uint32_t ack, const std::string& text,
                        std::size_t bytes) {
    for (std::size_t at = 0; at < text.size(); at += bytes)
      add(from_side, {.flags = wire::kAck,
                      .seq = seq + static_cast<std::uint32_t>(at),
                      .ack = ack,
                      .payload = text.substr(at, bytes)});
    return seq + static_cast<std::uint32_t>(text.size());
  }
  // What went out to a side, in order and without holes.
  std::string text_to(Side to, std::uint32_t seq, std::size_t* frames = nullptr) {
    std::string text;
    FrameBytes bytes;
    for (wire::Frame f = next(to, &bytes); f.kind == wire::FrameKind::tcp; f = next(to, &bytes)) {
      EXPECT_TRUE(has_right_checksum(bytes));
      if (f.payload_bytes == 0) continue;
      EXPECT_EQ(f.seq, seq + text.size());
      EXPECT_LE(f.payload_bytes, 1460U);
      text += as_text(Bytes(bytes).subspan(f.payload_offset, f.payload_bytes));
      if (frames != nullptr) ++*frames;
    }
    return text;
  }
  std::vector<TraceRecord> received(TraceLeg leg) const {
    std::vector<TraceRecord> out;
    worker->trace().copy(out);
    std::erase_if(out, [leg](const TraceRecord& r) {
      return r.kind != TraceKind::segment_in || r.leg != leg || (r.code & wire::kSyn) != 0;
    });
    return out;
  }
  std::string request(std::size_t body_bytes, char fill = 'b') {
    return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n\r\n" +
           std::string(body_bytes, fill);
  }
};

TEST_F(RunOfFramesTest, DataInOrderReachesTheSessionAsOneSegment) {
  start(test::masking_policy());
  connect();
  const std::size_t before = received(TraceLeg::client).size();
  const std::string text = request(9000);
  const std::uint32_t end = add_cut(Side::client, 100, 500, text, 1400);
  burst();
  ASSERT_EQ(received(TraceLeg::client).size(), before + 1);
  EXPECT_EQ(received(TraceLeg::client).back().c, text.size());
  const wire::Frame ack = next(Side::client);
  EXPECT_EQ(ack.ack, end);
  EXPECT_TRUE(text_to(Side::server, 100) == text);
}

TEST_F(RunOfFramesTest, WhatLeavesIsCutToTheSegmentsOfThePath) {
  start(test::masking_policy());
  connect();
  const std::string text = request(9000);
  add_cut(Side::client, 100, 500, text, 1000);
  burst();
  std::size_t frames = 0;
  EXPECT_TRUE(text_to(Side::server, 100, &frames) == text);
  EXPECT_EQ(frames, (text.size() + 1459) / 1460);
}

TEST_F(RunOfFramesTest, FlowsThatComeMixedAreEachOne) {
  start(test::masking_policy());
  const std::string text = request(4000);
  for (std::uint16_t port = 40000; port < 40004; ++port) connect(port);
  const std::size_t before = received(TraceLeg::client).size();
  for (std::size_t at = 0; at < text.size(); at += 1000)
    for (std::uint16_t port = 40000; port < 40004; ++port)
      add(Side::client, {.flags = wire::kAck,
                         .seq = 100 + static_cast<std::uint32_t>(at),
                         .ack = 500,
                         .payload = text.substr(at, 1000),
                         .client_port = port});
  burst();
  EXPECT_EQ(received(TraceLeg::client).size(), before + 4);
  std::array<std::size_t, 4> bytes{};
  for (wire::Frame f = next(Side::server); f.kind == wire::FrameKind::tcp; f = next(Side::server))
    bytes.at(f.source_port - 40000U) += f.payload_bytes;
  for (const std::size_t count : bytes) EXPECT_EQ(count, text.size());
}

TEST_F(RunOfFramesTest, AFrameThatIsDamagedIsDroppedAlone) {
  start(test::masking_policy());
  connect();
  const std::string text = request(4000);
  add_cut(Side::client, 100, 500, text, 1000);
  client.in[1].back() ^= 1;
  burst();
  EXPECT_EQ(count(ErrorCode::tcp_bad_checksum), 1U);
  EXPECT_EQ(next(Side::client).ack, 1100U) << "the frames behind it are not in order";
  std::string sent = text_to(Side::server, 100);
  add(Side::client, {.flags = wire::kAck, .seq = 1100, .ack = 500, .payload = text.substr(1000, 1000)});
  burst();
  sent += text_to(Side::server, 100 + static_cast<std::uint32_t>(sent.size()));
  EXPECT_TRUE(sent == text);
}

TEST_F(RunOfFramesTest, ARunOfNoSessionIsRefusedFrameByFrame) {
  start(test::masking_policy());
  add_cut(Side::client, 100, 500, request(4000), 1000);
  burst();
  EXPECT_EQ(count(ErrorCode::unknown_flow_refused), 5U);
  EXPECT_TRUE(server.out.empty());
}

TEST_F(RunOfFramesTest, ASplicedSessionPassesFramesAsTheyAre) {
  start(kPassing);
  connect();
  const std::string text(5000, 'x');
  add_cut(Side::client, 100, 500, text, 1000);
  const std::deque<FrameBytes> frames = client.in;
  burst();
  EXPECT_EQ(server.out, frames);
}

TEST_F(RunOfFramesTest, FramesForNobodyPassAsTheyAre) {
  start(test::masking_policy());
  for (std::uint32_t i = 0; i < 4; ++i)
    add(Side::client,
        {.flags = wire::kAck, .seq = 7 + 10 * i, .ack = 9, .payload = "0123456789", .server = 0x0a000099});
  const std::deque<FrameBytes> frames = client.in;
  burst();
  EXPECT_EQ(server.out, frames);
}

TEST_F(RunOfFramesTest, DataThatBeginsBeforeItsTurnIsTakenFrameByFrame) {
  start(test::masking_policy());
  connect();
  const std::string text = request(4000);
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = 500, .payload = text.substr(0, 1500)});
  const std::size_t before = received(TraceLeg::client).size();
  add_cut(Side::client, 100, 500, text, 1000);  // the first is old, the second half so
  burst();
  EXPECT_EQ(received(TraceLeg::client).size(), before + (text.size() + 999) / 1000);
  EXPECT_TRUE(text_to(Side::server, 100) == text);
}

TEST_F(RunOfFramesTest, AConnectionMayOpenAndSpeakInOneBurst) {
  start(test::masking_policy());
  from(Side::client, {.seq = 99});
  from(Side::server, {.flags = wire::kSyn | wire::kAck, .seq = 499, .ack = 100});
  client.out.clear();
  server.out.clear();
  const std::string text = request(4000);
  add(Side::client, {.flags = wire::kAck, .seq = 100, .ack = 500});
  add_cut(Side::client, 100, 500, text, 1000);
  burst();
  EXPECT_TRUE(text_to(Side::server, 100) == text);
}

TEST_F(RunOfFramesTest, TheEndOfAStreamComesAfterWhatIsBeforeIt) {
  start(test::masking_policy());
  connect();
  const std::string text = request(4000);
  const std::uint32_t end = add_cut(Side::client, 100, 500, text, 1000);
  add(Side::client, {.flags = wire::kAck | wire::kFin, .seq = end, .ack = 500});
  burst();
  EXPECT_EQ(next(Side::client).ack, end + 1);
  EXPECT_TRUE(text_to(Side::server, 100) == text);
}

// One ACK of many stands for all, unless what is told is that something is missing.
TEST_F(RunOfFramesTest, AcknowledgementsOfABurstAreOneUntilTheyRepeat) {
  start(test::masking_policy());
  connect();
  const std::string text = request(7000);
  add_cut(Side::client, 100, 500, text, 1400);
  burst();
  EXPECT_TRUE(text_to(Side::server, 100) == text);
  const std::size_t before = received(TraceLeg::server).size();
  for (const std::uint32_t ack : {1560U, 3020U, 4480U})
    add(Side::server, {.flags = wire::kAck, .seq = 500, .ack = ack});
  burst();
  ASSERT_EQ(received(TraceLeg::server).size(), before + 1);
  EXPECT_EQ(received(TraceLeg::server).back().b, 4480U - 99);
  for (int i = 0; i < 3; ++i) add(Side::server, {.flags = wire::kAck, .seq = 500, .ack = 4480});
  burst();
  EXPECT_EQ(received(TraceLeg::server).size(), before + 4);
  EXPECT_EQ(next(Side::server).seq, 4480U) << "three that say the same ask for it again";
}

// However a stream is cut and bundled, the server gets the same bytes and the record says the same.
TEST_F(RunOfFramesTest, BundlingChangesNothing) {
  start(test::masking_policy());
  std::minstd_rand random(7);
  const auto below = [&](std::size_t n) { return std::size_t{random()} % n; };
  std::string first;
  for (std::uint16_t port = 40000; port < 40006; ++port) {
    connect(port);
    std::string text = request(3000) + request(2000, 'c');
    text.replace(1000, 16, "4111111111111111");
    std::string sent;
    std::size_t waiting = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t bytes = std::min(1 + below(port == 40000 ? 1400 : 300), text.size() - at);
      add(Side::client, {.flags = static_cast<std::uint8_t>(wire::kAck | (below(4) == 0 ? wire::kPsh : 0)),
                         .seq = 100 + static_cast<std::uint32_t>(at),
                         .ack = 500,
                         .payload = text.substr(at, bytes),
                         .client_port = port});
      at += bytes;
      if (port != 40000 && at != text.size() && ++waiting % 40 != 0 && below(12) != 0) continue;
      if (below(3) == 0 && client.in.size() > 1) std::swap(client.in[0], client.in[1]);
      for (int i = 0; i < 3; ++i) burst();
      now += kMillisecond;
      const std::string more = text_to(Side::server, 100 + static_cast<std::uint32_t>(sent.size()));
      sent += more;
      add(Side::server,
          {.flags = wire::kAck, .seq = 500, .ack = 100 + static_cast<std::uint32_t>(sent.size()), .client_port = port});
      burst();
      sent += text_to(Side::server, 100 + static_cast<std::uint32_t>(sent.size()));
    }
    if (first.empty()) first = sent;
    EXPECT_TRUE(sent == first) << port;
    EXPECT_EQ(sent.size(), text.size());
  }
}

}  // namespace
}  // namespace sluice::worker
