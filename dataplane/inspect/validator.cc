#include "dataplane/inspect/validator.h"

#include <array>

namespace sluice::inspect {
namespace {

// ISO/IEC 7812-1 annex B over the digits of a match, whatever separates them; 12 to 19 digits. Every second
// digit counts double, from the right. Where the right is, each end says for itself, so both sums are kept.
std::optional<std::uint32_t> longest_luhn(Bytes text, std::uint32_t start, std::span<const std::uint32_t> ends) {
  std::optional<std::uint32_t> accepted;
  std::array<unsigned, 2> sums{};  // [p]: digits at positions of parity p, from the left, count double
  unsigned digits = 0;
  std::uint32_t at = start;
  for (const std::uint32_t end : ends) {
    for (; at < end; ++at) {
      const unsigned digit = text[at] - unsigned{'0'};
      if (digit > 9) continue;
      sums[digits % 2] += digit > 4 ? 2 * digit - 9 : 2 * digit;
      sums[(digits + 1) % 2] += digit;
      ++digits;
    }
    if (digits >= 12 && digits <= 19 && sums[digits % 2] % 10 == 0) accepted = end;
  }
  return accepted;
}

}  // namespace

std::optional<std::uint32_t> longest_accepted(Validator validator, Bytes text, std::uint32_t start,
                                              std::span<const std::uint32_t> ends) {
  if (ends.empty()) return std::nullopt;
  switch (validator) {
    case Validator::none:
      return ends.back();
    case Validator::luhn:
      return longest_luhn(text, start, ends);
  }
  return std::nullopt;
}

}  // namespace sluice::inspect
