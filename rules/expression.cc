// See expression.h.
#include "rules/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "common/hex.h"
#include "rules/bounds.h"

namespace sluice::rules {
namespace {

constexpr int kMaxDepth = 64;  // of groups in groups

bool is_printable(char c) {
  return c >= 0x20 && c < 0x7f;
}
bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Recursive descent. The first problem is kept; after it every step comes to an end at once.
class Parser {
 public:
  Parser(std::string_view text, bool caseless) : text_(text), caseless_(caseless) {}

  std::expected<Expression, ExpressionProblem> run() {
    Expression root = choice(0);
    if (more()) refuse("')' without its '('", "add '(', or write \\) for the character itself");
    if (problem_) return std::unexpected(*std::move(problem_));
    return root;
  }

 private:
  [[nodiscard]] bool more() const { return !problem_ && at_ < text_.size(); }
  // '\0' stands for the end: it is no character of an expression.
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] bool at_any_of(std::string_view chars) const {
    return more() && chars.find(peek()) != std::string_view::npos;
  }
  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void refuse(std::string text, std::string suggestion) { refuse_at(at_, std::move(text), std::move(suggestion)); }
  void refuse_at(std::size_t at, std::string text, std::string suggestion) {
    if (!problem_) problem_ = ExpressionProblem{at + 1, std::move(text), std::move(suggestion)};
  }
  [[nodiscard]] Expression bytes(const ByteSet& set) const {
    return {.kind = Expression::Kind::bytes, .set = caseless_ ? fold_case(set) : set};
  }

  Expression choice(int depth) {
    Expression node{.kind = Expression::Kind::choice};
    node.parts.push_back(sequence(depth));
    while (more() && take("|")) node.parts.push_back(sequence(depth));
    if (node.parts.size() > 1) return node;
    return std::move(node.parts.front());
  }

  Expression sequence(int depth) {
    Expression node{.kind = Expression::Kind::sequence};
    while (more() && !at_any_of("|)")) {
      Expression item = atom(depth);
      if (at_any_of("?*+{")) item = repeat(std::move(item));
      node.parts.push_back(std::move(item));
    }
    return node;
  }

  Expression atom(int depth) {
    switch (const char c = peek()) {
      case '(':
        return group(depth);
      case '[':
        return bytes(bracket());
      case '\\':
        return peek(1) == 'b' || peek(1) == 'B' ? boundary() : bytes(escape());
      case '.':
        ++at_;
        return bytes(~single_byte('\n'));
      case '$':
        return {.kind = Expression::Kind::end, .at = static_cast<std::uint32_t>(at_++), .length = 1};
      case '^':
        refuse("'^' anchors to a line or a beginning, which a stream does not have",
               "leave it out or use \\b; write \\^ for the character itself");
        return {};
      case '?':
      case '*':
      case '+':
      case '{':
        refuse(fmt::format("'{}' with nothing before it to repeat", c),
               fmt::format("write \\{} for the character itself", c));
        return {};
      default:
        return bytes(single_byte(plain()));
    }
  }

  char plain() {
    if (!is_printable(peek()))
      refuse("a character outside printable ASCII", "rules look at bytes: write \\xHH for each");
    return text_[at_++];
  }

  Expression boundary() {
    const auto at = static_cast<std::uint32_t>(at_);
    const bool is_boundary = peek(1) == 'b';
    at_ += 2;
    return {.kind = is_boundary ? Expression::Kind::boundary : Expression::Kind::no_boundary, .at = at, .length = 2};
  }

