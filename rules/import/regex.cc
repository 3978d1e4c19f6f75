// See regex.h.
#include "rules/import/regex.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "common/hex.h"

namespace sluice::rules::import {
namespace {

constexpr std::size_t kMaxChoiceOfCharacters = 32;

bool is_ascii(char c) {
  return static_cast<std::uint8_t>(c) < 0x80;
}

std::optional<ByteSet> class_named(std::string_view name) {
  if (name == "ascii") return byte_range(0, 0x7f);
  if (name == "blank") return single_byte(' ') | single_byte('\t');
  if (name == "cntrl") return byte_range(0, 0x1f) | byte_range(0x7f, 0x7f);
  if (name == "graph") return byte_range('!', '~');
  if (name == "print") return byte_range(' ', '~');
  if (name == "word") return word_bytes();
  return posix_set(name);
}

// Recursive descent. The first problem is kept; after it every step comes to an end at once.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::expected<Regex, RegexProblem> run() {
    Regex root = choice(0);
    if (more()) refuse("')' without its '('");
    if (problem_) return std::unexpected(*std::move(problem_));
    return root;
  }

 private:
  struct Flags {
    bool caseless = false;
    bool lines = false;     // m
    bool all = false;       // s
    bool ungreedy = false;  // U
  };

  [[nodiscard]] bool more() const { return !problem_ && at_ < text_.size(); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] bool starts(std::string_view token) const {
    return text_.substr(std::min(at_, text_.size())).starts_with(token);
  }
  bool take(std::string_view token) {
    if (!starts(token)) return false;
    at_ += token.size();
    return true;
  }
  void refuse(std::string text) {
    if (!problem_) problem_ = RegexProblem{at_ + 1, std::move(text)};
    at_ = text_.size();
  }

  Regex bytes(ByteSet set, std::size_t from) const {
    return {.kind = Regex::Kind::bytes,
            .set = flags_.caseless ? fold_case(set) : set,
            .text = std::string(text_.substr(from, at_ - from))};
  }
  static Regex look(Regex::Kind kind) { return {.kind = kind}; }

  // Flags that are set inside of a group end with it.
  Regex choice(int depth) {
    Regex node{.kind = Regex::Kind::choice};
    node.parts.push_back(sequence(depth));
    while (more() && take("|")) node.parts.push_back(sequence(depth));
    if (node.parts.size() > 1) return node;
    return std::move(node.parts.front());
  }

  Regex sequence(int depth) {
    Regex node;
    while (more() && peek() != '|' && peek() != ')') {
      Regex item = atom(depth);
      if (problem_) break;
      if (more() && at_repeat()) item = repeat(std::move(item));
      if (!item.is_empty()) node.parts.push_back(std::move(item));
    }
    return node;
  }

  Regex atom(int depth) {
    const std::size_t from = at_;
    switch (peek()) {
      case '(':
        return group(depth);
      case '[':
        return bracket();
      case '\\':
        return escape();
      case '.':
        ++at_;
        return bytes(flags_.all ? ByteSet().set() : ~single_byte('\n'), from);
      case '^':
        ++at_;
        return look(flags_.lines ? Regex::Kind::line_begin : Regex::Kind::begin);
      case '$':
        ++at_;
        return look(flags_.lines ? Regex::Kind::line_end : Regex::Kind::end);
      case '?':
      case '*':
      case '+':
        refuse(fmt::format("'{}' with nothing before it to repeat", peek()));
        return {};
      default:
        return character();
    }
  }

  // A character outside ASCII is the sequence of its bytes, so that a repetition repeats all of them.
  Regex character() {
    std::size_t from = at_++;
    if (is_ascii(text_[from])) return bytes(single_byte(text_[from]), from);
    while (more() && (static_cast<std::uint8_t>(peek()) & 0xc0) == 0x80) ++at_;
    Regex node;
    for (; from < at_; ++from) node.parts.push_back({.kind = Regex::Kind::bytes, .set = single_byte(text_[from])});
    return node;
  }

  Regex group(int depth) {
    if (depth == kMaxRegexDepth) refuse(fmt::format("groups more than {} deep", kMaxRegexDepth));
    const Flags outer = flags_;
    Regex node{.kind = Regex::Kind::group};
    if (take("(?P<") || take("(?<")) {
      const std::size_t end = text_.find('>', at_);
      if (peek() == '=' || peek() == '!' || end == text_.npos) refuse("look-around, which Go does not have either");
      at_ = std::min(end, text_.size() - 1) + 1;
      node.number = ++groups_;
    } else if (take("(?")) {
      if (read_flags()) return {};  // (?i): up to the end of the group that it stands in
    } else {
      ++at_;
      node.number = ++groups_;
    }
    if (problem_) return {};
    node.parts.push_back(choice(depth + 1));
    if (!take(")")) refuse("'(' is never closed");
    flags_ = outer;
    return node.number == 0 ? std::move(node.parts.front()) : std::move(node);
  }

