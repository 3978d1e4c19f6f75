// The writer's core on a disk that fails and dies: what is acknowledged is there, whatever happens.
#include "dataplane/record/committer.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "tests/unit/dataplane/record/faulty_disk.h"
#include "tests/unit/dataplane/record/record_fixture.h"

namespace sluice::record {
namespace {

using namespace test;

constexpr std::size_t kBlockBytes = 192 * 1024;

struct World {
  explicit World(unsigned workers = 1, std::uint64_t seed = 1, SegmentLimits limits = {64 << 20, 64, 32768, 131072},
                 std::size_t pages = 8)
      : disk(seed), memory(8 * kBlockBytes) {
    std::vector<Lane*> pointers;
    for (unsigned i = 0; i < workers; ++i) {
      lanes.push_back(std::make_unique<Lane>(static_cast<std::uint8_t>(i), pages, kPageBytes));
      recorders.push_back(std::make_unique<WorkerRecorder>(*lanes.back(), doorbell, kMillisecond));
      pointers.push_back(lanes.back().get());
    }
    CommitterConfig config;
    config.limits = limits;
    config.block_bytes = kBlockBytes;
    config.reserve_bytes = 1 << 20;
    config.run = kToday;
    config.seed = seed;
    committer = std::make_unique<Committer>(config, disk, MutableBytes{memory.data(), memory.size()}, pointers);
  }

