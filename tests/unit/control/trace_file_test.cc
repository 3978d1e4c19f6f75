#include "control/cli/trace_file.h"

#include <gtest/gtest.h>

#include <cstring>

namespace sluice::cli {
namespace {

std::string section(std::uint32_t worker, std::uint64_t first, const std::vector<TraceRecord>& records) {
  const TraceFileHeader header{.worker = worker,
                               .records = records.size(),
                               .first = first,
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
  EXPECT_EQ(file->taken_ns, 1'700'000'000 * kSecond);
  EXPECT_EQ(pick(*file, {.since_ns = file->taken_ns}).size(), 5U);
  EXPECT_EQ(pick(*file, {.newest = 2}).front().record.kind, TraceKind::leg_state);
  const auto unknown = parse_kinds("drop,teapot");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().detail.find("segment_in"), std::string::npos);
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
