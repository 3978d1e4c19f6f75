// Numbers as PostgreSQL prints them.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "dataplane/protocol/postgres/value_texts.h"

namespace sluice::postgres {
namespace {

std::uint64_t load_be64(const std::uint8_t* p) {
  return std::uint64_t{load_be32(p)} << 32U | load_be32(p + 4);
}

template <class Number>
ErrorCode integer_text(Number number, BoundedText& out) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append({digits.data(), end});
  return ErrorCode::ok;
}

__extension__ using Wide = unsigned __int128;

// "1.5e+20", which stands for an integer below 2^128.
Wide integer_of(std::string_view text) {
  Wide number = 0;
  std::size_t at = 0;
  int behind_point = 0;
  for (bool is_behind = false; text[at] != 'e'; ++at) {
    if (text[at] == '.') {
      is_behind = true;
    } else {
      number = 10 * number + static_cast<unsigned>(text[at] - '0');
      behind_point += is_behind ? 1 : 0;
    }
  }
  int exponent = 0;
  std::from_chars(text.data() + at + 2, text.data() + text.size(), exponent);
  for (int zeros = exponent - behind_point; zeros > 0; --zeros) number *= 10;
  return number;
}

// Half way to a neighbour, where only rounding to even reads the same number back. Only integers are at once that short
// and half way: a fraction would need more digits.
template <class Number>
bool is_boundary(std::string_view text, Number number) {
  constexpr Number kLeast = std::is_same_v<Number, float> ? Number(0x1p24) : Number(0x1p53);
  constexpr Number kEnd = Number(1e38);
  if (number < kLeast || number >= kEnd) return false;
  const Wide read = integer_of(text);
  const Wide exact = static_cast<Wide>(number);
  if (read > exact) return 2 * (read - exact) == static_cast<Wide>(std::nextafter(number, 2 * number)) - exact;
  return 2 * (exact - read) == exact - static_cast<Wide>(std::nextafter(number, Number{0}));
}

// The shortest digits that read back as the same number, however who reads them rounds: "1.5e+00".
template <class Number>
std::string_view shortest(Number number, std::array<char, 64>& buffer) {
  char* const end = buffer.data() + buffer.size();
  std::string_view text(buffer.data(), std::to_chars(buffer.data(), end, number, std::chars_format::scientific).ptr);
  constexpr int kMostDigits = std::numeric_limits<Number>::max_digits10;
  int digits = std::max(1, static_cast<int>(text.find('e')) - 1);
  while (digits < kMostDigits && is_boundary(text, number)) {
    text = {buffer.data(), std::to_chars(buffer.data(), end, number, std::chars_format::scientific, digits).ptr};
    ++digits;
  }
  return text;
}

// Plain up to `plain` digits before the point and three zeros behind it, else with an exponent of at least two digits
// (src/common/d2s.c and f2s.c).
template <class Number>
ErrorCode float_text(Number number, int plain, BoundedText& out) {
  if (std::isnan(number)) {
    out.append("NaN");
    return ErrorCode::ok;
  }
  if (std::signbit(number)) out.push_back('-');
  if (std::isinf(number)) {
    out.append("Infinity");
    return ErrorCode::ok;
  }
  std::array<char, 64> buffer{};
  const std::string_view text = shortest(std::abs(number), buffer);
  const std::size_t e = text.find('e');
  const std::string_view exponent_text = text.substr(text[e + 1] == '+' ? e + 2 : e + 1);
  int exponent = 0;
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  if (exponent < -4 || exponent >= plain) {
    out.append(text);
    return ErrorCode::ok;
  }
  std::string digits(text.substr(0, 1));
  if (e > 2) digits.append(text.substr(2, e - 2));
  if (exponent < 0) {
    out.append("0.");
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    out.append(digits);
    return ErrorCode::ok;
  }
  const std::size_t whole = static_cast<std::size_t>(exponent) + 1;
  out.append(std::string_view(digits).substr(0, whole));
  if (digits.size() < whole) out.append(whole - digits.size(), '0');
  if (digits.size() > whole) {
    out.push_back('.');
    out.append(std::string_view(digits).substr(whole));
  }
  return ErrorCode::ok;
}

constexpr std::uint16_t kNegative = 0x4000;
constexpr std::uint16_t kNan = 0xc000;
constexpr std::uint16_t kInfinity = 0xd000;
constexpr std::uint16_t kMinusInfinity = 0xf000;
constexpr std::size_t kNumericHead = 8;
constexpr std::uint16_t kMostScale = 0x3fff;
constexpr int kDigitsEach = 4;  // a numeric's digits are four decimal ones
constexpr int kMostZeros = 16;  // such digits that nobody sent

// A numeric behind its head: `weight` is the power of 10,000 of its first digit.
class Numeric {
 public:
  Numeric(Bytes digits, int weight) : digits_(digits), weight_(weight) {}
  // Four decimal digits, at a power of 10,000.
  [[nodiscard]] std::array<char, kDigitsEach> at(int power) const {
    const int index = weight_ - power;
    const bool is_there = index >= 0 && static_cast<std::size_t>(index) < digits_.size() / 2;
    std::uint32_t digit = is_there ? load_be16(digits_.data() + static_cast<std::size_t>(2 * index)) : 0;
    std::array<char, kDigitsEach> out{};
    for (int i = kDigitsEach - 1; i >= 0; --i, digit /= 10)
      out.at(static_cast<std::size_t>(i)) = static_cast<char>('0' + digit % 10);
    return out;
  }

