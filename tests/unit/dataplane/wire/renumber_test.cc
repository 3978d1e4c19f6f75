// Every number moves, and the checksum stays as right or wrong as it was.
#include "dataplane/wire/renumber.h"

#include <gtest/gtest.h>

#include <vector>

#include "dataplane/wire/build.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/frame.h"

namespace sluice::wire {
namespace {

const IpAddress kClient = 0x0a000001;
const IpAddress kServer = 0x0a000002;

struct Packet {
  explicit Packet(const TcpHeader& header, std::string_view payload = "payload") : bytes(header_bytes(header)) {
    const std::size_t head = write(header, payload.size(), bytes);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    ChecksumSum sum;
    sum.add(as_bytes(payload));
    l4 = header.link.length + ip_header_bytes(header);
    tcp_bytes = head - l4;
    complete_checksum(tcp(), kTcpChecksumOffset, sum);
  }
  MutableBytes tcp() { return MutableBytes(bytes).subspan(l4, tcp_bytes); }
  Frame frame() const { return parse(bytes, bytes.size()); }
  bool is_right() const {
    const Frame f = frame();
    const Bytes segment = Bytes(bytes).subspan(l4);
    ChecksumSum sum =
        pseudo_header_sum(f.source, f.destination, kProtocolTcp, static_cast<std::uint16_t>(segment.size()));
    sum.add(segment);
    return sum.checksum() == 0;
  }

