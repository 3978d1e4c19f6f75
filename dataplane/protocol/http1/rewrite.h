// What must change in a head so that masking cannot be defeated and framing stays true.
// Edits are in the order of their offsets and do not overlap; offsets count from the head's first byte.
// Only what is named here changes: Sluice is transparent, so there is no Via, no X-Forwarded-For, and
// hop-by-hop fields pass.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
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
  bool takes_request_ranges = false;  // a part of a content is looked at as a part of the whole, by its Content-Range
  bool allow_upgrade = false;
  bool strip_expect = false;  // Sluice has answered 100 by itself
};

// Appends to `edits`; an error means that the message must be refused (fail closed), whatever was appended.
//
// Request: an empty line before it goes. Upgrade (h2c too) and CONNECT are refused unless allowed.
// masks_response_body: Range, If-Range, A-IM and TE go; Accept-Encoding becomes identity, in its place when
// it is as long (a request without one stays without: an encoded answer is refused when it comes).
// masks_request_body: digests go; an encoded or partial content is refused, the latter unless takes_request_ranges.
ErrorCode rewrite_request(const Head& head, const RewritePolicy& policy, std::vector<Edit>& edits);
// Response: 101 is refused unless upgrades are allowed and it names one. masks_response_body: digests and Accept-Ranges
// go; a strong ETag becomes weak (caches still revalidate; If-Match with it fails, as it must: the client never had the
// server's bytes) and a malformed one goes; partial, delta (226) and encoded content is refused.
ErrorCode rewrite_response(const Head& head, const RewritePolicy& policy, std::vector<Edit>& edits);

// Byte ranges of a head in which a mask may write, in order: the target and header values, without those
// that are structural in the table of field_id.cc (they frame, route or say how content is read).
struct Range {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};
// All three append.
void maskable_ranges(const Head& head, std::vector<Range>& ranges);
// Values that never go on the record: Authorization and Proxy-Authorization, after the scheme's name.
void credential_ranges(const Head& head, std::vector<Range>& ranges);

// The user of `Authorization: Basic` (at most 128 printable characters), empty when there is none or it is
// malformed (RFC 7617; base64 is read strictly).
std::string basic_user(const Head& head);

// A complete response that Sluice gives by itself: status line, JSON body, Content-Length.
// `close` adds Connection: close; seconds other than 0, Retry-After. head_only for an answer to HEAD. `hold`: the id of
// the hold that it tells of, or of a ticket. Never contains a peer's bytes.
std::string local_response(std::uint16_t status, ErrorCode error, std::string_view detail, bool close, bool head_only,
                           std::uint64_t retry_after_seconds = 0, std::string_view hold = {});
// The status with which an error is answered, by the direction in which it was found: a request's faults are
// the client's (400, 403, 413, 414, 415, 431, 501, 505), a response's are the server's (502, 504), Sluice's own
// are 503. 500 for what is never answered.
std::uint16_t status_for(ErrorCode error, Direction found_in = Direction::request);

}  // namespace sluice::http1
