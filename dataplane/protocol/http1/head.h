// The head of an HTTP/1 message: parsed strictly (RFC 9112), positions kept so that edits and
// masks can be laid on the bytes that are forwarded. Views point into the bytes that were parsed.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/unit.h"

namespace sluice::http1 {

struct Limits {
  std::uint32_t head_bytes = 32 * 1024;
  std::uint16_t headers = 128;
};

struct Field {
  std::uint32_t begin = 0;  // first byte of the name
  std::uint32_t name_bytes = 0;
  std::uint32_t value_begin = 0;  // without surrounding white space
  std::uint32_t value_bytes = 0;
  std::uint32_t end = 0;  // past the CRLF
};

enum class Framing : std::uint8_t { none, length, chunked, until_close };

struct Head {
  Bytes bytes;  // the whole head, empty line included
  Direction direction = Direction::request;
  std::string_view method;  // request
  std::string_view target;
  std::uint32_t target_begin = 0;
  std::uint16_t status = 0;  // response
  std::uint8_t minor_version = 1;
  std::vector<Field> fields;  // reused; never more than Limits::headers
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  bool expect_continue = false;
  bool upgrade = false;  // Upgrade header, CONNECT, or status 101

  [[nodiscard]] std::string_view name(const Field& field) const;
  [[nodiscard]] std::string_view value(const Field& field) const;
  // First field of that name (case-insensitive), nullptr when absent.
  [[nodiscard]] const Field* find(std::string_view field_name) const;
};

// Parses a whole head into `head`, whose storage is reused. For a response, `request_method` is the
// method that it answers (HEAD and CONNECT change the framing).
ErrorCode parse_request_head(Bytes bytes, const Limits& limits, Head& head);
ErrorCode parse_response_head(Bytes bytes, const Limits& limits, std::string_view request_method, Head& head);

}  // namespace sluice::http1
