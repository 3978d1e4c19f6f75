// A whole control behind its sockets, in a folder of its own and with a small archive.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "control/api/api.h"
#include "control/cli/client.h"
#include "control/publish/signing_key.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/control/archive_fixture.h"

namespace sluice::control::test {

// "orders", which nothing is said of.
inline constexpr const char* kPolicy = R"(
services:
  - {name: orders, address: 10.77.0.2:8080, protocol: http, mode: enforce}
)";

class Served : public ::testing::Test {
 protected:
  // `now`: as holds and orders see it.
  void serve(WallNs now) {
    auto keys = load_or_make_keys(dir_.file("policy.key"), dir_.file("policy.pub"));
    auto store = PolicyStore::open(dir_.file("policies.db"));
    ASSERT_TRUE(keys && store);
    auto approvals = Approvals::open(
        dir_.file("approvals.db"), [this] { return approval_terms(*publisher_, ""); }, [now] { return now; });
    ASSERT_TRUE(approvals) << approvals.error().message();
    approvals_ = std::move(*approvals);
    publisher_.emplace(rules::PackSource(dir_.path()), std::move(*keys), std::move(*store));
    ASSERT_TRUE(publisher_->listen(dir_.file("channel.sock"), approvals_.get()));
    auto api = Api::start({*publisher_, archive_.index(), *approvals_, kStart}, dir_.file("api.sock"), "");
    ASSERT_TRUE(api);
    api_ = std::move(*api);
  }
  [[nodiscard]] cli::Client client() const { return cli::Client(dir_.file("api.sock")); }

  sluice::test::TempDir dir_;
  Archive archive_;
  std::unique_ptr<Approvals> approvals_;
  std::optional<Publisher> publisher_;
  std::unique_ptr<Api> api_;
};

}  // namespace sluice::control::test
