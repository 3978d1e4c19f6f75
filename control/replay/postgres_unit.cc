// See postgres_unit.h.
#include "control/replay/postgres_unit.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace sluice::control {
namespace {

// A name may hold quotes and spaces: it ends with a quote behind which the line ends, or another name or the formats
// come.
std::size_t end_of_name(std::string_view line) {
  constexpr std::string_view kBinary = " binary";
  for (std::size_t end = line.find('"'); end != std::string_view::npos; end = line.find('"', end + 1)) {
    const std::string_view behind = line.substr(end + 1);
    if (behind.empty() || behind.starts_with(" \"") || behind.starts_with(kBinary)) return end;
  }
  return std::string_view::npos;  // it is cut
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// It never reached the server.
bool is_denied(const Unit& unit) {
  return unit.request.verdict == Verdict::deny && !unit.request.observed;
}

}  // namespace

bool PostgresHead::has_binary(std::uint32_t number) const {
  return is_binary || (is_mixed && (binary.empty() || std::ranges::count(binary, number) > 0));
}

PostgresHead parse_postgres_head(std::string_view line) {
  line = line.substr(0, line.find('\n'));
  PostgresHead head;
  const std::size_t kind = std::min(line.find(' '), line.size());
  head.kind = line.substr(0, kind);
  line.remove_prefix(kind);
  while (line.starts_with(" \"")) {
    line.remove_prefix(2);
    const std::size_t end = end_of_name(line);
    if (end == std::string_view::npos) return head;
    head.names.emplace_back(line.substr(0, end));
    line.remove_prefix(end + 1);
  }
  constexpr std::string_view kBinary = " binary";
  if (!line.starts_with(kBinary)) return head;
  line.remove_prefix(kBinary.size());
  head.is_binary = line.empty();
  head.is_mixed = !line.empty();
  while (!line.empty()) {
    const std::size_t digit = line.find_first_of("0123456789");
    if (digit == std::string_view::npos) return head;
    std::uint32_t number = 0;
    const char* const end = std::from_chars(line.data() + digit, line.data() + line.size(), number).ptr;
    head.binary.push_back(number);
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  }
  return head;
}

bool is_passed_over(const Unit& unit, const PostgresHead& head) {
  return (head.kind == "STARTUP" || head.kind == "DESCRIBE") && unit.request.verdict != Verdict::deny;
}

std::string why_not_run(const Unit& unit) {
  if (is_denied(unit)) return "it was denied and never reached the server";
  if (!unit.request.ended || !unit.request.complete) return "it was cut short";
  if (unit.request.has_holes) return "parts of it are missing in the record";
  if (!unit.response.ended) return "no whole answer is on the record";
  if (!unit.response.complete) return std::string(error_text(unit.response.error));
  return {};
}

bool is_sqlstate(std::string_view text) {
  return text.size() == 5 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

bool is_report(RecordedItems& items, Report kind) {
  constexpr std::array<std::string_view, 3> kErrors = {"ERROR", "FATAL", "PANIC"};
  constexpr std::array<std::string_view, 5> kNotices = {"NOTICE", "WARNING", "INFO", "LOG", "DEBUG"};
  for (std::size_t i = 0; i < 3; ++i)
    if (!items.is(Item::text, i)) return false;
  const std::string_view severity = items.at(1)->bytes;
  const bool is_of_kind =
      kind == Report::error ? std::ranges::count(kErrors, severity) > 0 : std::ranges::count(kNotices, severity) > 0;
  return is_of_kind && is_sqlstate(items.at(2)->bytes);
}

void pass_report(RecordedItems& items) {
  constexpr std::size_t kMostFields = 24;
  std::size_t fields = kReportHead;
  for (std::size_t i = kReportHead; i < kMostFields && items.is(Item::text, i) && items.is(Item::text, i + 2); ++i) {
    if (!items.at(i)->bytes.ends_with(".c") || !is_number(items.at(i + 1)->bytes)) continue;
    fields = i + 3;
    break;
  }
  items.pass(fields);
}

std::string_view recorded_error(std::string_view answer) {
  RecordedItems items(answer);
  while (items.at() != nullptr) {
    if (is_report(items, Report::error)) return items.at(2)->bytes;
    if (is_report(items, Report::notice))
      pass_report(items);
    else
      items.pass();
  }
  return {};
}

bool came_in_failed_transaction(const Unit& unit) {
  RecordedItems items(unit.response.body);
  const bool goes_on = unit.request.head.starts_with("QUERY") && unit.response.transaction == 'T';  // a column's name
  if (items.is(Item::text) && items.at()->bytes == "ROLLBACK" && !goes_on) return true;
  return recorded_error(unit.response.body) == kInFailedTransaction;
}

// What is told behind an answer is told of Query alone: an Execute's ends before its Sync.
bool fails_transaction(const Unit& unit, const PostgresHead& head) {
  if (head.kind == "QUERY" && unit.response.transaction != 0) return unit.response.transaction == 'E';
  if (is_denied(unit) || (unit.request.ended && !unit.request.complete)) return true;
  return unit.response.error == ErrorCode::postgres_skipped || !recorded_error(unit.response.body).empty();
}

Result<std::string> recorded_body(const SessionRecords& records, const Unit& unit, Direction direction) {
  const Message& message = direction == Direction::request ? unit.request : unit.response;
  if (message.has_holes) return fail(ErrorCode::record_gap, "parts of it are missing in the record");
  if (message.recorded_bytes > kMostPostgresBodyBytes) return fail(ErrorCode::bad_argument, "it is larger than 16 MiB");
  if (message.body.size() == message.recorded_bytes) return message.body;
  std::string body;
  const auto streamed = stream_body(records, message.place, unit.number, direction, [&](Bytes bytes) {
    body.append(as_text(bytes));
    return true;
  });
  if (!streamed) return std::unexpected(streamed.error());
  return body;
}

std::string_view statement_of(std::string_view body) {
  RecordedItems items(body);
  return items.is(Item::text) ? items.at()->bytes : body;
}

std::vector<RecordedValue> bound_values(std::string_view body) {
  std::vector<RecordedValue> values;
  RecordedItems items(body);
  while (auto value = items.take_value()) values.push_back(std::move(*value));
  return values;
}

bool is_masked_for_record(const Message& request, std::string_view body, std::span<const rules::Rule> rules,
                          std::uint64_t policy_version) {
  const auto has_star = [](std::string_view text) { return text.find('*') != std::string_view::npos; };
  if (request.hits.empty() || !has_star(body)) return false;
  if (request.policy_version != policy_version) return true;
  const bool record_only = std::ranges::any_of(request.hits, [&](const RuleHit& hit) {
    const auto rule = std::ranges::find(rules, hit.rule, &rules::Rule::name);
    if (rule == rules.end()) return true;
    const bool is_on_wire = rule->action == rules::Action::mask && rule->mask_wire[0] && !request.observed;
    return rule->mask_record && !is_on_wire;
  });
  if (record_only) return true;
  return std::ranges::any_of(bound_values(body), [&](const RecordedValue& value) {
    const auto was_binary = [&](const RecordedItem& item) { return has_star(item.bytes); };
    return (value.item == Item::decoded && has_star(value.bytes)) || std::ranges::any_of(value.elements, was_binary);
  });
}

}  // namespace sluice::control
