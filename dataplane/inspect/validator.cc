#include "dataplane/inspect/validator.h"

#include <algorithm>
#include <array>
#include <optional>

namespace sluice::inspect {
namespace {

// Each reads byte after byte and says at any time whether what was read passes.

// ISO/IEC 7812-1 annex B over the digits of a match, whatever separates them; 12 to 19 digits. Every second
// digit counts double, from the right. Where the right is, each end says for itself, so both sums are kept.
class Luhn {
 public:
  void read(std::uint8_t byte) {
    const unsigned digit = byte - unsigned{'0'};
    if (digit > 9) return;
    sums_[digits_ % 2] += digit > 4 ? 2 * digit - 9 : 2 * digit;
    sums_[(digits_ + 1) % 2] += digit;
    ++digits_;
  }
  [[nodiscard]] bool passes() const {
    return digits_ >= kLuhnMinDigits && digits_ <= kLuhnMaxDigits && sums_[digits_ % 2] % 10 == 0;
  }

 private:
  std::array<unsigned, 2> sums_{};  // [p]: digits at positions of parity p, from the left, count double
  unsigned digits_ = 0;
};

// ISO 13616: country, check digits, account; read as a number with the first four behind the rest and letters as 10 to
// 35, it leaves 1 when divided by 97 (ISO 7064 MOD 97-10). Whatever is no letter and no digit separates.
class Mod97 {
 public:
  void read(std::uint8_t byte) {
    const unsigned digit = byte - unsigned{'0'};
    const unsigned letter = (byte | 0x20U) - unsigned{'a'};
    if (digit > 9 && letter > 25) return;
    const unsigned value = digit <= 9 ? digit : letter + 10;
    if (count_ < 4) {
      well_formed_ = well_formed_ && (count_ < 2) == (value > 9);
      head_ = head_ * (count_ < 2 ? 100 : 10) + value;
    } else {
      rest_ = (rest_ * (value > 9 ? 100 : 10) + value) % 97;
    }
    ++count_;
  }
  [[nodiscard]] bool passes() const {
    const unsigned check = head_ % 100;
    return well_formed_ && count_ >= 15 && count_ <= 34 && check >= 2 && check <= 98 &&
           (rest_ * 1'000'000 + head_) % 97 == 1;
  }

 private:
  unsigned head_ = 0;
  unsigned rest_ = 0;
  unsigned count_ = 0;
  bool well_formed_ = true;
};

std::optional<unsigned> base64url_value(std::uint8_t byte) {
  if (byte >= 'A' && byte <= 'Z') return byte - unsigned{'A'};
  if (byte >= 'a' && byte <= 'z') return byte - unsigned{'a'} + 26;
  if (byte >= '0' && byte <= '9') return byte - unsigned{'0'} + 52;
  if (byte == '-') return 62;
  if (byte == '_') return 63;
  return std::nullopt;
}

// RFC 7519, section 3: the part before the first dot is the base64url text of a JSON object, so it begins with {" and
// ends with }.
class Jwt {
 public:
  void read(std::uint8_t byte) {
    if (state_ != State::header) return;
    if (byte == '.') {
      state_ = count_ % 4 != 1 && decoded_ >= 2 && last_ == '}' ? State::valid : State::invalid;
      return;
    }
    const auto value = base64url_value(byte);
    if (!value) {
      state_ = State::invalid;
      return;
    }
    bits_ = bits_ << 6 | *value;
    if (++count_ % 4 == 1) return;
    last_ = static_cast<std::uint8_t>(bits_ >> (2 * ((4 - count_ % 4) % 4)));
    if (decoded_ < 2 && last_ != "{\""[decoded_]) state_ = State::invalid;
    ++decoded_;
  }
  [[nodiscard]] bool passes() const { return state_ == State::valid; }

 private:
  enum class State : std::uint8_t { header, valid, invalid };
  State state_ = State::header;
  std::uint32_t bits_ = 0;  // the newest last; more than the byte at hand falls out at the top
  unsigned count_ = 0;      // characters
  unsigned decoded_ = 0;    // bytes
  std::uint8_t last_ = 0;
};

template <class Check>
void keep(Bytes text, std::uint32_t start, std::vector<std::uint32_t>& ends) {
  Check check;
  std::uint32_t at = start;
  std::erase_if(ends, [&](std::uint32_t end) {
    for (; at < end; ++at) check.read(text[at]);
    return !check.passes();
  });
}

}  // namespace

void keep_valid(Validator validator, Bytes text, std::uint32_t start, std::vector<std::uint32_t>& ends) {
  switch (validator) {
    case Validator::none:
      return;
    case Validator::luhn:
      return keep<Luhn>(text, start, ends);
    case Validator::mod97:
      return keep<Mod97>(text, start, ends);
    case Validator::jwt:
      return keep<Jwt>(text, start, ends);
  }
}

}  // namespace sluice::inspect
