// The header fields that Sluice knows by name, and what each one means to a gateway. One table
// (field_id.cc) answers for the framing, the rewriting, the masks and the trailers alike.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::http1 {

enum class FieldId : std::uint8_t {
  other,
  a_im,
  accept_encoding,
  accept_ranges,
  authorization,
  connection,
  content_digest,
  content_encoding,
  content_length,
  content_md5,
  content_range,
  content_type,
  digest,
  etag,
  expect,
  host,
  http2_settings,
  if_range,
  im,
  keep_alive,
  proxy_authorization,
  proxy_connection,
  range,
  repr_digest,
  te,
  trailer,
  transfer_encoding,
  upgrade,
};

struct FieldTraits {
  bool structural = false;  // frames, routes or says how content is read: never masked, never in a trailer
  bool credential = false;  // its value never goes on the record, and it is never in a trailer
};

// Case-insensitive; `other` for every name that is not in the table.
FieldId field_id(std::string_view name);
FieldTraits field_traits(FieldId id);
// Longest name in the table; a longer one is `other`.
inline constexpr std::size_t kLongestKnownName = 19;

}  // namespace sluice::http1
