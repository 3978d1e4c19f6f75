#include "control/cli/trace_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "common/file.h"
#include "common/trace_ring.h"
#include "tests/support/temp_dir.h"

namespace sluice::cli {
namespace {

std::string section(std::uint32_t worker, std::uint64_t first, const std::vector<TraceRecord>& records) {
  const TraceHeader header{.worker = worker,
                           .records = records.size(),
                           .next = first + records.size(),
                           .monotonic_ns = 1000 * kSecond,
                           .wall_ns = 1'700'000'000 * kSecond};
  std::string out(reinterpret_cast<const char*>(&header), sizeof header);
  out.append(reinterpret_cast<const char*>(records.data()), records.size() * sizeof(TraceRecord));
  return out;
}

std::vector<TraceRecord> sample() {
  return {{.time_ns = 999 * kSecond,
           .session = 7,
           .kind = TraceKind::segment_in,
           .code = 0x18,
           .a = 1,
           .b = 2,
           .c = 99,
           .d = 512},
          {.time_ns = 1000 * kSecond,
           .session = 7,
           .kind = TraceKind::retransmission,
           .leg = TraceLeg::server,
           .code = 0x10,
           .c = 99},
          {.time_ns = 1000 * kSecond,
           .kind = TraceKind::drop,
           .code = 8,
           .a = 0x0a000001,
           .b = 40000U << 16 | 80,
           .c = 5,
           .d = 2},
          {.time_ns = 1000 * kSecond, .session = 8, .kind = TraceKind::timer, .code = 1, .a = 3},
          {.time_ns = 1000 * kSecond, .session = 8, .kind = TraceKind::leg_state, .code = 203, .a = 2},
          {.time_ns = 1000 * kSecond,
           .session = 8,
           .kind = TraceKind::phase,
           .a = 0x0a000001,
           .b = 40000U << 16 | 80,
           .c = 1}};
}

TEST(TraceFile, IsToldLineByLine) {
  const auto file = read_trace(section(0, 500, sample()));
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_EQ(file->entries.size(), 6U);
  EXPECT_EQ(file->overwritten, 500U);
  const auto line = [&](std::size_t i) { return trace_line(file->entries[i]); };
  EXPECT_EQ(line(0),
            "22:13:19.000000000  0000000000000007  client  segment_in     flags P. seq 1 ack 2 length 99 window 512\n");
  EXPECT_NE(line(1).find("server  retransmission flags ."), std::string::npos) << line(1);
  EXPECT_NE(line(2).find("drop           error udp_refused from 10.0.0.1:40000 to_port 80 length 5 flags S "
                         "(UDP to a protected port)\n"),
            std::string::npos)
      << line(2);
  EXPECT_NE(line(3).find("timer retransmit timeouts_before 3"), std::string::npos) << line(3);
  EXPECT_NE(line(4).find("state closed error tcp_timeout (a peer stopped acknowledging)\n"), std::string::npos)
      << line(4);
  EXPECT_NE(line(5).find("phase established client 10.0.0.1:40000 server_port 80\n"), std::string::npos) << line(5);
  EXPECT_EQ(trace_json(file->entries[2])["session"], nullptr);
  EXPECT_EQ(trace_json(file->entries[2])["error"], "udp_refused");
}

TEST(TraceFile, SectionsOfSeveralWorkersBecomeOneByTime) {
  const auto file =
      read_trace(section(0, 10, {sample()[1]}) + section(0, 11, {sample()[1]}) + section(1, 5, {sample()[0]}));
  ASSERT_TRUE(file);
  ASSERT_EQ(file->entries.size(), 3U);
  EXPECT_EQ(file->entries[0].worker, 1U);
  EXPECT_EQ(file->overwritten, 15U);
}

TEST(TraceFile, IsPickedFrom) {
  const auto file = read_trace(section(0, 0, sample()));
  ASSERT_TRUE(file);
  EXPECT_EQ(pick(*file, {.session = 7}).size(), 2U);
  EXPECT_EQ(pick(*file, {.kinds = *parse_kinds("drop,timer")}).size(), 2U);
  EXPECT_EQ(pick(*file, {.session = 8, .kinds = *parse_kinds("drop")}).size(), 0U);
  EXPECT_EQ(file->newest_ns, 1'700'000'000 * kSecond);
  EXPECT_EQ(pick(*file, {.since_ns = file->newest_ns}).size(), 5U);
  EXPECT_EQ(pick(*file, {.newest = 2}).front().record.kind, TraceKind::leg_state);
  const auto unknown = parse_kinds("drop,teapot");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().detail.find("segment_in"), std::string::npos);
}

// As a data plane that died leaves it.
std::string ring_after(std::uint64_t written) {
  const test::TempDir folder;
  const std::string path = folder.file("ring");
  {
    const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_EQ(::ftruncate(file.get(), TraceRing::kBytes), 0);
    TraceRing ring(file.get(), 3, 1000 * kSecond, 1'700'000'000 * kSecond);
    for (std::uint64_t n = 0; n < written; ++n)
      ring.write({.time_ns = 1000 * kSecond + n / 10, .session = n, .kind = TraceKind::segment_in});
  }
  return std::string(as_text(*read_file(path, 2 * TraceRing::kBytes)));
}

TEST(TraceFile, ARingThatADeadProcessLeftIsReadInOrder) {
  constexpr std::uint64_t kWhole = TraceRing::kRecords;
  for (const std::uint64_t written :
       {std::uint64_t{0}, std::uint64_t{5}, kWhole - 1, kWhole, kWhole + 3, 3 * kWhole + 7}) {
    const auto file = read_trace(ring_after(written));
    ASSERT_TRUE(file) << file.error().message();
    // Of a full ring the oldest may be half overwritten.
    const std::uint64_t count = written < kWhole ? written : kWhole - 1;
    ASSERT_EQ(file->entries.size(), count) << written;
    EXPECT_EQ(file->overwritten, written < kWhole ? 0 : written - kWhole);
    for (std::uint64_t i = 0; i < count; ++i)
      ASSERT_EQ(file->entries[i].record.session, written - count + i) << written;
    if (count == 0) continue;
    EXPECT_EQ(file->entries.back().worker, 3U);
    EXPECT_EQ(file->newest_ns, 1'700'000'000 * kSecond + (written - 1) / 10);
  }
}

TEST(TraceFile, AHeaderThatLiesIsNoHarm) {
  for (const std::uint64_t magic : {TraceHeader::kSection, TraceHeader::kRing})
    for (const std::uint64_t records :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{6}, std::uint64_t{7}, ~std::uint64_t{0}})
      for (const std::uint64_t next : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{6}, ~std::uint64_t{0}}) {
        std::string bytes = section(0, 0, sample());
        const TraceHeader header{.magic = magic, .records = records, .next = next};
        std::memcpy(bytes.data(), &header, sizeof header);
        const auto file = read_trace(bytes);
        if (!file) continue;
        EXPECT_LE(file->entries.size(), 6U);
        for (const TraceEntry& entry : file->entries) EXPECT_TRUE(trace_line(entry).ends_with('\n'));
      }
}

TEST(TraceFile, WhatIsCutOrSpoiledIsRefusedOrShownAsNumbers) {
  const std::string good = section(0, 0, sample());
  for (std::size_t bytes = 0; bytes < good.size(); ++bytes)
    EXPECT_FALSE(read_trace(std::string_view(good).substr(0, bytes))) << bytes;
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string spoiled = good;
    spoiled[i] = static_cast<char>(~spoiled[i]);
    const auto file = read_trace(spoiled);
    if (!file) continue;
    for (const TraceEntry& entry : file->entries) EXPECT_TRUE(trace_line(entry).ends_with('\n'));
  }
}

}  // namespace
}  // namespace sluice::cli