  // i, m, s and U, with a '-' before those that are switched off. True when they stand alone: (?i) and not (?i:...)
  bool read_flags() {
    bool on = true;
    for (;; ++at_) {
      const char c = peek();
      if (c == ')' || c == ':') break;
      if (c == '-' && on) {
        on = false;
        continue;
      }
      bool* flag = c == 'i'   ? &flags_.caseless
                   : c == 'm' ? &flags_.lines
                   : c == 's' ? &flags_.all
                   : c == 'U' ? &flags_.ungreedy
                              : nullptr;
      if (flag == nullptr) {
        refuse(c == '=' || c == '!' ? "look-around, which Go does not have either"
                                    : "a group that begins with (? and is none of Go's");
        return false;
      }
      *flag = on;
    }
    return text_[at_++] == ')';
  }

  [[nodiscard]] bool at_repeat() const {
    if (peek() != '{') return peek() == '?' || peek() == '*' || peek() == '+';
    return counts().has_value();
  }

  struct Counts {
    std::uint32_t min = 0;
    std::uint32_t max = 0;
    std::size_t length = 0;
  };
  // {n}, {n,} or {n,m}; any other brace is a character.
  [[nodiscard]] std::optional<Counts> counts() const {
    const std::size_t end = text_.find('}', at_);
    if (end == text_.npos) return std::nullopt;
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    const std::size_t comma = std::min(inside.find(','), inside.size());
    const auto number = [](std::string_view digits) -> std::optional<std::uint32_t> {
      if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) return std::nullopt;
      std::uint32_t value = 0;
      if (std::from_chars(digits.begin(), digits.end(), value).ec != std::errc()) value = kMaxRepeat;
      return std::min(value, kMaxRepeat);
    };
    const auto low = number(inside.substr(0, comma));
    if (!low) return std::nullopt;
    if (comma == inside.size()) return Counts{*low, *low, end + 1 - at_};
    if (comma + 1 == inside.size()) return Counts{*low, kNoBound, end + 1 - at_};
    const auto high = number(inside.substr(comma + 1));
    if (!high) return std::nullopt;
    return Counts{*low, *high, end + 1 - at_};
  }

  Regex repeat(Regex body) {
    Regex node{.kind = Regex::Kind::repeat};
    Counts times{peek() == '+' ? 1U : 0U, peek() == '?' ? 1U : kNoBound, 1};
    if (peek() == '{') times = counts().value_or(times);
    if (times.max < times.min) refuse("a repetition that runs backwards");
    at_ = std::min(at_ + times.length, text_.size());
    node.min = times.min;
    node.max = times.max;
    node.lazy = take("?") != flags_.ungreedy;
    if (more() && at_repeat()) refuse("a repetition of a repetition");
    if (node.max == 0) return {};
    node.parts.push_back(std::move(body));
    return node;
  }

  Regex escape() {
    const std::size_t from = at_;
    const char c = peek(1);
    const auto taken = [&](Regex::Kind kind) {
      at_ += 2;
      return look(kind);
    };
    if (c == 'b') return taken(Regex::Kind::boundary);
    if (c == 'B') return taken(Regex::Kind::no_boundary);
    if (c == 'A') return taken(Regex::Kind::begin);
    if (c == 'z') return taken(Regex::Kind::end);
    if (c == 'Q') return quoted();
    if (const auto set = escaped_set(c)) {
      at_ += 2;
      return bytes(*set, from);
    }
    const auto byte = escaped_byte();
    return byte ? bytes(single_byte(*byte), from) : Regex{};
  }

  // \Q...\E
  Regex quoted() {
    at_ += 2;
    const std::size_t end = std::min(text_.find("\\E", at_), text_.size());
    Regex node;
    while (more() && at_ < end) {
      node.parts.push_back(character());
      node.parts.back().text.clear();
    }
    take("\\E");
    return node;
  }

  // \x41 \x{41} \n \. and their like, in a class and out of it.
  std::optional<char> escaped_byte() {
    static constexpr std::string_view kNames = "aftnrv";
    static constexpr std::string_view kMeant = "\a\f\t\n\r\v";
    const char c = peek(1);
    if (c == 'x') return hexadecimal();
    if (const std::size_t known = kNames.find(c); known != kNames.npos && c != '\0') {
      at_ += 2;
      return kMeant[known];
    }
    if (c == '\0' || !is_ascii(c) || is_letter_or_digit(c)) {
      refuse(c == 'p' || c == 'P' ? "\\p: classes of Unicode are not read"
             : at_ + 1 >= text_.size()
                 ? "'\\' at the end"
                 : fmt::format("'\\{}' is not read", is_letter_or_digit(c) ? std::string(1, c) : ""));
      return std::nullopt;
    }
    at_ += 2;
    return c;
  }

  std::optional<char> hexadecimal() {
    const bool braces = peek(2) == '{';
    const std::size_t from = at_ + (braces ? 3 : 2);
    std::size_t to = braces ? std::min(text_.find('}', from), text_.size()) : from + 2;
    unsigned value = 0;
    for (std::size_t i = from; i < to; ++i) {
      const int digit = i < text_.size() ? hex_value(text_[i]) : -1;
      if (digit < 0 || value > 0xff) value = 0x1000;
      value = value * 16 + static_cast<unsigned>(std::max(digit, 0));
    }
    if (from >= to || (braces && to == text_.size()) || value > 0x7f) {
      refuse("\\x of a character outside ASCII, or without its digits");
      return std::nullopt;
    }
    at_ = braces ? to + 1 : to;
    return static_cast<char>(value);
  }

  Regex bracket() {
    const std::size_t open = at_++;
    const bool negated = take("^");
    ByteSet set;
    std::vector<Regex> characters;  // outside ASCII
    for (bool first = true; more() && (first || peek() != ']'); first = false) {
      if (starts("[:")) {
        set |= posix();
      } else if (const auto escaped = peek() == '\\' ? escaped_set(peek(1)) : std::nullopt) {
        at_ += 2;
        set |= *escaped;
      } else if (!is_ascii(peek())) {
        characters.push_back(character());
        if (peek() == '-' && peek(1) != ']') refuse("a range of characters outside ASCII");
      } else {
        set |= span();
      }
    }
    if (!take("]")) refuse("'[' is never closed");
    if (characters.empty()) return bytes(negated ? ~(flags_.caseless ? fold_case(set) : set) : set, open);
    if (negated) refuse("a class of all but characters outside ASCII");
    if (characters.size() > kMaxChoiceOfCharacters) refuse("a class of many characters outside ASCII");
    Regex either{.kind = Regex::Kind::choice, .parts = std::move(characters)};
    if (set.any()) either.parts.push_back(bytes(set, at_));
    if (either.parts.size() == 1) return std::move(either.parts.front());
    return either;
  }

  // [:alpha:] or [:^alpha:]
  ByteSet posix() {
    at_ += 2;
    const bool negated = take("^");
    const std::size_t end = std::min(text_.find(":]", at_), text_.size());
    const auto set = class_named(text_.substr(at_, end - at_));
    if (!set || end == text_.size()) {
      refuse("a class such as [:alpha:] that Go does not have");
      return {};
    }
    at_ = end + 2;
    return negated ? ~*set : *set;
  }

  // One character of a class, or a range from it.
  ByteSet span() {
    const auto one = [&]() -> std::optional<char> {
      if (peek() == '\\') return escaped_byte();
      if (!is_ascii(peek())) {
        refuse("a range of characters outside ASCII");
        return std::nullopt;
      }
      return text_[at_++];
    };
    const auto from = one();
    if (!from) return {};
    if (!more() || peek() != '-' || peek(1) == ']' || peek(1) == '\0') return single_byte(*from);
    ++at_;
    const auto to = one();
    if (!to) return {};
    if (*to < *from) {
      refuse("a range that runs backwards");
      return {};
    }
    return byte_range(static_cast<std::uint8_t>(*from), static_cast<std::uint8_t>(*to));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Flags flags_;
  std::uint32_t groups_ = 0;
  std::optional<RegexProblem> problem_;
};

}  // namespace

std::expected<Regex, RegexProblem> parse_regex(std::string_view text) {
  if (text.empty()) return std::unexpected(RegexProblem{1, "it is empty"});
  if (text.size() > kMaxRegexBytes)
    return std::unexpected(RegexProblem{1, fmt::format("it is longer than {} bytes", kMaxRegexBytes)});
  return Parser(text).run();
}

}  // namespace sluice::rules::import
