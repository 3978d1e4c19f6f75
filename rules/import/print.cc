// See print.h.
#include "rules/import/print.h"

#include <fmt/format.h>

#include "rules/expression.h"

namespace sluice::rules::import {
namespace {

using Kind = Regex::Kind;

// What our language takes `text` for, when it is one item.
bool reads_as(const std::string& text, bool caseless, const ByteSet& set) {
  if (text.empty()) return false;
  const auto expression = parse_expression(text, caseless);
  if (!expression) return false;
  const Expression* item = &*expression;
  while (item->kind == Expression::Kind::sequence && item->parts.size() == 1) item = &item->parts.front();
  return item->kind == Expression::Kind::bytes && item->set == set;
}

std::string byte_text(unsigned byte, std::string_view specials) {
  const auto c = static_cast<char>(byte);
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  if (byte < 0x20 || byte >= 0x7f) return fmt::format("\\x{:02x}", byte);
  return (specials.find(c) != specials.npos ? "\\" : "") + std::string(1, c);
}

std::string members(const ByteSet& set) {
  std::string out;
  for (unsigned first = 0; first < 256; ++first) {
    if (!set[first]) continue;
    unsigned last = first;
    while (last < 255 && set[last + 1]) ++last;
    out += byte_text(first, "]\\^-[");
    if (last > first + 1) out += "-";
    if (last > first) out += byte_text(last, "]\\^-[");
    first = last;
  }
  return out;
}

std::string set_text(ByteSet set, bool caseless) {
  // Of the two cases one is enough, and reads better.
  if (caseless)
    for (unsigned c = 'A'; c <= 'Z'; ++c)
      if (set.count() < 128) set.reset(c);
  if (set.all()) return "[\\x00-\\xff]";
  if (set.count() == 1) {
    for (unsigned byte = 0; byte < 256; ++byte)
      if (set[byte]) return byte_text(byte, ".\\[](){}?*+|^$");
  }
  return set.count() > 128 ? fmt::format("[^{}]", members(~set)) : fmt::format("[{}]", members(set));
}

std::string repeat_sign(const Regex& repeat) {
  if (repeat.min == 0 && repeat.max == 1) return "?";
  if (repeat.min == 1 && repeat.max == 1) return "";
  if (repeat.min == repeat.max) return fmt::format("{{{}}}", repeat.min);
  return fmt::format("{{{},{}}}", repeat.min, repeat.max);
}

bool tells_cases_apart(const Regex& regex) {
  if (regex.kind == Kind::bytes) return fold_case(regex.set) != regex.set;
  for (const Regex& part : regex.parts)
    if (tells_cases_apart(part)) return true;
  return false;
}

bool reads_short(const Regex& regex) {
  if (regex.kind == Kind::bytes)
    return !reads_as(regex.text, false, regex.set) && reads_as(regex.text, true, regex.set);
  for (const Regex& part : regex.parts)
    if (reads_short(part)) return true;
  return false;
}

class Printer {
 public:
  explicit Printer(bool caseless) : caseless_(caseless) {}

  std::string all(const Regex& regex) const {
    std::string out;
    switch (regex.kind) {
      case Kind::bytes:
        return reads_as(regex.text, caseless_, regex.set) ? regex.text : set_text(regex.set, caseless_);
      case Kind::sequence:
        for (const Regex& part : regex.parts) out += part.kind == Kind::choice ? grouped(part) : all(part);
        return out;
      case Kind::choice:
        for (const Regex& part : regex.parts) out += (&part == &regex.parts.front() ? "" : "|") + all(part);
        return out;
      case Kind::repeat:
        return repeat(regex);
      case Kind::group:
        return "(" + all(regex.parts.front()) + ")";
      case Kind::boundary:
        return "\\b";
      case Kind::no_boundary:
        return "\\B";
      case Kind::begin:
      case Kind::line_begin:
        return "^";
      case Kind::end:
      case Kind::line_end:
        return "$";
    }
    return out;
  }

 private:
  std::string grouped(const Regex& regex) const { return "(?:" + all(regex) + ")"; }

  std::string repeat(const Regex& regex) const {
    const Regex& body = regex.parts.front();
    // Of something without width any number is one.
    if (most_width(body) == 0) return regex.min == 0 ? "" : all(body);
    const std::string sign = repeat_sign(regex);
    const bool one_item =
        body.kind == Kind::bytes || body.kind == Kind::group || (sign.empty() && body.kind != Kind::choice);
    return (one_item ? all(body) : grouped(body)) + sign;
  }

  bool caseless_;
};

}  // namespace

bool wants_ignore_case(const Regex& regex) {
  return !tells_cases_apart(regex) && reads_short(regex);
}

std::string print(const Regex& regex, bool caseless) {
  return Printer(caseless).all(regex);
}

}  // namespace sluice::rules::import
