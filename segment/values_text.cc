// See values_text.h.
#include "segment/values_text.h"

#include <algorithm>
#include <utility>

#include "segment/item_mark.h"

namespace sluice {
namespace {

constexpr std::size_t kMostHexBytes = 64;

// How many bytes the character at the beginning of `text` has in UTF-8, cut at the end of it or not; 0: it is none.
std::size_t character_bytes(std::string_view text) {
  const auto c = static_cast<unsigned char>(text.front());
  const std::size_t length = c < 0x80 ? 1 : c >= 0xf5 ? 0 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
  for (std::size_t i = 1; i < std::min(length, text.size()); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  return std::min(length, text.size());
}

bool is_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto c = static_cast<unsigned char>(bytes.front());
    const std::size_t length = character_bytes(bytes);
    if (length == 0 || c == 0x7f || (c < 0x20 && c != '\t' && c != '\r' && c != '\n')) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

// What is no text, as PostgreSQL prints it.
std::string shown(std::string_view bytes) {
  if (is_text(bytes)) return std::string(bytes);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "\\x";
  for (const char c : bytes.substr(0, kMostHexBytes)) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return bytes.size() > kMostHexBytes ? out + "…" : out;
}

}  // namespace

std::string values_text(std::string_view body) {
  std::string out;
  bool is_first = true;         // of its line
  std::uint32_t list_left = 0;  // values that are one, and are still to come
  const auto end_one = [&] {
    if (list_left > 0) out += --list_left > 0 ? "," : "}";
  };
  while (!body.empty()) {
    const auto mark = read_mark(body);
    if (!mark) {  // a text up to the next one
      std::size_t end = 1;
      while (end < body.size() && (body[end] != '\n' || !read_mark(body.substr(end)))) ++end;
      out += shown(body.substr(0, end));
      body.remove_prefix(end);
      continue;
    }
    body.remove_prefix(mark->bytes);
    if (mark->item == Item::row || mark->item == Item::text || mark->item == Item::left_out) {
      if (mark->item == Item::left_out) out += "… " + std::to_string(mark->length) + " more rows";
      out += '\n';
      is_first = true;
      list_left = 0;
      continue;
    }
    if (list_left == 0 && !std::exchange(is_first, false)) out += " | ";
    if (mark->item == Item::list) {
      list_left = mark->length;
      out += list_left > 0 ? "{" : "{}";
      continue;
    }
    const std::size_t bytes = mark->item == Item::null ? 0 : std::min<std::size_t>(body.size(), mark->length);
    out += mark->item == Item::null ? "NULL" : shown(body.substr(0, bytes));
    body.remove_prefix(bytes);
    end_one();
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace sluice
