// See lexer.h. Names in quotes after "scan.l" are those of the rules there.
#include "dataplane/sql/lexer.h"

#include <algorithm>
#include <array>

namespace sluice::sql {
namespace {

enum Class : std::uint8_t {
  kSpace = 1,        // "space"
  kIdentStart = 2,   // "ident_start"
  kDigit = 4,        // "digit"
  kOperator = 8,     // "op_chars"
  kSelf = 16,        // "self"
  kOutsideSql = 32,  // operator characters that standard SQL has not
  kNewline = 64,     // "newline"
};

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  const auto add = [&](std::string_view characters, std::uint8_t what) {
    for (const char c : characters) classes[static_cast<std::uint8_t>(c)] |= what;
  };
  add(" \t\n\r\f", kSpace);
  add("\n\r", kNewline);
  add("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_", kIdentStart);
  for (std::size_t c = 0x80; c < 256; ++c) classes[c] |= kIdentStart;
  add("0123456789", kDigit);
  add("~!@#^&|`?+-*/%<>=", kOperator);
  add("~!@#^&|`?%", kOutsideSql);
  add(",()[].;:+-*/%^<>=", kSelf);
  return classes;
}
constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

bool is(std::uint8_t byte, unsigned classes) {
  return (kClasses[byte] & classes) != 0;
}

bool is_sign(std::uint8_t byte) {
  return byte == '+' || byte == '-';
}

// "integer": what does not fit is a decimal.
bool fits_integer(Bytes digits) {
  std::uint64_t value = 0;
  for (const std::uint8_t digit : digits) {
    value = value * 10 + (digit - '0');
    if (value > 0x7fffffff) return false;
  }
  return true;
}

}  // namespace

Lexer::Lexer(Bytes text, LexerOptions options) : text_(text), options_(options) {
  if (text.size() > kMaxStatementBytes) refused_ = ErrorCode::sql_too_long;
}

ErrorCode Lexer::refuse(ErrorCode why) {
  token_.kind = TokenKind::end;
  token_.end = token_.begin;
  return refused_ = why;
}

ErrorCode Lexer::finish(TokenKind kind, std::size_t end) {
  token_.kind = kind;
  token_.end = static_cast<std::uint32_t>(end);
  at_ = end;
  return ErrorCode::ok;
}

// Past whitespace and comments. False when a comment does not end.
bool Lexer::skip_space() {
  for (;;) {
    const std::uint8_t byte = at(at_);
    if (is(byte, kSpace)) {
      ++at_;
    } else if (byte == '-' && at(at_ + 1) == '-') {
      while (at(at_) != 0 && !is(text_[at_], kNewline)) ++at_;
    } else if (byte == '/' && at(at_ + 1) == '*') {
      token_.begin = static_cast<std::uint32_t>(at_);
      if (!skip_comment()) return false;
    } else {
      return true;
    }
  }
}

// "xc": comments nest.
bool Lexer::skip_comment() {
  std::size_t depth = 0;
  while (at_ < text_.size()) {
    const std::uint8_t byte = text_[at_];
    if (byte == '/' && at(at_ + 1) == '*') {
      ++depth;
      at_ += 2;
    } else if (byte == '*' && at(at_ + 1) == '/') {
      at_ += 2;
      if (--depth == 0) return true;
    } else if (byte == 0) {
      return false;
    } else {
      ++at_;
    }
  }
  return false;
}

// "quotecontinue": a string goes on behind whitespace with a newline in it. Where its next quote is, or 0.
std::size_t Lexer::continuation(std::size_t from) const {
  std::size_t here = from;
  const auto skip_line = [&] {
    if (at(here) == '-' && at(here + 1) == '-')
      while (at(here) != 0 && !is(text_[here], kNewline)) ++here;
  };
  while (is(at(here), kSpace) && !is(at(here), kNewline)) ++here;
  skip_line();
  if (!is(at(here), kNewline)) return 0;
  for (;;) {
    while (is(at(here), kSpace)) ++here;
    if (at(here) == '\'') return here;
    const std::size_t before = here;
    skip_line();
    if (here == before || here >= text_.size()) return 0;
  }
}

// A string whose opening quote lies at `open`.
ErrorCode Lexer::quoted(TokenKind kind, std::size_t open, bool doubles, bool escapes) {
  std::size_t here = open + 1;
  while (here < text_.size()) {
    const std::uint8_t byte = text_[here];
    if (byte == 0) return refuse(ErrorCode::sql_bad_byte);
    if (byte == '\\' && escapes) {
      here += at(here + 1) == 0 ? 1 : 2;
    } else if (byte != '\'') {
      ++here;
    } else if (doubles && at(here + 1) == '\'') {
      here += 2;
    } else {
      const std::size_t again = continuation(here + 1);
      if (again == 0) return finish(kind, here + 1);
      here = again + 1;
    }
  }
  return refuse(ErrorCode::sql_unterminated);
}

ErrorCode Lexer::identifier_in_quotes(TokenKind kind, std::size_t open) {
  for (std::size_t here = open + 1; here < text_.size(); ++here) {
    if (text_[here] == 0) return refuse(ErrorCode::sql_bad_byte);
    if (text_[here] != '"') continue;
    if (at(here + 1) == '"') {
      ++here;
      continue;
    }
    return here == open + 1 ? refuse(ErrorCode::sql_empty_identifier) : finish(kind, here + 1);
  }
  return refuse(ErrorCode::sql_unterminated);
}

