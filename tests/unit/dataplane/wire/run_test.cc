// Which frames carry on where another ended, and what they say together.
#include "dataplane/wire/run.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <vector>

#include "dataplane/wire/build.h"
#include "dataplane/wire/checksum.h"

namespace sluice::wire {
namespace {

using FrameBytes = std::vector<std::uint8_t>;

struct Shape {
  bool ipv6 = false;
  bool timestamps = true;
  bool tagged = false;
};

TcpHeader header_of(const Shape& shape) {
  TcpHeader header;
  header.link = {.bytes = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, .length = 14};
  header.source = shape.ipv6 ? IpAddress{1, 2} : IpAddress(0x0a000001);
  header.destination = shape.ipv6 ? IpAddress{1, 3} : IpAddress(0x0a000002);
  if (shape.ipv6) store_be16(header.link.bytes + 12, 0x86dd);
  if (shape.tagged) {
    std::memcpy(header.link.bytes + 16, header.link.bytes + 12, 2);
    store_be16(header.link.bytes + 12, 0x8100);
    store_be16(header.link.bytes + 14, 7);
    header.link.length = 18;
  }
  header.source_port = 40000;
  header.destination_port = 80;
  header.seq = 0xffffff00;  // a run crosses the end of the numbers
  header.ack = 0xfffffff0;
  header.window = 1000;
  header.flags = kAck;
  header.options.has_timestamps = shape.timestamps;
  header.options.ts_value = 0xffffffff;
  header.options.ts_echo = 9;
  return header;
}

FrameBytes frame_of(const TcpHeader& header, std::size_t payload_bytes) {
  FrameBytes bytes(header_bytes(header) + payload_bytes, 'x');
  write(header, payload_bytes, bytes);
  return bytes;
}

class RunTest : public testing::TestWithParam<Shape> {
 protected:
  void begin(const TcpHeader& header, std::size_t payload_bytes) {
    first = frame_of(header, payload_bytes);
    parse(first, first.size(), frame);
    run.begin(frame, first);
  }
  bool take(const TcpHeader& header, std::size_t payload_bytes) {
    taken.push_back(frame_of(header, payload_bytes));
    return run.take(taken.back());
  }
  // Whether a second frame of 100 bytes, changed, is taken behind a first.
  bool takes(const std::function<void(TcpHeader&)>& change, std::size_t payload_bytes = 100) {
    TcpHeader header = header_of(GetParam());
    begin(header, 200);
    header.seq += 200;
    change(header);
    return take(header, payload_bytes);
  }
  bool takes_bytes(const std::function<void(FrameBytes&)>& change) {
    TcpHeader header = header_of(GetParam());
    begin(header, 200);
    header.seq += 200;
    taken.push_back(frame_of(header, 100));
    change(taken.back());
    return run.take(taken.back());
  }
  // Whether a second acknowledgement is taken behind a first.
  bool takes_ack(const std::function<void(TcpHeader&)>& change) {
    TcpHeader header = header_of(GetParam());
    begin(header, 0);
    header.ack += 100;
    change(header);
    return take(header, 0);
  }

