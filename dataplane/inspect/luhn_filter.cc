// See luhn_filter.h.
#include "dataplane/inspect/luhn_filter.h"

#include <bit>

#include "dataplane/inspect/validator.h"

namespace sluice::inspect {
namespace {

constexpr std::size_t kWordStarts = 64;

// Two sums of the digits from any place to the end of the text, modulo 10, as digits are counted from there: every
// second one counts double, those with an odd number or those with an even one. The digits between a start and an end
// add up to the difference of the sums at both, of those sums in which the digit before the end counts once.
class Sums {
 public:
  void read(unsigned digit) {
    const unsigned doubled = digit > 4 ? 2 * digit - 9 : 2 * digit;
    // What this digit counts once in, the next counts double in.
    const std::uint8_t once = reduced(once_ + digit);
    once_ = reduced(twice_ + doubled);
    twice_ = once;
    ++count_;
    at_[count_ % kKept] = {once_, twice_};
    ends_ <<= 1;
  }
  // Whether a match may end here.
  void note_end(bool may_end) { ends_ |= std::uint64_t{may_end}; }
  // What begins here can have a right check digit at one of the ends.
  [[nodiscard]] bool may_pass() const {
    constexpr std::uint64_t kCounts = (std::uint64_t{2} << kLuhnMaxDigits) - (std::uint64_t{1} << kLuhnMinDigits);
    for (std::uint64_t left = ends_ & kCounts; left != 0; left &= left - 1) {
      const auto digits = static_cast<unsigned>(std::countr_zero(left));
      // The sum in which the digit before the end counted once.
      if (at_[(count_ - digits) % kKept][0] == (digits % 2 == 0 ? once_ : twice_)) return true;
    }
    return false;
  }

 private:
  static constexpr unsigned kKept = 32;
  static_assert(kKept > kLuhnMaxDigits);
  using Pair = std::array<std::uint8_t, 2>;
  static std::uint8_t reduced(unsigned sum) { return static_cast<std::uint8_t>(sum >= 10 ? sum - 10 : sum); }

  std::array<Pair, kKept> at_{};  // by how many digits lie behind: that in which the next counts once, and the other
  std::uint8_t once_ = 0;
  std::uint8_t twice_ = 0;
  unsigned count_ = 0;
  std::uint64_t ends_ = 0;  // bit n: where n digits lie between
};

}  // namespace

LuhnFilter::LuhnFilter(const rules::Automaton& automaton) : ends_(automaton.ends_between()) {
  for (unsigned value = 0; value < 256; ++value) {
    const auto byte = static_cast<std::uint8_t>(value);
    of_byte_[value] = {.end_row = ends_.row(ends_.class_of[value]),
                       .end_class = ends_.class_of[value],
                       .begins = automaton.may_begin(byte, false),
                       .begins_after_word = automaton.may_begin(byte, true)};
    if (value >= '0' && value <= '9') of_byte_[value].digit = static_cast<std::uint8_t>(value - '0');
  }
}

void LuhnFilter::keep(Bytes text, std::size_t from, std::span<std::uint64_t> starts) const {
  Sums sums;
  const std::uint8_t* const pairs = ends_.pairs.data();
  std::uint32_t behind = ends_.at_end;
  const auto read = [&](std::size_t at) -> const OfByte& {
    const OfByte& byte = of_byte_[text[at]];
    sums.note_end(pairs[byte.end_row + behind] != 0);
    behind = byte.end_class;
    if (byte.digit <= 9) sums.read(byte.digit);
    return byte;
  };
  const auto begins = [&](const OfByte& byte, std::size_t at) {
    if (byte.begins == byte.begins_after_word) return byte.begins;
    return rules::is_after_word(text, at) ? byte.begins_after_word : byte.begins;
  };
  std::size_t at = text.size();
  while (at > from + kWordStarts * starts.size()) read(--at);
  while (at > from) {
    const std::size_t word = (at - 1 - from) / kWordStarts;
    const std::size_t first = from + word * kWordStarts;
    std::uint64_t kept = 0;
    while (at > first) {
      const OfByte& byte = read(--at);
      if (begins(byte, at) && sums.may_pass()) kept |= std::uint64_t{1} << (at - first);
    }
    starts[word] &= kept;
  }
}

}  // namespace sluice::inspect
