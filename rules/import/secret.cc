// See secret.h.
#include "rules/import/secret.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::rules::import {
namespace {

using Kind = Regex::Kind;

constexpr std::uint32_t kAnyGroup = 0;

// The way from the root to a group: which part to take at each step.
using Path = std::vector<std::size_t>;

std::optional<Path> path_to(const Regex& regex, std::uint32_t wanted) {
  if (regex.kind == Kind::group && (wanted == kAnyGroup || regex.number == wanted)) return Path();
  for (std::size_t i = 0; i < regex.parts.size(); ++i) {
    auto below = path_to(regex.parts[i], wanted);
    if (!below) continue;
    below->insert(below->begin(), i);
    return below;
  }
  return std::nullopt;
}

// Groups become what they hold; but for `kept`.
void unwrap(Regex& regex, std::uint32_t kept) {
  for (Regex& part : regex.parts) unwrap(part, kept);
  if (regex.kind != Kind::group || regex.number == kept) return;
  Regex inside = std::move(regex.parts.front());
  regex = std::move(inside);
}

void unwrap_one(Regex& regex, std::uint32_t number) {
  for (Regex& part : regex.parts) unwrap_one(part, number);
  if (regex.kind != Kind::group || regex.number != number) return;
  Regex inside = std::move(regex.parts.front());
  regex = std::move(inside);
}

class Splitter {
 public:
  Splitter(std::uint32_t wanted, Notes& notes) : wanted_(wanted), notes_(notes) {}

  void split(Regex tree) {
    if (out_.size() >= kMaxAlternatives) {
      too_many_ = true;
      return;
    }
    const auto path = path_to(tree, wanted_);
    if (!path) return finish(std::move(tree), kNoBound);
    // The first node on the way at which the group may be passed by.
    std::vector<Regex*> way = {&tree};
    for (const std::size_t step : *path) way.push_back(&way.back()->parts[step]);
    const std::uint32_t number = way.back()->number;
    for (Regex* node : way) {
      if (node->kind == Kind::repeat && node->max > 1) {
        notes_.other("a group that repeats is no secret: in its place the whole match is, or the next group");
        unwrap_one(tree, number);
        return split(std::move(tree));
      }
      if (node->kind == Kind::choice) return split_choice(tree, *node);
      if (node->kind == Kind::repeat && node->min == 0) return split_optional(tree, *node);
    }
    finish(std::move(tree), number);
  }

  std::vector<Regex> take() { return std::move(out_); }
  [[nodiscard]] bool too_many() const { return too_many_; }

 private:
  // `node` is a part of `tree`: each time another alternative stands in its place.
  void split_choice(Regex& tree, Regex& node) {
    const Regex choice = std::move(node);
    for (const Regex& alternative : choice.parts) {
      node = alternative;
      split(tree);
    }
  }

  void split_optional(Regex& tree, Regex& node) {
    const Regex repeat = std::move(node);
    node = repeat.parts.front();
    split(tree);
    node = Regex{};
    split(tree);
  }

  void finish(Regex tree, std::uint32_t number) {
    unwrap(tree, number);
    out_.push_back(std::move(tree));
  }

  std::uint32_t wanted_;
  Notes& notes_;
  std::vector<Regex> out_;
  bool too_many_ = false;
};

}  // namespace

bool has_group(const Regex& regex) {
  return path_to(regex, kAnyGroup).has_value();
}

std::vector<Regex> with_one_group(const Regex& regex, std::uint32_t wanted, Notes& notes) {
  Notes own;
  Splitter splitter(wanted, own);
  splitter.split(regex);
  if (!splitter.too_many()) {
    auto alternatives = splitter.take();
    // What would match nothing at all is no rule.
    std::erase_if(alternatives, [](const Regex& tree) { return most_width(tree) == 0; });
    if (alternatives.size() > 1) own.same("its alternatives have each their own group: it becomes several rules");
    notes.add(own);
    return alternatives;
  }
  notes.other(
      "it has more alternatives with groups of their own than a rule can be split into: the whole match is hidden");
  Regex whole = regex;
  unwrap(whole, kNoBound);
  return {std::move(whole)};
}

}  // namespace sluice::rules::import
