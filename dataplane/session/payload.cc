// See payload.h.
#include "dataplane/session/payload.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "common/hex.h"
#include "dataplane/protocol/http1/syntax.h"

namespace sluice::session {
namespace {

using enforce::Tie;
using enforce::TieKind;
using Value = std::optional<std::string>;
using Read = std::expected<Value, ErrorCode>;

// Escapes read (RFC 3986 section 2.1), so that one value written in two ways stays one. What is no escape stays.
std::string unescaped(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      c = static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    out.push_back(c);
  }
  return out;
}

Read header_value(const http1::Head& head, std::string_view name) {
  Value value;
  for (const http1::Field& field : head.fields) {
    if (!http1::equals_lower(head.name(field), name)) continue;
    if (value) return std::unexpected(ErrorCode::piece_ambiguous);
    value = head.value(field);
  }
  return value;
}

Read query_value(std::string_view target, std::string_view name) {
  Value value;
  const std::size_t mark = target.find('?');
  std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  rest = rest.substr(0, rest.find('#'));
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (unescaped(pair.substr(0, equals), true) != name) continue;
    if (value) return std::unexpected(ErrorCode::piece_ambiguous);
    value = unescaped(pair.substr(std::min(equals + 1, pair.size())), true);
  }
  return value;
}

Read value_of(const Tie& tie, const Caller& caller, const http1::Head& head) {
  switch (tie.kind) {
    case TieKind::principal:
      if (!caller.principal.empty()) return std::string(caller.principal);
      return format_address(caller.address);
    case TieKind::path:
      return path_of(head);
    case TieKind::header:
      return header_value(head, tie.name);
    case TieKind::query:
      return query_value(head.target, tie.name);
  }
  return Value();
}

// Every text behind its length, so that no two lists of texts read the same.
void append(std::string& out, std::string_view text) {
  const std::uint64_t size = text.size();
  out.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
}

}  // namespace

std::optional<std::uint64_t> parse_offset(std::string_view text) {
  const bool range = text.starts_with("bytes ");
  if (range) text.remove_prefix(6);
  std::uint64_t offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  const bool whole = end == text.data() + text.size();
  if (error != std::errc{} || offset > Pieces::kMaxOffset || (range ? whole || *end != '-' : !whole))
    return std::nullopt;
  return offset;
}

std::string path_of(const http1::Head& head) {
  std::string_view target = head.target;
  if (const std::size_t scheme = target.find("://"); scheme < target.find_first_of("/?#"))
    target.remove_prefix(std::min(target.find('/', scheme + 3), target.size()));
  return unescaped(target.substr(0, target.find_first_of("?#")), false);
}

std::expected<std::optional<PieceOf>, ErrorCode> piece_of(const enforce::Across& across, std::string_view service,
                                                          const Caller& caller, const http1::Head& head,
                                                          const Pieces& pieces, ErrorCounters& errors) {
  if (!head.has_body() || head.upgrade) return std::nullopt;
  std::string ties;
  append(ties, service);
  append(ties, across.offset);
  append(ties, std::to_string(across.life));
  for (const Tie& tie : across.by) {
    const Read value = value_of(tie, caller, head);
    if (!value) return std::unexpected(value.error());
    if (!*value) return std::nullopt;
    append(ties, std::to_string(static_cast<int>(tie.kind)));
    append(ties, tie.name);
    append(ties, **value);
  }
  PieceOf piece{.payload = pieces.key_of(as_bytes(ties)), .offset = std::nullopt};
  if (!across.offset.empty()) {
    const Read offset = header_value(head, across.offset);
    if (!offset) return std::unexpected(offset.error());
    if (*offset) piece.offset = parse_offset(**offset);
    if (*offset && !piece.offset) errors.add(ErrorCode::piece_offset_unreadable);
  }
  return piece;
}

}  // namespace sluice::session
