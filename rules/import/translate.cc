// See translate.h.
#include "rules/import/translate.h"

#include <algorithm>
#include <utility>

#include "rules/import/ends.h"
#include "rules/import/fit.h"
#include "rules/import/secret.h"

namespace sluice::rules::import {
namespace {

using Kind = Regex::Kind;

// Lazy bytes that need not be there, at the beginning of a match whose secret comes later: the match begins further
// back with them, and the secret is the same. `[\w.-]{0,50}?` stands before half of gitleaks' rules.
bool drop_lead(Regex& regex) {
  if (regex.kind == Kind::repeat)
    return regex.lazy && regex.min == 0 && regex.max > 1 && regex.parts.front().kind == Kind::bytes;
  if (regex.kind != Kind::sequence) return false;
  bool dropped = false;
  while (!regex.parts.empty()) {
    Regex& front = regex.parts.front();
    const bool whole = front.kind == Kind::repeat;
    if (!drop_lead(front)) return dropped;
    dropped = true;
    if (!whole) return true;
    regex.parts.erase(regex.parts.begin());
  }
  return dropped;
}

ByteSet first_bytes(const Regex& regex) {
  if (regex.kind == Kind::bytes) return regex.set;
  ByteSet set;
  for (const Regex& part : regex.parts) {
    set |= first_bytes(part);
    if (regex.kind == Kind::sequence && least_width(part) > 0) break;
  }
  return set;
}

// Whether a lazy repetition could have ended at more than one place.
bool is_lazy(const Regex& regex) {
  if (regex.kind == Kind::repeat && regex.lazy && regex.max > regex.min) return true;
  if (regex.kind != Kind::sequence) return std::ranges::any_of(regex.parts, is_lazy);
  for (std::size_t i = 0; i < regex.parts.size(); ++i) {
    const Regex& part = regex.parts[i];
    const bool plain = part.kind == Kind::repeat && part.parts.front().kind == Kind::bytes;
    if (!plain && is_lazy(part)) return true;
    if (!plain || !is_lazy(part)) continue;
    Regex rest;
    rest.parts.assign(regex.parts.begin() + static_cast<std::ptrdiff_t>(i) + 1, regex.parts.end());
    if (least_width(rest) == 0 || (first_bytes(rest) & part.parts.front().set).any()) return true;
  }
  return false;
}

ByteSet all_bytes(const Regex& regex) {
  ByteSet set = regex.kind == Kind::bytes ? regex.set : ByteSet();
  for (const Regex& part : regex.parts) set |= all_bytes(part);
  return set;
}

// Where it begins with one of these bytes; a part that need not be there and does not is left out then.
bool has_several_widths(const Regex& group, const ByteSet& begin) {
  const Regex& inside = group.parts.front();
  const auto varies = [](const Regex& part) { return least_width(part) < most_width(part); };
  if (inside.kind != Kind::sequence) return varies(inside);
  const auto first = std::ranges::find_if(
      inside.parts, [&](const Regex& part) { return least_width(part) > 0 || (first_bytes(part) & begin).any(); });
  return std::any_of(first, inside.parts.end(), varies);
}

// Whether what stands before the group could end with bytes with which the group could as well begin: there the first
// way that matches is the other scanner's, and ours is the widest. A group that is always as wide is told by its end.
bool may_begin_earlier(const Regex& regex) {
  for (std::size_t i = 0; i < regex.parts.size(); ++i) {
    const Regex& group = regex.parts[i];
    if (group.kind != Kind::group) {
      if (may_begin_earlier(group)) return true;
      continue;
    }
    if (regex.kind != Kind::sequence) return false;
    const ByteSet first = first_bytes(group);
    for (std::size_t j = i; j-- > 0;) {
      const Regex& before = regex.parts[j];
      const ByteSet either = all_bytes(before) & first;
      if (least_width(before) < most_width(before) && either.any() && has_several_widths(group, either)) return true;
      if (least_width(before) > 0) return false;
    }
  }
  return false;
}

}  // namespace

std::expected<std::vector<Expressed>, std::string> translate(const Regex& regex, const Wanted& wanted, Notes& notes) {
  const auto resolved = resolve_ends(regex, notes);
  if (!resolved) return std::unexpected("it matches only at the beginning of a text, which a stream does not have");
  std::vector<Expressed> out;
  for (Regex& tree : with_one_group(*resolved, wanted.group, notes)) {
    const bool grouped = has_group(tree);
    if (grouped && !wanted.keep_lead && drop_lead(tree))
      notes.same("what may stand before the first word is not looked at: the secret is the same without");
    if (is_lazy(tree))
      notes.other("a lazy repetition is as long as it can be: of several places where it could end it takes the last");
    if (grouped && may_begin_earlier(tree))
      notes.other(
          "where the secret could begin with bytes that may also stand before it, it begins as early as it can");
    auto expressed = fit(tree, notes);
    if (!expressed) return std::unexpected(std::move(expressed.error()));
    expressed->grouped = grouped;
    out.push_back(*std::move(expressed));
  }
  if (out.empty()) return std::unexpected("it matches nothing but the empty text");
  return out;
}

}  // namespace sluice::rules::import
