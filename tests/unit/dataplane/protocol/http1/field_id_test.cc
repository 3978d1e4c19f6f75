#include "dataplane/protocol/http1/field_id.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http1 {
namespace {

TEST(FieldId, IsFoundInAnyCase) {
  EXPECT_EQ(field_id("Content-Length"), FieldId::content_length);
  EXPECT_EQ(field_id("CONTENT-LENGTH"), FieldId::content_length);
  EXPECT_EQ(field_id("te"), FieldId::te);
  EXPECT_EQ(field_id("Proxy-Authorization"), FieldId::proxy_authorization);
}

TEST(FieldId, IsOtherForEverythingElse) {
  for (const std::string name :
       {"", "x", "Content-Lengt", "Content-Length2", "Content_Length", "Proxy-Authorization-2", "cookie"})
    EXPECT_EQ(field_id(name), FieldId::other) << name;
}

TEST(FieldId, KnowsWhatFramesAndWhatIsSecret) {
  EXPECT_TRUE(field_traits(FieldId::transfer_encoding).structural);
  EXPECT_TRUE(field_traits(FieldId::host).structural);
  EXPECT_FALSE(field_traits(FieldId::etag).structural);
  EXPECT_TRUE(field_traits(FieldId::authorization).credential);
  EXPECT_FALSE(field_traits(FieldId::authorization).structural);
  EXPECT_FALSE(field_traits(FieldId::other).structural);
  EXPECT_FALSE(field_traits(FieldId::other).credential);
}

}  // namespace
}  // namespace sluice::http1
