// See pack_text.h.
#include "rules/import/pack_text.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>

#include "rules/bounds.h"

namespace sluice::rules::import {
namespace {

// What YAML can not show as it stands goes into double quotes, with escapes.
void put(YAML::Emitter& out, const std::string& text) {
  const bool plain = std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
  if (plain)
    out << YAML::SingleQuoted << text;
  else
    out << YAML::DoubleQuoted << text;
}

void put_list(YAML::Emitter& out, const char* key, const std::vector<std::string>& list, bool flow) {
  if (list.empty()) return;
  out << YAML::Key << key << YAML::Value << (flow ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
  for (const std::string& text : list) put(out, text);
  out << YAML::EndSeq;
}

void put_words(YAML::Emitter& out, const char* key, std::initializer_list<const char*> words) {
  out << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
  for (const char* word : words) out << word;
  out << YAML::EndSeq;
}

void put_conditions(YAML::Emitter& out, const NewRule& rule) {
  if (rule.group > 0) out << YAML::Key << "group" << YAML::Value << rule.group;
  if (std::lround(rule.entropy * 1000) > 0)
    out << YAML::Key << "entropy" << YAML::Value << fmt::format("{}", std::round(rule.entropy * 1000) / 1000);
  if (!rule.context_words.empty()) {
    out << YAML::Key << "context" << YAML::Value << YAML::BeginMap;
    put_list(out, "words", rule.context_words, true);
    out << YAML::Key << "within" << YAML::Value << kMaxContextWithin;
    out << YAML::Key << "side" << YAML::Value << "both" << YAML::EndMap;
  }
  if (rule.allow_values.empty() && rule.allow_contain.empty() && rule.allow_match.empty()) return;
  out << YAML::Key << "allow" << YAML::Value << YAML::BeginMap;
  put_list(out, "values", rule.allow_values, false);
  put_list(out, "contain", rule.allow_contain, true);
  put_list(out, "match", rule.allow_match, false);
  out << YAML::EndMap;
}

void put_rule(YAML::Emitter& out, const NewRule& rule) {
  out << YAML::BeginMap;
  out << YAML::Key << "name" << YAML::Value << rule.name;
  if (!rule.about.empty()) {
    out << YAML::Key << "about" << YAML::Value;
    put(out, rule.about);
  }
  out << YAML::Key << "match" << YAML::Value;
  put(out, rule.expression);
  if (rule.caseless) out << YAML::Key << "ignore_case" << YAML::Value << true;
  put_conditions(out, rule);
  put_words(out, "where", {"request", "response"});
  out << YAML::Key << "action" << YAML::Value << "mask";
  out << YAML::Key << "mask" << YAML::Value << YAML::Flow << YAML::BeginMap;
  put_words(out, "on", {"record"});
  out << YAML::EndMap;
  put_list(out, "hits", {rule.hit}, false);
  put_list(out, "misses", {rule.miss}, false);
  out << YAML::EndMap;
}

}  // namespace

std::string pack_text(std::string_view name, std::string_view about, std::string_view head,
                      const std::vector<NewRule>& rules) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  out << YAML::Key << "pack" << YAML::Value << std::string(name);
  out << YAML::Key << "about" << YAML::Value << YAML::SingleQuoted << std::string(about);
  out << YAML::Key << "rules" << YAML::Value << YAML::BeginSeq;
  for (const NewRule& rule : rules) put_rule(out, rule);
  out << YAML::EndSeq << YAML::EndMap;
  return fmt::format("{}{}\n", head, out.c_str());
}

}  // namespace sluice::rules::import
