// From an operator's text to a policy that runs: checked, compiled for the data plane's CPU, signed, pushed,
// remembered. A data plane that connects with another policy than the current one is given the current one.
#pragma once

#include <condition_variable>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "common/error.h"
#include "control/channel/server.h"
#include "control/publish/policy_store.h"
#include "rules/keys.h"
#include "rules/pack.h"
#include "rules/policy.h"

namespace sluice::control {

struct Pushed {
  std::uint64_t version = 0;
  PolicyState state = PolicyState::pending;
  std::string detail;  // for people
};

struct PushFailure {
  Error error;
  rules::Problems problems;  // of the text; empty when the text is good
};

class Publisher : public ChannelObserver {
 public:
  Publisher(rules::PackSource packs, rules::KeyPair keys, std::unique_ptr<PolicyStore> store);
  ~Publisher() override;

  // Opens the channel and gives data planes that connect the current policy. Before anything is pushed. `other` is told
  // what the channel's observers are told.
  Result<void> listen(const std::string& socket_path, ChannelObserver* other = nullptr);
  [[nodiscard]] ChannelStatus channel_status() const { return channel_->status(); }
  [[nodiscard]] ChannelServer& channel() { return *channel_; }

  [[nodiscard]] std::expected<rules::Policy, rules::Problems> check(std::string_view text,
                                                                    std::string_view file_name) const;
  std::expected<Pushed, PushFailure> push(std::string_view text, std::string_view file_name, std::string_view author);
  Result<std::optional<StoredPolicy>> current() { return store_->current(); }
  // The current policy as values; conflict when there is none.
  Result<rules::Policy> current_parsed();
  // Likewise, remembered until another policy is current.
  Result<std::shared_ptr<const rules::Policy>> current_policy();

  void on_connected() override;

 private:
  Result<std::vector<std::uint8_t>> build(const rules::Policy& policy, const rules::Platform& platform,
                                          std::uint64_t version) const;
  std::expected<Pushed, PushFailure> store_and_push(const rules::Policy& policy, std::string_view text,
                                                    std::string_view author);
  void run();
  // Brings the connected data plane to the current policy. False when there is more to do.
  bool reconcile();

  const rules::PackSource packs_;
  const rules::KeyPair keys_;
  const std::unique_ptr<PolicyStore> store_;
  std::unique_ptr<ChannelServer> channel_;

  std::mutex remembering_;  // guards the next two
  std::uint64_t remembered_version_ = 0;
  std::shared_ptr<const rules::Policy> remembered_;
  std::mutex publishing_;  // one policy at a time, so that the newest version is the last pushed
  std::mutex mutex_;
  std::condition_variable wake_;
  bool connected_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::control
