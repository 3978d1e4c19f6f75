#include "dataplane/protocol/http1/rewrite.h"

#include <algorithm>

#include "dataplane/protocol/http1/syntax.h"

namespace sluice::http1 {
namespace {

constexpr std::string_view kIdentity = "identity";

void remove_field(const Field& field, std::vector<Edit>& edits) {
  edits.push_back({.offset = field.begin, .remove = field.end - field.begin, .insert = {}});
}

bool is_digest(FieldId id) {
  return id == FieldId::digest || id == FieldId::content_md5 || id == FieldId::content_digest ||
         id == FieldId::repr_digest;
}

bool is_encoded(const Head& head, const Field& field) {
  return field.id == FieldId::content_encoding && head.has_body() && !equals_lower(head.value(field), kIdentity);
}

// A value that is long enough keeps its length (the rest becomes white space), so that nothing moves.
void accept_only_identity(const Head& head, const Field& field, std::vector<Edit>& edits) {
  if (equals_lower(head.value(field), kIdentity)) return;
  std::string value(kIdentity);
  value.resize(std::max<std::size_t>(value.size(), field.value_bytes), ' ');
  edits.push_back({.offset = field.value_begin, .remove = field.value_bytes, .insert = std::move(value)});
}

void weaken(const Head& head, const Field& field, std::vector<Edit>& edits) {
  const std::string_view value = head.value(field);
  if (value.starts_with("W/\"")) return;
  if (value.starts_with('"')) {
    edits.push_back({.offset = field.value_begin, .remove = 0, .insert = "W/"});
  } else {
    remove_field(field, edits);
  }
}

}  // namespace

ErrorCode rewrite_request(const Head& head, const RewritePolicy& policy, std::vector<Edit>& edits) {
  if (head.upgrade && !policy.allow_upgrade) return ErrorCode::http_upgrade_refused;
  if (as_text(head.bytes).starts_with("\r\n")) edits.push_back({.offset = 0, .remove = 2, .insert = {}});
  bool has_accept_encoding = false;
  for (const Field& field : head.fields) {
    if (policy.masks_request_body) {
      if (is_encoded(head, field)) return ErrorCode::http_encoding_unreadable;
      if (field.id == FieldId::content_range && !policy.takes_request_ranges) return ErrorCode::http_unexpected_range;
    }
    bool remove = policy.masks_request_body && is_digest(field.id);
    remove |= policy.strip_expect && field.id == FieldId::expect;
    if (policy.masks_response_body) {
      const bool repeated = field.id == FieldId::accept_encoding && has_accept_encoding;
      remove |= repeated || field.id == FieldId::range || field.id == FieldId::if_range || field.id == FieldId::a_im ||
                field.id == FieldId::te;
      if (field.id == FieldId::accept_encoding && !repeated) {
        has_accept_encoding = true;
        accept_only_identity(head, field, edits);
      }
    }
    if (remove) remove_field(field, edits);
  }
  return ErrorCode::ok;
}

ErrorCode rewrite_response(const Head& head, const RewritePolicy& policy, std::vector<Edit>& edits) {
  if (head.upgrade && !policy.allow_upgrade) return ErrorCode::http_upgrade_refused;
  // RFC 9110 section 7.8: without the field, clients differ about what follows.
  if (head.status == 101 && head.find(FieldId::upgrade) == nullptr) return ErrorCode::http_unexpected_response;
  if (!policy.masks_response_body) return ErrorCode::ok;
  if (head.status == 206) return ErrorCode::http_unexpected_range;
  if (head.status == 226) return ErrorCode::http_encoding_unreadable;  // RFC 3229: a delta, or encoded beyond HTTP/1.1
  for (const Field& field : head.fields) {
    if (is_encoded(head, field)) return ErrorCode::http_encoding_unreadable;
    if (field.id == FieldId::content_range) return ErrorCode::http_unexpected_range;
    if (is_digest(field.id) || field.id == FieldId::accept_ranges) {
      remove_field(field, edits);
    } else if (field.id == FieldId::etag) {
      weaken(head, field, edits);
    }
  }
  return ErrorCode::ok;
}

void maskable_ranges(const Head& head, std::vector<Range>& ranges) {
  if (!head.target.empty())
    ranges.push_back({head.target_begin, head.target_begin + static_cast<std::uint32_t>(head.target.size())});
  for (const Field& field : head.fields) {
    if (field.value_bytes == 0 || field_traits(field.id).structural) continue;
    ranges.push_back({field.value_begin, field.value_begin + field.value_bytes});
  }
}

}  // namespace sluice::http1
