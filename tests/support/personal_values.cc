// See personal_values.h.
#include "tests/support/personal_values.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace sluice::test {
namespace {

template <std::size_t N>
std::string_view pick(const std::array<std::string_view, N>& from, Random& random) {
  return from[random.below(N)];
}

std::string of(std::string_view alphabet, std::size_t count, Random& random) {
  std::string out;
  while (count-- > 0) out += alphabet[random.below(alphabet.size())];
  return out;
}

std::string digits(std::size_t count, Random& random) {
  return of("0123456789", count, random);
}

std::string grouped(const std::string& plain, std::size_t size, char separator) {
  std::string out;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    if (i > 0 && i % size == 0) out += separator;
    out += plain[i];
  }
  return out;
}

// The digit that makes the sum of Luhn divisible by ten.
char luhn_digit(const std::string& number) {
  unsigned sum = 0;
  for (std::size_t i = 0; i < number.size(); ++i) {
    unsigned digit = static_cast<unsigned>(number[number.size() - 1 - i] - '0');
    if (i % 2 == 0) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
    sum += digit;
  }
  return static_cast<char>('0' + (10 - sum % 10) % 10);
}

// ISO 13616: country, check digits, account; the check digits bring the remainder by 97 to one.
std::string iban_of(std::string_view country, const std::string& account) {
  unsigned rest = 0;
  for (const char c : account + std::string(country) + "00") {
    const auto value = static_cast<unsigned>(c >= 'A' ? c - 'A' + 10 : c - '0');
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return fmt::format("{}{:02}{}", country, 98 - rest, account);
}

}  // namespace

std::string card(std::size_t way, Random& random) {
  struct Brand {
    std::string_view begin;
    std::size_t digits;
  };
  static constexpr std::array<Brand, 8> kBrands = {
      {{"4", 16}, {"51", 16}, {"55", 16}, {"2221", 16}, {"6011", 16}, {"3528", 16}, {"37", 15}, {"36", 14}}};
  const Brand& brand = kBrands[random.below(way == 0 ? kBrands.size() : 6)];  // groups of four have sixteen
  std::string number(brand.begin);
  number += digits(brand.digits - 1 - number.size(), random);
  number += luhn_digit(number);
  return way == 0 ? number : grouped(number, 4, way == 1 ? ' ' : '-');
}

std::string email(std::size_t way, Random& random) {
  static constexpr std::array<std::string_view, 5> kEnds = {"example.com", "mail.example.org", "example.co.uk",
                                                            "a-b.example.dev", "x1.example.museum"};
  std::string name = of("abcdefghijklmnopqrstuvwxyz", 1 + random.below(12), random);
  if (way == 1) name += "." + of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", 1 + random.below(8), random) + "+news";
  return name + "@" + std::string(pick(kEnds, random));
}

std::string social_security_number(std::size_t way, Random& random) {
  std::uint64_t area = 1 + random.below(899);
  if (area == 666) area = 665;
  const char separator = way == 0 ? '-' : ' ';
  return fmt::format("{:03}{}{:02}{}{:04}", area, separator, 1 + random.below(99), separator, 1 + random.below(9999));
}

std::string insurance_number(std::size_t way, Random& random) {
  static constexpr std::array<std::string_view, 12> kPrefixes = {"AB", "CE", "GY", "HJ", "JG", "KZ",
                                                                 "NA", "PX", "SR", "TW", "YL", "ZT"};
  const std::string number = digits(6, random);
  const char suffix = "ABCD"[random.below(4)];
  if (way == 0) return fmt::format("{}{}{}", pick(kPrefixes, random), number, suffix);
  return fmt::format("{} {} {}", pick(kPrefixes, random), grouped(number, 2, ' '), suffix);
}

std::string iban(std::size_t way, Random& random) {
  const std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string number;
  switch (random.below(6)) {
    case 0:
      number = iban_of("DE", digits(18, random));
      break;
    case 1:
      number = iban_of("GB", of(letters, 4, random) + digits(14, random));
      break;
    case 2:
      number = iban_of("NL", of(letters, 4, random) + digits(10, random));
      break;
    case 3:
      number = iban_of("FR",
                       digits(10, random) + of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 11, random) + digits(2, random));
      break;
    case 4:
      number = iban_of("ES", digits(20, random));
      break;
    default:
      number = iban_of("AT", digits(16, random));
  }
  return way == 0 ? number : grouped(number, 4, ' ');
}

std::string phone(std::size_t way, Random& random) {
  static constexpr std::array<std::string_view, 5> kCountries = {"44", "49", "33", "351", "971"};
  if (way == 0) return fmt::format("+{}{}", pick(kCountries, random), "2" + digits(8, random));
  if (way == 1) return fmt::format("+1 (202) 555-01{}", digits(2, random));
  return fmt::format("+{} 2{} {} {}", pick(kCountries, random), digits(1, random), digits(4, random),
                     digits(4, random));
}

std::string ipv4(std::size_t /*way*/, Random& random) {
  return fmt::format("{}.{}.{}.{}", 1 + random.below(223), random.below(256), random.below(256), random.below(256));
}

std::string ipv6(std::size_t way, Random& random) {
  const auto group = [&] { return fmt::format("{:x}", random.below(65536)); };
  if (way == 0) return fmt::format("2001:db8:{}:{}:{}:{}:{}:{}", group(), group(), group(), group(), group(), group());
  if (way == 1) return fmt::format("2a01:{}::{}", group(), group());
  return fmt::format("FE80::{:X}:{:X}", random.below(65536), random.below(65536));
}

std::string mac(std::size_t way, Random& random) {
  const std::string_view hex = way == 1 ? "0123456789ABCDEF" : "0123456789abcdef";
  const std::string plain = of(hex, 12, random);
  return way == 2 ? grouped(plain, 4, '.') : grouped(plain, 2, way == 0 ? ':' : '-');
}

}  // namespace sluice::test
