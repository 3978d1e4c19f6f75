// The writer on a real file system, with its thread and io_uring.
#include "dataplane/record/writer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "segment/recovery.h"
#include "tests/unit/dataplane/record/record_fixture.h"

namespace sluice::record {
namespace {

using namespace test;
namespace fs = std::filesystem;

class Writer : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/sluice-writer-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    config_.directory = name + "/archive";
    config_.pages = 8;
    config_.block_buffers = 16;
  }
  void TearDown() override { fs::remove_all(root_); }

  std::unique_ptr<ArchiveWriter> start(unsigned workers = 1) const {
    auto writer = ArchiveWriter::start(config_, workers);
    EXPECT_TRUE(writer.has_value()) << writer.error().message();
    return std::move(*writer);
  }
  std::vector<fs::path> segments() const {
    std::vector<fs::path> out;
    for (const auto& entry : fs::recursive_directory_iterator(config_.directory))
      if (entry.path().extension() == ".seg") out.push_back(entry.path());
    std::ranges::sort(out);
    return out;
  }
  static void append(Recorder& recorder, int count, std::size_t bytes) {
    for (int i = 0; i < count; ++i) {
      while (!recorder.has_room(bytes)) std::this_thread::yield();
      fill_pattern(recorder.slice(subject_of(i % 2 == 0 ? "orders" : "billing"), {}, bytes, kToday), 7);
      recorder.flush(kToday + i * kMillisecond);
    }
  }
  static void wait_durable(Recorder& recorder) {
    recorder.flush(kToday - kSecond);
    while (recorder.durable_through() < recorder.appended())
      std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  ArchiveContents contents() const {
    ArchiveContents out;
    for (const auto& path : segments()) {
      std::ifstream in(path, std::ios::binary);
      const std::vector<char> bytes(std::istreambuf_iterator<char>(in), {});
      out.add(path, as_bytes({bytes.data(), bytes.size()}));
    }
    return out;
  }

  std::string root_;
  ArchiveConfig config_;
};

TEST_F(Writer, brings_the_records_of_several_workers_to_the_disk) {
  auto writer = start(3);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 3; ++i)
    threads.emplace_back([&, i] { append(writer->recorder(i), 500, 100 + 20'000 * (i % 2)); });
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(writer->stop().has_value());
  const ArchiveStatus status = writer->status();
  EXPECT_EQ(status.records_durable, 1500U);
  EXPECT_EQ(status.records_appended, 1500U);
  EXPECT_EQ(status.error, "");
  ArchiveContents found = contents();
  EXPECT_TRUE(found.sound());
  for (unsigned i = 0; i < 3; ++i) EXPECT_TRUE(found.has_all(i, 500));
  EXPECT_EQ(found.sealed, 2U);
}

TEST_F(Writer, acknowledges_while_it_runs) {
  auto writer = start();
  append(writer->recorder(0), 10, 1000);
  wait_durable(writer->recorder(0));
  EXPECT_EQ(writer->recorder(0).durable_through(), 10U);
  // Read by another at the same time, with no footer yet.
  EXPECT_TRUE(contents().has_all(0, 10));
  EXPECT_EQ(contents().sealed, 0U);
}

TEST_F(Writer, keeps_files_to_itself) {
  auto writer = start();
  append(writer->recorder(0), 2, 100);
  ASSERT_TRUE(writer->stop().has_value());
  for (const auto& entry : fs::recursive_directory_iterator(config_.directory)) {
    struct stat info = {};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, entry.is_directory() ? 0700U : 0600U) << entry.path();
  }
}

TEST_F(Writer, goes_on_in_new_segments_after_a_restart) {
  for (int run = 0; run < 3; ++run) {
    auto writer = start();
    append(writer->recorder(0), 4, 1000);
    ASSERT_TRUE(writer->stop().has_value());
    EXPECT_EQ(writer->recovery().segments, 0U);
  }
  EXPECT_EQ(segments().size(), 6U);
}

TEST_F(Writer, rotates) {
  config_.segment_bytes = 1 << 20;
  auto writer = start();
  append(writer->recorder(0), 200, 60'000);
  ASSERT_TRUE(writer->stop().has_value());
  EXPECT_GT(segments().size(), 10U);
  ArchiveContents found = contents();
  EXPECT_TRUE(found.sound() && found.has_all(0, 200));
  EXPECT_EQ(found.sealed, segments().size());
}

TEST_F(Writer, recovers_what_a_crash_left_before_it_starts) {
  {
    auto writer = start();
    append(writer->recorder(0), 20, 5000);
    wait_durable(writer->recorder(0));
    // As a crash leaves it: no footer, and half a block behind the good ones.
    for (const auto& path : segments()) {
      fs::copy_file(path, root_ + "/" + path.parent_path().parent_path().parent_path().filename().string());
    }
  }
  const auto sealed = segments();
  for (const auto& path : sealed) {
    fs::rename(root_ + "/" + path.parent_path().parent_path().parent_path().filename().string(), path);
    std::ofstream(path, std::ios::binary | std::ios::app) << std::string(5000, 'x');
  }
  auto writer = start();
  EXPECT_EQ(writer->recovery().segments, 2U);
  EXPECT_GT(writer->recovery().cut_bytes, 10'000U);
  EXPECT_EQ(writer->recovery().notes.size(), 2U);
  for (const auto& path : sealed) EXPECT_TRUE(segment::verify(path.string()).value().sound());
  ArchiveContents found = contents();
  EXPECT_TRUE(found.sound() && found.has_all(0, 20));
  EXPECT_EQ(found.sealed, 2U);
}

TEST_F(Writer, has_its_directory_alone) {
  auto writer = start();
  EXPECT_EQ(ArchiveWriter::start(config_, 1).error().code, ErrorCode::already_running);
  writer.reset();
  EXPECT_TRUE(ArchiveWriter::start(config_, 1).has_value());
}

TEST_F(Writer, says_what_is_wrong_with_its_configuration) {
  config_.page_bytes = 1000;
  EXPECT_EQ(ArchiveWriter::start(config_, 1).error().code, ErrorCode::bad_argument);
  config_.page_bytes = kPageBytes;
  config_.directory = "/proc/nowhere/archive";
  EXPECT_EQ(ArchiveWriter::start(config_, 1).error().code, ErrorCode::archive_io);
  EXPECT_EQ(ArchiveWriter::start(config_, 0).error().code, ErrorCode::bad_argument);
}

TEST_F(Writer, sleeps_when_there_is_nothing_to_do) {
  auto writer = start();
  append(writer->recorder(0), 10, 1000);
  wait_durable(writer->recorder(0));
  const DurationNs before = writer->status().cpu_ns;
  EXPECT_GT(before, 0U);
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  // CPU time, so a busy machine does not matter: a writer that spun would have used most of the time.
  EXPECT_LT(writer->status().cpu_ns - before, 40 * kMillisecond);
}

}  // namespace
}  // namespace sluice::record
