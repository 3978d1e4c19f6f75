// PostgreSQL's tokens in the text of a statement, by the rules of PostgreSQL 15's scan.l. Owns where a token begins and
// ends and which class it is of; what words mean is the grammar's business (facts.h). A statement is whole here:
// cutting is the protocol's matter.
//
// What always holds: tokens come in order and do not overlap, and what lies between them is whitespace and comments.
// What the server's own lexer takes, this one takes with the same tokens. It takes somewhat more (escapes are not
// decoded, so not checked), which harms nobody: the server refuses that whole. Nothing is allocated; every byte is
// looked at a bounded number of times, whoever sent it.
#pragma once

#include <cstdint>

#include "common/bytes.h"
#include "common/error.h"

namespace sluice::sql {

// Offsets are of 32 bits; a longer text is refused.
inline constexpr std::size_t kMaxStatementBytes = 1U << 30;
// NAMEDATALEN: an operator has fewer bytes.
inline constexpr std::size_t kNameBytes = 64;

enum class TokenKind : std::uint8_t {
  end,
  word,                // an identifier or a keyword, not quoted
  national,            // the N before a string: the keyword NCHAR
  quoted_identifier,   // "a"
  unicode_identifier,  // U&"a"
  string,              // 'a'
  escape_string,       // E'a'
  unicode_string,      // U&'a'
  bit_string,          // B'0'
  hex_string,          // X'0'
  dollar_string,       // $a$ ... $a$
  integer,             // one that fits 32 bits
  decimal,             // any other number
  parameter,           // $1
  operation,           // of two characters and more, or one that stands for nothing else
  punctuation,         // one character that the grammar names itself
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  [[nodiscard]] std::uint32_t bytes() const { return end - begin; }
};

struct LexerOptions {
  bool standard_strings = true;  // standard_conforming_strings: a backslash in '' is only a backslash
};

class Lexer {
 public:
  Lexer(Bytes text, LexerOptions options);

  // The next token, and `end` for ever once there is none. Anything but ok stays; token() says then where it began.
  ErrorCode next();
  [[nodiscard]] const Token& token() const { return token_; }
  [[nodiscard]] std::string_view text_of(const Token& token) const {
    return as_text(text_.subspan(token.begin, token.bytes()));
  }

 private:
  ErrorCode refuse(ErrorCode why);
  ErrorCode finish(TokenKind kind, std::size_t end);
  bool skip_space();
  bool skip_comment();
  [[nodiscard]] std::size_t continuation(std::size_t at) const;
  ErrorCode quoted(TokenKind kind, std::size_t open, bool doubles, bool escapes);
  ErrorCode identifier_in_quotes(TokenKind kind, std::size_t open);
  ErrorCode dollar();
  ErrorCode number();
  ErrorCode word();
  ErrorCode operation();
  ErrorCode colon_or_dot(std::uint8_t first);
  [[nodiscard]] std::uint8_t at(std::size_t offset) const { return offset < text_.size() ? text_[offset] : 0; }
  [[nodiscard]] std::size_t digits_from(std::size_t offset) const;

  Bytes text_;
  LexerOptions options_;
  std::size_t at_ = 0;
  std::size_t signs_end_ = 0;  // up to here there are only signs
  Token token_;
  ErrorCode refused_ = ErrorCode::ok;
};

}  // namespace sluice::sql