  std::vector<std::uint8_t> bytes;
  std::size_t l4 = 0;
  std::size_t tcp_bytes = 0;
};

TcpHeader header_of(bool ipv6 = false) {
  TcpHeader header{.link = {.bytes = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, .length = 14},
                   .source = ipv6 ? IpAddress(1, 2) : kClient,
                   .destination = ipv6 ? IpAddress(3, 4) : kServer,
                   .source_port = 40000,
                   .destination_port = 80,
                   .seq = 0xfffffff0,
                   .ack = 7,
                   .window = 1000,
                   .flags = kAck | kPsh,
                   .options = {}};
  store_be16(header.link.bytes + 12, ipv6 ? 0x86dd : 0x0800);
  return header;
}

TEST(Renumber, moves_both_numbers_around_the_end_and_keeps_the_checksum_right) {
  for (const bool ipv6 : {false, true}) {
    Packet packet(header_of(ipv6));
    ASSERT_TRUE(packet.is_right());
    renumber(packet.tcp(), {.seq = 0x20, .ack = static_cast<std::uint32_t>(-8)}, false);
    EXPECT_EQ(packet.frame().seq, 0x10U);
    EXPECT_EQ(packet.frame().ack, 0xffffffffU);
    EXPECT_EQ(packet.frame().window, 1000);
    EXPECT_TRUE(packet.is_right());
  }
}

TEST(Renumber, holds_for_any_numbers) {
  std::uint32_t n = 12345;
  for (int i = 0; i < 20'000; ++i) {
    n = n * 1664525 + 1013904223;
    TcpHeader header = header_of(i % 2 == 0);
    header.seq = n;
    header.ack = n ^ 0x5a5a5a5a;
    Packet packet(header, std::string(i % 7, 'x'));
    renumber(packet.tcp(),
             {.seq = n * 31, .ack = n * 17, .window_from = static_cast<std::uint8_t>(i % 15), .window_to = 3}, false);
    ASSERT_TRUE(packet.is_right()) << i;
  }
}

TEST(Renumber, moves_sack_blocks_beside_timestamps_and_alone) {
  const SackBlock blocks[] = {{100, 200}, {0xfffffff0, 0x10}};
  for (const bool stamped : {false, true}) {
    TcpHeader header = header_of();
    header.options.has_timestamps = stamped;
    header.options.ts_value = 77;
    header.options.ts_echo = 78;
    header.sack = blocks;
    Packet packet(header, "");
    renumber(packet.tcp(), {.seq = 1, .ack = 1000}, false);
    const Frame frame = packet.frame();
    ASSERT_EQ(frame.sack.count, 2);
    EXPECT_EQ(frame.sack.blocks[0], (SackBlock{1100, 1200}));
    EXPECT_EQ(frame.sack.blocks[1], (SackBlock{1000 - 16, 1016}));
    EXPECT_EQ(frame.ack, 1007U);
    EXPECT_EQ(frame.options.ts_value, stamped ? 77U : 0U);
    EXPECT_TRUE(packet.is_right());
  }
}

// No host we know writes blocks so, but the standard allows it.
TEST(Renumber, moves_sack_blocks_at_an_odd_place) {
  TcpHeader header = header_of();
  const SackBlock block[] = {{100, 200}};
  header.sack = block;
  Packet packet(header, "");
  // NOP NOP SACK … becomes SACK … NOP NOP, and then one NOP in front: every value at an odd offset.
  std::vector<std::uint8_t> sack(packet.tcp().begin() + 22, packet.tcp().begin() + 32);
  packet.tcp()[20] = 1;
  std::copy(sack.begin(), sack.end(), packet.tcp().begin() + 21);
  packet.tcp()[31] = 1;
  store_be16(packet.tcp().data() + kTcpChecksumOffset,
             pseudo_header_sum(kClient, kServer, kProtocolTcp, static_cast<std::uint16_t>(packet.tcp_bytes)).folded());
  complete_checksum(packet.tcp(), kTcpChecksumOffset, {});
  ASSERT_TRUE(packet.is_right());
  renumber(packet.tcp(), {.ack = 0x01020304}, false);
  ASSERT_EQ(packet.frame().sack.count, 1);
  EXPECT_EQ(packet.frame().sack.blocks[0].begin, 100 + 0x01020304U);
  EXPECT_TRUE(packet.is_right());
}

TEST(Renumber, timestamps_in_their_usual_place_cost_no_walk_and_stay) {
  TcpHeader header = header_of();
  header.options.has_timestamps = true;
  header.options.ts_value = 0x05120000;  // whose bytes look like a SACK option
  Packet packet(header);
  renumber(packet.tcp(), {.seq = 5, .ack = 6}, false);
  EXPECT_EQ(packet.frame().options.ts_value, 0x05120000U);
  EXPECT_TRUE(packet.is_right());
}

TEST(Renumber, a_reset_without_ack_keeps_its_zero) {
  TcpHeader header = header_of();
  header.flags = kRst;
  header.ack = 0;
  Packet packet(header, "");
  renumber(packet.tcp(), {.seq = 5, .ack = 6}, false);
  EXPECT_EQ(packet.frame().ack, 0U);
  EXPECT_EQ(packet.frame().seq, 0xfffffff5U);
  EXPECT_TRUE(packet.is_right());
}

TEST(Renumber, a_wrong_checksum_stays_wrong_and_a_partial_one_stays) {
  Packet wrong(header_of());
  wrong.bytes.back() ^= 1;
  renumber(wrong.tcp(), {.seq = 5, .ack = 6}, false);
  EXPECT_FALSE(wrong.is_right());
  Packet partial(header_of());
  store_be16(partial.tcp().data() + kTcpChecksumOffset, 0x1234);
  renumber(partial.tcp(), {.seq = 5, .ack = 6}, true);
  EXPECT_EQ(load_be16(partial.tcp().data() + kTcpChecksumOffset), 0x1234);
}

TEST(Renumber, windows_are_never_larger_in_another_scale) {
  EXPECT_EQ(rescaled_window(1000, 7, 7), 1000);
  EXPECT_EQ(rescaled_window(1000, 7, 3), 16000);
  EXPECT_EQ(rescaled_window(1000, 3, 7), 62) << "rounded down";
  EXPECT_EQ(rescaled_window(65535, 14, 0), 65535) << "as much as can be said";
  EXPECT_EQ(rescaled_window(0, 14, 0), 0);
  Packet packet(header_of());
  renumber(packet.tcp(), {.window_from = 3, .window_to = 7}, false);
  EXPECT_EQ(packet.frame().window, 62);
  EXPECT_EQ(packet.frame().seq, 0xfffffff0U);
  EXPECT_TRUE(packet.is_right());
}

}  // namespace
}  // namespace sluice::wire