  FrameBytes first;
  std::vector<FrameBytes> taken;
  Frame frame;
  wire::Run run;
};

INSTANTIATE_TEST_SUITE_P(Shapes, RunTest,
                         testing::Values(Shape{}, Shape{.timestamps = false}, Shape{.ipv6 = true},
                                         Shape{.ipv6 = true, .timestamps = false}, Shape{.tagged = true},
                                         Shape{.ipv6 = true, .tagged = true}));

TEST_P(RunTest, BytesThatFollowEachOtherAreOne) {
  TcpHeader header = header_of(GetParam());
  begin(header, 200);
  header.seq += 200;
  header.ip_id = 77;
  EXPECT_TRUE(take(header, 300));
  EXPECT_EQ(run.last_bytes(), 300U);
  header.seq += 300;
  header.flags |= kPsh;
  EXPECT_TRUE(take(header, 1));
  EXPECT_EQ(run.bytes(), 501U);
  EXPECT_EQ(run.last_ack(), header.ack);

  // As one frame of that length would be parsed.
  TcpHeader whole = header_of(GetParam());
  whole.flags |= kPsh;
  const FrameBytes bytes = frame_of(whole, 501);
  const Frame as_one = parse(bytes, bytes.size());
  run.tell(frame);
  EXPECT_EQ(frame.payload_bytes, as_one.payload_bytes);
  EXPECT_EQ(frame.seq, as_one.seq);
  EXPECT_EQ(frame.ack, as_one.ack);
  EXPECT_EQ(frame.flags, as_one.flags);
  EXPECT_EQ(frame.window, as_one.window);
  EXPECT_EQ(frame.options.ts_value, as_one.options.ts_value);
  EXPECT_EQ(frame.options.ts_echo, as_one.options.ts_echo);
}

TEST_P(RunTest, WhatOneFrameSaysIsReadWithoutParsingIt) {
  TcpHeader header = header_of(GetParam());
  begin(header, 200);
  header.seq += 200;
  header.flags |= kPsh;
  ASSERT_TRUE(take(header, 300));
  wire::Run::read(taken.back(), run.last_bytes(), frame);
  const Frame parsed = parse(taken.back(), taken.back().size());
  EXPECT_EQ(frame.seq, parsed.seq);
  EXPECT_EQ(frame.ack, parsed.ack);
  EXPECT_EQ(frame.flags, parsed.flags);
  EXPECT_EQ(frame.window, parsed.window);
  EXPECT_EQ(frame.payload_bytes, parsed.payload_bytes);
  EXPECT_EQ(frame.payload_offset, parsed.payload_offset);
  EXPECT_EQ(frame.options.ts_value, parsed.options.ts_value);
}

TEST_P(RunTest, AnythingElseThatIsSaidIsForItself) {
  ASSERT_TRUE(takes([](TcpHeader&) {}));
  EXPECT_FALSE(takes([](TcpHeader& h) { h.seq += 1; })) << "a hole";
  EXPECT_FALSE(takes([](TcpHeader& h) { h.seq -= 1; })) << "an overlap";
  EXPECT_FALSE(takes([](TcpHeader& h) { h.ack += 1; }));
  EXPECT_FALSE(takes([](TcpHeader& h) { h.window += 1; }));
  EXPECT_FALSE(takes([](TcpHeader& h) { h.tos = kCongestionExperienced; }));
  EXPECT_FALSE(takes([](TcpHeader& h) { h.ttl -= 1; }));
  EXPECT_FALSE(takes([](TcpHeader& h) { h.link.bytes[11] ^= 1; }));
  EXPECT_FALSE(takes([](TcpHeader& h) { h.source_port ^= 1; }));
  EXPECT_FALSE(takes([](TcpHeader& h) { h.destination_port ^= 1; }));
  EXPECT_FALSE(takes([](TcpHeader& h) { std::swap(h.source, h.destination); }));
  EXPECT_FALSE(takes([](TcpHeader& h) { h.options.mss = 1000; }));
  EXPECT_FALSE(takes([](TcpHeader& h) { h.options.has_timestamps ^= true; }));
  EXPECT_FALSE(takes([](TcpHeader&) {}, 0)) << "an acknowledgement behind data";
  if (GetParam().timestamps) {
    EXPECT_FALSE(takes([](TcpHeader& h) { h.options.ts_value += 1; }));
    EXPECT_FALSE(takes([](TcpHeader& h) { h.options.ts_echo += 1; }));
  }
  if (GetParam().ipv6) {
    EXPECT_FALSE(takes([](TcpHeader& h) { h.flow_label ^= 1; }));
  }
  for (const std::uint8_t flag : {kFin, kSyn, kRst, kUrg, kEce, kCwr})
    EXPECT_FALSE(takes([&](TcpHeader& h) { h.flags |= flag; })) << int{flag};
}

TEST_P(RunTest, AFrameThatIsNotWholeOrNotRightIsForItself) {
  ASSERT_TRUE(takes_bytes([](FrameBytes&) {}));
  const std::size_t l3 = GetParam().tagged ? 18 : 14;
  EXPECT_TRUE(takes_bytes([](FrameBytes& bytes) { bytes.resize(bytes.size() + 9); })) << "Ethernet pads";
  EXPECT_FALSE(takes_bytes([](FrameBytes& bytes) { bytes.pop_back(); }));
  for (std::size_t size = 0; size < 60; ++size)
    EXPECT_FALSE(takes_bytes([&](FrameBytes& bytes) { bytes.resize(size); }));
  EXPECT_FALSE(takes_bytes([&](FrameBytes& bytes) { bytes[l3] ^= 0x10; }));
  if (GetParam().ipv6) return;
  EXPECT_FALSE(takes_bytes([&](FrameBytes& bytes) { bytes[l3 + 10] ^= 1; })) << "the header's checksum";
  EXPECT_FALSE(takes_bytes([&](FrameBytes& bytes) { bytes[l3 + 4] ^= 1; })) << "another byte of it";
  EXPECT_FALSE(takes_bytes([&](FrameBytes& bytes) {
    bytes[l3 + 6] ^= 0x20;  // a fragment
    bytes[l3 + 10] ^= 0x20;
  }));
}

TEST_P(RunTest, WhatIsNotPlainBeginsNoRun) {
  const auto begins = [&](const std::function<void(TcpHeader&)>& change, std::size_t payload_bytes = 100) {
    TcpHeader header = header_of(GetParam());
    change(header);
    begin(header, payload_bytes);
    header.seq += static_cast<std::uint32_t>(payload_bytes);
    return take(header, 100);
  };
  EXPECT_TRUE(begins([](TcpHeader&) {}));
  EXPECT_TRUE(begins([](TcpHeader& h) { h.flags |= kEce; })) << "data may tell of marks, each the same";
  EXPECT_FALSE(begins([](TcpHeader&) {}, 1)) << "may be a probe";
  EXPECT_FALSE(begins([](TcpHeader& h) { h.options.mss = 1000; }));
  const SackBlock block{1, 2};
  EXPECT_FALSE(begins([&](TcpHeader& h) { h.sack = {&block, 1}; }));
  for (const std::uint8_t flag : {kFin, kSyn, kRst, kUrg, kCwr})
    EXPECT_FALSE(begins([&](TcpHeader& h) { h.flags |= flag; })) << int{flag};
  run.begin_none();
  EXPECT_FALSE(take(header_of(GetParam()), 100));
}

TEST_P(RunTest, ARunFitsOnePacket) {
  TcpHeader header = header_of(GetParam());
  begin(header, 1448);
  header.seq += 1448;
  while (take(header, 1448)) header.seq += 1448;
  EXPECT_LE(run.bytes(), wire::Run::kMostBytes);
  EXPECT_GT(run.bytes(), wire::Run::kMostBytes - 1448);
}

TEST_P(RunTest, TheLastOfAcknowledgementsThatGoOnStandsForAll) {
  TcpHeader header = header_of(GetParam());
  begin(header, 0);
  header.ack += 100;
  header.window -= 7;
  header.options.ts_value += 3;
  ++header.options.ts_echo;
  EXPECT_TRUE(take(header, 0));
  header.ack += 1;
  EXPECT_TRUE(take(header, 0));
  EXPECT_EQ(run.bytes(), 0U);
  EXPECT_EQ(run.last_ack(), header.ack);
  run.tell(frame);
  const Frame last = parse(taken.back(), taken.back().size());
  EXPECT_EQ(frame.ack, last.ack);
  EXPECT_EQ(frame.window, last.window);
  EXPECT_EQ(frame.seq, last.seq);
  EXPECT_EQ(frame.payload_bytes, 0U);
  EXPECT_EQ(frame.options.ts_value, last.options.ts_value);
  EXPECT_EQ(frame.options.ts_echo, last.options.ts_echo);
}

TEST_P(RunTest, AnAcknowledgementThatTellsMoreThanProgressIsForItself) {
  ASSERT_TRUE(takes_ack([](TcpHeader&) {}));
  EXPECT_FALSE(takes_ack([](TcpHeader& h) { h.ack -= 100; })) << "a duplicate";
  EXPECT_FALSE(takes_ack([](TcpHeader& h) { h.ack -= 101; })) << "an old one";
  EXPECT_FALSE(takes_ack([](TcpHeader& h) { h.seq += 1; }));
  EXPECT_FALSE(takes_ack([](TcpHeader& h) { h.flags |= kPsh; }));
  EXPECT_FALSE(takes_ack([](TcpHeader& h) { h.flags |= kEce; }));
  EXPECT_FALSE(takes_ack([](TcpHeader& h) { h.flags |= kFin; }));
  const SackBlock block{1, 2};
  EXPECT_FALSE(takes_ack([&](TcpHeader& h) { h.sack = {&block, 1}; }));
  TcpHeader header = header_of(GetParam());
  begin(header, 0);
  header.ack += 100;
  EXPECT_FALSE(take(header, 10)) << "data behind an acknowledgement";
  header = header_of(GetParam());
  header.flags |= kEce;
  begin(header, 0);
  header.ack += 100;
  EXPECT_FALSE(take(header, 0));
  if (!GetParam().timestamps) return;
  EXPECT_FALSE(takes_ack([](TcpHeader& h) { h.options.ts_value -= 1; })) << "it was overtaken";
  TcpHeader old = header_of(GetParam());
  begin(old, 0);
  old.ack += 100;
  taken.push_back(frame_of(old, 0));
  taken.back()[frame.l4_offset + 20U] ^= 2;  // another option
  EXPECT_FALSE(run.take(taken.back()));
}

}  // namespace
}  // namespace sluice::wire
