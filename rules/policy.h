// The policy as plain values, made from the YAML that an operator writes (docs/policy.md).
// A Policy that parse_policy() returns is whole: names are unique, every rule that a service names is
// in `rules`, every expression is one that the scanner takes, every number is inside its bounds.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ip_address.h"
#include "common/unit.h"
#include "rules/bounds.h"
#include "rules/hold.h"
#include "rules/limit.h"
#include "rules/pack.h"
#include "rules/problem.h"
#include "rules/risk.h"
#include "rules/rule.h"
#include "schema/policy_generated.h"

namespace sluice::rules {

using schema::policy::AfterUpgrade;
using schema::policy::AfterWindow;
using schema::policy::Durability;
using schema::policy::Mode;
using schema::policy::Protocol;
using schema::policy::RecordMode;
using schema::policy::Replication;
using schema::policy::Unreadable;

struct Service {
  std::string name;
  IpAddress address;
  std::uint16_t port = 0;
  Protocol protocol = Protocol::http;
  Mode mode = Mode::enforce;
  RecordMode record = RecordMode::required;
  Durability durability = Durability::group;
  std::string record_class = "routine";
  std::uint32_t recorded_rows = kAllRows;  // of an answer, at most
  std::vector<RuleIndex> rules;            // positions in Policy::rules, ascending, each once
  std::uint32_t head_limit_bytes = 32 * 1024;
  std::uint16_t header_limit = 128;
  std::uint16_t pending_limit = 64;
  std::uint32_t window_bytes = 64 * 1024;
  AfterWindow after_window = AfterWindow::deny;
  bool allow_upgrade = false;
  AfterUpgrade after_upgrade = AfterUpgrade::scan;
  Replication replication = Replication::deny;
  std::vector<Limit> limits;
  HoldTerms hold;
  std::optional<Risk> risk;
  Unreadable unreadable_sql = Unreadable::deny;  // where a rule of it asks of SQL
  Position position;                             // of its name
};

// A caller known by the network it calls from: the weakest proof. Of those with the same name at most one has limits,
// which are for all of them.
struct Principal {
  std::string name;
  IpAddress network;             // host bits zero
  std::uint8_t prefix_bits = 0;  // of its own family
  Position position;
  std::vector<Limit> limits = {};
};

struct Retention {
  std::string record_class;
  std::uint32_t days = 0;
};

struct Policy {
  std::string file_name;
  std::array<std::uint8_t, 32> source_sha256{};  // of the YAML text
  std::vector<Service> services;
  std::vector<Principal> principals;
  std::vector<Retention> retention;
  std::vector<Rule> rules;  // the file's own ("local/name"), then those taken from packs ("pack/name")
};

// `file_name` is only what problems are reported under.
std::expected<Policy, Problems> parse_policy(std::string_view yaml, std::string_view file_name,
                                             const PackSource& packs);

// A summary for people: services, their rules by place, principals, retention.
std::string describe(const Policy& policy);

}  // namespace sluice::rules
