// See across_reader.h.
#include "rules/across_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "rules/bounds.h"

namespace sluice::rules {
namespace {

constexpr std::string_view kTieHint = "principal, path, header X-Upload-Id or query upload";

// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && text.size() <= kMaxTieNameBytes && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kMarks.contains(c);
  });
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// The name in "header NAME", nothing for what does not begin so.
std::optional<std::string_view> name_behind(std::string_view word, std::string_view text) {
  if (!text.starts_with(word) || text.size() <= word.size() || text[word.size()] != ' ') return std::nullopt;
  text.remove_prefix(std::min(text.find_first_not_of(' ', word.size()), text.size()));
  return text;
}

std::optional<Tie> parse_tie(std::string_view text) {
  if (text == "principal") return Tie{TieKind::principal, ""};
  if (text == "path") return Tie{TieKind::path, ""};
  if (const auto name = name_behind("header", text); name && is_token(*name))
    return Tie{TieKind::header, lower_case(*name)};
  // As the parameter is once its escapes are read.
  if (const auto name = name_behind("query", text); name && !name->empty() && name->size() <= kMaxTieNameBytes)
    return Tie{TieKind::query, std::string(*name)};
  return std::nullopt;
}

void read_ties(const YamlNode& node, Across& across, Report& report) {
  for (const YamlNode& item : read_one_or_list(node, "by", report)) {
    const auto text = read_text(item, report);
    if (!text) continue;
    auto tie = parse_tie(*text);
    if (!tie) {
      report.add(item.position, fmt::format("{} ties no requests together", show(*text)), std::string(kTieHint));
    } else if (std::ranges::find(across.by, *tie) != across.by.end()) {
      report.add(item.position, fmt::format("{} is named twice", show(*text)), "once is enough");
    } else {
      across.by.push_back(*std::move(tie));
    }
  }
  if (across.by.size() > kMaxTies)
    report.add(node.position, fmt::format("{} things that tie requests together", across.by.size()),
               fmt::format("at most {}", kMaxTies));
  std::ranges::sort(across.by);
}

void read_offset(const YamlNode& node, Across& across, Report& report) {
  const auto text = read_text(node, report);
  if (!text) return;
  const auto name = name_behind("header", *text);
  if (name && is_token(*name)) across.offset = lower_case(*name);
  if (across.offset.empty())
    report.add(node.position, fmt::format("{} is no header", show(*text)),
               "header Upload-Offset, or header Content-Range");
}

}  // namespace

void read_across(Fields& fields, Rule& rule, Report& report) {
  const YamlNode* node = fields.get("across");
  if (node == nullptr) return;
  Fields map(*node, "across", report);
  Across across;
  if (const YamlNode* by = map.need("by", "by: [principal, header X-Upload-Id]")) read_ties(*by, across, report);
  if (const YamlNode* offset = map.get("offset")) read_offset(*offset, across, report);
  if (const YamlNode* life = map.get("for")) {
    const auto text = read_text(*life, report);
    const auto seconds = text ? parse_seconds(*text, kMaxAcrossSeconds) : std::nullopt;
    if (seconds) across.seconds = *seconds;
    if (text && !seconds) report.add(life->position, fmt::format("{} is no time", show(*text)), "1s to 24h, as 10m");
  }
  map.finish();
  if (!rule.looks_at(Place::request_body))
    report.add(node->key_position, "a rule looks across the bodies of requests, and this one looks at none",
               "where: [request.body], or remove across");
  if (rule.max_width > kMaxAcrossMatchBytes)
    report.add(node->key_position,
               fmt::format("a match may have {} bytes, and {} where a rule looks across requests", rule.max_width,
                           kMaxAcrossMatchBytes),
               "shorten what repeats in it, or remove across");
  rule.across = std::move(across);
}

}  // namespace sluice::rules
