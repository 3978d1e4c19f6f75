// See blanks.h.
#include "dataplane/protocol/postgres/blanks.h"

#include <algorithm>
#include <string_view>

#include "dataplane/protocol/postgres/message.h"
#include "dataplane/protocol/postgres/types.h"

namespace sluice::postgres {
namespace {

bool is_letter(std::uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

// Texts are ASCII: a byte of the text `of` as long as it goes, then zeros.
std::uint8_t at_or_zero(std::string_view of, std::uint64_t offset) {
  return offset < of.size() ? static_cast<std::uint8_t>(of[offset]) : '0';
}

std::uint8_t json_byte(std::uint64_t offset, std::uint64_t length) {
  if (length == 1) return '0';
  return offset == 0 || offset + 1 == length ? '"' : '*';
}

// In the hexadecimal format pairs of digits follow \x; all else is the older escape format.
std::uint8_t bytea_byte(std::uint64_t offset, std::uint64_t length) {
  if (length < 2 || length % 2 != 0) return '*';
  return at_or_zero("\\x", offset);
}

// Groups of four zeros with a colon behind each; where it would end with one, the colon comes one earlier.
std::uint8_t group_byte(std::uint64_t offset, std::uint64_t length) {
  const bool ends_with_colon = length % 5 == 0;
  if (ends_with_colon && offset + 2 == length) return ':';
  return offset % 5 == 4 && !(ends_with_colon && offset + 1 == length) ? ':' : '0';
}

// An IPv6 address, and from four bytes on with a prefix, so that it is a network as well: what PostgreSQL prints of
// either family is at least as long as `::` (a network: as `::/0`), and at most 43.
std::uint8_t address_byte(std::uint64_t offset, std::uint64_t length) {
  constexpr std::uint64_t kShortened = 38;  // "::", seven groups at most, "/0"
  constexpr std::uint64_t kWhole = 41;      // eight groups, "/0"
  if (length < 4) return offset < 2 ? ':' : '0';
  const std::string_view prefix = length > kWhole ? "/128" : "/0";
  const std::uint64_t groups_end = length - prefix.size();
  if (offset >= groups_end) return static_cast<std::uint8_t>(prefix[offset - groups_end]);
  if (length > kShortened) return offset % 5 == 4 ? ':' : '0';
  return offset < 2 ? ':' : group_byte(offset - 2, groups_end - 2);
}

// What is no ISO date keeps its signs; letters (BC, names of months) say too much.
std::uint8_t time_byte(std::uint8_t byte) {
  if (byte >= '0' && byte <= '9') return '1';
  return is_letter(byte) ? ' ' : byte;
}

std::uint8_t date_byte(std::uint64_t offset, std::uint64_t length, std::uint8_t byte) {
  constexpr std::string_view kShort = "1111-1-11";  // as long as -infinity, and one more than infinity
  return length == kShort.size() || length + 1 == kShort.size() ? static_cast<std::uint8_t>(kShort[offset])
                                                                : time_byte(byte);
}

std::uint8_t array_byte(std::uint64_t offset, std::uint64_t length, std::uint8_t within) {
  if (offset == 0) return '{';
  return offset + 1 == length ? '}' : within;
}

// A number of 16 bits, as it stands on the wire.
std::uint8_t half(std::uint64_t number, std::uint64_t offset) {
  return static_cast<std::uint8_t>(offset % 2 == 0 ? number >> 8U : number);
}

// How many digits of four decimals, the weight of the first, the sign, how many decimals behind the point, the digits.
std::uint8_t numeric_byte(std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t digits = length < 8 ? 0 : (length - 8) / 2;
  if (offset < 2) return half(digits, offset);
  return offset < 4 && digits > 0 ? half(digits - 1, offset) : 0;
}

// Family, bits of the network, whether it is a cidr, length, address.
std::uint8_t address_value_byte(std::uint64_t offset, std::uint64_t length, bool is_network) {
  const bool is_v4 = length == 8;
  const std::uint8_t head[] = {static_cast<std::uint8_t>(is_v4 ? 2 : 3), static_cast<std::uint8_t>(is_v4 ? 32 : 128),
                               static_cast<std::uint8_t>(is_network), static_cast<std::uint8_t>(is_v4 ? 4 : 16)};
  return offset < sizeof head ? head[offset] : 0;
}

// How many there are, in four bytes, then they.
std::uint8_t bits_byte(std::uint64_t offset, std::uint64_t length) {
  if (offset >= 4 || length < 4) return 0;
  return static_cast<std::uint8_t>((length - 4) * 8 >> (8 * (3 - offset)));
}

std::uint8_t blank_byte(Blank how, std::uint64_t offset, std::uint64_t length, std::uint8_t byte) {
  switch (how) {
    case Blank::stars:
      return '*';
    case Blank::digits:
      return '0';
    case Blank::boolean:
      return 'f';
    case Blank::json:
      return json_byte(offset, length);
    case Blank::bytea:
      return bytea_byte(offset, length);
    case Blank::uuid:
      return offset == 8 || offset == 13 || offset == 18 || offset == 23 ? '-' : '0';
    case Blank::address:
      return address_byte(offset, length);
    case Blank::mac:
      return offset % 3 == 2 ? ':' : '0';
    case Blank::time:
      return time_byte(byte);
    case Blank::date:
      return date_byte(offset, length, byte);
    case Blank::star_array:
      return array_byte(offset, length, '*');
    case Blank::digit_array:
      return array_byte(offset, length, '0');
    case Blank::empty_array:
      return array_byte(offset, length, ' ');
    case Blank::zeros:
      return 0;
    case Blank::numeric:
      return numeric_byte(offset, length);
    case Blank::inet:
    case Blank::cidr:
      return address_value_byte(offset, length, how == Blank::cidr);
    case Blank::jsonb:
      return offset == 0 ? 1 : json_byte(offset - 1, length - 1);
    case Blank::bits:
      return bits_byte(offset, length);
  }
  return '*';
}

// Of an array in text by that of its elements.
Blank of_array(Blank element) {
  if (element == Blank::stars) return Blank::star_array;
  return element == Blank::digits ? Blank::digit_array : Blank::empty_array;
}

}  // namespace

Blank blank_of(std::uint32_t type, std::uint16_t format) {
  const Type* single = type_of(type);
  if (single != nullptr) return format == kTextFormat ? single->text_blank : single->binary_blank;
  const Type* element = type_of_array(type);
  return element == nullptr || format != kTextFormat ? Blank::stars : of_array(element->text_blank);
}

void blank(Blank how, std::uint64_t offset, std::uint64_t length, MutableBytes bytes) {
  for (std::uint8_t& byte : bytes) byte = blank_byte(how, offset++, length, byte);
}

}  // namespace sluice::postgres
