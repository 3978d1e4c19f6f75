// See shape.h.
#include "dataplane/sql/shape.h"

#include <algorithm>

namespace sluice::sql {
namespace {

bool is_plain_string(TokenKind kind) {
  return kind == TokenKind::string || kind == TokenKind::escape_string || kind == TokenKind::dollar_string;
}

bool is_uescape(std::string_view word) {
  constexpr std::string_view kWord = "uescape";
  return std::ranges::equal(word, kWord, [](char a, char b) { return (a | 0x20) == b; });
}

}  // namespace

Shaper::Shaper(const ShapeKeys& keys, const ShapeBounds& bounds)
    : keys_(keys), bounds_(bounds), skeleton_(bounds.skeleton_bytes) {
  literals_.reserve(bounds.literals);
}

void Shaper::put_literal(const Token& token, std::string_view stands_for) {
  skeleton_.put(token.kind, stands_for);
  if (literals_.size() < bounds_.literals)
    literals_.push_back(token);
  else
    more_literals_ = true;
}

// UESCAPE belongs to the token before it: of a string it goes with it, of an identifier it is part of the name.
ErrorCode Shaper::put_word(Lexer& lexer, Token token) {
  const TokenKind before = skeleton_.last();
  const std::string_view text = lexer.text_of(token);
  const bool may_escape = before == TokenKind::unicode_string || before == TokenKind::unicode_identifier;
  if (!may_escape || !is_uescape(text)) {
    skeleton_.put(token.kind, text);
    return ErrorCode::ok;
  }
  if (const ErrorCode code = lexer.next(); code != ErrorCode::ok) return code;
  const Token escape = lexer.token();
  if (is_plain_string(escape.kind)) {
    if (before == TokenKind::unicode_string) return ErrorCode::ok;
    skeleton_.put(token.kind, text);
    skeleton_.put(escape.kind, lexer.text_of(escape));
    return ErrorCode::ok;
  }
  skeleton_.put(token.kind, text);
  return escape.kind == TokenKind::end ? ErrorCode::ok : put(lexer, escape);
}

// The placeholders are what the grammar takes wherever it takes such a literal: of some integers it asks not to be 0.
ErrorCode Shaper::put(Lexer& lexer, Token token) {
  if (skeleton_.text().size() <= wanted_) place_ = token.begin;
  switch (token.kind) {
    case TokenKind::string:
    case TokenKind::escape_string:
    case TokenKind::unicode_string:
    case TokenKind::dollar_string:
      put_literal(token, "''");
      break;
    case TokenKind::bit_string:
      put_literal(token, "B'0'");
      break;
    case TokenKind::hex_string:
      put_literal(token, "X'0'");
      break;
    case TokenKind::integer:
      put_literal(token, "1");
      break;
    case TokenKind::decimal:
      put_literal(token, "1.0");
      break;
    case TokenKind::parameter:
      skeleton_.put(token.kind, "$1");
      break;
    case TokenKind::national:
      skeleton_.put(TokenKind::word, "nchar");
      break;
    case TokenKind::word:
      return put_word(lexer, token);
    default:
      skeleton_.put(token.kind, lexer.text_of(token));
      break;
  }
  return ErrorCode::ok;
}

ErrorCode Shaper::read(Lexer& lexer) {
  skeleton_.begin();
  literals_.clear();
  more_literals_ = false;
  for (;;) {
    if (const ErrorCode code = lexer.next(); code != ErrorCode::ok) return code;
    if (lexer.token().kind == TokenKind::end) break;
    if (const ErrorCode code = put(lexer, lexer.token()); code != ErrorCode::ok) return code;
    if (skeleton_.full()) return ErrorCode::sql_too_long;
  }
  skeleton_.finish();
  return ErrorCode::ok;
}

ErrorCode Shaper::shape(Bytes statement, LexerOptions options, Shape& shape) {
  shape = {};
  wanted_ = 0;
  Lexer lexer(statement, options);
  if (const ErrorCode code = read(lexer); code != ErrorCode::ok) {
    shape.refused_at = lexer.token().begin;
    return code;
  }
  shape.skeleton = skeleton_.text();
  const Bytes hashed = as_bytes(shape.skeleton);
  shape.id = {siphash(keys_.high, hashed), siphash(keys_.low, hashed)};
  shape.literals = literals_;
  shape.more_literals = more_literals_;
  return ErrorCode::ok;
}

std::uint32_t Shaper::place_of(std::uint32_t position, Bytes statement, LexerOptions options) {
  wanted_ = position;
  place_ = 0;
  Lexer lexer(statement, options);
  static_cast<void>(read(lexer));
  return place_;
}

}  // namespace sluice::sql
