// Keys sign and verify, and their files are as other tools expect them.
#include "rules/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

namespace sluice::rules {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class Keys : public ::testing::Test {
 protected:
  Keys() {
    std::string pattern = (fs::temp_directory_path() / "sluice-keys-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Keys() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, std::string_view text, fs::perms perms) const {
    const fs::path path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    fs::permissions(path, perms);
    return path;
  }
  static mode_t mode_of(const fs::path& path) {
    struct stat status{};
    ::stat(path.c_str(), &status);
    return status.st_mode & 07777;
  }

  fs::path folder_;
};

constexpr fs::perms k0600 = fs::perms::owner_read | fs::perms::owner_write;

// RFC 8032 section 7.1, test 2: one byte 0x72.
constexpr std::array<std::uint8_t, 32> kSeed = {0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3,
                                                0x46, 0xec, 0x11, 0x4e, 0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab,
                                                0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb};
constexpr PublicKey kPublic = {0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a,
                               0xa7, 0x4d, 0x1b, 0x7e, 0xbc, 0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4,
                               0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c};

TEST_F(Keys, sign_as_rfc_8032_says) {
  const PrivateKey key{kSeed};
  EXPECT_EQ(*public_key_of(key), kPublic);
  const std::uint8_t message[] = {0x72};
  const auto signature = sign(message, key);
  ASSERT_TRUE(signature);
  EXPECT_EQ((*signature)[0], 0x92);
  EXPECT_EQ((*signature)[63], 0x00);
  EXPECT_TRUE(verify_signature(message, *signature, kPublic));
  const std::uint8_t other[] = {0x73};
  EXPECT_FALSE(verify_signature(other, *signature, kPublic));
  EXPECT_FALSE(verify_signature(message, Bytes(*signature).first(63), kPublic));
  EXPECT_FALSE(verify_signature(message, *signature, Bytes(kPublic).first(31)));
}

TEST_F(Keys, two_generated_pairs_differ) {
  const auto a = generate_keypair();
  const auto b = generate_keypair();
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->public_key, b->public_key);
  EXPECT_NE(key_id_of(a->public_key), key_id_of(b->public_key));
}

TEST_F(Keys, files_are_written_once_with_their_modes_and_read_back) {
  const PrivateKey key{kSeed};
  ASSERT_TRUE(write_private_key(folder_ / "k.pem", key));
  ASSERT_TRUE(write_public_key(folder_ / "k.pub", kPublic));
  EXPECT_EQ(mode_of(folder_ / "k.pem"), 0600U);
  EXPECT_EQ(mode_of(folder_ / "k.pub"), 0644U);
  const auto back = load_private_key(folder_ / "k.pem");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_TRUE(std::ranges::equal(back->seed(), kSeed));
  EXPECT_EQ(*load_public_key(folder_ / "k.pub"), kPublic);
  EXPECT_EQ(write_private_key(folder_ / "k.pem", key).error().code, ErrorCode::io_failed);
  EXPECT_EQ(write_public_key(folder_ / "k.pub", kPublic).error().code, ErrorCode::io_failed);
}

TEST_F(Keys, raw_files_are_read) {
  const std::string seed(reinterpret_cast<const char*>(kSeed.data()), kSeed.size());
  const std::string pub(reinterpret_cast<const char*>(kPublic.data()), kPublic.size());
  EXPECT_TRUE(load_private_key(write("raw", seed, k0600)));
  EXPECT_EQ(*load_public_key(write("raw.pub", pub, k0600)), kPublic);
}

TEST_F(Keys, a_private_key_that_others_can_read_is_refused) {
  ASSERT_TRUE(write_private_key(folder_ / "k.pem", PrivateKey{kSeed}));
  fs::permissions(folder_ / "k.pem", fs::perms::group_read, fs::perm_options::add);
  const auto loaded = load_private_key(folder_ / "k.pem");
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message(), HasSubstr("chmod 600"));
}

TEST_F(Keys, other_files_are_refused_in_words) {
  EXPECT_THAT(load_private_key(folder_ / "none").error().message(), HasSubstr("No such file"));
  EXPECT_THAT(load_private_key(folder_).error().message(), HasSubstr("no regular file"));
  EXPECT_THAT(load_private_key(write("a", "hello", k0600)).error().message(), HasSubstr("no Ed25519 private key"));
  EXPECT_THAT(load_private_key(write("b", std::string(5000, 'x'), k0600)).error().message(), HasSubstr("too long"));
  EXPECT_THAT(load_public_key(write("c", "", k0600)).error().message(), HasSubstr("no Ed25519 public key"));
  // A public key is no private key, and the other way round.
  ASSERT_TRUE(write_public_key(folder_ / "k.pub", kPublic));
  fs::permissions(folder_ / "k.pub", k0600);
  EXPECT_FALSE(load_private_key(folder_ / "k.pub"));
  ASSERT_TRUE(write_private_key(folder_ / "k.pem", PrivateKey{kSeed}));
  EXPECT_FALSE(load_public_key(folder_ / "k.pem"));
}

TEST_F(Keys, no_error_holds_the_key) {
  ASSERT_TRUE(write_private_key(folder_ / "k.pem", PrivateKey{kSeed}));
  std::ifstream file(folder_ / "k.pem");
  std::string line;
  std::getline(file, line);
  std::getline(file, line);  // the base64
  fs::permissions(folder_ / "k.pem", fs::perms::others_read, fs::perm_options::add);
  const std::string refusal = load_private_key(folder_ / "k.pem").error().message();
  ASSERT_GT(line.size(), 20U);
  EXPECT_EQ(refusal.find(line), std::string::npos);
}

TEST_F(Keys, moved_from_is_wiped) {
  PrivateKey key{kSeed};
  const PrivateKey taken = std::move(key);
  EXPECT_TRUE(std::ranges::equal(taken.seed(), kSeed));
  EXPECT_TRUE(std::ranges::all_of(key.seed(), [](std::uint8_t b) { return b == 0; }));
}

}  // namespace
}  // namespace sluice::rules
