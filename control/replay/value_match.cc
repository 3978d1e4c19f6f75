// See value_match.h.
#include "control/replay/value_match.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

namespace sluice::control {
namespace {

// OIDs of pg_type, which are those of every server.
constexpr std::uint32_t kBytea = 17;
constexpr std::uint32_t kTimestampTz = 1184;
constexpr std::uint32_t kJsonb = 3802;
constexpr std::uint32_t kBoxArray = 1020;
// "char", name, text, json, xml, unknown, bpchar, varchar, refcursor: in binary they are the bytes of their text.
constexpr std::array<std::uint32_t, 9> kPlain = {18, 19, 25, 114, 142, 705, 1042, 1043, 1790};

constexpr std::array<std::uint32_t, 8> kPlainArrays = {1002, 1003, 1009, 199, 143, 1014, 1015, 2201};
constexpr std::uint32_t kText = 25;

// As far as it makes a difference here; of other types 0.
std::uint32_t element_type(std::uint32_t array_type) {
  switch (array_type) {
    case 1001:
      return kBytea;
    case 1185:
      return kTimestampTz;
    case 3807:
      return kJsonb;
    default:
      return std::ranges::count(kPlainArrays, array_type) > 0 ? kText : 0;
  }
}

std::string hex_text(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "\\x";
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

// Of a bytea as it is printed; nothing where it is not in hex.
std::optional<std::string> bytes_of_bytea(std::string_view text) {
  if (!text.starts_with("\\x")) return std::nullopt;
  text.remove_prefix(2);
  std::string out = bytes_of_hex(text);
  return out.size() * 2 == text.size() ? std::optional(std::move(out)) : std::nullopt;
}

// The number at the beginning, which is passed.
std::optional<int> take_number(std::string_view& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || text.starts_with('-')) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// h, h:m or h:m:s, in seconds; at least `least` of them.
std::optional<std::int64_t> take_clock(std::string_view& text, int least) {
  std::int64_t seconds = 0;
  std::int64_t worth = 3600;
  for (int part = 0; part < 3; ++part, worth /= 60) {
    if (part > 0 && !take(text, ':')) return part < least ? std::nullopt : std::optional(seconds);
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    seconds += *number * worth;
  }
  return seconds;
}

struct Instant {
  std::int64_t seconds = 0;
  std::string_view fraction;
  bool operator==(const Instant&) const = default;
};

// "2026-11-22 09:30:00.25+01" in UTC; infinities and years before Christ are none.
std::optional<Instant> instant_of(std::string_view text) {
  const auto year = take_number(text);
  if (!year || *year > 9999 || !take(text, '-')) return std::nullopt;
  const auto month = take_number(text);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_number(text);
  if (!day || !take(text, ' ')) return std::nullopt;
  const auto clock = take_clock(text, 3);
  if (!clock) return std::nullopt;
  Instant out;
  if (take(text, '.')) {
    out.fraction = text.substr(0, text.find_first_not_of("0123456789"));
    text.remove_prefix(out.fraction.size());
  }
  const bool is_west = text.starts_with('-');
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  const auto zone = take_clock(text, 1);
  if (!zone || !text.empty()) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  out.seconds = days * 86'400 + *clock - (is_west ? -*zone : *zone);
  return out;
}

bool is_same_instant(std::string_view recorded, std::string_view replayed) {
  const auto one = instant_of(recorded);
  return one && one == instant_of(replayed);
}

// Nothing is seen of what it was.
bool is_hidden(std::string_view text) {
  return !text.empty() && text.find_first_not_of('*') == std::string_view::npos;
}

// Masks cover what people read, byte by byte.
bool is_as_masked(std::string_view recorded, std::string_view replayed) {
  return std::ranges::equal(recorded, replayed, [](char mask, char byte) {
    return mask == byte || (mask == '*' && static_cast<unsigned char>(byte) >= 0x20);
  });
}

// A text or the bytes of a value in the binary format, against the text of the other.
ValueMatch match_one(Item item, std::string_view recorded, std::string_view replayed, const ValueKind& kind,
                     bool is_masked) {
  const bool is_raw = item == Item::value && kind.is_binary;
  if (is_raw && kind.type == kBytea) {
    const auto bytes = bytes_of_bytea(replayed);
    return bytes ? match_text(recorded, *bytes, is_masked) : ValueMatch::unread;
  }
  if (is_raw && kind.type == kJsonb && recorded.starts_with('\x01')) recorded.remove_prefix(1);
  const ValueMatch match = match_text(recorded, replayed, is_masked);
  if (match != ValueMatch::different) return match;
  if (kind.type == kTimestampTz && !is_raw && is_same_instant(recorded, replayed)) return ValueMatch::same;
  const bool is_read = !is_raw || kind.type == kJsonb || std::ranges::count(kPlain, kind.type) > 0;
  return is_read ? match : ValueMatch::unread;
}

ValueMatch match_list(const RecordedValue& recorded, std::string_view replayed, const ValueKind& kind, bool is_masked) {
  const auto elements = array_elements(replayed, kind.type == kBoxArray ? ';' : ',');
  if (!elements || elements->size() != recorded.elements.size()) return ValueMatch::different;
  const ValueKind element{.type = element_type(kind.type), .is_binary = true};
  ValueMatch worst = ValueMatch::same;
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const RecordedItem& one = recorded.elements[i];
    const auto& other = (*elements)[i];
    if ((one.item == Item::null) != !other.has_value()) return ValueMatch::different;
    if (one.item == Item::null) continue;
    worst = std::max(worst, match_one(one.item, one.bytes, *other, element, is_masked));
  }
  return worst;
}

}  // namespace

ValueMatch match_text(std::string_view recorded, std::string_view replayed, bool is_masked) {
  if (recorded == replayed) return ValueMatch::same;
  if (!is_masked) return ValueMatch::different;
  return is_hidden(recorded) || is_as_masked(recorded, replayed) ? ValueMatch::masked : ValueMatch::different;
}

ValueMatch match_value(const RecordedValue& recorded, std::optional<std::string_view> replayed, const ValueKind& kind,
                       bool is_masked) {
  const bool is_null = recorded.item == Item::null;
  if (is_null || !replayed) return is_null && !replayed ? ValueMatch::same : ValueMatch::different;
  if (recorded.item == Item::list) return match_list(recorded, *replayed, kind, is_masked);
  return match_one(recorded.item, recorded.bytes, *replayed, kind, is_masked);
}

std::string bytes_of_hex(std::string_view digits) {
  std::string out;
  for (; digits.size() >= 2; digits.remove_prefix(2)) {
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + 2, byte, 16);
    if (error != std::errc{} || end != digits.data() + 2) break;
    out += static_cast<char>(byte);
  }
  return out;
}

