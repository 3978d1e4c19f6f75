// Every policy that was ever pushed, in the order of its version: its text, who pushed it, what came of it.
// Versions grow by each push and are never used twice. The current policy is the newest that was not refused.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/error.h"
#include "common/time.h"
#include "control/store/sqlite.h"

namespace sluice::control {

enum class PolicyState { pending, running, refused };  // pending: no data plane has taken it yet
std::string_view policy_state_name(PolicyState state);

struct StoredPolicy {
  std::uint64_t version = 0;
  std::string source;
  std::string file_name;
  std::string sha256;  // of the source, 32 bytes
  std::string author;
  WallNs created_wall_ns = 0;
  PolicyState state = PolicyState::pending;
  std::string detail;  // why it was refused
};

class PolicyStore {
 public:
  static Result<std::unique_ptr<PolicyStore>> open(const std::string& path);

  // Above every version here and above `at_least`.
  Result<std::uint64_t> next_version(std::uint64_t at_least);
  // Refuses a version that is there already.
  Result<void> add(const StoredPolicy& policy);
  Result<void> set_state(std::uint64_t version, PolicyState state, std::string_view detail);
  Result<std::optional<StoredPolicy>> current();

 private:
  explicit PolicyStore(Database database) : database_(std::move(database)) {}
  std::mutex mutex_;
  Database database_;
};

}  // namespace sluice::control
