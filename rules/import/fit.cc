// See fit.h.
#include "rules/import/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "rules/automaton.h"
#include "rules/conditions.h"
#include "rules/expression_check.h"
#include "rules/import/print.h"
#include "rules/import/secret.h"

namespace sluice::rules::import {
namespace {

using Kind = Regex::Kind;

// What may be there beyond what must: of a repetition without a bound, and of one that is too long.
constexpr std::array<std::uint32_t, 15> kLevels = {1, 2, 4, 8, 16, 32, 64, 100, 200, 300, 500, 1000, 2000, 3000, 4000};
// As good as without a bound: with it, nothing better is looked for.
constexpr std::size_t kEnough = 8;
// Where long repetitions begin when they get into each other's way: the open ones gain more by what is left.
constexpr std::size_t kModest = 4;

// One repetition that may be cut.
struct Slot {
  Regex* repeat = nullptr;
  std::uint32_t min = 0;
  std::uint32_t max = 0;  // as it was
  std::size_t level = 0;

  [[nodiscard]] bool is_open() const { return max == kNoBound; }
  [[nodiscard]] std::uint32_t most() const {
    const std::uint32_t level_most = is_open() && min <= 1 ? kLevels[level] : min + kLevels[level];
    return std::min(level_most, max);
  }
  [[nodiscard]] bool at_its_top() const { return level + 1 == kLevels.size() || most() == max; }
  void cut() const { repeat->max = most(); }
};

void collect(Regex& regex, std::vector<Slot>& slots) {
  for (Regex& part : regex.parts) collect(part, slots);
  if (regex.kind == Kind::repeat && regex.max > regex.min && regex.max - regex.min > 1)
    slots.push_back({&regex, regex.min, regex.max});
}

// Nothing has to stand there, not even an end.
bool may_be_nothing(const Regex& regex) {
  switch (regex.kind) {
    case Kind::sequence:
    case Kind::group:
      return std::ranges::all_of(regex.parts, may_be_nothing);
    case Kind::choice:
      return std::ranges::any_of(regex.parts, may_be_nothing);
    case Kind::repeat:
      return regex.min == 0 || may_be_nothing(regex.parts.front());
    default:
      return false;
  }
}

// An open repetition behind which nothing has to follow.
bool ends_open(const Regex& regex) {
  if (regex.kind == Kind::repeat && regex.max == kNoBound) return true;
  if (regex.kind != Kind::sequence) return std::ranges::any_of(regex.parts, ends_open);
  for (auto part = regex.parts.rbegin(); part != regex.parts.rend(); ++part) {
    if (ends_open(*part)) return true;
    if (!may_be_nothing(*part)) return false;
  }
  return false;
}

class Fitter {
 public:
  explicit Fitter(const Regex& regex)
      : ends_open_(ends_open(regex)), grouped_(has_group(regex)), caseless_(wants_ignore_case(regex)), tree_(regex) {
    collect(tree_, slots_);
  }

  void run() {
    if (!all_alike()) one_by_one();
  }
  [[nodiscard]] Expressed take() {
    std::string text = print(tree_, caseless_);
    return {.tree = std::move(tree_), .expression = std::move(text), .caseless = caseless_};
  }

  void tell(Notes& notes) const {
    std::uint32_t open = kNoBound;
    std::uint32_t cut = kNoBound;
    for (const Slot& slot : slots_) {
      if (slot.is_open())
        open = std::min(open, slot.most());
      else if (slot.most() < slot.max)
        cut = std::min(cut, slot.most() - slot.min);
    }
    if (open != kNoBound)
      notes.other(fmt::format("what repeats without a bound does so at most {} times{}", open,
                              ends_open_ ? ": of more, only so much is found" : ", or else it is not found"));
    if (cut != kNoBound)
      notes.other(fmt::format("repetitions are cut to {} more than there must be: its table would be too large", cut));
  }

 private:
  [[nodiscard]] bool parses() {
    for (const Slot& slot : slots_) slot.cut();
    return parse_expression(print(tree_, caseless_), caseless_).has_value();
  }
  [[nodiscard]] bool fits() {
    for (const Slot& slot : slots_) slot.cut();
    const auto expression = parse_expression(print(tree_, caseless_), caseless_);
    return expression && Automaton::build(*expression) &&
           (!grouped_ || build_conditions({.group = 1}, *expression, caseless_).has_value());
  }

  // The usual case: few repetitions, which do not get into each other's way.
  bool all_alike() {
    bool sized = false;
    for (std::size_t level = kLevels.size(); level-- > kEnough;) {
      for (Slot& slot : slots_) slot.level = level;
      // Widths first: they cost nothing to look at.
      sized = sized || parses();
      if (sized && fits()) return true;
    }
    return false;
  }

  // The open ones in turn get more, as long as it fits; then those that have a bound.
  void one_by_one() {
    const auto begin_at = [&](std::size_t level) {
      for (Slot& slot : slots_)
        for (slot.level = 0; !slot.is_open() && slot.level < level && !slot.at_its_top();) ++slot.level;
      return fits();
    };
    if (!begin_at(kModest) && !begin_at(0)) return;
    for (const bool open : {true, false}) {
      std::vector<Slot*> growing;
      for (Slot& slot : slots_)
        if (slot.is_open() == open) growing.push_back(&slot);
      while (!growing.empty()) std::erase_if(growing, [&](Slot* slot) { return !grow(*slot); });
    }
    for (const Slot& slot : slots_) slot.cut();
  }

  bool grow(Slot& slot) {
    if (slot.at_its_top()) return false;
    ++slot.level;
    if (fits()) return true;
    --slot.level;
    return false;
  }

  bool ends_open_;
  bool grouped_;
  bool caseless_;
  Regex tree_;
  std::vector<Slot> slots_;
};

}  // namespace

std::expected<Expressed, std::string> fit(const Regex& regex, Notes& notes) {
  Fitter fitter(regex);
  fitter.run();
  Expressed out = fitter.take();
  const auto widths = check_expression(out.expression, out.caseless);
  if (!widths) return std::unexpected(widths.error().text);
  fitter.tell(notes);
  return out;
}

}  // namespace sluice::rules::import
