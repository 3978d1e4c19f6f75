// The table of known fields, in the order of FieldId; looked up by length and first letter.
#include "dataplane/protocol/http1/field_id.h"

#include <array>
#include <cstddef>
#include <iterator>

#include "common/assert.h"
#include "dataplane/protocol/http1/syntax.h"

namespace sluice::http1 {
namespace {

struct Row {
  std::string_view name;  // lower case
  FieldId id;
  FieldTraits traits;
};

constexpr FieldTraits kPlain{};
constexpr FieldTraits kStructural{.structural = true};
constexpr FieldTraits kCredential{.credential = true};

constexpr Row kRows[] = {
    {"", FieldId::other, kPlain},
    {"a-im", FieldId::a_im, kStructural},
    {"accept-encoding", FieldId::accept_encoding, kStructural},
    {"accept-ranges", FieldId::accept_ranges, kStructural},
    {"authorization", FieldId::authorization, kCredential},
    {"connection", FieldId::connection, kStructural},
    {"content-digest", FieldId::content_digest, kPlain},
    {"content-encoding", FieldId::content_encoding, kStructural},
    {"content-length", FieldId::content_length, kStructural},
    {"content-md5", FieldId::content_md5, kPlain},
    {"content-range", FieldId::content_range, kStructural},
    {"content-type", FieldId::content_type, kStructural},
    {"digest", FieldId::digest, kPlain},
    {"etag", FieldId::etag, kPlain},
    {"expect", FieldId::expect, kStructural},
    {"host", FieldId::host, kStructural},
    {"http2-settings", FieldId::http2_settings, kStructural},
    {"if-range", FieldId::if_range, kStructural},
    {"im", FieldId::im, kStructural},
    {"keep-alive", FieldId::keep_alive, kStructural},
    {"proxy-authorization", FieldId::proxy_authorization, kCredential},
    {"proxy-connection", FieldId::proxy_connection, kStructural},
    {"range", FieldId::range, kStructural},
    {"repr-digest", FieldId::repr_digest, kPlain},
    {"te", FieldId::te, kStructural},
    {"trailer", FieldId::trailer, kStructural},
    {"transfer-encoding", FieldId::transfer_encoding, kStructural},
    {"upgrade", FieldId::upgrade, kStructural},
};

constexpr std::size_t kMostOfOneLength = 6;

// The rows of each length, as indices; 0 ends a list.
constexpr auto kByLength = [] {
  std::array<std::array<std::uint8_t, kMostOfOneLength + 1>, kLongestKnownName + 1> lists{};
  for (std::size_t i = 1; i < std::size(kRows); ++i) {
    auto& list = lists.at(kRows[i].name.size());
    std::size_t slot = 0;
    while (list.at(slot) != 0) ++slot;
    SLUICE_ASSERT(slot < kMostOfOneLength && static_cast<std::size_t>(kRows[i].id) == i);  // judged by the compiler
    list.at(slot) = static_cast<std::uint8_t>(i);
  }
  return lists;
}();

}  // namespace

FieldId field_id(std::string_view name) {
  if (name.empty() || name.size() > kLongestKnownName) return FieldId::other;
  for (const std::uint8_t index : kByLength[name.size()]) {
    if (index == 0) break;
    const Row& row = kRows[index];
    if (to_lower(name.front()) == row.name.front() && equals_lower(name, row.name)) return row.id;
  }
  return FieldId::other;
}

FieldTraits field_traits(FieldId id) {
  return kRows[static_cast<std::size_t>(id)].traits;
}

}  // namespace sluice::http1
