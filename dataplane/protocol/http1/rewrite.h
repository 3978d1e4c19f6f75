// What must change in a head so that masking cannot be defeated and framing stays true.
// Edits are in the order of their offsets and do not overlap; offsets count from the head's first byte.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.h"
#include "dataplane/protocol/http1/head.h"

namespace sluice::http1 {

struct Edit {
  std::uint32_t offset = 0;
  std::uint32_t remove = 0;
  std::string insert;
};

struct RewritePolicy {
  bool masks_response_body = false;  // then ranges go, and encodings are reduced to what Sluice reads
  bool masks_request_body = false;
  bool allow_upgrade = false;
  bool strip_expect = false;  // Sluice has answered 100 by itself
};

// Appends to `edits`; an error means that the message must be refused (fail closed).
ErrorCode rewrite_request(const Head& head, const RewritePolicy& policy, std::vector<Edit>& edits);
ErrorCode rewrite_response(const Head& head, const RewritePolicy& policy, std::vector<Edit>& edits);

// Byte ranges of a head in which a mask may write: the target and header values, without those that
// frame the message (Content-Length, Transfer-Encoding, Connection, Host, ...).
struct Range {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};
void maskable_ranges(const Head& head, std::vector<Range>& ranges);
// Values that never go on the record: Authorization, Proxy-Authorization.
void credential_ranges(const Head& head, std::vector<Range>& ranges);

// The user of `Authorization: Basic`, empty when there is none or it is malformed.
std::string basic_user(const Head& head);

// A complete response that Sluice gives by itself: status line, JSON body, Content-Length.
// `close` adds Connection: close. head_only for an answer to HEAD. Never contains a peer's bytes.
std::string local_response(std::uint16_t status, ErrorCode error, std::string_view detail, bool close, bool head_only);
// The status with which an error is answered: 400, 403, 414, 431, 501, 502, 503.
std::uint16_t status_for(ErrorCode error);

}  // namespace sluice::http1
