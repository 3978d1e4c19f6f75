#include "common/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/unix_socket.h"
#include "tests/support/temp_dir.h"

namespace sluice {
namespace {

std::size_t count_files(const std::string& directory) {
  const std::filesystem::directory_iterator files(directory);
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

TEST(FileReplacement, TakesThePlaceAtCommitAndVanishesWithoutIt) {
  const test::TempDir dir;
  const std::string path = dir.file("kept");
  ASSERT_TRUE(replace_file(path, as_bytes("old"), 0600));
  {
    const auto abandoned = FileReplacement::prepare(path, as_bytes("new"), 0600);
    ASSERT_TRUE(abandoned);
    EXPECT_EQ(as_text(*read_file(path, 100)), "old");
  }
  EXPECT_EQ(count_files(dir.path()), 1U);
  ASSERT_TRUE(replace_file(path, as_bytes("new"), 0600));
  EXPECT_EQ(as_text(*read_file(path, 100)), "new");
  struct stat status = {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST(ReadFile, IsBoundedAndSaysWhatIsMissing) {
  const test::TempDir dir;
  EXPECT_EQ(read_file(dir.file("none"), 10).error().code, ErrorCode::not_found);
  ASSERT_TRUE(replace_file(dir.file("eleven"), as_bytes("01234567890"), 0600));
  EXPECT_EQ(read_file(dir.file("eleven"), 10).error().code, ErrorCode::io_failed);
  EXPECT_TRUE(read_file(dir.file("eleven"), 11));
}

TEST(ReadSecretFile, IsItsOwnersAlone) {
  const test::TempDir dir;
  EXPECT_EQ(read_secret_file(dir.file("none"), 10).error().code, ErrorCode::not_found);
  ASSERT_TRUE(replace_file(dir.file("kept"), as_bytes("a secret\n"), 0600));
  EXPECT_EQ(read_secret_file(dir.file("kept"), 10).value(), "a secret\n");
  for (const mode_t mode : {0640, 0604, 0610}) {
    ASSERT_TRUE(replace_file(dir.file("open"), as_bytes("a secret\n"), mode));
    const auto read = read_secret_file(dir.file("open"), 10);
    ASSERT_FALSE(read) << mode;
    EXPECT_EQ(read.error().code, ErrorCode::bad_argument);
    EXPECT_EQ(read.error().detail.find("a secret"), std::string::npos);
  }
}

TEST(ReadTrustedFile, IsForItsOwnerAloneToWrite) {
  const test::TempDir dir;
  const std::string path = dir.file("kept");
  EXPECT_EQ(read_trusted_file(path, 10).error().code, ErrorCode::not_found);
  ASSERT_TRUE(replace_file(path, as_bytes("run: it\n"), 0644));
  EXPECT_EQ(read_trusted_file(path, 10).value(), "run: it\n");
  EXPECT_EQ(read_trusted_file(path, 5).error().code, ErrorCode::io_failed);
  for (const mode_t mode : {0664, 0646, 0620, 0602}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_EQ(read_trusted_file(path, 10).error().code, ErrorCode::not_permitted) << mode;
  }
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown(path.c_str(), 12345, 0), 0);
  EXPECT_EQ(read_trusted_file(path, 10).error().code, ErrorCode::not_permitted);
}

TEST(CheckTrustedProgram, IsForItsOwnerAloneToWriteAndCanBeRun) {
  const test::TempDir dir;
  const std::string path = dir.file("program"), link = dir.file("link");
  EXPECT_FALSE(check_trusted_program(path));
  EXPECT_FALSE(check_trusted_program(dir.path()));
  ASSERT_TRUE(replace_file(path, as_bytes("#!/bin/sh\n"), 0600));
  EXPECT_EQ(check_trusted_program(path).error().code, ErrorCode::bad_argument);
  for (const mode_t mode : {0755, 0711, 0700}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_TRUE(check_trusted_program(path)) << mode;
  }
  ASSERT_EQ(::symlink(path.c_str(), link.c_str()), 0);
  EXPECT_TRUE(check_trusted_program(link));
  for (const mode_t mode : {0775, 0757, 0722}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_EQ(check_trusted_program(path).error().code, ErrorCode::not_permitted) << mode;
    EXPECT_FALSE(check_trusted_program(link));
  }
  ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown(path.c_str(), 12345, 0), 0);
  EXPECT_EQ(check_trusted_program(path).error().code, ErrorCode::not_permitted);
}

TEST(CheckTrustedProgram, StandsInFoldersThatOthersCannotWrite) {
  const test::TempDir dir;
  const std::string folder = dir.file("folder"), path = folder + "/program";
  ASSERT_EQ(::mkdir(folder.c_str(), 0755), 0);
  ASSERT_TRUE(replace_file(path, as_bytes("#!/bin/sh\n"), 0755));
  EXPECT_TRUE(check_trusted_program(path));
  for (const mode_t mode : {0775, 0757, 0777}) {
    ASSERT_EQ(::chmod(folder.c_str(), mode), 0);
    const auto refused = check_trusted_program(path);
    ASSERT_FALSE(refused) << mode;
    EXPECT_EQ(refused.error().code, ErrorCode::not_permitted);
    EXPECT_NE(refused.error().detail.find(folder + " may be written"), std::string::npos) << refused.error().detail;
  }
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chmod(folder.c_str(), 01777), 0);
  EXPECT_TRUE(check_trusted_program(path)) << "only owners replace what is in a sticky folder";
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  ASSERT_EQ(::chown(folder.c_str(), 12345, 0), 0);
  EXPECT_EQ(check_trusted_program(path).error().code, ErrorCode::not_permitted);
}

TEST(LockFile, IsHeldByOneAndGivenBackByTheDead) {
  const test::TempDir dir;
  const std::string path = dir.file("lock");
  {
    const auto held = lock_file(path);
    ASSERT_TRUE(held);
    const auto second = lock_file(path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::already_running);
    EXPECT_NE(second.error().detail.find(std::to_string(::getpid())), std::string::npos);
  }
  EXPECT_TRUE(lock_file(path));
}

TEST(UnixListener, ReplacesADeadProcessesSocketAndRefusesASecond) {
  const test::TempDir dir;
  const std::string path = dir.file("s.sock");
  {
    const auto first = listen_unix(path, 0600);
    ASSERT_TRUE(first);
    EXPECT_EQ(listen_unix(path, 0600).error().code, ErrorCode::already_running);
    EXPECT_TRUE(connect_unix(path));
  }
  EXPECT_FALSE(connect_unix(path));  // the file is there, nobody listens
  const auto next = listen_unix(path, 0600);
  ASSERT_TRUE(next);
  const auto client = connect_unix(path);
  ASSERT_TRUE(client);
  const auto peer = peer_of(client->get());
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->pid, ::getpid());
  EXPECT_TRUE(is_trusted(*peer));
  struct stat status = {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST(UnixListener, APathThatDoesNotFitIsRefused) {
  EXPECT_EQ(listen_unix("/tmp/" + std::string(200, 'x'), 0600).error().code, ErrorCode::bad_argument);
}

}  // namespace
}  // namespace sluice
