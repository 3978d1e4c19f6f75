// Prometheus' door: who does not know the token learns nothing.
#include "control/api/metrics_server.h"

#include <gtest/gtest.h>

#include <httplib.h>

#include "common/bytes.h"
#include "common/file.h"
#include "tests/support/temp_dir.h"

namespace sluice::control {
namespace {

constexpr const char* kToken = "0123456789abcdef";

class MetricsServerTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<MetricsServer>> start(const std::string& token, mode_t mode = 0600,
                                               const std::string& endpoint = "127.0.0.1:0") {
    EXPECT_TRUE(replace_file(dir_.file("token"), as_bytes(token), mode));
    return MetricsServer::start(endpoint, dir_.file("token"), [] { return std::string("up 1\n"); });
  }
  test::TempDir dir_;
};

TEST_F(MetricsServerTest, WhoKnowsTheTokenReads) {
  const auto server = start(std::string(kToken) + "\n");
  ASSERT_TRUE(server) << server.error().message();
  httplib::Client client("127.0.0.1", (*server)->port());
  client.set_bearer_token_auth(kToken);
  const auto answer = client.Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "up 1\n");
  EXPECT_EQ(client.Get("/v1/status")->status, 404);
}

TEST_F(MetricsServerTest, WhoDoesNotIsRefused) {
  const auto server = start(kToken);
  ASSERT_TRUE(server);
  httplib::Client client("127.0.0.1", (*server)->port());
  EXPECT_EQ(client.Get("/metrics")->status, 401);
  for (const char* wrong : {"", "0", "0123456789abcdeg", "0123456789abcdef0"}) {
    client.set_bearer_token_auth(wrong);
    const auto answer = client.Get("/metrics");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 401) << wrong;
    EXPECT_EQ(answer->body.find("up"), std::string::npos);
  }
}

TEST_F(MetricsServerTest, WhatCannotBeServedSafelyIsRefusedInWords) {
  const auto message = [&](const std::string& token, mode_t mode, const std::string& endpoint) {
    const auto server = start(token, mode, endpoint);
    return server ? std::string() : server.error().message();
  };
  EXPECT_NE(message("short", 0600, "127.0.0.1:0").find("at least 16"), std::string::npos);
  EXPECT_NE(message(kToken, 0644, "127.0.0.1:0").find("chmod 600"), std::string::npos);
  EXPECT_NE(message(kToken, 0600, "9464").find("127.0.0.1:9464"), std::string::npos);
  EXPECT_NE(message(kToken, 0600, "127.0.0.1:99999").find("127.0.0.1:9464"), std::string::npos);
}

}  // namespace
}  // namespace sluice::control
