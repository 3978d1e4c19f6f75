// A unit that waits for a reviewer's decision, as the worker's table keeps it and as control is told of it.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "common/hold.h"
#include "common/ip_address.h"
#include "common/metrics.h"
#include "common/time.h"
#include "common/unit.h"
#include "dataplane/buffer/slabs.h"
#include "dataplane/enforce/orders.h"

namespace sluice::session {

class Session;

// What people are shown of a unit: its head and the beginning of its body, as on the record, in blocks of a slab.
class HoldText {
 public:
  static constexpr std::size_t kMostBytes = 16 * 1024;  // of each
  static constexpr std::size_t kBlockBytes = 4096;

  HoldText() = default;
  ~HoldText() { clear(); }
  HoldText(const HoldText&) = delete;
  HoldText& operator=(const HoldText&) = delete;

  void set(buffer::Slabs& blocks, std::string_view head, std::string_view body);
  void clear();
  [[nodiscard]] std::size_t head_bytes() const { return head_bytes_; }
  [[nodiscard]] std::size_t body_bytes() const { return body_bytes_; }
  // Both, one after the other.
  void copy(std::vector<std::uint8_t>& out) const {
    out.resize(head_bytes_ + body_bytes_);
    for (std::size_t at = 0; at < out.size(); at += kBlockBytes)
      std::memcpy(out.data() + at, blocks_[at / kBlockBytes], std::min(kBlockBytes, out.size() - at));
  }

 private:
  std::array<std::uint8_t*, 2 * kMostBytes / kBlockBytes> blocks_{};
  std::uint32_t head_bytes_ = 0;
  std::uint32_t body_bytes_ = 0;
};

struct Hold {
  static constexpr std::size_t kNameBytes = 64;
  static constexpr std::size_t kPrincipalBytes = 160;  // one that a caller gives itself may be longer
  static constexpr std::size_t kCauseBytes = 256;
  static constexpr std::size_t kReasonBytes = 256;

  // What does not change while it lives.
  HoldId id = 0;
  SessionId session = 0;
  std::uint32_t unit = 0;
  WallNs began_wall = 0;
  TimeNs began = 0;
  TimeNs deadline = kNever;
  bool passes_on_timeout = false;
  bool ticket = false;
  bool principal_verified = false;
  HoldCause cause = HoldCause::limit;
  std::uint64_t order = 0;
  std::uint32_t score = 0;
  std::uint64_t policy_version = 0;
  IpAddress client_address;
  std::uint16_t client_port = 0;
  std::optional<enforce::Fingerprint> fingerprint;
  char service[kNameBytes] = {};
  char principal[kPrincipalBytes] = {};
  char network[kNameBytes] = {};  // the principal that the policy knows by the client's network
  char cause_name[kCauseBytes] = {};

  // What the worker alone looks at, but for the text of one that is lent (hold_table.h).
  HoldText text;
  std::uint64_t body_bytes = 0;  // that were there when the text was made
  enum class Decision : std::uint8_t { none, pass, deny };
  Decision decision = Decision::none;
  bool by_order = false;  // which `by` gave
  char by[kNameBytes] = {};
  char reason[kReasonBytes] = {};
  Session* waiter = nullptr;
  bool judge_anew = false;  // the orders are others, or the one that holds it is gone
  bool told = false;        // its text as it is now
  bool ever_told = false;
  bool lent = false;
};

// One writer: the worker.
struct HoldCounters {
  std::atomic<std::uint64_t> open{0};
  Counter opened, exhausted;
  std::array<Counter, kHoldEndings> ended;  // by HoldEnding
};

// From the worker to the channel's thread.
struct HoldEvent {
  // Between pass_begins and all_told all that live are told.
  enum class Kind : std::uint8_t { opened, ended, pass_begins, all_told, order_used };
  Kind kind = Kind::opened;
  const Hold* hold = nullptr;  // opened: lent until it is given back
  HoldId id = 0;
  HoldEnding ending = HoldEnding::cut;
  WallNs wall = 0;
  std::uint64_t order = 0;
  SessionId session = 0;
  std::uint32_t unit = 0;
  std::uint32_t asked = 0;  // pass_begins: which question it answers
};

// And the other way.
struct HoldDecision {
  HoldId id = 0;
  bool pass = false;
  char by[Hold::kNameBytes] = {};
  char reason[Hold::kReasonBytes] = {};
};

}  // namespace sluice::session