// A parameter, a string in dollars, or a dollar that means nothing.
ErrorCode Lexer::dollar() {
  std::size_t here = at_ + 1;
  if (is(at(here), kDigit)) {
    here = digits_from(here);
    if (is(at(here), kIdentStart)) return refuse(ErrorCode::sql_bad_number);  // "param_junk"
    return finish(TokenKind::parameter, here);
  }
  if (is(at(here), kIdentStart))
    while (is(at(here), kIdentStart | kDigit)) ++here;
  if (at(here) != '$') return finish(TokenKind::punctuation, at_ + 1);  // "dolqfailed"
  const std::string_view whole = as_text(text_);
  const std::string_view delimiter = whole.substr(at_, here + 1 - at_);
  const std::size_t close = whole.find(delimiter, here + 1);
  if (close == std::string_view::npos) return refuse(ErrorCode::sql_unterminated);
  if (whole.substr(at_, close - at_).find('\0') != std::string_view::npos) return refuse(ErrorCode::sql_bad_byte);
  return finish(TokenKind::dollar_string, close + delimiter.size());
}

std::size_t Lexer::digits_from(std::size_t offset) const {
  while (is(at(offset), kDigit)) ++offset;
  return offset;
}

ErrorCode Lexer::number() {
  std::size_t here = digits_from(at_);
  bool whole = true;
  // "decimalfail": in 1..2 the dots are an operator.
  if (at(here) == '.' && !(here > at_ && at(here + 1) == '.')) {
    whole = false;
    here = digits_from(here + 1);
  }
  if (at(here) == 'e' || at(here) == 'E') {
    const std::size_t exponent = here + (is_sign(at(here + 1)) ? 2 : 1);
    if (!is(at(exponent), kDigit)) return refuse(ErrorCode::sql_bad_number);  // "realfail", "integer_junk"
    whole = false;
    here = digits_from(exponent);
  }
  if (is(at(here), kIdentStart)) return refuse(ErrorCode::sql_bad_number);  // "integer_junk" and its siblings
  whole = whole && fits_integer(text_.subspan(at_, here - at_));
  return finish(whole ? TokenKind::integer : TokenKind::decimal, here);
}

// What begins with a letter: an identifier, or what a letter before a quote announces.
ErrorCode Lexer::word() {
  const std::uint8_t letter = text_[at_] | 0x20;
  const std::uint8_t next = at(at_ + 1);
  if (next == '\'') {
    if (letter == 'e') return quoted(TokenKind::escape_string, at_ + 1, true, true);
    if (letter == 'b') return quoted(TokenKind::bit_string, at_ + 1, false, false);
    if (letter == 'x') return quoted(TokenKind::hex_string, at_ + 1, false, false);
    if (letter == 'n') return finish(TokenKind::national, at_ + 1);
  }
  if (letter == 'u' && next == '&') {
    if (at(at_ + 2) == '\'') return quoted(TokenKind::unicode_string, at_ + 2, true, !options_.standard_strings);
    if (at(at_ + 2) == '"') return identifier_in_quotes(TokenKind::unicode_identifier, at_ + 2);
  }
  std::size_t here = at_ + 1;
  while (is(at(here), kIdentStart | kDigit) || at(here) == '$') ++here;
  return finish(TokenKind::word, here);
}

// "operator": as long as can be, but no comment begins inside, and a sign ends none of standard SQL's.
ErrorCode Lexer::operation() {
  if (at_ < signs_end_) return finish(TokenKind::punctuation, at_ + 1);
  std::size_t end = at_;
  bool outside_sql = false;
  while (is(at(end), kOperator)) {
    const std::uint8_t byte = text_[end];
    const std::uint8_t after = at(end + 1);
    if (end > at_ && ((byte == '/' && after == '*') || (byte == '-' && after == '-'))) break;
    ++end;
  }
  // The last character is not asked: it is a sign, or it does not matter.
  for (std::size_t i = at_; i + 1 < end; ++i) outside_sql = outside_sql || is(text_[i], kOutsideSql);
  // What is cut off are signs alone, and each of them stands for itself.
  signs_end_ = end;
  if (!outside_sql)
    while (end - at_ > 1 && is_sign(text_[end - 1])) --end;
  if (end - at_ >= kNameBytes) return refuse(ErrorCode::sql_operator_too_long);
  const bool self = end - at_ == 1 && is(text_[at_], kSelf);
  return finish(self ? TokenKind::punctuation : TokenKind::operation, end);
}

ErrorCode Lexer::colon_or_dot(std::uint8_t first) {
  const std::uint8_t next = at(at_ + 1);
  const bool two = first == ':' ? next == ':' || next == '=' : next == '.';
  return finish(two ? TokenKind::operation : TokenKind::punctuation, at_ + (two ? 2 : 1));
}

ErrorCode Lexer::next() {
  if (refused_ != ErrorCode::ok) return refused_;
  if (!skip_space()) return refuse(ErrorCode::sql_unterminated);
  token_.begin = static_cast<std::uint32_t>(at_);
  if (at_ == text_.size()) return finish(TokenKind::end, at_);
  const std::uint8_t byte = text_[at_];
  if (is(byte, kIdentStart)) return word();
  if (is(byte, kDigit)) return number();
  if (is(byte, kOperator)) return operation();
  switch (byte) {
    case 0:
      return refuse(ErrorCode::sql_bad_byte);
    case '\'':
      return quoted(TokenKind::string, at_, true, !options_.standard_strings);
    case '"':
      return identifier_in_quotes(TokenKind::quoted_identifier, at_);
    case '$':
      return dollar();
    case '.':
      if (is(at(at_ + 1), kDigit)) return number();
      return colon_or_dot(byte);
    case ':':
      return colon_or_dot(byte);
    default:
      return finish(TokenKind::punctuation, at_ + 1);
  }
}

}  // namespace sluice::sql
