#include "dataplane/inspect/expression.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

namespace sluice::inspect {
namespace {

constexpr int kMaxDepth = 64;  // of groups in groups
constexpr std::uint32_t kMaxRepeat = kMaxWidth;
constexpr std::size_t kMaxExpressionBytes = 4096;

ByteSet range(unsigned first, unsigned last) {
  ByteSet set;
  for (unsigned byte = first; byte <= last; ++byte) set.set(byte);
  return set;
}

ByteSet one(char c) {
  ByteSet set;
  set.set(static_cast<std::uint8_t>(c));
  return set;
}

ByteSet digits() {
  return range('0', '9');
}
ByteSet lower() {
  return range('a', 'z');
}
ByteSet upper() {
  return range('A', 'Z');
}
ByteSet space() {
  return range('\t', '\r') | one(' ');
}
ByteSet punctuation() {
  return range('!', '~') & ~(digits() | lower() | upper());
}

ByteSet fold(ByteSet set) {
  for (unsigned c = 'a'; c <= 'z'; ++c) {
    const bool either = set[c] || set[c - 'a' + 'A'];
    set[c] = either;
    set[c - 'a' + 'A'] = either;
  }
  return set;
}

std::optional<ByteSet> named_set(char letter) {
  switch (letter) {
    case 'd':
      return digits();
    case 'D':
      return ~digits();
    case 'w':
      return word_bytes();
    case 'W':
      return ~word_bytes();
    case 's':
      return space();
    case 'S':
      return ~space();
    default:
      return std::nullopt;
  }
}

std::optional<ByteSet> posix_set(std::string_view name) {
  const std::array<std::pair<std::string_view, ByteSet>, 8> known = {
      {{"alnum", digits() | lower() | upper()},
       {"alpha", lower() | upper()},
       {"digit", digits()},
       {"lower", lower()},
       {"punct", punctuation()},
       {"space", space()},
       {"upper", upper()},
       {"xdigit", digits() | range('a', 'f') | range('A', 'F')}}};
  for (const auto& [word, set] : known) {
    if (word == name) return set;
  }
  return std::nullopt;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char folded = static_cast<char>(c | 0x20);
  return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

// Recursive descent. The first problem is kept; after it every step comes to an end at once.
class Parser {
 public:
  Parser(std::string_view text, bool caseless) : text_(text), caseless_(caseless) {}

  Result<Expression> run() {
    if (text_.size() > kMaxExpressionBytes) refuse("an expression of more than 4096 bytes");
    Expression root = choice(0);
    if (problem_.empty() && at_ < text_.size()) refuse("')' without its '('");
    if (!problem_.empty()) return fail(ErrorCode::bundle_malformed, problem_);
    return root;
  }

 private:
  [[nodiscard]] bool more() const { return problem_.empty() && at_ < text_.size(); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void refuse(std::string_view what) {
    if (problem_.empty()) problem_ = std::string(what) + " at character " + std::to_string(at_ + 1);
  }
  [[nodiscard]] Expression bytes(const ByteSet& set) const {
    Expression leaf{.kind = Expression::Kind::bytes};
    leaf.set = caseless_ ? fold(set) : set;
    return leaf;
  }

  Expression choice(int depth) {
    Expression node{.kind = Expression::Kind::choice};
    node.parts.push_back(sequence(depth));
    while (more() && take("|")) node.parts.push_back(sequence(depth));
    return node.parts.size() == 1 ? std::move(node.parts.front()) : std::move(node);
  }

  Expression sequence(int depth) {
    Expression node{.kind = Expression::Kind::sequence};
    while (more() && peek() != '|' && peek() != ')') {
      Expression item = atom(depth);
      const bool looks = item.kind == Expression::Kind::boundary || item.kind == Expression::Kind::no_boundary;
      while (more() && (peek() == '?' || peek() == '*' || peek() == '+' || peek() == '{')) {
        if (looks) refuse("a repeated word boundary");
        item = repeat(std::move(item));
      }
      node.parts.push_back(std::move(item));
    }
    return node;
  }

  Expression repeat(Expression body) {
    Expression node{.kind = Expression::Kind::repeat};
    node.parts.push_back(std::move(body));
    if (take("?")) {
      node.max = 1;
    } else if (take("{")) {
      node.min = node.max = number();
      if (take(",")) node.max = number();
      if (!take("}") || node.max < node.min) refuse("a repetition that is not {n} or {n,m}");
    } else {
      refuse("a repetition without a bound");
    }
    if (more() && (peek() == '?' || peek() == '+')) refuse("a lazy or possessive repetition");
    return node;
  }

  std::uint32_t number() {
    const std::size_t first = at_;
    std::uint32_t value = 0;
    for (; peek() >= '0' && peek() <= '9' && value <= kMaxRepeat; ++at_) {
      value = value * 10 + static_cast<std::uint32_t>(peek() - '0');
    }
    if (at_ == first || value > kMaxRepeat) refuse("a repetition without a number up to 4096");
    return value;
  }

  Expression atom(int depth) {
    if (take("(")) {
      if (depth == kMaxDepth) refuse("too many groups in each other");
      if (peek() == '*' || (peek() == '?' && !take("?:"))) refuse("a group that is neither (...) nor (?:...)");
      if (!more()) return {};
      Expression group = choice(depth + 1);
      if (!take(")")) refuse("a group that is never closed");
      return group;
    }
    if (take("\\b")) return {.kind = Expression::Kind::boundary};
    if (take("\\B")) return {.kind = Expression::Kind::no_boundary};
    if (take(".")) return bytes(~one('\n'));
    if (take("[")) return bytes(bracket());
    if (peek() == '\\') return bytes(escape());
    if (std::string_view("^$*+?{").find(peek()) != std::string_view::npos) refuse("an anchor or a stray repetition");
    return bytes(one(text_[at_++]));
  }

  // \x41 \t \. \d and their like, in a class and out of it.
  ByteSet escape() {
    const char c = peek(1);
    if (const auto set = named_set(c)) {
      at_ += 2;
      return *set;
    }
    return one(single());
  }

  // One character, plain or escaped.
  char single() {
    if (peek() != '\\') return text_[at_++];
    const char c = peek(1);
    if (c == 'x') {
      const int high = hex_value(peek(2));
      const int low = hex_value(peek(3));
      if (high < 0 || low < 0) refuse("\\x without two hexadecimal digits");
      at_ = std::min(at_ + 4, text_.size());
      return static_cast<char>(high * 16 + low);
    }
    static constexpr std::string_view kNames = "tnrf";
    static constexpr std::string_view kMeant = "\t\n\r\f";
    const std::size_t known = kNames.find(c);
    if (known == std::string_view::npos && (c == '\0' || word_bytes()[static_cast<std::uint8_t>(c)])) {
      refuse("an escape that is not read");
    }
    at_ = std::min(at_ + 2, text_.size());
    return known == std::string_view::npos ? c : kMeant[known];
  }

  ByteSet bracket() {
    const bool negated = take("^");
    ByteSet set;
    for (bool first = true; more() && (first || peek() != ']'); first = false) {
      if (take("[:")) {
        const std::size_t end = std::min(text_.find(":]", at_), text_.size());
        const auto named = posix_set(text_.substr(at_, end - at_));
        if (!named) refuse("a POSIX class that is not read");
        at_ = std::min(end + 2, text_.size());
        set |= named.value_or(ByteSet());
      } else if (peek() == '\\' && named_set(peek(1))) {
        set |= escape();
      } else {
        set |= span();
      }
    }
    if (!take("]")) refuse("a class that is never closed");
    if (caseless_) set = fold(set);
    return negated ? ~set : set;
  }

  // One character of a class, or a range from it.
  ByteSet span() {
    const char from = single();
    const bool is_range = peek() == '-' && peek(1) != ']' && peek(1) != '\0' && peek(1) != '[' &&
                          !(peek(1) == '\\' && named_set(peek(2)));
    if (!is_range) return one(from);
    ++at_;
    const char to = single();
    if (static_cast<std::uint8_t>(to) < static_cast<std::uint8_t>(from)) refuse("a range that runs backwards");
    return range(static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(to));
  }

  std::string_view text_;
  bool caseless_;
  std::size_t at_ = 0;
  std::string problem_;
};

}  // namespace

const ByteSet& word_bytes() {
  static const ByteSet kWord = digits() | lower() | upper() | one('_');
  return kWord;
}

Result<Expression> parse_expression(std::string_view text, bool caseless) {
  return Parser(text, caseless).run();
}

}  // namespace sluice::inspect
