// What a recorded unit of PostgreSQL says (docs/formats/segment.md): its head, its statement, the values that it binds,
// and whether it can be run again as the server got it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "control/archive/exchange.h"
#include "control/archive/session_records.h"
#include "control/replay/recorded_items.h"
#include "rules/rule.h"

namespace sluice::control {

struct PostgresHead {
  std::string kind;                // QUERY, BIND, ROWS, ...
  std::vector<std::string> names;  // of a statement, of a portal and a statement, of a portal
  bool is_binary = false;          // all values
  bool is_mixed = false;           // some of them: those listed, or nobody knows which where there are none
  std::vector<std::uint32_t> binary;

  [[nodiscard]] bool has_binary(std::uint32_t number) const;  // from 1
};

PostgresHead parse_postgres_head(std::string_view line);

// Settings and descriptions: what they lead to is seen in what is compared.
bool is_passed_over(const Unit& unit, const PostgresHead& head);
// Why it is not run; empty: it can be, as far as its body is not asked.
std::string why_not_run(const Unit& unit);

bool is_sqlstate(std::string_view text);
// An error, or a notice, comes next: its severity, the same not translated, its SQLSTATE; more may be cut.
enum class Report : std::uint8_t { error, notice };
bool is_report(RecordedItems& items, Report kind);
// It comes next, with a file of the server's source, a line in it, and a function at its end.
void pass_report(RecordedItems& items);
inline constexpr std::size_t kReportHead = 4;  // severity, the same not translated, SQLSTATE, message
// The SQLSTATE of the error that a recorded answer has, which may be cut behind it; empty: it has none.
std::string_view recorded_error(std::string_view answer);
inline constexpr std::string_view kInFailedTransaction = "25P02";
// A transaction that the server was in had failed before the unit came: it was refused for that, or the transaction was
// rolled back, which a COMMIT does then, too.
bool came_in_failed_transaction(const Unit& unit);
// A transaction that the server was in failed by this unit, or had failed before. What is denied is refused by the
// server itself, so it fails, too.
bool fails_transaction(const Unit& unit, const PostgresHead& head);

// All of it, of at most 16 MiB; bad_argument, record_gap where it is not there.
Result<std::string> recorded_body(const SessionRecords& records, const Unit& unit, Direction direction);
inline constexpr std::size_t kMostPostgresBodyBytes = 16 * 1024 * 1024;

// Of a Query or Parse.
std::string_view statement_of(std::string_view body);
// Of a Bind.
std::vector<RecordedValue> bound_values(std::string_view body);

// Stars stand in its body where the server got something else: a rule (of `rules`, or one that is not there any more)
// hides on the record what it does not hide on the wire, or hides a value that went in binary, in which there are no
// stars. What was recorded under another version of the policy than that of `rules` counts as masked wherever there are
// stars: nobody knows what its rules hid.
bool is_masked_for_record(const Message& request, std::string_view body, std::span<const rules::Rule> rules,
                          std::uint64_t policy_version);

}  // namespace sluice::control