// PostgreSQL's manual, "Array Input and Output Syntax": bounds in front where they do not begin with 1, quotes where an
// element would be read as something else.
std::optional<std::vector<std::optional<std::string>>> array_elements(std::string_view text, char delimiter) {
  if (text.starts_with('[')) text.remove_prefix(std::min(text.find('=') + 1, text.size()));
  if (!text.starts_with('{') || !text.ends_with('}')) return std::nullopt;
  std::vector<std::optional<std::string>> out;
  std::optional<std::string> element;
  bool was_quoted = false;
  bool is_quoted = false;
  const auto end_one = [&] {
    if (element) out.push_back(!was_quoted && *element == "NULL" ? std::nullopt : element);
    element.reset();
    was_quoted = false;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      is_quoted = !is_quoted;
      was_quoted = true;
      if (!element) element.emplace();
    } else if (!is_quoted && (c == '{' || c == '}' || c == delimiter)) {
      end_one();
    } else {
      if (!element) element.emplace();
      if (c == '\\' && i + 1 < text.size()) ++i;
      *element += text[i];
    }
  }
  return out;
}

std::optional<std::string> array_text(const std::vector<RecordedItem>& elements, std::uint32_t array_type) {
  const std::uint32_t type = element_type(array_type);
  std::string out = "{";
  for (const RecordedItem& element : elements) {
    if (out.size() > 1) out += array_type == kBoxArray ? ';' : ',';
    if (element.item == Item::null) {
      out += "NULL";
      continue;
    }
    if (element.item == Item::value && type != kBytea && type != kJsonb && type != kText) return std::nullopt;
    std::string text(element.bytes);
    if (element.item == Item::value && type == kBytea) text = hex_text(text);
    if (element.item == Item::value && type == kJsonb && text.starts_with('\x01')) text.erase(0, 1);
    out += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

}  // namespace sluice::control
