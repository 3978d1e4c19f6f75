// Enough of HTTP/1.1 to send a recorded request again and to read its answer: heads and how a body is
// framed (RFC 9112 sections 2 to 6). What it reads comes from a server under test and is not trusted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sluice::control {

struct HeaderField {
  std::string name;   // lower case
  std::string value;  // without the white space around it
};

struct HttpHead {
  std::string start_line;
  std::vector<HeaderField> headers;

  [[nodiscard]] std::optional<std::string> find(std::string_view lower_case_name) const;  // the first
  [[nodiscard]] bool has_token(std::string_view lower_case_name, std::string_view lower_case_token) const;
};

// `text` is a whole head with its empty line. Lines that are no header make it fail.
Result<HttpHead> parse_head(std::string_view text);

enum class Framing { none, length, chunked, until_close };
struct BodyFraming {
  Framing framing = Framing::none;
  std::uint64_t length = 0;
};
Result<BodyFraming> request_framing(const HttpHead& head);
Result<BodyFraming> response_framing(const HttpHead& head, int status, std::string_view request_method);

// 0 when the line is no status line.
int status_of(std::string_view status_line);
std::string_view method_of(std::string_view request_line);

}  // namespace sluice::control
