// See fields.h.
#include "rules/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "rules/bounds.h"

namespace sluice::rules {
namespace {

std::string_view kind_name(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::null:
      return "nothing";
    case YamlNode::Kind::scalar:
      return "a plain value";
    case YamlNode::Kind::sequence:
      return "a list";
    case YamlNode::Kind::map:
      return "a map";
  }
  return "nothing";
}

bool contains(std::span<const std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string format_size(std::uint32_t bytes) {
  if (bytes >= 1024 * 1024 && bytes % (1024 * 1024) == 0) return fmt::format("{}MiB", bytes / (1024 * 1024));
  if (bytes >= 1024 && bytes % 1024 == 0) return fmt::format("{}KiB", bytes / 1024);
  return fmt::format("{}B", bytes);
}

}  // namespace

void Report::add(Position at, std::string text, std::string suggestion) {
  problems_.push_back({file_, at.line, at.column, std::move(text), std::move(suggestion)});
}

void Report::add(Problems problems) {
  std::move(problems.begin(), problems.end(), std::back_inserter(problems_));
}

Problems Report::take() {
  std::sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.file, a.line, a.column, a.text) < std::tie(b.file, b.line, b.column, b.text);
  });
  return std::move(problems_);
}

Fields::Fields(const YamlNode& node, std::string_view what, Report& report)
    : node_(node), what_(what), report_(report) {
  if (!is_map(node))
    report.add(node.position, fmt::format("{} is {}", what_, kind_name(node.kind)),
               "a map of keys and values is expected");
}

const YamlNode* Fields::get(std::string_view key) {
  known_.push_back(key);
  if (!is_map(node_)) return nullptr;
  const auto found = std::ranges::find(node_.children, key, &YamlNode::key);
  if (found == node_.children.end()) return nullptr;
  if (found->kind != YamlNode::Kind::null) return &*found;
  report_.add(found->key_position, fmt::format("key {} has no value", show(key)), "give it one or leave the key out");
  return nullptr;
}

const YamlNode* Fields::need(std::string_view key, std::string_view example) {
  const YamlNode* node = get(key);
  const bool empty = is_map(node_) && std::ranges::find(node_.children, key, &YamlNode::key) != node_.children.end();
  if (node == nullptr && !empty && is_map(node_))
    report_.add(node_.position, fmt::format("{} has no {}", what_, show(key)), fmt::format("add `{}`", example));
  return node;
}

void Fields::not_yet(std::string_view key) {
  later_.push_back(key);
}

void Fields::finish() {
  if (!is_map(node_)) return;
  for (const YamlNode& child : node_.children) {
    if (contains(known_, child.key)) continue;
    if (contains(later_, child.key))
      report_.add(child.key_position, fmt::format("key {} is not available in this version", show(child.key)),
                  "remove it, or wait for the version that has it");
    else
      report_.add(child.key_position, fmt::format("unknown key {} in {}", show(child.key), what_),
                  suggest_word(child.key, known_));
  }
}

std::optional<std::string> read_text(const YamlNode& node, Report& report) {
  if (node.kind == YamlNode::Kind::scalar) return node.text;
  report.add(node.position, fmt::format("{} stands where a plain value is expected", kind_name(node.kind)),
             "write one word, number or quoted text");
  return std::nullopt;
}

std::optional<std::string> read_name(const YamlNode& node, std::string_view what, Report& report) {
  auto text = read_text(node, report);
  if (!text) return std::nullopt;
  if (is_name(*text)) return text;
  report.add(node.position, fmt::format("{} is no name for {}", show(*text), what),
             fmt::format("1 to {} of a-z, 0-9, - and _", kMaxNameBytes));
  return std::nullopt;
}

std::optional<bool> read_bool(const YamlNode& node, Report& report) {
  static constexpr Word<bool> kWords[] = {{"true", true}, {"false", false}};
  return read_choice(node, kWords, report);
}

std::optional<std::uint32_t> read_number(const YamlNode& node, std::uint32_t low, std::uint32_t high, Report& report) {
  const auto text = read_text(node, report);
  if (!text) return std::nullopt;
  const auto value = parse_decimal(*text);
  if (value && *value >= low && *value <= high) return static_cast<std::uint32_t>(*value);
  report.add(node.position, fmt::format("{} is no number from {} to {}", show(*text), low, high),
             "write a whole number in that range");
  return std::nullopt;
}

std::optional<std::uint32_t> read_size(const YamlNode& node, std::uint32_t low, std::uint32_t high, Report& report) {
  static constexpr Word<std::uint32_t> kUnits[] = {{"KiB", 1024}, {"MiB", 1024 * 1024}, {"B", 1}};
  const auto text = read_text(node, report);
  if (!text) return std::nullopt;
  for (const auto& [unit, factor] : kUnits) {
    if (!text->ends_with(unit)) continue;
    std::string_view digits = std::string_view(*text).substr(0, text->size() - unit.size());
    if (digits.ends_with(' ')) digits.remove_suffix(1);
    const auto value = parse_decimal(digits);
    if (!value) break;
    if (*value <= high && *value * factor >= low && *value * factor <= high)
      return static_cast<std::uint32_t>(*value * factor);
    report.add(node.position, fmt::format("{} is out of bounds", show(*text)),
               fmt::format("from {} to {}", format_size(low), format_size(high)));
    return std::nullopt;
  }
  report.add(node.position, fmt::format("{} is no size", show(*text)),
             "a whole number and its unit: B, KiB or MiB, for example 64KiB");
  return std::nullopt;
}

std::optional<std::uint32_t> parse_seconds(std::string_view text, std::uint32_t most) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::uint32_t factor = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (error != std::errc{} || factor == 0 || number == 0 || number > most / factor) return std::nullopt;
  return number * factor;
}

std::span<const YamlNode> read_list(const YamlNode& node, std::string_view what, Report& report) {
  if (is_list(node)) return node.children;
  report.add(node.position, fmt::format("{} is {}", what, kind_name(node.kind)),
             "a list is expected: [a, b], or one `- ` a line");
  return {};
}

std::span<const YamlNode> read_one_or_list(const YamlNode& node, std::string_view what, Report& report) {
  if (node.kind == YamlNode::Kind::scalar) return {&node, 1};
  const auto list = read_list(node, what, report);
  if (is_list(node) && list.empty()) report.add(node.position, fmt::format("{} is empty", what), "name at least one");
  return list;
}

std::optional<std::size_t> read_word(const YamlNode& node, std::span<const std::string_view> words,
                                     std::span<const std::string_view> later, Report& report) {
  const auto text = read_text(node, report);
  if (!text) return std::nullopt;
  const auto found = std::ranges::find(words, std::string_view(*text));
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  if (contains(later, *text))
    report.add(node.position, fmt::format("{} is not available in this version", show(*text)),
               fmt::format("{}{}", words.size() > 1 ? "one of " : "", fmt::join(words, ", ")));
  else
    report.add(node.position, fmt::format("{} is not known here", show(*text)), suggest_word(*text, words));
  return std::nullopt;
}

}  // namespace sluice::rules