  void complete_some(std::size_t most) {
    std::array<Completion, 16> done;
    const std::size_t count = disk.wait(0, std::span(done).first(std::min(most, done.size())));
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t batches = committer->counters().batches.value();
      committer->complete(done[i]);
      if (committer->counters().batches.value() != batches) disk.acknowledge();
    }
  }
  void step() {
    now += kMillisecond;
    committer->poll(now, wall);
    complete_some(16);
  }
  void settle() {
    for (auto& recorder : recorders) recorder->hand_over();
    for (int i = 0; i < 10'000 && !committer->idle(); ++i) step();
  }
  bool finish() {
    settle();
    committer->finish();
    for (int i = 0; i < 10'000 && !committer->finished(); ++i) step();
    return committer->finished();
  }
  void slice(unsigned worker, std::string_view service, SessionId session, std::size_t bytes) {
    fill_pattern(recorders[worker]->slice(subject_of(service, session), {}, bytes, wall), session);
  }
  ArchiveContents contents() {
    ArchiveContents out;
    for (const auto& [path, bytes] : disk.contents()) out.add(path, bytes);
    return out;
  }

  FaultyDisk disk;
  PrivateMemory memory;
  Doorbell doorbell;
  std::vector<std::unique_ptr<Lane>> lanes;
  std::vector<std::unique_ptr<WorkerRecorder>> recorders;
  std::unique_ptr<Committer> committer;
  TimeNs now = 0;
  WallNs wall = kToday;
};

TEST(Committer, sorts_records_by_service_and_day_and_keeps_their_order) {
  World world(2);
  for (SessionId i = 1; i <= 60; ++i) {
    world.slice(i % 2, i % 3 == 0 ? "billing" : "orders", i, 500 * i);
    if (i == 40) world.wall += kDay;
  }
  EXPECT_EQ(world.recorders[0]->durable_through(), 0U);
  ASSERT_TRUE(world.finish());
  EXPECT_EQ(world.recorders[0]->durable_through(), 30U);
  EXPECT_EQ(world.recorders[1]->durable_through(), 30U);
  ArchiveContents contents = world.contents();
  EXPECT_TRUE(contents.sound());
  EXPECT_TRUE(contents.has_all(0, 30) && contents.has_all(1, 30));
  EXPECT_EQ(contents.sealed, 4U);  // two services, two days
  EXPECT_EQ(world.disk.open_files(), 0U);
  EXPECT_EQ(world.disk.rewrites_of_acknowledged_bytes, 0U);
}

TEST(Committer, writes_footers_that_agree_with_the_blocks) {
  World world;
  for (SessionId i = 1; i <= 100; ++i) world.slice(0, "orders", i % 5, 9000);
  ASSERT_TRUE(world.finish());
  for (const auto& [path, bytes] : world.disk.contents()) {
    auto reader = segment::Reader::open(segment::memory_source(bytes)).value();
    const segment::Footer footer = reader.footer().value();
    EXPECT_EQ(footer.records, 100U);
    ASSERT_EQ(footer.sessions.size(), 5U);
    for (const auto& row : footer.sessions) EXPECT_EQ(row.records, 20U);
    for (std::size_t i = 0; i < footer.blocks.size(); ++i)
      EXPECT_TRUE(reader.walk({footer.blocks[i].offset, i}, nullptr).value().damage_count == 0);
  }
}

TEST(Committer, begins_a_new_segment_before_one_grows_beyond_its_bound) {
  World world(1, 1, {1 << 20, 64, 32768, 131072});
  for (SessionId i = 1; i <= 100; ++i) {
    world.slice(0, "orders", i, 60'000);
    if (i % 8 == 0) world.settle();
  }
  ASSERT_TRUE(world.finish());
  const auto files = world.disk.contents();
  EXPECT_GE(files.size(), 6U);
  for (const auto& [path, bytes] : files) EXPECT_LE(bytes.size(), (1U << 20) + 3 * 4096U) << path;
  ArchiveContents contents = world.contents();
  EXPECT_TRUE(contents.sound() && contents.has_all(0, 100));
}

TEST(Committer, begins_a_new_segment_when_one_has_too_many_sessions) {
  World world(1, 1, {64 << 20, 64, 10, 131072});
  for (SessionId i = 1; i <= 40; ++i) {
    world.slice(0, "orders", i, 100);
    world.settle();
  }
  ASSERT_TRUE(world.finish());
  EXPECT_EQ(world.disk.contents().size(), 4U);
}

TEST(Committer, keeps_a_bounded_number_of_segments_open) {
  World world(1, 1, {64 << 20, 3, 32768, 131072});
  for (SessionId i = 1; i <= 60; ++i) {
    world.slice(0, "service-" + std::to_string(i % 7), i, 2000);
    if (i % 10 != 0) continue;
    world.settle();
    EXPECT_LE(world.disk.open_files(), 3U);
  }
  ASSERT_TRUE(world.finish());
  ArchiveContents contents = world.contents();
  EXPECT_TRUE(contents.sound() && contents.has_all(0, 60));
}

TEST(Committer, closes_the_segments_of_a_day_that_is_over) {
  World world;
  world.slice(0, "orders", 1, 100);
  world.settle();
  EXPECT_EQ(world.disk.open_files(), 1U);
  world.wall += kDay;
  world.step();
  world.settle();
  EXPECT_EQ(world.disk.open_files(), 0U);
  EXPECT_EQ(world.contents().sealed, 1U);
}

TEST(Committer, on_a_full_disk_acknowledges_nothing_says_so_and_goes_on_when_there_is_room) {
  World world;
  world.slice(0, "orders", 1, 1000);
  world.settle();
  ASSERT_EQ(world.recorders[0]->durable_through(), 1U);
  world.disk.room = 0;
  std::uint64_t appended = 1;
  for (int i = 0; i < 10'000 && world.recorders[0]->has_room(kMaxSliceBytes); ++i) {
    world.slice(0, "orders", 2, kMaxSliceBytes);
    ++appended;
    world.step();
  }
  EXPECT_FALSE(world.recorders[0]->has_room(kMaxSliceBytes));
  for (int i = 0; i < 1000; ++i) world.step();
  EXPECT_LT(world.recorders[0]->durable_through(), appended);
  EXPECT_NE(world.committer->error().find("No space left"), std::string::npos) << world.committer->error();
  world.disk.room = 1 << 30;
  ASSERT_TRUE(world.finish());
  EXPECT_EQ(world.committer->error(), "");
  EXPECT_EQ(world.recorders[0]->durable_through(), appended);
  ArchiveContents contents = world.contents();
  EXPECT_TRUE(contents.sound() && contents.has_all(0, appended));
}

TEST(Committer, writes_again_what_a_failed_sync_may_have_lost) {
  World world;
  for (int round = 0; round < 5; ++round) {
    world.disk.sync_errors = {EIO, EIO};
    for (SessionId i = 1; i <= 10; ++i) world.slice(0, i % 2 == 0 ? "orders" : "billing", i, 5000);
    world.settle();
    EXPECT_EQ(world.recorders[0]->durable_through(), world.recorders[0]->appended());
  }
  ASSERT_TRUE(world.finish());
  ArchiveContents contents = world.contents();
  EXPECT_TRUE(contents.sound() && contents.has_all(0, 50));
  EXPECT_EQ(world.disk.rewrites_of_acknowledged_bytes, 0U);
}

TEST(Committer, waits_for_a_segment_that_cannot_be_created) {
  World world;
  world.disk.create_error = EACCES;
  world.slice(0, "orders", 1, 100);
  world.recorders[0]->hand_over();
  for (int i = 0; i < 500; ++i) world.step();
  EXPECT_NE(world.committer->error().find("Permission denied"), std::string::npos);
  EXPECT_EQ(world.recorders[0]->durable_through(), 0U);
  world.disk.create_error = 0;
  ASSERT_TRUE(world.finish());
  EXPECT_EQ(world.committer->error(), "");
  EXPECT_EQ(world.recorders[0]->durable_through(), 1U);
}

// The main promise, from many seeds: the power goes at any moment, and every acknowledged record is there.
TEST(Committer, loses_no_acknowledged_record_when_the_power_goes_at_any_moment) {
  std::uint64_t torn = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t unacknowledged = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    World world(2, seed, {512 * 1024, 2, 32768, 131072}, 4);
    const std::uint64_t steps = 1 + random.below(120);
    for (std::uint64_t step = 0; step < steps; ++step) {
      const auto worker = static_cast<unsigned>(random.below(2));
      if (world.recorders[worker]->has_room(kMaxSliceBytes))
        world.slice(worker, random.chance(1, 4) ? "billing" : "orders", 1 + random.below(9),
                    random.chance(1, 2) ? 1 + random.below(300) : random.below(kMaxSliceBytes));
      if (random.chance(1, 3)) world.recorders[worker]->hand_over();
      if (random.chance(1, 20)) world.disk.write_errors.push_back(EIO);
      if (random.chance(1, 20)) world.disk.sync_errors.push_back(EIO);
      if (random.chance(1, 30)) world.wall += kDay;
      world.now += random.below(100) * kMillisecond;
      world.committer->poll(world.now, world.wall);
      world.complete_some(random.below(4));
    }
    ArchiveContents contents;
    for (const auto& [path, bytes] : world.disk.after_power_loss()) contents.add(path, bytes);
    torn += contents.torn;
    ASSERT_TRUE(contents.sound()) << seed;
    for (unsigned worker = 0; worker < 2; ++worker) {
      const std::uint64_t through = world.recorders[worker]->durable_through();
      ASSERT_TRUE(contents.has_all(worker, through)) << seed;
      acknowledged += through;
      unacknowledged += world.recorders[worker]->appended() - through;
    }
    ASSERT_EQ(world.disk.rewrites_of_acknowledged_bytes, 0U) << seed;
  }
  // The seeds reach what they are meant to reach.
  EXPECT_GT(torn, 20U);
  EXPECT_GT(acknowledged, 1000U);
  EXPECT_GT(unacknowledged, 1000U);
}

}  // namespace
}  // namespace sluice::record