 private:
  Bytes digits_;
  int weight_;
};

}  // namespace

ErrorCode bool_text(Bytes value, BoundedText& out) {
  if (value.size() != 1) return ErrorCode::postgres_bad_value;
  out.push_back(value[0] != 0 ? 't' : 'f');
  return ErrorCode::ok;
}

ErrorCode int2_text(Bytes value, BoundedText& out) {
  if (value.size() != 2) return ErrorCode::postgres_bad_value;
  return integer_text(static_cast<std::int16_t>(load_be16(value.data())), out);
}

ErrorCode int4_text(Bytes value, BoundedText& out) {
  if (value.size() != 4) return ErrorCode::postgres_bad_value;
  return integer_text(static_cast<std::int32_t>(load_be32(value.data())), out);
}

ErrorCode int8_text(Bytes value, BoundedText& out) {
  if (value.size() != 8) return ErrorCode::postgres_bad_value;
  return integer_text(static_cast<std::int64_t>(load_be64(value.data())), out);
}

ErrorCode oid_text(Bytes value, BoundedText& out) {
  if (value.size() != 4) return ErrorCode::postgres_bad_value;
  return integer_text(load_be32(value.data()), out);
}

ErrorCode float4_text(Bytes value, BoundedText& out) {
  constexpr int kPlain = 6;
  if (value.size() != 4) return ErrorCode::postgres_bad_value;
  return float_text(std::bit_cast<float>(load_be32(value.data())), kPlain, out);
}

ErrorCode float8_text(Bytes value, BoundedText& out) {
  constexpr int kPlain = 15;
  if (value.size() != 8) return ErrorCode::postgres_bad_value;
  return float_text(std::bit_cast<double>(load_be64(value.data())), kPlain, out);
}

void append_power(int power, BoundedText& out) {
  out.push_back('e');
  integer_text(power * kDigitsEach, out);
}

// What is stored, and the power of ten that it is of.
ErrorCode power_text(const Numeric& numeric, int highest, int lowest, BoundedText& out) {
  for (int power = highest; power >= lowest && !out.is_full(); --power) {
    const auto four = numeric.at(power);
    out.append({four.data(), four.size()});
  }
  append_power(lowest, out);
  return ErrorCode::ok;
}

// As PostgreSQL prints it, but that more than kMostZeros zeros which nobody sent are told by their power, or not at
// all behind a point: few bytes could ask for a hundred thousand of them.
ErrorCode numeric_text(Bytes value, BoundedText& out) {
  constexpr std::uint16_t kMostDigit = 9999;
  if (value.size() < kNumericHead) return ErrorCode::postgres_bad_value;
  const std::size_t count = load_be16(value.data());
  const auto weight = count == 0 ? std::int16_t{0} : static_cast<std::int16_t>(load_be16(value.data() + 2));
  const std::uint16_t sign = load_be16(value.data() + 4);
  const std::uint16_t scale = load_be16(value.data() + 6);
  const Bytes digits = value.subspan(kNumericHead);
  if (digits.size() != 2 * count || scale > kMostScale) return ErrorCode::postgres_bad_value;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    if (load_be16(digits.data() + i) > kMostDigit) return ErrorCode::postgres_bad_value;
  if (sign == kNan || sign == kInfinity || sign == kMinusInfinity) {
    out.append(sign == kNan ? "NaN" : sign == kInfinity ? "Infinity" : "-Infinity");
    return ErrorCode::ok;
  }
  if (sign != 0 && sign != kNegative) return ErrorCode::postgres_bad_value;
  if (sign == kNegative) out.push_back('-');
  const Numeric numeric(digits, weight);
  const int lowest = weight - static_cast<int>(count) + 1;  // of what is stored; what comes below is zeros
  bool begun = false;
  if (weight < -kMostZeros) return power_text(numeric, weight, lowest, out);
  for (int power = weight; power >= 0 && !out.is_full(); --power) {
    if (count > 0 && power < lowest && power >= kMostZeros) {
      append_power(power + 1, out);
      return ErrorCode::ok;
    }
    const auto four = numeric.at(power);
    std::string_view text(four.data(), four.size());
    if (!begun) text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
    begun |= !text.empty();
    out.append(text);
  }
  if (!begun) out.push_back('0');
  if (scale == 0) return ErrorCode::ok;
  out.push_back('.');
  int left = scale;
  for (int power = -1; left > 0 && power >= std::min(lowest, 0) - kMostZeros; --power, left -= kDigitsEach) {
    const auto four = numeric.at(power);
    out.append({four.data(), static_cast<std::size_t>(std::min(left, kDigitsEach))});
  }
  return ErrorCode::ok;
}

}  // namespace sluice::postgres
