// The fields that prove who is calling: where their secrets lie, and the user that Basic names.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/protocol/http1/rewrite.h"
#include "dataplane/protocol/http1/syntax.h"

namespace sluice::http1 {
namespace {

constexpr std::size_t kMostUserBytes = 128;
constexpr std::size_t kMostEncodedBytes = 4096;  // user, password and their base64
constexpr std::int8_t kNoDigit = -1;

constexpr auto kBase64 = [] {
  std::array<std::int8_t, 256> digits{};
  digits.fill(kNoDigit);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    digits.at(static_cast<std::uint8_t>(kAlphabet[i])) = static_cast<std::int8_t>(i);
  return digits;
}();

// The text before the first colon, empty when `encoded` is not strict base64 (RFC 4648 section 4: padded,
// unused bits zero) or holds no such text. What follows the colon is checked and not kept.
std::string user_of(std::string_view encoded) {
  if (encoded.empty() || encoded.size() % 4 != 0 || encoded.size() > kMostEncodedBytes) return {};
  const std::size_t padding = encoded.ends_with("==") ? 2 : (encoded.ends_with('=') ? 1 : 0);
  encoded.remove_suffix(padding);
  std::string user;
  bool in_user = true;
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  for (const char c : encoded) {
    const std::int8_t digit = kBase64[static_cast<std::uint8_t>(c)];
    if (digit == kNoDigit) return {};
    bits = (bits << 6U) | static_cast<std::uint32_t>(digit);
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    const auto byte = static_cast<std::uint8_t>(bits >> bit_count);
    bits &= (1U << bit_count) - 1;
    in_user = in_user && byte != ':';
    if (!in_user) continue;
    if (byte < 0x20 || byte > 0x7e || user.size() == kMostUserBytes) return {};
    user.push_back(static_cast<char>(byte));
  }
  return in_user || bits != 0 ? std::string() : user;
}

// Where the credentials begin in "scheme SP credentials"; 0 when there is no scheme.
std::size_t credentials_begin(std::string_view value) {
  std::size_t end = 0;
  while (end < value.size() && is_class(value[end], kTokenChar)) ++end;
  if (end == 0 || end == value.size() || value[end] != ' ') return 0;
  while (end < value.size() && value[end] == ' ') ++end;
  return end;
}

}  // namespace

void credential_ranges(const Head& head, std::vector<Range>& ranges) {
  for (const Field& field : head.fields) {
    if (field.value_bytes == 0 || !field_traits(field.id).credential) continue;
    const auto begin = static_cast<std::uint32_t>(credentials_begin(head.value(field)));
    ranges.push_back({field.value_begin + begin, field.value_begin + field.value_bytes});
  }
}

std::string basic_user(const Head& head) {
  const Field* found = nullptr;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::authorization) continue;
    if (found != nullptr) return {};  // two would name two users
    found = &field;
  }
  if (found == nullptr) return {};
  const std::string_view value = head.value(*found);
  const std::size_t begin = credentials_begin(value);
  if (begin == 0 || !equals_lower(trimmed(value.substr(0, begin)), "basic")) return {};
  return user_of(value.substr(begin));
}

}  // namespace sluice::http1
