// See convert.h.
#include "rules/import/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "rules/anchor.h"
#include "rules/automaton.h"
#include "rules/bounds.h"
#include "rules/import/allow.h"
#include "rules/import/language.h"
#include "rules/import/sample.h"
#include "rules/import/translate.h"

namespace sluice::rules::import {
namespace {

constexpr std::uint64_t kMaxTries = 200;  // samples
constexpr double kSelective = 1;          // matches a megabyte: below it an expression speaks for itself
constexpr std::size_t kMaxShownKeywords = 3;

const Regex* group_of(const Regex& regex) {
  if (regex.kind == Regex::Kind::group) return &regex;
  for (const Regex& part : regex.parts)
    if (const Regex* found = group_of(part)) return found;
  return nullptr;
}

class Converter {
 public:
  Converter(const SourceRule& source, const SourceFile& file, RuleReport& report)
      : source_(source), file_(file), report_(report) {}

  std::vector<NewRule> run() {
    if (source_.regex.text.empty())
      return refuse(source_.path.empty() ? "it has no regex" : "it looks at paths only, which traffic does not have");
    if (source_.helper) return refuse("it is only there for other rules (skipReport)");
    if (source_.needs_others)
      return refuse("it counts only near matches of other rules (required), which a rule can not say");
    const auto regex = parse_regex(source_.regex.text);
    if (!regex) {
      const Position at = source_.regex.position_of(regex.error().character);
      return refuse(fmt::format("regex, character {} ({}:{}): {}", regex.error().character, at.line, at.column,
                                regex.error().text));
    }
    const auto all = translate(*regex, {source_.secret_group, false}, report_.notes);
    if (!all) return refuse(all.error());
    if (!source_.path.empty())
      report_.notes.other(fmt::format("it looks at all traffic, and not only at files like {}", show(source_.path)));
    const bool keywords_implied = always_holds(*regex, source_.keywords);
    std::vector<NewRule> rules;
    for (const Expressed& expressed : *all) {
      auto rule = make(expressed, keywords_implied);
      if (!rule) return refuse("no text could be made up that it finds: its entropy or allow-list leaves nothing over");
      rules.push_back(*std::move(rule));
    }
    report_.outcome = report_.notes.other_matches() ? Outcome::changed
                      : rules.size() == 1 && is_as_it_was(rules.front()) && report_.notes.all().empty()
                          ? Outcome::as_it_is
                          : Outcome::anew;
    return rules;
  }

 private:
  std::vector<NewRule> refuse(std::string why) {
    report_.outcome = Outcome::refused;
    report_.notes = {};
    report_.notes.other(std::move(why));
    return {};
  }

  [[nodiscard]] bool is_as_it_was(const NewRule& rule) const {
    return source_.regex.text == (rule.caseless ? "(?i)" : "") + rule.expression;
  }

  std::optional<NewRule> make(const Expressed& expressed, bool keywords_implied) {
    NewRule rule{.about = source_.about,
                 .expression = expressed.expression,
                 .caseless = expressed.caseless,
                 .group = expressed.grouped ? 1U : 0U,
                 .entropy = source_.entropy};
    if (!source_.keywords.empty() && !keywords_implied) use_keywords(expressed, rule);
    const Regex* group = group_of(expressed.tree);
    const Regex& secret = group == nullptr ? expressed.tree : *group;
    for (const SourceAllow& allow : source_.allow) add_allow(allow, secret, group == nullptr, rule, report_.notes);
    for (const SourceAllow& allow : file_.allow) {
      if (!allow.rules.empty() && std::ranges::find(allow.rules, source_.id) == allow.rules.end()) continue;
      // What the whole file allows by path is told once, for the file.
      if (allow.rules.empty() && allow.regexes.empty() && allow.stopwords.empty()) continue;
      add_allow(allow, secret, group == nullptr, rule, report_.notes);
    }
    if (!add_samples(expressed, rule)) return std::nullopt;
    return rule;
  }

  // In gitleaks a text without a keyword is not looked at. A stream is no file: what an expression can not say by
  // itself has to stand near.
  void use_keywords(const Expressed& expressed, NewRule& rule) {
    std::string shown;
    for (std::size_t i = 0; i < std::min(source_.keywords.size(), kMaxShownKeywords); ++i)
      shown += (i == 0 ? "" : ", ") + show(source_.keywords[i]);
    if (source_.keywords.size() > kMaxShownKeywords) shown += ", …";
    const auto tree = parse_expression(expressed.expression, expressed.caseless);
    const auto automaton = tree ? Automaton::build(*tree) : std::nullopt;
    const Anchor anchor = automaton ? choose_anchor(*tree, *automaton) : Anchor();
    if (anchor.kind == AnchorKind::literal && anchor.per_megabyte < kSelective) {
      report_.notes.other(fmt::format(
          "it finds its matches without {} somewhere in the text, too: the expression is rare enough", shown));
      return;
    }
    for (const std::string& keyword : source_.keywords)
      if (auto word = context_word(keyword); !word.empty()) rule.context_words.push_back(std::move(word));
    report_.notes.other(
        fmt::format("{} has to stand within {} bytes as a word, where gitleaks asks for it anywhere in the file", shown,
                    kMaxContextWithin));
  }

