// The head of an HTTP/1 message: parsed strictly (RFC 9112), positions kept so that edits and
// masks can be laid on the bytes that are forwarded. Views point into the bytes that were parsed.
//
// Where RFC 9112 leaves a choice, it is made once, here:
//  - one empty line before a request line is taken (section 2.2) as part of the head, and
//    rewrite_request() removes it; a second one, or any before a status line, is an error;
//  - a repeated Content-Length and a list in it are refused, even when the values are equal (6.3);
//  - Transfer-Encoding is exactly `chunked`, once, in HTTP/1.1, and never in a 1xx or 204 (6.1);
//  - an absolute-form target must agree with Host (3.2.2);
//  - a status line may end after the code (a reason phrase and its space are optional).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/unit.h"
#include "dataplane/protocol/http1/field_id.h"

namespace sluice::http1 {

struct Limits {
  std::uint32_t head_bytes = 32 * 1024;  // at least 1; the trailer section has the same bound
  std::uint16_t headers = 128;
};

struct Field {
  std::uint32_t begin = 0;  // first byte of the name
  std::uint32_t name_bytes = 0;
  std::uint32_t value_begin = 0;  // without surrounding white space
  std::uint32_t value_bytes = 0;
  std::uint32_t end = 0;  // past the CRLF
  FieldId id = FieldId::other;
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
  std::uint64_t content_length = 0;  // with Framing::length, else 0
  bool keep_alive = true;
  bool expect_continue = false;  // HTTP/1.1 with content to come, else the expectation means nothing
  bool upgrade = false;          // request: Upgrade header or CONNECT; response: 101, or 2xx to CONNECT

  [[nodiscard]] std::string_view name(const Field& field) const;
  [[nodiscard]] std::string_view value(const Field& field) const;
  // First field of that name (case-insensitive), nullptr when absent.
  [[nodiscard]] const Field* find(std::string_view field_name) const;
  [[nodiscard]] const Field* find(FieldId id) const;
  // Content may follow: chunked, until close, or a length above 0.
  [[nodiscard]] bool has_body() const;
};

// Parses the whole head with which `bytes` begins into `head`, whose storage is reused; head.bytes
// is exactly that head. http_incomplete when it does not end in `bytes`. For a response,
// `request_method` is the method that it answers (HEAD and CONNECT change the framing).
ErrorCode parse_request_head(Bytes bytes, const Limits& limits, Head& head);
ErrorCode parse_response_head(Bytes bytes, const Limits& limits, std::string_view request_method, Head& head);

}  // namespace sluice::http1
