// Reads typed fields out of a YAML map and reports whatever is wrong with them. A key that nobody asked
// for is a problem: nothing in a policy is ever silently ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/problem.h"
#include "rules/yaml_tree.h"

namespace sluice::rules {

// Collects the problems of one file.
class Report {
 public:
  explicit Report(std::string_view file) : file_(file) {}

  void add(Position at, std::string text, std::string suggestion);
  void add(Problems problems);
  [[nodiscard]] bool empty() const { return problems_.empty(); }
  [[nodiscard]] std::size_t size() const { return problems_.size(); }
  // An empty report on the same file.
  [[nodiscard]] Report fresh() const { return Report(file_); }
  // In the order of the file.
  Problems take();

 private:
  std::string file_;
  Problems problems_;
};

// The keys of one map. Ask for every key that exists; finish() reports the others.
class Fields {
 public:
  // Reports when `node` is no map, and is then empty. `what` names the thing: "a service".
  Fields(const YamlNode& node, std::string_view what, Report& report);

  // nullptr when absent. A key without a value is reported, and absent.
  const YamlNode* get(std::string_view key);
  // The same, and its absence is a problem.
  const YamlNode* need(std::string_view key, std::string_view example);
  // A key that the design knows and this version does not.
  void not_yet(std::string_view key);
  void finish();

  [[nodiscard]] Position position() const { return node_.position; }

 private:
  const YamlNode& node_;
  std::string what_;
  Report& report_;
  std::vector<std::string_view> known_;
  std::vector<std::string_view> later_;
};

// Each reports and returns nullopt when the value is not what it should be.
std::optional<std::string> read_text(const YamlNode& node, Report& report);
// Lower-case letters, digits, '-' and '_', at most 63: names become folder names and counters.
std::optional<std::string> read_name(const YamlNode& node, std::string_view what, Report& report);
std::optional<bool> read_bool(const YamlNode& node, Report& report);
std::optional<std::uint32_t> read_number(const YamlNode& node, std::uint32_t low, std::uint32_t high, Report& report);
// "64KiB": a number and B, KiB or MiB.
std::optional<std::uint32_t> read_size(const YamlNode& node, std::uint32_t low, std::uint32_t high, Report& report);
// Seconds of "90s", "15m" or "8h": 1 to `most`.
std::optional<std::uint32_t> parse_seconds(std::string_view text, std::uint32_t most);
// The children of a list, none when it is no list.
std::span<const YamlNode> read_list(const YamlNode& node, std::string_view what, Report& report);
// One value, or a list of at least one.
std::span<const YamlNode> read_one_or_list(const YamlNode& node, std::string_view what, Report& report);

inline bool is_map(const YamlNode& node) {
  return node.kind == YamlNode::Kind::map;
}
inline bool is_list(const YamlNode& node) {
  return node.kind == YamlNode::Kind::sequence;
}

template <class T>
struct Word {
  std::string_view word;
  T value;
};

// The position of a word in `words`. Words in `later` are told apart from unknown ones.
std::optional<std::size_t> read_word(const YamlNode& node, std::span<const std::string_view> words,
                                     std::span<const std::string_view> later, Report& report);

template <class T, std::size_t N>
std::optional<T> read_choice(const YamlNode& node, const Word<T> (&choices)[N], Report& report,
                             std::span<const std::string_view> later = {}) {
  std::vector<std::string_view> words;
  for (const Word<T>& choice : choices) words.push_back(choice.word);
  const auto index = read_word(node, words, later, report);
  if (!index) return std::nullopt;
  return choices[*index].value;
}

}  // namespace sluice::rules