  // A context is of whole words: what is no letter and no digit at their ends is left out.
  static std::string context_word(std::string_view keyword) {
    const auto is_edge = [](char c) { return word_bytes()[static_cast<std::uint8_t>(c)] && c != '_'; };
    while (!keyword.empty() && !is_edge(keyword.front())) keyword.remove_prefix(1);
    while (!keyword.empty() && !is_edge(keyword.back())) keyword.remove_suffix(1);
    return keyword.size() > kMaxContextWithin ? std::string() : std::string(keyword);
  }

  // What an allow-list has too much of is left out, from its end.
  std::optional<Conditions> fitting_conditions(const Expression& tree, NewRule& rule) {
    const auto limit = [&](std::vector<std::string>& list, std::size_t most) {
      const bool cut = list.size() > most;
      if (cut) list.resize(most);
      return cut;
    };
    bool cut = limit(rule.allow_match, kMaxAllowedExpressions);
    cut = limit(rule.allow_values, kMaxAllowedValues) || cut;
    cut = limit(rule.allow_contain, kMaxStopWords) || cut;
    for (;;) {
      auto conditions = build_conditions(conditions_of(rule), tree, rule.caseless);
      if (cut) report_.notes.other("its allow-list is too much for one rule, and was cut: more is found");
      if (conditions) return *std::move(conditions);
      std::vector<std::string>& list = !rule.allow_match.empty() ? rule.allow_match : rule.allow_contain;
      if (list.empty()) return std::nullopt;
      list.resize(list.size() / 2);
      cut = true;
    }
  }

  bool add_samples(const Expressed& expressed, NewRule& rule) {
    const auto tree = parse_expression(expressed.expression, expressed.caseless);
    const auto automaton = tree ? Automaton::build(*tree) : std::nullopt;
    const auto conditions = automaton ? fitting_conditions(*tree, rule) : std::nullopt;
    if (!conditions) return false;
    const std::string before = rule.context_words.empty() ? "" : rule.context_words.front() + " ";
    for (std::uint64_t seed = 0; seed < kMaxTries; ++seed) {
      const Sample sample = make_sample(expressed, seed);
      if (!passes(rule, *conditions, sample.secret())) continue;
      rule.hit = before + sample.text;
      if (!matches_from(*automaton, rule.hit, before.size())) continue;
      for (const std::string& miss : candidates(sample)) {
        if (finds(*automaton, miss)) continue;
        rule.miss = miss;
        return true;
      }
    }
    return false;
  }

  static bool passes(const NewRule& rule, const Conditions& conditions, std::string_view secret) {
    if (rule.entropy > 0 && entropy_of(secret) <= rule.entropy) return false;
    if (conditions.stop_words && finds(*conditions.stop_words, secret)) return false;
    if (!conditions.allowed) return true;
    std::vector<std::uint32_t> ends;
    ends.reserve(conditions.allowed->max_width());
    return !conditions.allowed->ends_from(as_bytes(secret), 0, true, ends) || ends.empty() ||
           ends.back() < secret.size();
  }

  static std::vector<std::string> candidates(const Sample& sample) {
    std::string hidden = sample.text;
    for (std::size_t i = sample.begin; i < sample.end; ++i)
      if (word_bytes()[static_cast<std::uint8_t>(hidden[i])]) hidden[i] = '*';
    return {hidden, sample.text.substr(0, sample.begin + (sample.end - sample.begin) / 2), "*", " "};
  }

  static bool matches_from(const Automaton& automaton, std::string_view text, std::size_t start) {
    std::vector<std::uint32_t> ends;
    ends.reserve(automaton.max_width());
    return automaton.ends_from(as_bytes(text), start, true, ends) && !ends.empty();
  }
  static bool finds(const Automaton& automaton, std::string_view text) {
    for (std::size_t start = 0; start < text.size(); ++start)
      if (matches_from(automaton, text, start)) return true;
    return false;
  }
  static Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  }

  const SourceRule& source_;
  const SourceFile& file_;
  RuleReport& report_;
};

}  // namespace

std::vector<NewRule> convert(const SourceRule& rule, const SourceFile& file, RuleReport& report) {
  return Converter(rule, file, report).run();
}

ConditionSpec conditions_of(const NewRule& rule) {
  ConditionSpec spec{.group = rule.group,
                     .min_entropy_millibits = static_cast<std::uint32_t>(std::lround(rule.entropy * 1000))};
  if (!rule.context_words.empty()) spec.context = {rule.context_words, kMaxContextWithin, true};
  spec.allow = {rule.allow_values, rule.allow_contain, rule.allow_match};
  return spec;
}

}  // namespace sluice::rules::import
