// The three-way handshake through the appliance, a script for each behaviour (RFC 9293 section 3.10.7, seen from the
// middle): the client's number is 99, the server's 499, and each is answered when, and as, the other one answered.
#include <algorithm>

#include "tests/unit/dataplane/worker/harness.h"

namespace sluice::worker {
namespace {

using wire::kAck;
using wire::kFin;
using wire::kPsh;
using wire::kRst;
using wire::kSyn;

constexpr std::uint8_t kSynAck = kSyn | kAck;
const std::string kRequest = "GET / HTTP/1.1\r\nHost: web\r\n\r\n";

class HandshakeTest : public WorkerTest {
 protected:
  HandshakeTest() { start(test::masking_policy()); }

  void syn(Segment segment = {}) {
    segment.flags = kSyn;
    segment.seq = 99;
    from(Side::client, segment);
  }
  void syn_ack(Segment segment = {}) {
    segment.flags = kSynAck;
    segment.seq = 499;
    segment.ack = 100;
    from(Side::server, segment);
  }
  void ack(Segment segment = {}) {
    segment.flags |= kAck;
    segment.flags &= static_cast<std::uint8_t>(~kSyn);
    segment.seq = 100;
    segment.ack = 500;
    from(Side::client, segment);
  }
  void forget() {
    client.out.clear();
    server.out.clear();
  }
  // Nothing is said to a side.
  void expect_silence(Side to) { EXPECT_TRUE((to == Side::client ? client : server).out.empty()); }
  // All payload that goes to a side now.
  std::string text_to(Side to) {
    std::string text;
    FrameBytes bytes;
    for (wire::Frame frame = next(to, &bytes); frame.kind == wire::FrameKind::tcp; frame = next(to, &bytes))
      text.append(as_text(Bytes(bytes).subspan(frame.payload_offset, frame.payload_bytes)));
    return text;
  }
  // Of all frames to a side, the flags together.
  std::uint8_t flags_to(Side to) {
    std::uint8_t flags = 0;
    for (wire::Frame frame = next(to); frame.kind == wire::FrameKind::tcp; frame = next(to)) flags |= frame.flags;
    return flags;
  }
};

wire::TcpOptions all_options(std::uint16_t mss, std::uint8_t shift, std::uint32_t ts_value, std::uint32_t ts_echo) {
  return {.mss = mss,
          .window_shift = shift,
          .sack_permitted = true,
          .has_timestamps = true,
          .ts_value = ts_value,
          .ts_echo = ts_echo};
}

wire::TcpOptions only_mss(std::uint16_t mss) {
  wire::TcpOptions options;
  options.mss = mss;
  return options;
}

wire::TcpOptions only_timestamps(std::uint32_t ts_value, std::uint32_t ts_echo) {
  wire::TcpOptions options;
  options.has_timestamps = true;
  options.ts_value = ts_value;
  options.ts_echo = ts_echo;
  return options;
}

// --- the SYN

TEST_F(HandshakeTest, ASynReachesTheServerAsTheClientSentIt) {
  syn({.window = 1234, .options = all_options(1400, 7, 17, 0)});
  const wire::Frame heard = next(Side::server);
  EXPECT_EQ(heard.flags, kSyn);
  EXPECT_EQ(heard.seq, 99U);
  EXPECT_EQ(heard.window, 1234);
  EXPECT_EQ(heard.options.mss, 1400);
  EXPECT_EQ(heard.options.window_shift, 7);
  EXPECT_TRUE(heard.options.sack_permitted);
  EXPECT_EQ(heard.options.ts_value, 17U);
  EXPECT_EQ(heard.source, test::kClientAddress);
  EXPECT_EQ(heard.destination, test::kServerAddress);
}

TEST_F(HandshakeTest, TheClientIsNotAnsweredBeforeTheServer) {
  syn();
  expect_silence(Side::client);
  now += kSecond;
  burst();
  expect_silence(Side::client);
}

TEST_F(HandshakeTest, AnOptionThatNobodyOfferedIsNotInvented) {
  syn({.options = wire::TcpOptions{}});
  const wire::Frame heard = next(Side::server);
  EXPECT_EQ(heard.options.mss, 0);
  EXPECT_FALSE(heard.options.window_shift);
  EXPECT_FALSE(heard.options.sack_permitted);
  EXPECT_FALSE(heard.options.has_timestamps);
}

TEST_F(HandshakeTest, AnMssBeyondThePortsIsClampedBothWays) {
  syn({.options = only_mss(8960)});
  EXPECT_EQ(next(Side::server).options.mss, 1460);
  syn_ack({.options = only_mss(8960)});
  EXPECT_EQ(next(Side::client).options.mss, 1460);
}

// RFC 7323 section 2.3.
TEST_F(HandshakeTest, AWindowScaleBeyondFourteenIsFourteen) {
  syn({.options = wire::TcpOptions{.mss = 1460, .window_shift = 200}});
  EXPECT_EQ(next(Side::server).options.window_shift, 14);
}

TEST_F(HandshakeTest, AnOptionThatIsNotSpokenHereIsTakenOut) {
  FrameBytes frame = tcp_frame(Side::client, {.seq = 99, .options = all_options(1460, 7, 1, 0)});
  const wire::Frame before = wire::parse(frame, frame.size());
  // The timestamp option becomes TCP Fast Open (kind 34), a cookie of eight bytes.
  std::size_t at = before.l4_offset + 20U;
  while (frame[at] != 8 || frame[at + 1] != 10) ++at;
  const std::uint16_t was = load_be16(frame.data() + (at & ~std::size_t{1}));
  frame[at] = 34;
  std::uint8_t* const checksum = frame.data() + before.l4_offset + wire::kTcpChecksumOffset;
  store_be16(checksum,
             wire::updated_checksum16(load_be16(checksum), was, load_be16(frame.data() + (at & ~std::size_t{1}))));
  deliver(Side::client, frame);
  FrameBytes bytes;
  const wire::Frame heard = next(Side::server, &bytes);
  ASSERT_EQ(heard.flags, kSyn);
  const Bytes options = Bytes(bytes).subspan(heard.l4_offset + 20U);
  EXPECT_EQ(std::count(options.begin(), options.end(), 34), 0);
  EXPECT_FALSE(heard.options.has_timestamps);
  EXPECT_EQ(heard.options.mss, 1460);
}

// RFC 7413: what rides on the SYN has no verdict, so it waits for the handshake like all else.
TEST_F(HandshakeTest, DataOnASynStaysHereAndComesAgain) {
  syn({.payload = kRequest});
  EXPECT_EQ(next(Side::server).payload_bytes, 0U);
  syn_ack();
  EXPECT_EQ(next(Side::client).ack, 100U) << "of the SYN alone";
  ack({.payload = kRequest});
  EXPECT_EQ(text_to(Side::server), kRequest);
}

TEST_F(HandshakeTest, AFinOnASynIsNotRelayed) {
  from(Side::client, {.flags = kSyn | kFin, .seq = 99});
  EXPECT_EQ(next(Side::server).flags & kFin, 0);
}

TEST_F(HandshakeTest, ARepeatedSynIsRelayedAgain) {
  syn();
  forget();
  now += kSecond;
  syn();
  const wire::Frame again = next(Side::server);
  EXPECT_EQ(again.flags, kSyn);
  EXPECT_EQ(again.seq, 99U);
  EXPECT_EQ(worker->sessions_open(), 1U);
}

TEST_F(HandshakeTest, ASynOfAnotherNumberStartsOver) {
  syn();
  syn_ack();
  forget();
  from(Side::client, {.seq = 7'000});
  EXPECT_EQ(next(Side::server).seq, 7'000U);
  syn_ack();  // of the attempt before
  expect_silence(Side::client);
  ack();
  expect_silence(Side::server);
  from(Side::server, {.flags = kSynAck, .seq = 900, .ack = 7'001});
  EXPECT_EQ(next(Side::client).seq, 900U);
  from(Side::client, {.flags = kAck, .seq = 7'001, .ack = 901});
  EXPECT_EQ(next(Side::server).ack, 901U);
  EXPECT_EQ(worker->sessions_open(), 1U);
}

// --- the SYN-ACK

TEST_F(HandshakeTest, TheSynAckReachesTheClientAsTheServerSentIt) {
  syn({.options = all_options(1460, 7, 17, 0)});
  syn_ack({.window = 4321, .options = all_options(1300, 9, 1'000, 17)});
  const wire::Frame heard = next(Side::client);
  EXPECT_EQ(heard.flags, kSynAck);
  EXPECT_EQ(heard.seq, 499U);
  EXPECT_EQ(heard.ack, 100U);
  EXPECT_EQ(heard.window, 4321);
  EXPECT_EQ(heard.options.mss, 1300);
  EXPECT_EQ(heard.options.window_shift, 9);
  EXPECT_EQ(heard.options.ts_value, 1'000U);
  EXPECT_EQ(heard.options.ts_echo, 17U);
  EXPECT_EQ(heard.source, test::kServerAddress);
}

// RFC 7323 section 2.2, RFC 2018 section 2: an answer may not offer what was not offered.
TEST_F(HandshakeTest, AnAnswerWithOptionsThatWereNotOfferedLosesThem) {
  syn({.options = only_mss(1460)});
  syn_ack({.options = all_options(1460, 9, 1'000, 17)});
  const wire::Frame heard = next(Side::client);
  EXPECT_FALSE(heard.options.window_shift);
  EXPECT_FALSE(heard.options.sack_permitted);
  EXPECT_FALSE(heard.options.has_timestamps);
}

TEST_F(HandshakeTest, ASynAckOfAnotherSynIsNotRelayed) {
  syn();
  for (const std::uint32_t number : {99U, 101U, 0U}) from(Side::server, {.flags = kSynAck, .seq = 499, .ack = number});
  expect_silence(Side::client);
  EXPECT_EQ(count(ErrorCode::tcp_out_of_handshake), 3U);
  syn_ack();
  EXPECT_EQ(next(Side::client).flags, kSynAck);
}

TEST_F(HandshakeTest, ARepeatedSynAckIsRelayedAgain) {
  syn();
  syn_ack();
  forget();
  syn_ack();
  EXPECT_EQ(next(Side::client).flags, kSynAck);
}

TEST_F(HandshakeTest, AfterALostSynAckTheClientsSynGoesToTheServerAgain) {
  syn();
  syn_ack();
  forget();
  syn();
  EXPECT_EQ(next(Side::server).seq, 99U);
  expect_silence(Side::client);
}

TEST_F(HandshakeTest, ABareAckOfTheServerIsNoAnswer) {
  syn();
  from(Side::server, {.flags = kAck, .seq = 499, .ack = 100});
  expect_silence(Side::client);
}

// RFC 9293 section 3.5, figure 7: both call at once. The server's own SYN stays here, and it answers the client's.
TEST_F(HandshakeTest, ASimultaneousOpenBecomesAnOrdinaryOne) {
  syn();
  forget();
  from(Side::server, {.flags = kSyn, .seq = 499});
  expect_silence(Side::client);
  expect_silence(Side::server);
  syn_ack();  // the server heard the client's SYN while its own was on the way
  EXPECT_EQ(next(Side::client).flags, kSynAck);
  ack({.payload = kRequest});
  EXPECT_EQ(text_to(Side::server), kRequest);
}

// --- the ACK that completes it

TEST_F(HandshakeTest, TheAckReachesTheServerAndTheConnectionStands) {
  syn();
  syn_ack();
  forget();
  ack();
  const wire::Frame heard = next(Side::server);
  EXPECT_EQ(heard.flags, kAck);
  EXPECT_EQ(heard.seq, 100U);
  EXPECT_EQ(heard.ack, 500U);
  expect_silence(Side::client);
}

TEST_F(HandshakeTest, AnAckBeforeTheAnswerIsNothing) {
  syn();
  forget();
  ack();
  expect_silence(Side::server);
  expect_silence(Side::client);
  EXPECT_EQ(count(ErrorCode::tcp_out_of_handshake), 1U);
}

TEST_F(HandshakeTest, AnAckOfAnotherNumberDoesNotCompleteIt) {
  syn();
  syn_ack();
  forget();
  for (const std::uint32_t number : {499U, 501U, 0U}) from(Side::client, {.flags = kAck, .seq = 100, .ack = number});
  expect_silence(Side::server);
  EXPECT_EQ(count(ErrorCode::tcp_out_of_handshake), 3U);
  ack();
  EXPECT_EQ(next(Side::server).flags, kAck);
}

TEST_F(HandshakeTest, DataMayRideOnTheAck) {
  syn();
  syn_ack();
  forget();
  ack({.payload = kRequest});
  EXPECT_EQ(text_to(Side::server), kRequest);
}

TEST_F(HandshakeTest, WhereTheAckWasLostTheFirstDataCompletesIt) {
  syn();
  syn_ack();
  forget();
  from(Side::client, {.flags = kAck | kPsh, .seq = 100, .ack = 500, .payload = kRequest.substr(0, 5)});
  from(Side::client, {.flags = kAck | kPsh, .seq = 105, .ack = 500, .payload = kRequest.substr(5)});
  EXPECT_EQ(text_to(Side::server), kRequest);
}

TEST_F(HandshakeTest, DataThatOvertookTheAckCompletesItToo) {
  syn();
  syn_ack();
  forget();
  from(Side::client, {.flags = kAck | kPsh, .seq = 105, .ack = 500, .payload = kRequest.substr(5)});
  EXPECT_EQ(text_to(Side::server), "") << "the ACK, and a hole";
  from(Side::client, {.flags = kAck | kPsh, .seq = 100, .ack = 500, .payload = kRequest.substr(0, 5)});
  EXPECT_EQ(text_to(Side::server), kRequest);
}

TEST_F(HandshakeTest, AFinMayRideOnTheAck) {
  syn();
  syn_ack();
  forget();
  ack({.flags = kFin});
  EXPECT_EQ(flags_to(Side::server) & (kFin | kRst), kFin);
}

// RFC 7323 section 2.2: the window of a SYN is as it stands, that of every other segment is scaled.
TEST_F(HandshakeTest, TheWindowOfTheAckIsScaled) {
  syn({.window = 60'000, .options = wire::TcpOptions{.mss = 536, .window_shift = 10}});
  syn_ack({.options = wire::TcpOptions{.mss = 1460, .window_shift = 0}});
  ack({.payload = kRequest, .window = 1});
  forget();
  const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + std::string(2'000, 'x');
  const auto asked = static_cast<std::uint32_t>(100 + kRequest.size());
  from(Side::server, {.flags = kAck, .seq = 500, .ack = asked, .payload = response.substr(0, 1'000)});
  from(Side::server, {.flags = kAck, .seq = 1'500, .ack = asked, .payload = response.substr(1'000)});
  EXPECT_EQ(text_to(Side::client).size(), 1'000U) << "the client takes 1 024 bytes";
  from(Side::client, {.flags = kAck, .seq = asked, .ack = 1'500, .window = 4});
  EXPECT_GT(text_to(Side::client).size(), 536U);
}

// The default of RFC 9293 section 3.7.1.
TEST_F(HandshakeTest, WithoutAnMssOptionAPeerGetsSmallSegments) {
  syn();
  syn_ack({.options = wire::TcpOptions{}});
  forget();
  ack({.payload = "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 1000\r\n\r\n" + std::string(1'000, 'x')});
  std::size_t most = 0;
  for (wire::Frame frame = next(Side::server); frame.kind == wire::FrameKind::tcp; frame = next(Side::server))
    most = std::max<std::size_t>(most, frame.payload_bytes);
  EXPECT_EQ(most, 536U);
}

TEST_F(HandshakeTest, ATimestampThatOnlyOneSideOfferedIsNotUsed) {
  syn({.options = all_options(1460, 7, 17, 0)});
  syn_ack({.options = only_mss(1460)});
  forget();
  ack({.payload = kRequest});
  for (wire::Frame frame = next(Side::server); frame.kind == wire::FrameKind::tcp; frame = next(Side::server))
    EXPECT_FALSE(frame.options.has_timestamps);
}

TEST_F(HandshakeTest, TheServerHearsTheClientsTimestampsFromTheFirstSegmentOn) {
  syn({.options = all_options(1460, 7, 17, 0)});
  syn_ack({.options = all_options(1460, 7, 1'000, 17)});
  forget();
  ack({.options = only_timestamps(20, 1'000)});
  const wire::Frame heard = next(Side::server);
  ASSERT_TRUE(heard.options.has_timestamps);
  EXPECT_EQ(heard.options.ts_value, 20U);
  EXPECT_EQ(heard.options.ts_echo, 1'000U);
}

TEST_F(HandshakeTest, WhereTheAckToTheServerWasLostItsSynAckIsAnsweredHere) {
  syn();
  syn_ack();
  ack();
  forget();
  syn_ack();
  const wire::Frame heard = next(Side::server);
  EXPECT_EQ(heard.flags, kAck);
  EXPECT_EQ(heard.ack, 500U);
  expect_silence(Side::client);
}

// --- who says no

TEST_F(HandshakeTest, ARefusalReachesTheClientAndLeavesNoSession) {
  syn();
  from(Side::server, {.flags = kRst | kAck, .seq = 0, .ack = 100});
  const wire::Frame heard = next(Side::client);
  EXPECT_EQ(heard.flags, kRst | kAck);
  EXPECT_EQ(heard.seq, 0U);
  EXPECT_EQ(heard.ack, 100U) << "so that the client believes it (RFC 9293 section 3.10.7.3)";
  EXPECT_EQ(worker->sessions_open(), 0U);
  EXPECT_EQ(count(ErrorCode::tcp_refused_by_server), 1U);
}

TEST_F(HandshakeTest, ARefusalOfAnotherSynIsNothing) {
  syn();
  from(Side::server, {.flags = kRst | kAck, .seq = 0, .ack = 99});
  from(Side::server, {.flags = kRst, .seq = 100});
  expect_silence(Side::client);
  EXPECT_EQ(worker->sessions_open(), 1U);
}

TEST_F(HandshakeTest, AClientThatGivesUpTakesItsSynBack) {
  syn();
  forget();
  from(Side::client, {.flags = kRst, .seq = 100});
  const wire::Frame heard = next(Side::server);
  EXPECT_EQ(heard.flags, kRst);
  EXPECT_EQ(heard.seq, 100U) << "the number that the server waits for (RFC 5961 section 3)";
  EXPECT_EQ(worker->sessions_open(), 0U);
}

TEST_F(HandshakeTest, AClientThatResetsTheAnswerResetsTheServer) {
  syn();
  syn_ack();
  forget();
  from(Side::client, {.flags = kRst, .seq = 100});
  EXPECT_EQ(next(Side::server).flags, kRst);
  EXPECT_EQ(worker->sessions_open(), 0U);
  EXPECT_EQ(recorder.opened, 0U) << "there was no connection";
}

TEST_F(HandshakeTest, ABlindResetOfTheClientIsNothing) {
  syn();
  syn_ack();
  forget();
  for (const std::uint32_t number : {0U, 99U, 101U, 60'000U}) from(Side::client, {.flags = kRst, .seq = number});
  expect_silence(Side::server);
  ack();
  EXPECT_EQ(next(Side::server).flags, kAck);
}

TEST_F(HandshakeTest, AFinBeforeTheAnswerIsNothing) {
  syn();
  forget();
  from(Side::client, {.flags = kFin, .seq = 100});
  from(Side::client, {.flags = kFin | kAck, .seq = 100, .ack = 500});
  expect_silence(Side::server);
  EXPECT_EQ(worker->sessions_open(), 1U);
}

TEST_F(HandshakeTest, AServerThatResetsAfterItsAnswerResetsTheConnection) {
  syn();
  syn_ack();
  ack();
  forget();
  from(Side::server, {.flags = kRst, .seq = 500});
  const wire::Frame heard = next(Side::client);
  EXPECT_EQ(heard.flags & kRst, kRst);
  EXPECT_EQ(heard.seq, 500U);
}

}  // namespace
}  // namespace sluice::worker