  Expression group(int depth) {
    const std::size_t open = at_;
    if (depth == kMaxDepth) refuse(fmt::format("groups more than {} deep", kMaxDepth), "a rule needs far less");
    const bool captures = !take("(?:");
    if (captures) {
      if (peek(1) == '*') refuse("verbs such as (*...) are not read", "write \\( for a parenthesis");
      if (peek(1) == '?') refuse_group(peek(2));
      ++at_;
    }
    if (problem_) return {};
    const std::uint32_t capture = captures ? ++captures_ : 0;
    Expression inside = choice(depth + 1);
    if (!take(")")) refuse_at(open, "'(' is never closed", "add ')', or write \\( for the character itself");
    if (!captures) return inside;
    Expression group{.kind = Expression::Kind::sequence, .at = static_cast<std::uint32_t>(open), .capture = capture};
    group.parts.push_back(std::move(inside));
    return group;
  }

  void refuse_group(char kind) {
    if (kind == '=' || kind == '!' || (kind == '<' && (peek(3) == '=' || peek(3) == '!')))
      return refuse("look-around is not read", "\\b and \\B are what may look at a neighbour");
    if (kind == '<' || kind == 'P' || kind == '\'')
      return refuse("named groups are not read", "write (...) or (?:...)");
    refuse(fmt::format("groups that begin with (?{} are not read", is_printable(kind) ? std::string(1, kind) : ""),
           "write (...) or (?:...); for letters of either case the rule's key is ignore_case");
  }

  Expression repeat(Expression body) {
    Expression node{.kind = Expression::Kind::repeat, .at = static_cast<std::uint32_t>(at_)};
    const char c = peek();
    if (c == '{') {
      bounds(node);
    } else if (c == '?') {
      node.max = 1;
      ++at_;
    } else {
      refuse(fmt::format("'{}' repeats without a bound", c),
             fmt::format("bound it: {{{},64}} for example", c == '*' ? 0 : 1));
    }
    if (body.looks_around()) refuse_at(node.at, "what has no width can not be repeated", "leave the repetition out");
    node.length = static_cast<std::uint32_t>(at_) - node.at;
    node.parts.push_back(std::move(body));
    if (at_any_of("?")) refuse("a lazy repetition", "leave the second '?' out: a match is always the longest");
    if (at_any_of("+")) refuse("a possessive repetition", "leave the '+' out: a match is always the longest");
    if (at_any_of("*{")) refuse("a repetition of a repetition", "put what is repeated into (?:...)");
    return node;
  }

  // {n} or {n,m}
  void bounds(Expression& node) {
    const std::size_t end = text_.find('}', at_);
    const std::string_view inside = end == text_.npos ? "" : text_.substr(at_ + 1, end - at_ - 1);
    const std::size_t comma = std::min(inside.find(','), inside.size());
    const std::string_view low = inside.substr(0, comma);
    const std::string_view high = comma == inside.size() ? low : inside.substr(comma + 1);
    if (is_number(low) && high.empty())
      return refuse(fmt::format("'{{{}}}' repeats without a bound", inside),
                    fmt::format("bound it: {{{}64}} for example", inside));
    if (!is_number(low) || !is_number(high))
      return refuse("'{' without a repetition such as {2,5}", "write \\{ for the character itself");
    const auto value = [](std::string_view digits) {
      std::uint32_t number = 0;
      return std::from_chars(digits.begin(), digits.end(), number).ec == std::errc() ? number : UINT32_MAX;
    };
    node.min = value(low);
    node.max = value(high);
    if (std::max(node.min, node.max) > kMaxMatchBytes)
      return refuse(fmt::format("'{{{}}}' repeats more than {} times", inside, kMaxMatchBytes),
                    fmt::format("a match is at most {} bytes wide", kMaxMatchBytes));
    if (node.max < node.min)
      return refuse(fmt::format("'{{{}}}' runs backwards", inside), fmt::format("write {{{},{}}}", high, low));
    if (node.max == 0)
      return refuse(fmt::format("'{{{}}}' repeats nothing", inside), "leave it out, with what stands before it");
    at_ = end + 1;
  }

  // \x41 \t \. \d and their like, in a class and out of it.
  ByteSet escape() {
    if (const auto set = escaped_set(peek(1))) {
      at_ += 2;
      return *set;
    }
    return single_byte(escaped_byte());
  }

