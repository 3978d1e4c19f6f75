#include "dataplane/inspect/mask.h"

namespace sluice::inspect {
namespace {

// ASCII only and without a locale: what a mask covers must not depend on where it runs.
constexpr bool is_letter_or_digit(std::uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

constexpr bool is_covered(std::uint8_t byte, Cover cover) {
  if (cover == Cover::letters) return is_letter_or_digit(byte) || byte >= 0x80;
  return byte >= 0x20 && byte != 0x7f;
}

}  // namespace

std::size_t masked_length(Bytes match, std::uint32_t keep_last) {
  std::size_t length = match.size();
  while (keep_last > 0 && length > 0) {
    if (is_letter_or_digit(match[--length])) --keep_last;
  }
  return length;
}

void mask_all(MutableBytes bytes, Cover cover) {
  for (std::uint8_t& byte : bytes) {
    if (is_covered(byte, cover)) byte = '*';
  }
}

void mask_in_place(MutableBytes match, std::uint32_t keep_last, Cover cover) {
  mask_all(match.first(masked_length(match, keep_last)), cover);
}

}  // namespace sluice::inspect
