// PostgreSQL's own lexer, as the reference for ours: the tokens of a text, with their classes in our words.
#pragma once

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "common/assert.h"
#include "dataplane/sql/lexer.h"

namespace sluice::sql::test {

// What the reference tells apart.
enum class Class : std::uint8_t {
  word,
  quoted_unicode,
  string,
  unicode_string,
  bits,
  hex,
  integer,
  decimal,
  parameter,
  operation,
  punctuation
};

struct Piece {
  Class what;
  std::uint32_t begin;
  std::uint32_t end;
  bool operator==(const Piece&) const = default;
};

inline Class class_of(PgQuery__Token token) {
  switch (token) {
    case PG_QUERY__TOKEN__UIDENT:
      return Class::quoted_unicode;
    case PG_QUERY__TOKEN__SCONST:
      return Class::string;
    case PG_QUERY__TOKEN__USCONST:
      return Class::unicode_string;
    case PG_QUERY__TOKEN__BCONST:
      return Class::bits;
    case PG_QUERY__TOKEN__XCONST:
      return Class::hex;
    case PG_QUERY__TOKEN__ICONST:
      return Class::integer;
    case PG_QUERY__TOKEN__FCONST:
      return Class::decimal;
    case PG_QUERY__TOKEN__PARAM:
      return Class::parameter;
    case PG_QUERY__TOKEN__Op:
    case PG_QUERY__TOKEN__TYPECAST:
    case PG_QUERY__TOKEN__DOT_DOT:
    case PG_QUERY__TOKEN__COLON_EQUALS:
    case PG_QUERY__TOKEN__EQUALS_GREATER:
    case PG_QUERY__TOKEN__LESS_EQUALS:
    case PG_QUERY__TOKEN__GREATER_EQUALS:
    case PG_QUERY__TOKEN__NOT_EQUALS:
      return Class::operation;
    default:
      return token < 256 ? Class::punctuation : Class::word;  // a character, an identifier or a keyword
  }
}

inline Class class_of(TokenKind kind) {
  switch (kind) {
    case TokenKind::unicode_identifier:
      return Class::quoted_unicode;
    case TokenKind::string:
    case TokenKind::escape_string:
    case TokenKind::dollar_string:
      return Class::string;
    case TokenKind::unicode_string:
      return Class::unicode_string;
    case TokenKind::bit_string:
      return Class::bits;
    case TokenKind::hex_string:
      return Class::hex;
    case TokenKind::integer:
      return Class::integer;
    case TokenKind::decimal:
      return Class::decimal;
    case TokenKind::parameter:
      return Class::parameter;
    case TokenKind::operation:
      return Class::operation;
    case TokenKind::punctuation:
      return Class::punctuation;
    case TokenKind::word:
    case TokenKind::national:
    case TokenKind::quoted_identifier:
    case TokenKind::end:
      break;
  }
  return Class::word;
}

// Nothing where the reference refuses the text.
inline std::optional<std::vector<Piece>> reference_pieces(const std::string& text) {
  const PgQueryScanResult scanned = pg_query_scan(text.c_str());
  std::optional<std::vector<Piece>> pieces;
  if (scanned.error == nullptr) {
    pieces.emplace();
    PgQuery__ScanResult* const result = pg_query__scan_result__unpack(
        nullptr, scanned.pbuf.len, reinterpret_cast<const std::uint8_t*>(scanned.pbuf.data));
    SLUICE_ASSERT(result != nullptr);
    for (std::size_t i = 0; i < result->n_tokens; ++i) {
      const PgQuery__ScanToken& token = *result->tokens[i];
      if (token.token == PG_QUERY__TOKEN__SQL_COMMENT || token.token == PG_QUERY__TOKEN__C_COMMENT) continue;
      pieces->push_back(
          {class_of(token.token), static_cast<std::uint32_t>(token.start), static_cast<std::uint32_t>(token.end)});
    }
    pg_query__scan_result__free_unpacked(result, nullptr);
  }
  pg_query_free_scan_result(scanned);
  return pieces;
}

inline std::optional<std::vector<Piece>> our_pieces(std::string_view text) {
  Lexer lexer(as_bytes(text), {});
  std::vector<Piece> pieces;
  for (;;) {
    if (lexer.next() != ErrorCode::ok) return std::nullopt;
    const Token& token = lexer.token();
    if (token.kind == TokenKind::end) return pieces;
    SLUICE_ASSERT(token.begin < token.end && token.end <= text.size());
    SLUICE_ASSERT(pieces.empty() || token.begin >= pieces.back().end);
    pieces.push_back({class_of(token.kind), token.begin, token.end});
  }
}

// Where both differ: a text that begins with the token. Nothing when they say the same.
//
// The reference is PostgreSQL's lexer with changes of libpg_query's: it does not go on with a string behind a comment,
// as the server does, so from there on nothing is compared; and it does not know where tokens with U& end.
inline std::optional<std::string> difference(const std::string& text, const std::vector<Piece>& ours,
                                             const std::vector<Piece>& reference) {
  for (std::size_t i = 0; i < std::max(ours.size(), reference.size()); ++i) {
    if (i >= ours.size()) return "the reference has another token: " + text.substr(reference[i].begin);
    const std::string rest = text.substr(ours[i].begin);
    if (i >= reference.size()) return "the reference has no such token: " + rest;
    const bool is_same = ours[i].what == reference[i].what && ours[i].begin == reference[i].begin;
    if (!is_same) return rest;
    const bool has_end = ours[i].what != Class::quoted_unicode && ours[i].what != Class::unicode_string;
    if (has_end && ours[i].end == reference[i].end) continue;
    const bool is_literal =
        has_end ? ours[i].what == Class::string || ours[i].what == Class::bits || ours[i].what == Class::hex
                : ours[i].what == Class::unicode_string;
    if (is_literal && text.substr(ours[i].begin, ours[i].end - ours[i].begin).contains("--")) return std::nullopt;
    if (has_end) return rest;
  }
  return std::nullopt;
}

}  // namespace sluice::sql::test
