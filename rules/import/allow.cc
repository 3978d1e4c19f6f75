// See allow.h.
#include "rules/import/allow.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "rules/automaton.h"
#include "rules/bounds.h"
#include "rules/import/language.h"
#include "rules/import/print.h"
#include "rules/import/secret.h"

namespace sluice::rules::import {
namespace {

using Kind = Regex::Kind;

Regex any_bytes(std::uint32_t most) {
  Regex repeat{.kind = Kind::repeat, .max = most};
  repeat.parts.push_back({.kind = Kind::bytes, .set = ByteSet().set()});
  return repeat;
}

void unwrap_groups(Regex& regex) {
  for (Regex& part : regex.parts) unwrap_groups(part);
  if (regex.kind != Kind::group) return;
  Regex inside = std::move(regex.parts.front());
  regex = std::move(inside);
}

Regex text_of(std::string_view text, bool caseless) {
  Regex out;
  for (const char c : text) {
    const ByteSet set = single_byte(c);
    out.parts.push_back({.kind = Kind::bytes, .set = caseless ? fold_case(set) : set});
  }
  return out;
}

// The one text that it matches.
std::optional<std::string> only_text(const Regex& regex) {
  std::string out;
  for (const Regex& part : regex.parts) {
    if (part.kind != Kind::bytes || part.set.count() != 1) return std::nullopt;
    for (unsigned byte = 0; byte < 256; ++byte)
      if (part.set[byte]) out += static_cast<char>(byte);
  }
  if (regex.kind != Kind::sequence || out.empty()) return std::nullopt;
  return out;
}

void add_once(std::vector<std::string>& list, std::string text) {
  if (std::ranges::find(list, text) == list.end()) list.push_back(std::move(text));
}

bool has_ends(const Regex& regex) {
  switch (regex.kind) {
    case Kind::begin:
    case Kind::end:
    case Kind::line_begin:
    case Kind::line_end:
    case Kind::boundary:
    case Kind::no_boundary:
      return true;
    default:
      return std::ranges::any_of(regex.parts, has_ends);
  }
}

void bound(Regex& regex, std::uint32_t most) {
  for (Regex& part : regex.parts) bound(part, most);
  if (regex.kind == Kind::repeat && regex.max > most) regex.max = std::max(regex.min, most);
}

ByteSet all_bytes(const Regex& regex) {
  ByteSet set = regex.set;
  for (const Regex& part : regex.parts) set |= all_bytes(part);
  return set;
}

constexpr const char* kEitherCase = "its allow-list too takes letters of either case: less is found";

// One alternative of what allows: found anywhere in a secret, unless it holds on to an end of it.
class Allowed {
 public:
  Allowed(const Regex& secret, NewRule& rule, Notes& notes) : secret_(secret), rule_(rule), notes_(notes) {
    unwrap_groups(secret_);
    most_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(most_width(secret_), kMaxMatchBytes));
  }

  // A secret that holds it is none.
  void add_word(const std::string& word) {
    Regex around = text_of(word, true);
    around.parts.insert(around.parts.begin(), any_bytes(kNoBound));
    around.parts.push_back(any_bytes(kNoBound));
    if (word.empty() || word.size() > most_ || !may_meet(around, secret_)) return;
    if (word.size() > kMaxWordBytes)
      notes_.other(fmt::format("a word of its allow-list has more than {} bytes and is not taken: more is found",
                               kMaxWordBytes));
    else
      add_once(rule_.allow_contain, word);
  }

  void add(Regex regex) {
    unwrap_groups(regex);
    if (regex.kind == Kind::choice) {
      for (Regex& part : regex.parts) add(std::move(part));
      return;
    }
    if (regex.kind != Kind::sequence) regex = Regex{.parts = {std::move(regex)}};
    const bool from_begin = take_end(regex, Kind::begin, true);
    const bool to_end = take_end(regex, Kind::end, false);
    if (has_ends(regex)) {
      notes_.other("an expression of its allow-list that looks around in the secret is not taken: more is found");
      return;
    }
    if (!from_begin && !to_end && add_if_word(regex)) return;
    if (from_begin && to_end && regex.parts.size() == 1 && regex.parts.front().kind == Kind::choice) {
      std::erase_if(regex.parts.front().parts, [&](const Regex& part) { return !matters(part); });
      if (regex.parts.front().parts.empty()) return;
    }
    const auto least = static_cast<std::uint32_t>(std::min<std::uint64_t>(least_width(regex), most_));
    const std::uint32_t around = most_ - least;
    if (!from_begin && around > 0) regex.parts.insert(regex.parts.begin(), any_bytes(around));
    if (!to_end && around > 0) regex.parts.push_back(any_bytes(around));
    add_whole(std::move(regex));
  }

