// RFC 9112 sections 6 and 9.3, RFC 9110 sections 7.2, 7.8 and 10.1.1. What is ambiguous is refused:
// two readers of one message must never disagree about where it ends.
#include "dataplane/protocol/http1/framing.h"

#include <algorithm>
#include <limits>

#include "dataplane/protocol/http1/syntax.h"
#include "dataplane/protocol/http1/target.h"

namespace sluice::http1 {
namespace {

// What the fields say, before it is judged together.
struct Seen {
  bool content_length = false;
  std::uint64_t length = 0;
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool expect_continue = false;
  const Field* host = nullptr;
};

// 1*DIGIT below 2^63, so that no reader's signed integer overflows either.
ErrorCode take_content_length(std::string_view text, Seen& seen) {
  constexpr std::size_t kMostDigits = 19;
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (seen.content_length || text.empty() || text.size() > kMostDigits) return ErrorCode::http_bad_content_length;
  for (const char digit : text) {
    if (!is_digit(digit)) return ErrorCode::http_bad_content_length;
    seen.length = seen.length * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  seen.content_length = true;
  return seen.length <= kMost ? ErrorCode::ok : ErrorCode::http_bad_content_length;
}

void take_connection(std::string_view list, Seen& seen) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view option = trimmed(list.substr(0, comma));
    seen.close |= equals_lower(option, "close");
    seen.keep_alive |= equals_lower(option, "keep-alive");
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

ErrorCode take_fields(const Head& head, Seen& seen) {
  for (const Field& field : head.fields) {
    ErrorCode error = ErrorCode::ok;
    switch (field.id) {
      case FieldId::content_length:
        error = take_content_length(head.value(field), seen);
        break;
      case FieldId::transfer_encoding:
        if (seen.chunked || head.minor_version == 0 || !equals_lower(head.value(field), "chunked"))
          error = ErrorCode::http_bad_transfer_encoding;
        seen.chunked = true;
        break;
      case FieldId::connection:
        take_connection(head.value(field), seen);
        break;
      case FieldId::upgrade:
        seen.upgrade = true;
        break;
      case FieldId::expect:
        seen.expect_continue = equals_lower(head.value(field), "100-continue");
        break;
      case FieldId::host:
        if (seen.host != nullptr) error = ErrorCode::http_bad_host;
        seen.host = &field;
        break;
      default:
        break;
    }
    if (error != ErrorCode::ok) return error;
  }
  return seen.content_length && seen.chunked ? ErrorCode::http_length_and_chunked : ErrorCode::ok;
}

// Empty is allowed: a target without an authority has an empty Host (RFC 9112 section 3.2).
bool host_is_sound(const Head& head, const Field* host) {
  if (host == nullptr) return head.minor_version == 0;
  if (!is_authority(head.value(*host))) return false;
  const std::string_view authority = absolute_authority(head.target);
  return head.target.starts_with('/') || authority.empty() || equals_ignoring_case(authority, head.value(*host));
}

void settle_content(const Seen& seen, Framing otherwise, Head& head) {
  if (seen.chunked) {
    head.framing = Framing::chunked;
  } else if (seen.content_length) {
    head.framing = Framing::length;
    head.content_length = seen.length;
  } else {
    head.framing = otherwise;
  }
}

ErrorCode settle_request(const Seen& seen, Head& head) {
  if (!host_is_sound(head, seen.host)) return ErrorCode::http_bad_host;
  settle_content(seen, Framing::none, head);
  head.upgrade = seen.upgrade || head.method == "CONNECT";
  head.expect_continue = seen.expect_continue && head.minor_version == 1 && head.has_body();
  return ErrorCode::ok;
}

ErrorCode settle_response(const Seen& seen, AnswerTo answer_to, Head& head) {
  const bool informational = head.status < 200;
  const bool tunnel = answer_to == AnswerTo::connect && head.status / 100 == 2;
  if (seen.chunked && (informational || head.status == 204)) return ErrorCode::http_bad_transfer_encoding;
  const bool no_content =
      informational || tunnel || head.status == 204 || head.status == 304 || answer_to == AnswerTo::head;
  if (!no_content) settle_content(seen, Framing::until_close, head);
  if (head.framing == Framing::until_close) head.keep_alive = false;
  head.upgrade = head.status == 101 || tunnel;
  return ErrorCode::ok;
}

}  // namespace

ErrorCode settle(AnswerTo answer_to, Head& head) {
  Seen seen;
  if (const ErrorCode error = take_fields(head, seen); error != ErrorCode::ok) return error;
  head.framing = Framing::none;
  head.content_length = 0;
  head.expect_continue = false;
  head.upgrade = false;
  head.keep_alive = !seen.close && (head.minor_version == 1 || seen.keep_alive);
  return head.direction == Direction::request ? settle_request(seen, head) : settle_response(seen, answer_to, head);
}

}  // namespace sluice::http1
