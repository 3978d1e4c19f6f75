// See ends.h. A line feed that a match takes in as the end of a line does no harm: masks hide letters and digits.
#include "rules/import/ends.h"

#include <algorithm>
#include <utility>

namespace sluice::rules::import {
namespace {

using Kind = Regex::Kind;

class Resolver {
 public:
  explicit Resolver(Notes& notes) : notes_(notes) {}

  // `first`, `last`: nothing of any width stands before, behind.
  std::optional<Regex> run(const Regex& regex, bool first, bool last) {
    switch (regex.kind) {
      case Kind::begin:
        if (first) notes_.other("at the very beginning of a body or head it is not found");
        return std::nullopt;
      case Kind::line_begin:
        if (!first) return left_out();
        notes_.other("in the first line of a body or head it is not found");
        return line_feed();
      case Kind::end:
        if (!last) return std::nullopt;
        return regex;
      case Kind::line_end:
        if (!last) return left_out();
        return Regex{.kind = Kind::choice, .parts = {line_feed(), Regex{.kind = Kind::end}}};
      case Kind::sequence:
        return sequence(regex, first, last);
      case Kind::choice:
        return choice(regex, first, last);
      case Kind::repeat:
      case Kind::group:
        return around(regex, first, last);
      case Kind::bytes:
      case Kind::boundary:
      case Kind::no_boundary:
        break;
    }
    return regex;
  }

 private:
  static Regex line_feed() { return {.kind = Kind::bytes, .set = single_byte('\n')}; }

  std::optional<Regex> left_out() {
    notes_.other("an alternative with the beginning or end of a line in its middle is left out");
    return std::nullopt;
  }

  std::optional<Regex> sequence(const Regex& regex, bool first, bool last) {
    Regex out;
    const auto wide = [](const Regex& part) { return most_width(part) > 0; };
    const auto first_wide = std::ranges::find_if(regex.parts, wide);
    const auto last_wide = std::ranges::find_if(regex.parts.rbegin(), regex.parts.rend(), wide).base();
    for (auto part = regex.parts.begin(); part != regex.parts.end(); ++part) {
      auto resolved = run(*part, first && part <= first_wide, last && part + 1 >= last_wide);
      if (!resolved) return std::nullopt;
      out.parts.push_back(*std::move(resolved));
    }
    return out;
  }

  std::optional<Regex> choice(const Regex& regex, bool first, bool last) {
    Regex out{.kind = Kind::choice};
    for (const Regex& part : regex.parts)
      if (auto resolved = run(part, first, last)) out.parts.push_back(*std::move(resolved));
    if (out.parts.empty()) return std::nullopt;
    if (out.parts.size() == 1) return std::move(out.parts.front());
    return out;
  }

  std::optional<Regex> around(const Regex& regex, bool first, bool last) {
    const bool once = regex.kind == Kind::group || regex.max == 1;
    auto inside = run(regex.parts.front(), first && once, last && once);
    if (!inside) {
      if (regex.kind == Kind::repeat && regex.min == 0) return Regex{};
      return std::nullopt;
    }
    Regex out = regex;
    out.parts.front() = *std::move(inside);
    return out;
  }

  Notes& notes_;
};

}  // namespace

std::optional<Regex> resolve_ends(const Regex& regex, Notes& notes) {
  return Resolver(notes).run(regex, true, true);
}

}  // namespace sluice::rules::import
