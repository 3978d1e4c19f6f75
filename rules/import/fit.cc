// See fit.h.
#include "rules/import/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "rules/automaton.h"
#include "rules/conditions.h"
#include "rules/expression_check.h"
#include "rules/import/print.h"
#include "rules/import/secret.h"

namespace sluice::rules::import {
namespace {

using Kind = Regex::Kind;

// What an open repetition may become, and what a long one may be cut to.
constexpr std::array<std::uint32_t, 22> kBounds = {3,   4,   6,   8,   12,  16,  24,   32,   48,   64,   100,
                                                   150, 200, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 4000};

struct Bounds {
  std::size_t open = kBounds.size() - 1;   // of a repetition without a bound
  std::size_t extra = kBounds.size() - 1;  // of what may be there beyond what must be
};

bool is_open(const Regex& regex) {
  return (regex.kind == Kind::repeat && regex.max == kNoBound) || std::ranges::any_of(regex.parts, is_open);
}

// An open repetition behind which nothing has to follow.
bool ends_open(const Regex& regex) {
  if (regex.kind == Kind::repeat && regex.max == kNoBound) return true;
  if (regex.kind != Kind::sequence) return std::ranges::any_of(regex.parts, ends_open);
  for (auto part = regex.parts.rbegin(); part != regex.parts.rend(); ++part) {
    if (ends_open(*part)) return true;
    if (least_width(*part) > 0) return false;
  }
  return false;
}

Regex bounded(Regex regex, const Bounds& bounds) {
  for (Regex& part : regex.parts) part = bounded(std::move(part), bounds);
  if (regex.kind != Kind::repeat) return regex;
  const std::uint32_t open = kBounds[bounds.open];
  if (regex.max == kNoBound) regex.max = regex.min <= 1 ? open : regex.min + open;
  const std::uint32_t extra = kBounds[bounds.extra];
  if (regex.max - regex.min > extra) regex.max = regex.min + extra;
  return regex;
}

class Fitter {
 public:
  explicit Fitter(const Regex& regex)
      : regex_(regex), grouped_(has_group(regex)), caseless_(wants_ignore_case(regex)) {}

  [[nodiscard]] std::string text(const Bounds& bounds) const { return print(bounded(regex_, bounds), caseless_); }
  [[nodiscard]] bool parses(const Bounds& bounds) const {
    return parse_expression(text(bounds), caseless_).has_value();
  }
  [[nodiscard]] bool fits(const Bounds& bounds) const {
    const auto tree = parse_expression(text(bounds), caseless_);
    return tree && Automaton::build(*tree) &&
           (!grouped_ || build_conditions({.group = 1}, *tree, caseless_).has_value());
  }
  // The largest that `good` takes, from the smallest bound to the one that stands there; false without one.
  template <class Good>
  static bool largest(std::size_t Bounds::* which, Bounds& bounds, Good good) {
    if (good(bounds)) return true;
    std::size_t low = 0;
    std::size_t high = bounds.*which;
    bounds.*which = low;
    if (!good(bounds)) return false;
    while (high - low > 1) {
      const std::size_t middle = low + (high - low) / 2;
      bounds.*which = middle;
      (good(bounds) ? low : high) = middle;
    }
    bounds.*which = low;
    return true;
  }
  [[nodiscard]] bool caseless() const { return caseless_; }

 private:
  const Regex& regex_;
  bool grouped_;
  bool caseless_;
};

void tell(const Regex& regex, const Bounds& bounds, Notes& notes) {
  if (is_open(regex))
    notes.other(fmt::format("what repeats without a bound does so at most {} times{}", kBounds[bounds.open],
                            ends_open(regex) ? ": of more, only so much is found" : ", or else it is not found"));
  if (bounds.extra + 1 < kBounds.size())
    notes.other(fmt::format("repetitions are cut to {} more than there must be: its table would be too large",
                            kBounds[bounds.extra]));
}

}  // namespace

std::expected<Expressed, std::string> fit(const Regex& regex, Notes& notes) {
  const Fitter fitter(regex);
  const auto parses = [&](const Bounds& bounds) { return fitter.parses(bounds); };
  const auto fits = [&](const Bounds& bounds) { return fitter.fits(bounds); };
  Bounds bounds;
  // Widths first: they cost nothing to look at.
  bool found = true;
  if (is_open(regex))
    found = Fitter::largest(&Bounds::open, bounds, parses) && Fitter::largest(&Bounds::open, bounds, fits);
  if (!found) bounds.open = 0;
  if (!found || !fits(bounds)) Fitter::largest(&Bounds::extra, bounds, fits);
  Expressed out{.tree = bounded(regex, bounds), .expression = fitter.text(bounds), .caseless = fitter.caseless()};
  const auto widths = check_expression(out.expression, out.caseless);
  if (!widths) return std::unexpected(widths.error().text);
  tell(regex, bounds, notes);
  return out;
}

}  // namespace sluice::rules::import
