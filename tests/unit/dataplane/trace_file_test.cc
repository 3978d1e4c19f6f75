// The trace of a process that died stays, that of one that stops goes.
#include "dataplane/trace_file.h"

#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "common/trace_ring.h"

namespace sluice {
namespace {

bool lies_in_memory(const char* folder) {
  struct statfs where = {};
  return ::statfs(folder, &where) == 0 && where.f_type == TMPFS_MAGIC;
}

// Where /dev/shm is none, /tmp becomes one for this process alone, which needs no root: it is one in a user namespace.
std::string folder_in_memory() {
  if (lies_in_memory("/dev/shm")) return "/dev/shm";
  if (lies_in_memory("/tmp")) return "/tmp";
  EXPECT_EQ(::unshare(CLONE_NEWNS | (::geteuid() == 0 ? 0 : CLONE_NEWUSER)), 0) << std::strerror(errno);
  EXPECT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0) << std::strerror(errno);
  EXPECT_EQ(::mount("sluice-test", "/tmp", "tmpfs", 0, "size=32m"), 0) << std::strerror(errno);
  return "/tmp";
}

class TraceFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = folder_in_memory() + "/sluice-test-XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    run = path;
  }
  void TearDown() override {
    std::error_code ignored;
    if (!run.empty()) std::filesystem::remove_all(run, ignored);
  }
  std::string run;
};

TEST_F(TraceFileTest, IsWholePrivateAndGoneAfterAnOrderlyStop) {
  auto file = TraceFile::make(run);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_TRUE(file->died().empty());
  struct stat status = {};
  ASSERT_EQ(::stat((run + "/trace-0.ring").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(static_cast<std::size_t>(status.st_size), TraceRing::kBytes);
  EXPECT_EQ(static_cast<std::size_t>(status.st_blocks) * 512 / TraceRing::kBytes, 1U) << "room for all of it";
  file->remove();
  EXPECT_TRUE(std::filesystem::is_empty(run));
  EXPECT_TRUE(TraceFile::make(run)->died().empty());
}

TEST_F(TraceFileTest, OfAProcessThatDiedTheLastOneIsKept) {
  for (const std::uint64_t round : {1, 2, 3}) {
    auto file = TraceFile::make(run);
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_EQ(file->died(), round == 1 ? "" : run + "/trace-0.died");
    TraceRing ring(file->fd());
    ring.write({.time_ns = round, .kind = TraceKind::phase});
  }
  const auto files = std::filesystem::directory_iterator(run);
  EXPECT_EQ(std::distance(begin(files), end(files)), 2);
}

TEST_F(TraceFileTest, NoWorkerWaitsForADisk) {
  struct statfs where = {};
  ASSERT_EQ(::statfs("/proc", &where), 0);
  const auto file = TraceFile::make("/proc");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->fd(), -1);
  EXPECT_FALSE(TraceFile::make(run + "/nowhere"));
}

}  // namespace
}  // namespace sluice