  char escaped_byte() {
    static constexpr std::string_view kNames = "tnrf";
    static constexpr std::string_view kMeant = "\t\n\r\f";
    const char c = peek(1);
    if (c == 'x') {
      const int high = hex_value(peek(2));
      const int low = hex_value(peek(3));
      if (high < 0 || low < 0) refuse("'\\x' without two hexadecimal digits", "write \\xHH");
      at_ = std::min(at_ + 4, text_.size());
      return static_cast<char>(high * 16 + low);
    }
    const std::size_t known = kNames.find(c);
    if (known == std::string_view::npos) refuse_escape(c);
    at_ = std::min(at_ + 2, text_.size());
    return known == std::string_view::npos ? c : kMeant[known];
  }

  void refuse_escape(char c) {
    if (c == '\0' && at_ + 1 >= text_.size()) return refuse("'\\' at the end", "write \\\\ for the character itself");
    if (!is_printable(c)) return refuse("a character outside printable ASCII", "write \\xHH for each of its bytes");
    if (!is_letter_or_digit(c)) return;
    if (c >= '1' && c <= '9') return refuse("back references are not read", "write the group out a second time");
    if (c == 'b' || c == 'B')
      return refuse(fmt::format("'\\{}' in a class", c), "\\b and \\B stand outside of classes");
    if (std::string_view("AzZG").find(c) != std::string_view::npos)
      return refuse(fmt::format("'\\{}' anchors to a beginning or end, which a stream does not have", c),
                    "leave it out or use \\b");
    refuse(fmt::format("'\\{}' is not read", c), "\\d \\D \\w \\W \\s \\S \\b \\B \\t \\n \\r \\f and \\xHH are");
  }

  ByteSet bracket() {
    const std::size_t open = at_++;
    const bool negated = take("^");
    ByteSet set;
    // A ']' that comes first is itself.
    for (bool first = true; more() && (first || peek() != ']'); first = false) {
      if (at_posix(0)) {
        set |= posix();
      } else if (peek() == '\\' && escaped_set(peek(1))) {
        set |= escape();
      } else {
        set |= span();
      }
    }
    if (!take("]")) refuse_at(open, "'[' is never closed", "add ']', or write \\[ for the character itself");
    if (caseless_) set = fold_case(set);
    return negated ? ~set : set;
  }

  [[nodiscard]] bool at_posix(std::size_t ahead) const {
    const char kind = peek(ahead + 1);
    return peek(ahead) == '[' && (kind == ':' || kind == '.' || kind == '=');
  }

  ByteSet posix() {
    const std::size_t end = std::min(text_.find(":]", at_ + 2), text_.size());
    const auto set = peek(1) == ':' ? posix_set(text_.substr(at_ + 2, end - at_ - 2)) : std::nullopt;
    if (!set || end == text_.size())
      refuse("a POSIX class that is not read", fmt::format("one of {}, as in [[:digit:]]; or write \\[", kPosixNames));
    at_ = std::min(end + 2, text_.size());
    return set.value_or(ByteSet());
  }

  // One character of a class, or a range from it.
  ByteSet span() {
    const std::size_t start = at_;
    const char from = peek() == '\\' ? escaped_byte() : plain();
    if (!more() || peek() != '-' || peek(1) == ']' || peek(1) == '\0') return single_byte(from);
    ++at_;
    if (at_posix(0) || (peek() == '\\' && escaped_set(peek(1))))
      refuse_at(start, "a range that ends in a class", "write \\- for the character itself");
    if (problem_) return {};
    const auto first = static_cast<std::uint8_t>(from);
    const auto last = static_cast<std::uint8_t>(peek() == '\\' ? escaped_byte() : plain());
    if (last < first) refuse_at(start, "a range that runs backwards", "write the lower character first");
    return byte_range(first, last);
  }

