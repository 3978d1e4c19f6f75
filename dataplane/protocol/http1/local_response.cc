// Answers that Sluice gives by itself, in the protocol's own words.
#include <string>
#include <string_view>

#include "dataplane/protocol/http1/rewrite.h"

namespace sluice::http1 {
namespace {

std::string_view reason_of(std::uint16_t status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

// Printable ASCII as it is; what JSON or a browser could take for more is escaped.
void append_quoted(std::string_view text, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte > 0x7e) {
      out.append("\\ufffd");
    } else if (byte < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&') {
      out.append("\\u00").append({kHex[byte >> 4U], kHex[byte & 15U]});
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

// What the client did, and the client can change.
std::uint16_t request_status(ErrorCode error) {
  switch (error) {
    case ErrorCode::http_head_too_large:
    case ErrorCode::http_too_many_headers:
      return 431;
    case ErrorCode::http_target_too_long:
      return 414;
    case ErrorCode::http_bad_transfer_encoding:
      return 501;  // RFC 9112 section 6.1
    case ErrorCode::http_version_unsupported:
      return 505;
    case ErrorCode::http_encoding_unreadable:
      return 415;  // RFC 9110 section 15.5.16
    case ErrorCode::http_body_beyond_window:
      return 413;
    case ErrorCode::http_upgrade_refused:
    case ErrorCode::rule_denied:
    case ErrorCode::rule_denied_late:
      return 403;
    default:
      return 400;
  }
}

bool is_http(ErrorCode error) {
  return error >= ErrorCode::http_bad_request_line && static_cast<unsigned>(error) < 400;
}

}  // namespace

std::uint16_t status_for(ErrorCode error, Direction found_in) {
  switch (error) {
    case ErrorCode::rule_denied:
    case ErrorCode::rule_denied_late:
      return 403;  // also when it was the response that a rule denies
    case ErrorCode::score_denied:
    case ErrorCode::hold_rejected:
    case ErrorCode::hold_expired:
    case ErrorCode::order_denied:
    case ErrorCode::hold_ticket:
      return 403;
    case ErrorCode::hold_ticket_too_large:
      return 413;
    case ErrorCode::piece_ambiguous:
      return 400;
    case ErrorCode::limit_exceeded:
      return 429;
    case ErrorCode::http_unexpected_response:
    case ErrorCode::tcp_reset_by_server:
    case ErrorCode::tcp_refused_by_server:
    case ErrorCode::tcp_aborted:
      return 502;
    case ErrorCode::tcp_timeout:
    case ErrorCode::tcp_syn_timeout:
    case ErrorCode::tcp_idle_timeout:
      return 504;
    case ErrorCode::buffers_exhausted:
    case ErrorCode::sessions_exhausted:
    case ErrorCode::http_too_many_pending:
    case ErrorCode::http_too_fragmented:
    case ErrorCode::scan_failed:
    case ErrorCode::no_policy:
    case ErrorCode::holds_exhausted:
    case ErrorCode::hold_server_gone:
    case ErrorCode::record_stalled:
    case ErrorCode::archive_io:
      return 503;
    default:
      if (!is_http(error)) return 500;
      return found_in == Direction::request ? request_status(error) : 502;
  }
}

std::string local_response(std::uint16_t status, ErrorCode error, std::string_view detail, bool close, bool head_only,
                           std::uint64_t retry_after_seconds, std::string_view hold) {
  const bool is_ticket = error == ErrorCode::hold_ticket && !hold.empty();
  std::string body = "{\"error\":";
  append_quoted(error_name(error), body);
  body.append(",\"message\":");
  append_quoted(error_text(error), body);
  if (!detail.empty()) {
    body.append(",\"detail\":");
    append_quoted(detail, body);
  }
  if (!hold.empty()) {
    body.append(is_ticket ? ",\"ticket\":" : ",\"hold\":");
    append_quoted(hold, body);
  }
  body.append("}\n");

  std::string out = "HTTP/1.1 ";
  out.append(std::to_string(status)).append(" ").append(reason_of(status));
  // 414 and 501 may be cached unless the answer says otherwise (RFC 9110 section 15.1).
  out.append("\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: ");
  out.append(std::to_string(body.size())).append("\r\n");
  if (retry_after_seconds != 0)  // RFC 9110 section 10.2.3
    out.append("Retry-After: ").append(std::to_string(retry_after_seconds)).append("\r\n");
  if (is_ticket) out.append("Sluice-Ticket: ").append(hold).append("\r\n");
  if (close) out.append("Connection: close\r\n");
  out.append("\r\n");
  if (!head_only) out.append(body);
  return out;
}

}  // namespace sluice::http1
