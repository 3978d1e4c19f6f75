// What was signed comes out; anything else does not.
#include "rules/bundle.h"

#include <gtest/gtest.h>

namespace sluice::rules {
namespace {

class BundleTest : public ::testing::Test {
 protected:
  KeyPair keys_ = *generate_keypair();
  std::vector<std::uint8_t> policy_ = std::vector<std::uint8_t>(1000, 7);
  std::vector<std::uint8_t> bundle_ = *sign_bundle(policy_, keys_.private_key);
};

TEST_F(BundleTest, opens_with_the_key_that_signed) {
  const auto opened = open_bundle(bundle_, keys_.public_key);
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(*opened, policy_);
}

TEST_F(BundleTest, another_key_does_not_open_it) {
  EXPECT_EQ(open_bundle(bundle_, generate_keypair()->public_key).error().code, ErrorCode::bundle_bad_signature);
  EXPECT_EQ(open_bundle(bundle_, {}).error().code, ErrorCode::bundle_bad_signature);
}

// Whatever byte is changed, either the envelope is refused or the same policy comes out.
TEST_F(BundleTest, no_changed_byte_changes_the_policy) {
  std::size_t refused = 0;
  for (std::size_t i = 0; i < bundle_.size(); ++i) {
    std::vector<std::uint8_t> changed = bundle_;
    changed[i] ^= 0x41;
    const auto opened = open_bundle(changed, keys_.public_key);
    if (opened) {
      EXPECT_EQ(*opened, policy_) << i;
    }
    refused += !opened;
  }
  EXPECT_GE(refused, policy_.size() + kSignatureBytes + kKeyIdBytes);
}

TEST_F(BundleTest, no_cut_opens) {
  for (std::size_t size = 0; size < bundle_.size(); ++size)
    EXPECT_FALSE(open_bundle(Bytes(bundle_).first(size), keys_.public_key)) << size;
}

TEST_F(BundleTest, reads_from_any_address) {
  std::vector<std::uint8_t> shifted(bundle_.size() + 1);
  std::copy(bundle_.begin(), bundle_.end(), shifted.begin() + 1);
  EXPECT_TRUE(open_bundle(Bytes(shifted).subspan(1), keys_.public_key));
}

TEST_F(BundleTest, size_is_bounded) {
  const std::vector<std::uint8_t> large(kMaxBundleBytes + 1);
  EXPECT_EQ(open_bundle(large, keys_.public_key).error().code, ErrorCode::bundle_malformed);
  EXPECT_EQ(sign_bundle(large, keys_.private_key).error().code, ErrorCode::bundle_malformed);
}

}  // namespace
}  // namespace sluice::rules
