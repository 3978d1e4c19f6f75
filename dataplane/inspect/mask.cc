#include "dataplane/inspect/mask.h"

namespace sluice::inspect {
namespace {

// ASCII only and without a locale: what a mask covers must not depend on where it runs.
constexpr bool is_letter_or_digit(std::uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

}  // namespace

void mask_in_place(MutableBytes match, std::uint32_t keep_last) {
  for (std::size_t i = match.size(); i-- > 0;) {
    if (!is_letter_or_digit(match[i])) continue;
    if (keep_last > 0) {
      --keep_last;
    } else {
      match[i] = '*';
    }
  }
}

}  // namespace sluice::inspect
