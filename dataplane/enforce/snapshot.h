// The policy as the data plane runs it: an immutable value made from a verified bundle, outside the
// data path. Workers hold it by pointer; a unit runs under one snapshot from its beginning to its end.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/ip_address.h"
#include "common/time.h"
#include "common/unit.h"
#include "dataplane/enforce/limit.h"
#include "dataplane/enforce/risk.h"
#include "dataplane/inspect/scanner.h"
#include "rules/bounds.h"
#include "rules/column.h"
#include "rules/platform.h"
#include "rules/sql_condition.h"

namespace sluice::enforce {

enum class Place : std::uint8_t { request_head = 0, request_body = 1, response_head = 2, response_body = 3 };
inline constexpr std::size_t kPlaces = 4;
constexpr Place place_of(Direction direction, Part part) {
  return static_cast<Place>(static_cast<int>(direction) * 2 + static_cast<int>(part));
}

enum class Protocol : std::uint8_t { http = 0, raw = 1, tcp = 2, postgres = 3 };
enum class Mode : std::uint8_t { observe = 0, enforce = 1 };
enum class Action : std::uint8_t { observe = 0, mask = 1, deny = 2, hold = 3 };
enum class RecordMode : std::uint8_t { required = 0, best_effort = 1, off = 2 };
enum class Durability : std::uint8_t { group = 0, strict = 1 };
enum class AfterWindow : std::uint8_t { deny = 0, stream = 1 };
enum class AfterUpgrade : std::uint8_t { scan = 0, pass = 1 };
enum class Replication : std::uint8_t { deny = 0, pass = 1 };

struct Rule {
  std::string name;
  Action action = Action::observe;
  std::uint8_t keep_last = 0;
  std::array<bool, 2> mask_wire{};         // by Direction; counts only where Service::masks_wire says so for the place
  bool masks_signs = false;                // what it finds is the secret itself, and not a text that holds it
  std::uint32_t score = 0;                 // of a request in which it is found, where the service has lines
  bool mask_record = false;                // in every mode: what a rule names is never on disk
  std::optional<rules::SqlCondition> sql;  // asked of statements; then no scan has it
  std::vector<rules::ColumnPattern> columns;  // of results, whose cells it names; then no scan has it

  [[nodiscard]] bool masks_wire(Direction direction) const { return mask_wire[static_cast<std::size_t>(direction)]; }
};

// What requests have in common whose bodies are pieces of one payload.
enum class TieKind : std::uint8_t { principal = 0, path = 1, header = 2, query = 3 };
struct Tie {
  TieKind kind = TieKind::principal;
  std::string name;  // of the header, in lower case, or of the query parameter
};

// Rules that look at such bodies as one.
struct Across {
  const inspect::RuleSet* rules = nullptr;
  std::vector<Tie> by;
  std::string offset;   // the header that says where a piece begins, in lower case; empty: pieces come in order
  DurationNs life = 0;  // how long a payload is remembered after its last piece
};

// How requests wait for a decision.
struct HoldTerms {
  DurationNs timeout = 15 * 60 * kSecond;
  bool pass_on_timeout = false;            // else denied
  bool ticket = false;                     // the client is answered at once, and asks again
  std::uint32_t body_bytes = 1024 * 1024;  // of a request, taken from the client while it waits
};

// What its rules ask of SQL statements.
struct SqlTerms {
  std::vector<RuleIndex> rules;
  bool asks_functions = false;   // some rule names functions
  bool may_stop = false;         // some rule may deny or hold, and mode is enforce
  bool pass_unreadable = false;  // else what cannot be read is refused, where a rule may stop what can
};

// In mode observe nothing is changed or held back: masks_wire is false at every place and
// judges_request_body is false. The scans stay: matches are reported and recorded, with `observed` set,
// and record masks apply as ever.
struct Service {
  std::uint32_t index = 0;  // position in its snapshot
  std::string name;
  IpAddress address;
  std::uint16_t port = 0;
  Protocol protocol = Protocol::http;
  Mode mode = Mode::enforce;
  RecordMode record = RecordMode::required;
  Durability durability = Durability::group;
  std::string record_class;
  std::uint32_t recorded_rows = rules::kAllRows;         // of an answer, at most
  std::array<const inspect::RuleSet*, kPlaces> scans{};  // nullptr: nothing to look for there
  std::array<bool, kPlaces> masks_wire{};                // some rule there masks on the wire, and mode is enforce
  std::vector<Across> across;                            // over request bodies; no scan there has these rules
  bool judges_request_body = false;                      // some rule there denies or holds: the window is held back
  std::uint32_t head_limit_bytes = 32 * 1024;
  std::uint16_t header_limit = 128;
  std::uint32_t window_bytes = 64 * 1024;
  AfterWindow after_window = AfterWindow::deny;
  bool allow_upgrade = false;
  AfterUpgrade after_upgrade = AfterUpgrade::scan;
  Replication replication = Replication::deny;
  std::uint16_t pending_limit = 64;
  std::vector<Limit> limits;
  HoldTerms hold;
  bool may_hold = false;  // a rule, a limit or a line of it holds
  Risk risk;
  SqlTerms sql;
  std::vector<RuleIndex> column_rules;  // those that name columns

  [[nodiscard]] const inspect::RuleSet* scan(Place place) const { return scans[static_cast<std::size_t>(place)]; }
};

// The CPU and library that a bundle must have been compiled for.
using rules::Platform;
using rules::this_platform;

class Snapshot {
 public:
  // Checks signature (Ed25519, raw 32-byte public key), format, platform and databases; refuses whole.
  static Result<std::unique_ptr<const Snapshot>> load(Bytes bundle, Bytes public_key);
  ~Snapshot();

  [[nodiscard]] std::uint64_t version() const;
  [[nodiscard]] Bytes source_sha256() const;
  [[nodiscard]] const Service* find_service(const IpAddress& address, std::uint16_t port) const;
  // Some service lives at this address: fragments to or from it are refused.
  [[nodiscard]] bool is_protected(const IpAddress& address) const;
  // Name of the narrowest matching network, empty when none matches.
  [[nodiscard]] std::string_view principal_of(const IpAddress& address) const;
  [[nodiscard]] const Rule& rule(RuleIndex index) const;
  [[nodiscard]] std::size_t rule_count() const;
  [[nodiscard]] const std::vector<Service>& services() const;
  // Those that principals have for themselves; empty for a name that has none.
  [[nodiscard]] std::span<const Limit> limits_of(std::string_view principal) const;
  // All limits, of services and of principals, by Limit::index.
  [[nodiscard]] std::vector<std::string_view> limit_names() const;
  // Grows a worker's scratch for every scan of this policy. Outside the data path.
  Result<void> prepare(inspect::Scratch& scratch) const;

 private:
  Snapshot();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::enforce
