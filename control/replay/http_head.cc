// See http_head.h.
#include "control/replay/http_head.h"

#include <algorithm>
#include <charconv>

namespace sluice::control {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
  return line;
}

Result<BodyFraming> framing_by_headers(const HttpHead& head, Framing otherwise) {
  if (const auto coding = head.find("transfer-encoding")) {
    if (to_lower(*coding) != "chunked") return fail(ErrorCode::http_bad_transfer_encoding, *coding);
    return BodyFraming{Framing::chunked, 0};
  }
  const auto length = head.find("content-length");
  if (!length) return BodyFraming{otherwise, 0};
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(length->data(), length->data() + length->size(), value);
  if (error != std::errc{} || end != length->data() + length->size())
    return fail(ErrorCode::http_bad_content_length, *length);
  return BodyFraming{value == 0 ? Framing::none : Framing::length, value};
}

}  // namespace

std::optional<std::string> HttpHead::find(std::string_view lower_case_name) const {
  for (const HeaderField& field : headers)
    if (field.name == lower_case_name) return field.value;
  return std::nullopt;
}

bool HttpHead::has_token(std::string_view lower_case_name, std::string_view lower_case_token) const {
  for (const HeaderField& field : headers) {
    if (field.name != lower_case_name) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      if (to_lower(trim(rest.substr(0, comma))) == lower_case_token) return true;
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
  }
  return false;
}

Result<HttpHead> parse_head(std::string_view text) {
  HttpHead head;
  head.start_line = take_line(text);
  if (head.start_line.empty()) return fail(ErrorCode::http_bad_status_line, "the head has no first line");
  for (;;) {
    if (text.empty()) return fail(ErrorCode::http_incomplete, "the head does not end in an empty line");
    const std::string_view line = take_line(text);
    if (line.empty()) return head;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return fail(ErrorCode::http_bad_header_name);
    head.headers.push_back({to_lower(line.substr(0, colon)), std::string(trim(line.substr(colon + 1)))});
  }
}

Result<BodyFraming> request_framing(const HttpHead& head) {
  return framing_by_headers(head, Framing::none);
}

Result<BodyFraming> response_framing(const HttpHead& head, int status, std::string_view request_method) {
  if (request_method == "HEAD" || status / 100 == 1 || status == 204 || status == 304) return BodyFraming{};
  return framing_by_headers(head, Framing::until_close);
}

int status_of(std::string_view status_line) {
  // HTTP/1.1 200 OK
  int status = 0;
  if (!status_line.starts_with("HTTP/1.") || status_line.size() < 12 || status_line[8] != ' ') return 0;
  const auto [end, error] = std::from_chars(status_line.data() + 9, status_line.data() + 12, status);
  return error == std::errc{} && end == status_line.data() + 12 && status >= 100 ? status : 0;
}

std::string_view method_of(std::string_view request_line) {
  return request_line.substr(0, request_line.find(' '));
}

}  // namespace sluice::control
