// One pass: a vector scan jumps from control character to control character (in a good head these
// are the line ends), and each line is parsed when it ends. The first wrong byte decides the error.
#include "dataplane/protocol/http1/head_parser.h"

#include <emmintrin.h>

#include <algorithm>
#include <bit>

#include "common/assert.h"
#include "dataplane/protocol/http1/framing.h"
#include "dataplane/protocol/http1/syntax.h"
#include "dataplane/protocol/http1/target.h"

namespace sluice::http1 {
namespace {

// First byte at or after `from` that no line of a head may hold: a control character other than HTAB.
std::uint32_t find_control(const std::uint8_t* data, std::uint32_t from, std::uint32_t end) {
  const __m128i last_control = _mm_set1_epi8(0x1f);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; end - from >= sizeof(__m128i); from += sizeof(__m128i)) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + from));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
    const __m128i bad = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), low), _mm_cmpeq_epi8(bytes, del));
    const auto mask = static_cast<std::uint32_t>(_mm_movemask_epi8(bad));
    if (mask != 0) return from + static_cast<std::uint32_t>(std::countr_zero(mask));
  }
  while (from < end && is_class(data[from], kValueChar)) ++from;
  return from;
}

// The minor version of `HTTP/1.0` or `HTTP/1.1`.
ErrorCode take_version(std::string_view text, ErrorCode malformed, std::uint8_t& minor_version) {
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7]))
    return malformed;
  if (text[5] != '1' || text[7] > '1') return ErrorCode::http_version_unsupported;
  minor_version = static_cast<std::uint8_t>(text[7] - '0');
  return ErrorCode::ok;
}

}  // namespace

AnswerTo answer_to(std::string_view request_method) {
  if (request_method == "HEAD") return AnswerTo::head;
  return request_method == "CONNECT" ? AnswerTo::connect : AnswerTo::other;
}

HeadParser::HeadParser(Direction direction, const Limits& limits) : direction_(direction), limits_(limits) {
  SLUICE_ASSERT(limits.head_bytes > 0);
}

void HeadParser::begin(Head& head) {
  at_ = line_begin_ = start_ = method_bytes_ = target_bytes_ = 0;
  has_start_line_ = complete_ = false;
  head.bytes = {};
  head.direction = direction_;
  head.method = head.target = {};
  head.target_begin = 0;
  head.status = 0;
  head.fields.clear();
}

HeadParser::Progress HeadParser::advance(Bytes so_far, AnswerTo answer_to, Head& head) {
  const auto available = static_cast<std::uint32_t>(std::min<std::size_t>(so_far.size(), limits_.head_bytes));
  const auto failed = [](std::uint32_t at, ErrorCode error) { return Progress{State::error, at, error}; };
  const std::uint8_t* data = so_far.data();
  for (;;) {
    at_ = find_control(data, at_, available);
    if (at_ == available) break;
    if (data[at_] != '\r') return failed(at_, control_error(so_far, at_));
    const std::uint32_t line_feed = at_ + 1;
    if (line_feed == available) break;  // the next byte decides
    if (data[line_feed] != '\n') return failed(line_feed, ErrorCode::http_bare_cr);
    if (const ErrorCode error = take_line(so_far, at_, head); error != ErrorCode::ok) return failed(line_feed, error);
    at_ = line_begin_ = line_feed + 1;
    if (!complete_) continue;
    bind(so_far.first(at_), head);
    if (const ErrorCode error = settle(answer_to, head); error != ErrorCode::ok) return failed(line_feed, error);
    return {State::done, at_, ErrorCode::ok};
  }
  if (available < limits_.head_bytes) return {};
  const bool in_request_line = direction_ == Direction::request && !has_start_line_;
  return failed(available - 1, in_request_line ? ErrorCode::http_target_too_long : ErrorCode::http_head_too_large);
}

bool HeadParser::only_empty_line(std::size_t bytes_so_far) const {
  return start_ != 0 && bytes_so_far == start_;
}

ErrorCode HeadParser::control_error(Bytes so_far, std::uint32_t at) const {
  if (so_far[at] == '\n') return ErrorCode::http_bare_lf;
  if (!has_start_line_)
    return direction_ == Direction::request ? ErrorCode::http_bad_request_line : ErrorCode::http_bad_status_line;
  const std::string_view line = as_text(so_far.subspan(line_begin_, at - line_begin_));
  return line.contains(':') ? ErrorCode::http_bad_header_value : ErrorCode::http_bad_header_name;
}

