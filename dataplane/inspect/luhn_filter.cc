// See luhn_filter.h.
#include "dataplane/inspect/luhn_filter.h"

#include <bit>

#include "dataplane/inspect/validator.h"

namespace sluice::inspect {
namespace {

// Two sums of the digits from any place to the end of the text, modulo 10, as digits are counted from there: every
// second one counts double, those with an odd number or those with an even one. The digits between a start and an end
// add up to the difference of the sums at both, of those sums in which the digit before the end counts once.
class Sums {
 public:
  void read(unsigned digit) {
    const unsigned doubled = digit > 4 ? 2 * digit - 9 : 2 * digit;
    Pair& sums = at_[count_ % kKept];
    Pair& next = at_[(count_ + 1) % kKept];
    const unsigned single = count_ % 2;  // in these it counts once
    next[single] = reduced(sums[single] + digit);
    next[1 - single] = reduced(sums[1 - single] + doubled);
    ++count_;
    ends_ <<= 1;
  }
  // A match may end here.
  void note_end() { ends_ |= 1; }
  // What begins here can have a right check digit at one of the ends.
  [[nodiscard]] bool may_pass() const {
    constexpr std::uint64_t kCounts = (std::uint64_t{2} << kLuhnMaxDigits) - (std::uint64_t{1} << kLuhnMinDigits);
    for (std::uint64_t left = ends_ & kCounts; left != 0; left &= left - 1) {
      const unsigned end = count_ - static_cast<unsigned>(std::countr_zero(left));
      if (at_[end % kKept][end % 2] == at_[count_ % kKept][end % 2]) return true;
    }
    return false;
  }

 private:
  static constexpr unsigned kKept = 32;
  static_assert(kKept > kLuhnMaxDigits);
  using Pair = std::array<std::uint8_t, 2>;
  static std::uint8_t reduced(unsigned sum) { return static_cast<std::uint8_t>(sum >= 10 ? sum - 10 : sum); }

  std::array<Pair, kKept> at_{};  // by how many digits lie behind
  unsigned count_ = 0;
  std::uint64_t ends_ = 0;  // bit n: where n digits lie between
};

}  // namespace

LuhnFilter::LuhnFilter(const rules::Automaton& automaton) : ends_(automaton.ends_between()) {
  for (unsigned value = 0; value < 256; ++value) {
    const auto byte = static_cast<std::uint8_t>(value);
    of_byte_[value] = {.end_class = ends_.class_of[value],
                       .begins = automaton.may_begin(byte, false),
                       .begins_after_word = automaton.may_begin(byte, true)};
    if (value >= '0' && value <= '9') of_byte_[value].digit = static_cast<std::uint8_t>(value - '0');
  }
}

void LuhnFilter::keep(Bytes text, std::size_t from, std::span<std::uint64_t> starts) const {
  const std::size_t stop = from + 64 * starts.size();
  Sums sums;
  std::uint32_t behind = ends_.at_end;
  for (std::size_t at = text.size(); at > from;) {
    const OfByte& byte = of_byte_[text[--at]];
    if (ends_.between(byte.end_class, behind)) sums.note_end();
    behind = byte.end_class;
    if (byte.digit <= 9) sums.read(byte.digit);
    if (at >= stop) continue;
    const bool begins = (byte.begins || byte.begins_after_word) &&
                        (byte.begins == byte.begins_after_word ||
                         (rules::is_after_word(text, at) ? byte.begins_after_word : byte.begins));
    if (begins && sums.may_pass()) continue;
    starts[(at - from) / 64] &= ~(std::uint64_t{1} << (at - from) % 64);
  }
}

}  // namespace sluice::inspect