 private:
  static bool take_end(Regex& regex, Kind kind, bool front) {
    if (regex.parts.empty()) return false;
    const auto at = front ? regex.parts.begin() : regex.parts.end() - 1;
    if (at->kind != kind) return false;
    regex.parts.erase(at);
    return true;
  }

  // Whether a secret that is found could be such a text. One of few different bytes has too low an entropy.
  [[nodiscard]] bool matters(const Regex& regex) const {
    const auto kinds = static_cast<double>(all_bytes(regex).count());
    const bool too_even = rule_.entropy > 0 && kinds > 0 && std::log2(kinds) <= rule_.entropy;
    return !too_even && least_width(regex) <= most_ && may_meet(regex, secret_);
  }

  // A plain word, anywhere in the secret.
  bool add_if_word(const Regex& regex) {
    std::string word;
    bool caseless = true;
    for (const Regex& part : regex.parts) {
      const auto letter = static_cast<char>(lowest(part.set));
      if (part.kind != Kind::bytes || (part.set != single_byte(letter) && part.set != fold_case(single_byte(letter))))
        return false;
      caseless = caseless && part.set == fold_case(part.set);
      word += letter >= 'A' && letter <= 'Z' && part.set.count() == 2 ? static_cast<char>(letter | 0x20) : letter;
    }
    // A rule that takes either case does so with all that it allows.
    if (word.empty() || word.size() >= most_ || (!caseless && !rule_.caseless)) return false;
    if (!caseless) notes_.other(kEitherCase);
    add_word(word);
    return true;
  }
  static unsigned lowest(const ByteSet& set) {
    unsigned byte = 0;
    while (byte < 255 && !set[byte]) ++byte;
    return byte;
  }

  void add_whole(Regex regex) {
    if (!matters(regex)) return;
    bound(regex, most_);
    if (auto value = only_text(regex); value && value->size() <= kMaxValueBytes)
      return add_once(rule_.allow_values, *std::move(value));
    if (rule_.caseless && print(regex, false) != print(regex, true) && !wants_ignore_case(regex))
      notes_.other(kEitherCase);
    const std::string text = print(regex, rule_.caseless);
    const auto expression = parse_expression(text, rule_.caseless);
    if (!expression || !Automaton::build(*expression)) {
      notes_.other("an expression of its allow-list does not fit our language: more is found");
      return;
    }
    add_once(rule_.allow_match, text);
  }

  Regex secret_;
  std::uint32_t most_ = 0;
  NewRule& rule_;
  Notes& notes_;
};

}  // namespace

void add_allow(const SourceAllow& allow, const Regex& secret, bool whole_match, NewRule& rule, Notes& notes) {
  const bool by_origin = allow.paths + allow.commits > 0;
  const int kinds = (by_origin ? 1 : 0) + (allow.regexes.empty() ? 0 : 1) + (allow.stopwords.empty() ? 0 : 1);
  if (allow.all && kinds > 1) {
    notes.other("an allow-list whose conditions have to hold together is not taken: more is found");
    return;
  }
  if (by_origin && allow.regexes.empty() && allow.stopwords.empty())
    notes.same("an allow-list of paths or commits is left out: traffic has neither");
  if (allow.target == SourceAllow::Target::line && !allow.regexes.empty()) {
    notes.other("an allow-list for the line of a match is not taken: more is found");
  } else if (allow.target == SourceAllow::Target::match && !whole_match && !allow.regexes.empty()) {
    notes.other("an allow-list for what stands around the secret is not taken: more is found");
  } else {
    Allowed allowed(secret, rule, notes);
    for (const SourceRegex& regex : allow.regexes) {
      auto tree = parse_regex(regex.text);
      if (tree)
        allowed.add(*std::move(tree));
      else
        notes.other(fmt::format("an expression of its allow-list (line {}) is not read ({}): more is found",
                                regex.position_of(tree.error().character).line, tree.error().text));
    }
  }
  Allowed allowed(secret, rule, notes);
  for (const std::string& word : allow.stopwords) allowed.add_word(word);
}

}  // namespace sluice::rules::import
