#include "dataplane/protocol/postgres/writer.h"

#include <algorithm>

#include "common/assert.h"
#include "common/bytes.h"

namespace sluice::postgres {
namespace {

constexpr std::size_t kHeadBytes = 5;

std::string_view cut(std::string_view text) {
  if (text.size() <= kMostTextBytes) return text;
  std::size_t size = kMostTextBytes;
  while (size > 0 && (static_cast<std::uint8_t>(text[size]) & 0xc0U) == 0x80) --size;  // no byte that continues another
  return text.substr(0, size);
}

void append_field(char code, std::string_view text, std::string& out) {
  out.push_back(code);
  for (const char c : cut(text)) out.push_back(c == '\0' ? ' ' : c);
  out.push_back('\0');
}

}  // namespace

bool Writer::write_report(char type, const Report& report) {
  SLUICE_ASSERT(report.code.size() == 5);
  std::string bytes(kHeadBytes, '\0');
  append_field('S', report.severity, bytes);
  append_field('V', report.severity, bytes);  // the same, never translated
  append_field('C', report.code, bytes);
  append_field('M', report.message, bytes);
  if (!report.detail.empty()) append_field('D', report.detail, bytes);
  if (!report.hint.empty()) append_field('H', report.hint, bytes);
  bytes.push_back('\0');
  bytes[0] = type;
  store_be32(reinterpret_cast<std::uint8_t*>(bytes.data()) + 1, static_cast<std::uint32_t>(bytes.size() - 1));
  return append(bytes);
}

bool Writer::ready(std::uint8_t transaction) {
  SLUICE_ASSERT(transaction == 'I' || transaction == 'T' || transaction == 'E');
  const char bytes[] = {'Z', 0, 0, 0, 5, static_cast<char>(transaction)};
  return append({bytes, sizeof bytes});
}

bool Writer::sync() {
  constexpr char kSync[] = {'S', 0, 0, 0, 4};
  return append({kSync, sizeof kSync});
}

bool Writer::append(std::string_view bytes) {
  if (out_.size() > most_ || bytes.size() > most_ - out_.size()) return false;
  out_.append(bytes);
  return true;
}

std::string_view sqlstate_for(ErrorCode error) {
  switch (error) {
    case ErrorCode::rule_denied:
    case ErrorCode::rule_denied_late:
    case ErrorCode::score_denied:
    case ErrorCode::order_denied:
    case ErrorCode::hold_rejected:
    case ErrorCode::hold_expired:
    case ErrorCode::hold_ticket:
    case ErrorCode::hold_ticket_too_large:
    case ErrorCode::not_permitted:
    case ErrorCode::sql_unterminated:
    case ErrorCode::sql_bad_number:
    case ErrorCode::sql_bad_byte:
    case ErrorCode::sql_empty_identifier:
    case ErrorCode::sql_operator_too_long:
    case ErrorCode::sql_unreadable:
    case ErrorCode::postgres_replication_denied:
      return "42501";  // insufficient_privilege
    case ErrorCode::sql_too_long:
    case ErrorCode::sql_too_complex:
      return "54001";  // statement_too_complex
    case ErrorCode::limit_exceeded:
    case ErrorCode::postgres_beyond_window:
    case ErrorCode::postgres_too_many_columns:
    case ErrorCode::postgres_too_many_statements:
    case ErrorCode::postgres_too_many_portals:
    case ErrorCode::postgres_too_many_questions:
    case ErrorCode::postgres_result_too_large:
      return "53400";  // configuration_limit_exceeded
    case ErrorCode::buffers_exhausted:
    case ErrorCode::sessions_exhausted:
    case ErrorCode::holds_exhausted:
    case ErrorCode::record_stalled:
    case ErrorCode::archive_io:
    case ErrorCode::sql_helpers_busy:
    case ErrorCode::sql_source_busy:
      return "53000";  // insufficient_resources
    case ErrorCode::postgres_canceled:
      return "57014";  // query_canceled
    case ErrorCode::hold_server_gone:
    case ErrorCode::no_policy:
      return "57P01";  // admin_shutdown: who is asked is gone
    case ErrorCode::postgres_version_unsupported:
      return "0A000";  // feature_not_supported
    case ErrorCode::postgres_not_authenticated:
      return "28000";  // invalid_authorization_specification
    default:
      break;
  }
  const auto number = static_cast<unsigned>(error);
  return number >= 800 && number < 900 ? "08P01" : "XX000";  // protocol_violation, internal_error
}

}  // namespace sluice::postgres