// Takes the line [line_begin_, end), which a CRLF ends.
ErrorCode HeadParser::take_line(Bytes so_far, std::uint32_t end, Head& head) {
  const std::string_view line = as_text(so_far.subspan(line_begin_, end - line_begin_));
  if (has_start_line_) {
    if (!line.empty()) return take_field(so_far, end, head);
    complete_ = true;
    return ErrorCode::ok;
  }
  if (line.empty() && direction_ == Direction::request && start_ == 0) {
    start_ = end + 2;  // RFC 9112 section 2.2
    return ErrorCode::ok;
  }
  has_start_line_ = true;
  return direction_ == Direction::request ? take_request_line(line, head) : take_status_line(line, head);
}

// method SP request-target SP HTTP-version, with single spaces.
ErrorCode HeadParser::take_request_line(std::string_view line, Head& head) {
  constexpr ErrorCode kMalformed = ErrorCode::http_bad_request_line;
  std::size_t method_end = 0;
  while (method_end < line.size() && is_class(line[method_end], kTokenChar)) ++method_end;
  if (method_end == 0 || method_end == line.size() || line[method_end] != ' ') return kMalformed;
  const std::size_t target_begin = method_end + 1;
  std::size_t target_end = target_begin;
  while (target_end < line.size() && is_class(line[target_end], kTargetChar)) ++target_end;
  if (target_end == line.size() || line[target_end] != ' ') return kMalformed;
  const ErrorCode version = take_version(line.substr(target_end + 1), kMalformed, head.minor_version);
  if (version != ErrorCode::ok) return version;
  if (!is_request_target(line.substr(0, method_end), line.substr(target_begin, target_end - target_begin)))
    return kMalformed;
  method_bytes_ = static_cast<std::uint32_t>(method_end);
  target_bytes_ = static_cast<std::uint32_t>(target_end - target_begin);
  head.target_begin = start_ + static_cast<std::uint32_t>(target_begin);
  return ErrorCode::ok;
}

// HTTP-version SP status-code [SP reason-phrase]; the scan has refused control characters in the phrase.
ErrorCode HeadParser::take_status_line(std::string_view line, Head& head) {
  constexpr ErrorCode kMalformed = ErrorCode::http_bad_status_line;
  constexpr std::size_t kCodeBegin = 9;
  constexpr std::size_t kCodeEnd = 12;
  if (line.size() < kCodeEnd || line[kCodeBegin - 1] != ' ') return kMalformed;
  const ErrorCode version = take_version(line.substr(0, kCodeBegin - 1), kMalformed, head.minor_version);
  if (version != ErrorCode::ok) return version;
  std::uint16_t status = 0;
  for (const char digit : line.substr(kCodeBegin, kCodeEnd - kCodeBegin)) {
    if (!is_digit(digit)) return kMalformed;
    status = static_cast<std::uint16_t>(status * 10 + (digit - '0'));
  }
  if (status < 100 || status > 599) return kMalformed;  // RFC 9110 section 15
  if (line.size() > kCodeEnd && line[kCodeEnd] != ' ') return kMalformed;
  head.status = status;
  return ErrorCode::ok;
}

// field-name ":" OWS field-value OWS; the scan has refused control characters in the value.
ErrorCode HeadParser::take_field(Bytes so_far, std::uint32_t end, Head& head) {
  const std::uint8_t* data = so_far.data();
  if (is_blank(data[line_begin_])) return ErrorCode::http_obs_fold;
  std::uint32_t colon = line_begin_;
  while (colon < end && is_token(data[colon])) ++colon;
  if (colon > line_begin_ && colon < end && is_blank(data[colon])) return ErrorCode::http_space_before_colon;
  if (colon == line_begin_ || colon == end || data[colon] != ':') return ErrorCode::http_bad_header_name;
  if (head.fields.size() >= limits_.headers) return ErrorCode::http_too_many_headers;
  std::uint32_t value_begin = colon + 1;
  std::uint32_t value_end = end;
  while (value_begin < value_end && is_blank(data[value_begin])) ++value_begin;
  while (value_begin < value_end && is_blank(data[value_end - 1])) --value_end;
  const std::uint32_t name_bytes = colon - line_begin_;
  head.fields.push_back({.begin = line_begin_,
                         .name_bytes = name_bytes,
                         .value_begin = value_begin,
                         .value_bytes = value_end - value_begin,
                         .end = end + 2,
                         .id = field_id(as_text(so_far.subspan(line_begin_, name_bytes)))});
  return ErrorCode::ok;
}

void HeadParser::bind(Bytes bytes, Head& head) const {
  head.bytes = bytes;
  head.method = as_text(bytes.subspan(start_, method_bytes_));
  head.target = as_text(bytes.subspan(head.target_begin, target_bytes_));
}

}  // namespace sluice::http1
