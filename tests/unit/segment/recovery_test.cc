// Cutting and sealing on real files: what was acknowledged stays, a damaged segment is not touched.
#include "segment/recovery.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "tests/unit/segment/segment_fixture.h"

namespace sluice::segment {
namespace {

using test::record_bytes;
using test::SegmentBuilder;

class Recovery : public ::testing::Test {
 protected:
  void SetUp() override {
    // In memory where there is such a place: the tests sync thousands of times.
    std::string name =
        ::access("/dev/shm", W_OK) == 0 ? "/dev/shm/sluice-recovery-XXXXXX" : "/tmp/sluice-recovery-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = name + "/x.seg";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void put(Bytes bytes) const {
    std::ofstream out(path_, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }

  static SegmentBuilder two_blocks() {
    SegmentBuilder builder;
    builder.block({record_bytes(1, 7, "one"), record_bytes(2, 9, "two", 1000)});
    builder.block({record_bytes(3, 7, "three")});
    return builder;
  }

  std::string folder_;
  std::string path_;
};

TEST_F(Recovery, seals_a_torn_segment_at_every_length_of_its_last_block) {
  auto builder = two_blocks();
  const std::size_t begin = builder.block_offset(1);
  for (std::size_t size = begin; size <= builder.bytes().size(); ++size) {
    put(Bytes(builder.bytes()).first(size));
    const bool whole = size == builder.bytes().size();
    const auto recovered = recover(path_);
    ASSERT_TRUE(recovered.has_value()) << recovered.error().message();
    ASSERT_TRUE(recovered->sealed);
    ASSERT_EQ(recovered->cut_bytes, whole ? 0 : size - begin) << size;
    ASSERT_EQ(recovered->records, whole ? 3U : 2U) << size;
    const auto report = verify(path_).value();
    ASSERT_EQ(report.walk.tail, Tail::sealed) << size;
    ASSERT_TRUE(report.sound()) << size;
    ASSERT_EQ(report.sessions, 2U);
    ASSERT_TRUE(looks_sealed(path_));
  }
}

TEST_F(Recovery, of_a_sealed_segment_changes_nothing) {
  auto builder = two_blocks();
  builder.seal();
  put(builder.bytes());
  EXPECT_FALSE(recover(path_).value().sealed);
  EXPECT_EQ(std::filesystem::file_size(path_), builder.bytes().size());
}

TEST_F(Recovery, of_a_half_written_footer_writes_it_again) {
  auto builder = two_blocks();
  const std::size_t good = builder.bytes().size();
  builder.seal();
  for (std::size_t size = good; size < builder.bytes().size(); size += 512) {
    put(Bytes(builder.bytes()).first(size));
    ASSERT_TRUE(recover(path_).value().sealed) << size;
    ASSERT_TRUE(verify(path_).value().sound()) << size;
  }
}

TEST_F(Recovery, leaves_a_damaged_segment_as_it_is) {
  auto builder = two_blocks();
  builder.bytes()[builder.block_offset(0) + 300] ^= 1;
  builder.bytes().resize(builder.bytes().size() + 100, 0xee);
  put(builder.bytes());
  EXPECT_EQ(recover(path_).error().code, ErrorCode::segment_bad_checksum);
  EXPECT_EQ(cut_torn_tail(path_).error().code, ErrorCode::segment_bad_checksum);
  EXPECT_EQ(std::filesystem::file_size(path_), builder.bytes().size());
  EXPECT_FALSE(verify(path_).value().sound());
}

TEST_F(Recovery, cuts_only_the_tail_when_asked_for_that) {
  auto builder = two_blocks();
  const std::size_t good = builder.bytes().size();
  builder.bytes().resize(good + 777, 0x55);
  put(builder.bytes());
  EXPECT_EQ(cut_torn_tail(path_).value().cut_bytes, 777U);
  EXPECT_EQ(std::filesystem::file_size(path_), good);
  EXPECT_EQ(cut_torn_tail(path_).value().cut_bytes, 0U);
}

TEST_F(Recovery, removes_a_segment_that_never_began) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{8192}}) {
    put(std::vector<std::uint8_t>(size));
    EXPECT_TRUE(recover(path_).value().removed);
    EXPECT_FALSE(std::filesystem::exists(path_));
  }
  put(std::vector<std::uint8_t>(8192, 1));
  EXPECT_FALSE(recover(path_).has_value());
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(Recovery, finds_a_footer_that_says_something_else) {
  auto builder = two_blocks();
  builder.seal({{1, 1, 1, 0, 3}});
  put(builder.bytes());
  EXPECT_FALSE(verify(path_).value().index_holds);
}

}  // namespace
}  // namespace sluice::segment
