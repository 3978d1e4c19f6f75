// Three judges in turn: a walk over the syntax with words of its own for what is left out and why,
// then both engines' compilers. What the walk lets through, both engines must mean alike.
#include "rules/expression.h"

#include <fmt/format.h>
#include <hs/hs.h>

#include <memory>
#include <optional>
#include <utility>

#include "rules/bounds.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace sluice::rules {
namespace {

using Verdict = std::optional<ExpressionProblem>;

// Walks an expression once, left to right.
class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) {}

  Verdict run() {
    while (at_ < text_.size())
      if (auto problem = step()) return problem;
    return std::nullopt;
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] Verdict refuse(std::string text, std::string suggestion) const {
    return ExpressionProblem{at_ + 1, std::move(text), std::move(suggestion)};
  }

  Verdict step() {
    const char c = peek();
    if (static_cast<unsigned char>(c) >= 0x80 || (static_cast<unsigned char>(c) < 0x20) || c == 0x7f)
      return refuse("a character outside printable ASCII", "rules look at bytes: write \\xHH for each");
    switch (c) {
      case '^':
      case '$':
        return refuse(fmt::format("'{}' anchors to a line or a beginning, which a stream does not have", c),
                      "leave it out or use \\b; write \\" + std::string(1, c) + " for the character itself");
      case '\\':
        return escape(false);
      case '[':
        return bracket();
      case '(':
        return group();
      case '*':
      case '+':
        return refuse(fmt::format("'{}' repeats without a bound", c),
                      fmt::format("bound it: {{{},64}} for example", c == '*' ? 0 : 1));
      case '{':
        return repeat();
      case '?':
        ++at_;
        return after_repeat();
      default:
        ++at_;
        return std::nullopt;
    }
  }

  Verdict group() {
    if (peek(1) == '*') return refuse("verbs such as (*...) are not read", "write \\( for a parenthesis");
    if (peek(1) != '?' || peek(2) == ':') {
      at_ += peek(1) == '?' ? 3 : 1;
      return std::nullopt;
    }
    const char kind = peek(2);
    if (kind == '=' || kind == '!' || (kind == '<' && (peek(3) == '=' || peek(3) == '!')))
      return refuse("look-around is not read", "\\b and \\B are what may look at a neighbour");
    if (kind == '<' || kind == 'P' || kind == '\'')
      return refuse("named groups are not read", "write (...) or (?:...)");
    return refuse(fmt::format("groups that begin with (?{} are not read", kind),
                  "write (...) or (?:...); for letters of either case the rule's key is ignore_case");
  }

  // A '{' that is no repetition is a literal in both engines, but easily a slip.
  Verdict repeat() {
    const std::size_t end = text_.find('}', at_);
    const std::string_view inside = end == text_.npos ? "" : text_.substr(at_ + 1, end - at_ - 1);
    const std::size_t comma = inside.find(',');
    const auto digits = [](std::string_view s) {
      return !s.empty() && s.find_first_not_of("0123456789") == std::string_view::npos;
    };
    if (!digits(inside.substr(0, comma)) ||
        (comma != inside.npos && comma + 1 < inside.size() && !digits(inside.substr(comma + 1))))
      return refuse("'{' without a repetition such as {2,5}", "write \\{ for the character itself");
    if (comma != inside.npos && comma + 1 == inside.size())
      return refuse(fmt::format("'{{{}}}' repeats without a bound", inside),
                    fmt::format("bound it: {{{}64}} for example", inside));
    at_ = end + 1;
    return after_repeat();
  }

  Verdict after_repeat() {
    if (peek() == '?') return refuse("a lazy repetition", "leave the second '?' out: a match is always the longest");
    if (peek() == '+') return refuse("a possessive repetition", "leave the '+' out: a match is always the longest");
    return std::nullopt;
  }

  Verdict bracket() {
    const std::size_t open = at_++;
    if (peek() == '^') ++at_;
    if (peek() == ']') ++at_;  // first in a class it is itself
    while (at_ < text_.size()) {
      const char c = peek();
      if (static_cast<unsigned char>(c) >= 0x80 || static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
        return refuse("a character outside printable ASCII", "rules look at bytes: write \\xHH for each");
      if (c == ']') {
        ++at_;
        return std::nullopt;
      }
      if (c == '[' && (peek(1) == ':' || peek(1) == '.' || peek(1) == '=')) {
        if (auto problem = posix_class()) return problem;
      } else if (c == '\\') {
        if (auto problem = escape(true)) return problem;
      } else {
        ++at_;
      }
    }
    at_ = open;
    return refuse("'[' is never closed", "add ']', or write \\[ for the character itself");
  }

  Verdict posix_class() {
    static constexpr std::string_view kNames[] = {"alnum", "alpha", "digit", "lower",
                                                  "punct", "space", "upper", "xdigit"};
    const std::size_t end = text_.find(":]", at_ + 2);
    const std::string_view name = peek(1) == ':' && end != text_.npos ? text_.substr(at_ + 2, end - at_ - 2) : "";
    for (const std::string_view known : kNames) {
      if (name != known) continue;
      at_ = end + 2;
      return std::nullopt;
    }
    return refuse("a POSIX class that is not read",
                  fmt::format("one of {}, as in [[:digit:]]; or write \\[", fmt::join(kNames, ", ")));
  }

  Verdict escape(bool in_class) {
    const char c = peek(1);
    if (c == '\0') return refuse("'\\' at the end", "write \\\\ for the character itself");
    const bool word_boundary = c == 'b' || c == 'B';
    if (in_class && word_boundary)
      return refuse(fmt::format("'\\{}' in a class", c), "\\b and \\B stand outside of classes");
    const bool letter_or_digit = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    if (c == 'x') return hex();
    if (letter_or_digit && std::string_view("dDwWsSbBtnrf").find(c) == std::string_view::npos) {
      if (c >= '1' && c <= '9') return refuse("back references are not read", "write the group out a second time");
      if (std::string_view("AzZG").find(c) != std::string_view::npos)
        return refuse(fmt::format("'\\{}' anchors to a beginning or end, which a stream does not have", c),
                      "leave it out or use \\b");
      return refuse(fmt::format("'\\{}' is not read", c),
                    "\\d \\D \\w \\W \\s \\S \\b \\B \\t \\n \\r \\f and \\xHH are");
    }
    if (static_cast<unsigned char>(c) >= 0x80)
      return refuse("a character outside printable ASCII", "write \\xHH for each of its bytes");
    at_ += 2;
    if (word_boundary && std::string_view("?*+{").find(peek()) != std::string_view::npos && peek() != '\0')
      return refuse("a word boundary can not be repeated", "leave the repetition out");
    return std::nullopt;
  }

  Verdict hex() {
    const auto is_hex = [](char h) { return (h >= '0' && h <= '9') || ((h | 0x20) >= 'a' && (h | 0x20) <= 'f'); };
    if (!is_hex(peek(2)) || !is_hex(peek(3))) return refuse("'\\x' without two hexadecimal digits", "write \\xHH");
    at_ += 4;
    return std::nullopt;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::expected<Widths, ExpressionProblem> ask_hyperscan(const std::string& expression, bool caseless) {
  const unsigned flags = caseless ? HS_FLAG_CASELESS : 0;
  hs_expr_info_t* raw_info = nullptr;
  hs_compile_error_t* raw_error = nullptr;
  const auto problem = [&](const hs_compile_error_t* error) {
    return std::unexpected(ExpressionProblem{0, error != nullptr ? error->message : "the scanner does not take it",
                                             "the scan engine (Hyperscan) must be able to compile it"});
  };
  const hs_error_t status = hs_expression_info(expression.c_str(), flags, &raw_info, &raw_error);
  const std::unique_ptr<hs_expr_info_t, void (*)(void*)> info(raw_info, std::free);
  std::unique_ptr<hs_compile_error_t, hs_error_t (*)(hs_compile_error_t*)> error(raw_error, hs_free_compile_error);
  if (status != HS_SUCCESS) return problem(error.get());

  const Widths widths{info->min_width, info->max_width};
  if (widths.min == 0)
    return std::unexpected(ExpressionProblem{0, "it matches the empty string", "make something in it obligatory"});
  if (widths.max > kMaxMatchBytes)
    return std::unexpected(
        ExpressionProblem{0,
                          widths.max == UINT32_MAX ? "its matches have no bound"
                                                   : fmt::format("its matches are up to {} bytes wide", widths.max),
                          fmt::format("bound its repetitions so that a match is at most {} bytes", kMaxMatchBytes)});

  hs_database_t* raw_database = nullptr;
  raw_error = nullptr;
  const hs_error_t compiled =
      hs_compile(expression.c_str(), flags, HS_MODE_VECTORED, nullptr, &raw_database, &raw_error);
  const std::unique_ptr<hs_database_t, hs_error_t (*)(hs_database_t*)> database(raw_database, hs_free_database);
  error.reset(raw_error);
  if (compiled != HS_SUCCESS) return problem(error.get());
  return widths;
}

Verdict ask_pcre2(const std::string& expression, bool caseless) {
  int number = 0;
  PCRE2_SIZE offset = 0;
  const std::unique_ptr<pcre2_code, void (*)(pcre2_code*)> code(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(), caseless ? PCRE2_CASELESS : 0,
                    &number, &offset, nullptr),
      pcre2_code_free);
  if (code) return std::nullopt;
  char text[256] = "it does not compile";
  pcre2_get_error_message(number, reinterpret_cast<PCRE2_UCHAR*>(text), sizeof text);
  return ExpressionProblem{offset + 1, text, "correct the expression"};
}

}  // namespace

std::expected<Widths, ExpressionProblem> check_expression(std::string_view expression, bool caseless) {
  if (expression.empty()) return std::unexpected(ExpressionProblem{0, "it is empty", "write what to look for"});
  if (expression.size() > kMaxExpressionBytes)
    return std::unexpected(ExpressionProblem{0, fmt::format("it is longer than {} bytes", kMaxExpressionBytes),
                                             "split it into several rules"});
  if (auto problem = Walk(expression).run()) return std::unexpected(*std::move(problem));
  const std::string text(expression);
  // PCRE2 first: it knows where in the expression a slip is.
  if (auto problem = ask_pcre2(text, caseless)) return std::unexpected(*std::move(problem));
  return ask_hyperscan(text, caseless);
}

}  // namespace sluice::rules
