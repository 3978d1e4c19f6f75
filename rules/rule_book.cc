// See rule_book.h.
#include "rules/rule_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "rules/rule_reader.h"

namespace sluice::rules {
namespace {

constexpr std::string_view kLocal = "local";

}  // namespace

void RuleBook::read_local(const YamlNode& list) {
  Report own = report_.fresh();
  Group group;
  group.rules = read_rules(list, kLocal, false, own);
  group.whole = own.empty();
  report_.add(own.take());
  group.taken.assign(group.rules.size(), kNotTaken);
  // All of them, asked for or not: an operator who wrote a rule finds it in the summary.
  for (std::size_t i = 0; i < group.rules.size(); ++i) take_rule(group, i);
  groups_.insert_or_assign(std::string(kLocal), std::move(group));
}

std::vector<RuleIndex> RuleBook::resolve(const YamlNode& list) {
  std::vector<RuleIndex> out;
  std::set<std::string_view> seen;
  for (const YamlNode& item : read_list(list, "rules", report_)) {
    if (item.kind == YamlNode::Kind::scalar && !seen.insert(item.text).second) {
      report_.add(item.position, fmt::format("{} is named twice", show(item.text)), "once is enough");
      continue;
    }
    resolve_one(item, out);
  }
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

void RuleBook::resolve_one(const YamlNode& item, std::vector<RuleIndex>& out) {
  const auto text = read_text(item, report_);
  if (!text) return;
  const std::size_t slash = text->find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text->size()) {
    report_.add(item.position, fmt::format("{} names no rule", show(*text)),
                "write pack/*, pack/rule, pack/begins-so-* or local/rule");
    return;
  }
  const std::string group_name = text->substr(0, slash);
  const std::string rule_name = text->substr(slash + 1);
  Group* group = find_group(group_name, item.position);
  if (group == nullptr) return;
  if (rule_name.back() == '*') {
    const std::string_view beginning = std::string_view(*text).substr(0, text->size() - 1);
    const std::size_t before = out.size();
    for (std::size_t i = 0; i < group->rules.size(); ++i)
      if (group->rules[i].name.starts_with(beginning)) out.push_back(take_rule(*group, i));
    if (out.size() > before || rule_name == "*" || !group->whole) return;
  }
  const auto found = std::ranges::find(group->rules, *text, &Rule::name);
  if (found != group->rules.end()) {
    out.push_back(take_rule(*group, static_cast<std::size_t>(found - group->rules.begin())));
    return;
  }
  if (!group->whole) return;  // it may be one of those already reported
  std::vector<std::string_view> names;
  for (const Rule& rule : group->rules) names.push_back(rule.name);
  report_.add(item.position, fmt::format("there is no rule {}", show(*text)), suggest_word(*text, names));
}

RuleBook::Group* RuleBook::find_group(const std::string& name, Position at) {
  auto found = groups_.find(name);
  if (found == groups_.end()) {
    if (name == kLocal) {
      report_.add(at, "this file has no rules of its own", "add a list `rules:` at the top level");
      found = groups_.emplace(name, Group{}).first;
    } else {
      found = groups_.emplace(name, load_pack(name, at)).first;
    }
  }
  return &found->second;
}

RuleBook::Group RuleBook::load_pack(const std::string& name, Position at) {
  const auto text = packs_.read(name);
  if (!text) {
    std::vector<std::string> names = packs_.names();
    names.emplace_back(kLocal);
    const std::vector<std::string_view> words(names.begin(), names.end());
    if (text.error().code == ErrorCode::not_found)
      report_.add(at, fmt::format("there is no pack {} in {}", show(name), packs_.directory().string()),
                  suggest_word(name, words));
    else
      report_.add(at, fmt::format("pack {} can not be read: {}", show(name), text.error().detail), "");
    return {};
  }
  auto pack = parse_pack(*text, name, packs_.path_of(name).string());
  if (!pack) {
    report_.add(std::move(pack.error()));
    return {};
  }
  Group group{true, std::move(pack->rules), {}};
  group.taken.assign(group.rules.size(), kNotTaken);
  return group;
}

RuleIndex RuleBook::take_rule(Group& group, std::size_t position) {
  RuleIndex& taken = group.taken[position];
  if (taken == kNotTaken) {
    taken = static_cast<RuleIndex>(rules_.size());
    rules_.push_back(group.rules[position]);
  }
  return taken;
}

}  // namespace sluice::rules