  std::string_view text_;
  bool caseless_;
  std::size_t at_ = 0;
  std::uint32_t captures_ = 0;
  std::optional<ExpressionProblem> problem_;
};

// The repetition that alone makes matches widest; nullptr without one.
const Expression* widest_repeat(const Expression& e) {
  const Expression* widest = e.kind == Expression::Kind::repeat ? &e : nullptr;
  for (const Expression& part : e.parts) {
    const Expression* inside = widest_repeat(part);
    if (inside != nullptr && (widest == nullptr || widths_of(*inside).max > widths_of(*widest).max)) widest = inside;
  }
  return widest;
}

// A $ behind which something else would have to match; nullptr without one.
const Expression* misplaced_end(const Expression& e, bool last) {
  if (e.kind == Expression::Kind::end) return last ? nullptr : &e;
  for (const Expression& part : e.parts) {
    const bool stays_last = e.kind == Expression::Kind::choice ||
                            (e.kind == Expression::Kind::sequence && &part == &e.parts.back()) ||
                            (e.kind == Expression::Kind::repeat && e.max == 1);
    if (const Expression* found = misplaced_end(part, last && stays_last)) return found;
  }
  return nullptr;
}

}  // namespace

Widths widths_of(const Expression& e) {
  constexpr std::uint64_t kCeiling = UINT32_MAX;
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  switch (e.kind) {
    case Expression::Kind::bytes:
      min = max = 1;
      break;
    case Expression::Kind::sequence:
    case Expression::Kind::repeat: {
      for (const Expression& part : e.parts) {
        const Widths p = widths_of(part);
        min += p.min;
        max += p.max;
      }
      const bool repeats = e.kind == Expression::Kind::repeat;
      min *= repeats ? e.min : 1;
      max *= repeats ? e.max : 1;
      break;
    }
    case Expression::Kind::choice:
      min = kCeiling;
      for (const Expression& part : e.parts) {
        const Widths p = widths_of(part);
        min = std::min<std::uint64_t>(min, p.min);
        max = std::max<std::uint64_t>(max, p.max);
      }
      break;
    case Expression::Kind::boundary:
    case Expression::Kind::no_boundary:
    case Expression::Kind::end:
      break;
  }
  return {static_cast<std::uint32_t>(std::min(min, kCeiling)), static_cast<std::uint32_t>(std::min(max, kCeiling))};
}

std::string ExpressionProblem::what() const {
  if (character == 0) return "expression: " + text;
  return fmt::format("expression at character {}: {}", character, text);
}

std::expected<Expression, ExpressionProblem> parse_expression(std::string_view text, bool caseless) {
  const auto problem = [](std::size_t character, std::string what, std::string suggestion) {
    return std::unexpected(ExpressionProblem{character, std::move(what), std::move(suggestion)});
  };
  if (text.empty()) return problem(0, "it is empty", "write what to look for");
  if (text.size() > kMaxExpressionBytes)
    return problem(0, fmt::format("it is longer than {} bytes", kMaxExpressionBytes), "split it into several rules");
  auto expression = Parser(text, caseless).run();
  if (!expression) return expression;
  if (const Expression* end = misplaced_end(*expression, true))
    return problem(end->at + 1, "'$' with something behind it",
                   "$ is the end of the content and comes last; write \\$ for the character itself");
  const Widths widths = widths_of(*expression);
  if (widths.min == 0) return problem(0, "it matches the empty string", "make something in it obligatory");
  if (widths.max > kMaxMatchBytes) {
    const Expression* widest = widest_repeat(*expression);
    return problem(widest == nullptr ? 0 : widest->at + 1,
                   fmt::format("its matches are up to {} bytes wide", widths.max),
                   fmt::format("shorten its repetitions so that a match is at most {} bytes", kMaxMatchBytes));
  }
  return expression;
}

Expression reversed(Expression expression) {
  if (expression.kind == Expression::Kind::sequence) std::ranges::reverse(expression.parts);
  for (Expression& part : expression.parts) part = reversed(std::move(part));
  return expression;
}

}  // namespace sluice::rules
