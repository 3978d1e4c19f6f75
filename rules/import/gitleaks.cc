// See gitleaks.h. Keys are taken in either case, as gitleaks takes them.
#include "rules/import/gitleaks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <optional>
#include <utility>

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
// Some of its assertions are on what the file holds (`[=`); behind them it has words for the same.
#define TOML_ASSERT(expr) static_cast<void>(0)
#include <toml++/toml.h>

#include "rules/bounds.h"

namespace sluice::rules::import {
namespace {

constexpr std::uint32_t kMaxGroup = 1000;

Position position_of(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

class Reader {
 public:
  Reader(std::string_view source, std::string_view file) : file_(file) {
    for (std::size_t at = 0; at <= source.size();) {
      const std::size_t end = std::min(source.find('\n', at), source.size());
      lines_.push_back(source.substr(at, end - at));
      at = end + 1;
    }
  }

  SourceFile read(const toml::table& root) {
    SourceFile out;
    for (const auto& [key, node] : root) {
      const std::string name = lower(key.str());
      if (name == "rules")
        each_table(node, "rules", [&](const toml::table& table) { read_rule(table, out); });
      else if (name == "allowlists")
        each_table(node, "allowlists", [&](const toml::table& table) { out.allow.push_back(read_allow(table)); });
      else if (name == "allowlist")
        one_table(node, "allowlist", [&](const toml::table& table) { out.allow.push_back(read_allow(table)); });
      else if (name == "extend")
        one_table(node, "extend", [&](const toml::table& table) { read_extend(table, out); });
      else if (name != "title" && name != "description" && name != "minversion")
        out.remarks.push_back(
            fmt::format("line {}: key {} is not read", position_of(key.source()).line, show(key.str())));
    }
    check_targets(out);
    return out;
  }

  Problems take() { return std::move(problems_); }

 private:
  void refuse(const toml::node& node, std::string text, std::string suggestion) {
    const Position at = position_of(node.source());
    problems_.push_back({std::string(file_), at.line, at.column, std::move(text), std::move(suggestion)});
  }

  template <class Do>
  void one_table(const toml::node& node, std::string_view what, Do&& use) {
    if (const toml::table* table = node.as_table()) return use(*table);
    refuse(node, fmt::format("{} is no table", what), fmt::format("[{}]", what));
  }
  template <class Do>
  void each_table(const toml::node& node, std::string_view what, Do&& use) {
    const toml::array* array = node.as_array();
    if (array == nullptr)
      return refuse(node, fmt::format("{} is no list of tables", what), fmt::format("[[{}]]", what));
    for (const toml::node& item : *array) one_table(item, what, use);
  }

  std::string text(const toml::node& node, std::string_view key) {
    if (const auto* value = node.as_string()) return value->get();
    refuse(node, fmt::format("{} is no text", key), fmt::format("{} = '...'", key));
    return {};
  }
  template <class Do>
  void each_text(const toml::node& node, std::string_view key, Do&& use) {
    const toml::array* array = node.as_array();
    if (array == nullptr) return refuse(node, fmt::format("{} is no list", key), fmt::format("{} = ['...']", key));
    for (const toml::node& item : *array) {
      if (const auto* value = item.as_string())
        use(value->get(), item);
      else
        refuse(item, fmt::format("{} holds something other than texts", key), fmt::format("{} = ['...']", key));
    }
  }
  std::vector<std::string> texts(const toml::node& node, std::string_view key) {
    std::vector<std::string> out;
    each_text(node, key, [&](const std::string& value, const toml::node&) { out.push_back(value); });
    return out;
  }

  // Behind the quotes, where the line shows the text as it is.
  SourceRegex regex(const std::string& value, const toml::node& node) {
    SourceRegex out{value, position_of(node.source()), {}};
    if (out.value.line == 0 || out.value.line > lines_.size()) return out;
    const std::string_view line = lines_[out.value.line - 1];
    for (const std::string_view quote : {"'''", "\"\"\"", "'", "\""}) {
      if (!line.substr(std::min<std::size_t>(out.value.column - 1, line.size())).starts_with(quote)) continue;
      const std::size_t from = out.value.column - 1 + quote.size();
      if (line.substr(from).starts_with(value)) out.first = {out.value.line, static_cast<std::uint32_t>(from) + 1};
      break;
    }
    return out;
  }

  void read_rule(const toml::table& table, SourceFile& file) {
    SourceRule rule;
    rule.at = position_of(table.source());
    for (const auto& [key, node] : table) {
      const std::string name = lower(key.str());
      if (name == "id")
        rule.id = text(node, "id");
      else if (name == "description")
        rule.about = text(node, "description");
      else if (name == "path")
        rule.path = text(node, "path");
      else if (name == "regex")
        rule.regex = regex(text(node, "regex"), node);
      else if (name == "secretgroup")
        rule.secret_group = group(node);
      else if (name == "entropy")
        rule.entropy = entropy(node);
      else if (name == "keywords")
        rule.keywords = texts(node, "keywords");
      else if (name == "allowlists")
        each_table(node, "allowlists", [&](const toml::table& allow) { rule.allow.push_back(read_allow(allow)); });
      else if (name == "allowlist")
        one_table(node, "allowlist", [&](const toml::table& allow) { rule.allow.push_back(read_allow(allow)); });
      else if (name == "required")
        rule.needs_others = node.is_array() && !node.as_array()->empty();
      else if (name == "skipreport")
        rule.helper = node.as_boolean() != nullptr && node.as_boolean()->get();
      else if (name != "tags" && name != "severity")
        file.remarks.push_back(
            fmt::format("line {}: key {} of a rule is not read", position_of(key.source()).line, show(key.str())));
    }
    if (file.rules.size() == kMaxRules)
      return refuse(table, fmt::format("more than {} rules", kMaxRules), "import them in several packs");
    if (rule.id.empty()) return refuse(table, "a rule without an id", "id = 'my-rule'");
    file.rules.push_back(std::move(rule));
  }

  std::uint32_t group(const toml::node& node) {
    const auto* value = node.as_integer();
    if (value != nullptr && value->get() >= 0 && value->get() <= kMaxGroup)
      return static_cast<std::uint32_t>(value->get());
    refuse(node, "secretGroup is not the number of a group", "secretGroup = 1");
    return 0;
  }

  double entropy(const toml::node& node) {
    const auto value = node.value<double>();
    if (value && std::isfinite(*value) && *value >= 0 && *value <= 8) return *value;
    refuse(node, "entropy is no number from 0 to 8", "entropy = 3.5");
    return 0;
  }

  SourceAllow read_allow(const toml::table& table) {
    SourceAllow allow;
    allow.at = position_of(table.source());
    for (const auto& [key, node] : table) {
      const std::string name = lower(key.str());
      if (name == "regexes")
        each_text(node, "regexes", [&](const std::string& value, const toml::node& item) {
          allow.regexes.push_back(regex(value, item));
        });
      else if (name == "stopwords")
        allow.stopwords = texts(node, "stopwords");
      else if (name == "paths")
        allow.paths = texts(node, "paths").size();
      else if (name == "commits")
        allow.commits = texts(node, "commits").size();
      else if (name == "targetrules")
        allow.rules = texts(node, "targetRules");
      else if (name == "regextarget")
        allow.target = target(node);
      else if (name == "condition")
        allow.all = condition(node);
      else if (name != "description")
        refuse(node, fmt::format("unknown key {} in an allowlist", show(key.str())),
               suggest_word(key.str(), kAllowKeys));
    }
    return allow;
  }
  static constexpr std::array<std::string_view, 8> kAllowKeys = {
      "description", "condition", "commits", "paths", "regexTarget", "regexes", "stopwords", "targetRules"};

  SourceAllow::Target target(const toml::node& node) {
    const std::string word = text(node, "regexTarget");
    if (word == "match") return SourceAllow::Target::match;
    if (word == "line") return SourceAllow::Target::line;
    if (!word.empty() && word != "secret")
      refuse(node, fmt::format("regexTarget {}", show(word)), "one of secret, match, line");
    return SourceAllow::Target::secret;
  }

  bool condition(const toml::node& node) {
    const std::string word = lower(text(node, "condition"));
    if (word == "and" || word == "&&") return true;
    if (!word.empty() && word != "or" && word != "||")
      refuse(node, fmt::format("condition {}", show(word)), "one of AND, OR");
    return false;
  }

  static void read_extend(const toml::table& table, SourceFile& file) {
    for (const auto& [key, node] : table) {
      const std::string name = lower(key.str());
      if (name == "usedefault" && node.as_boolean() != nullptr && node.as_boolean()->get())
        file.remarks.emplace_back(
            "it extends gitleaks' own rules (useDefault), which are not in this file: import those too");
      else if ((name == "path" || name == "url") && node.as_string() != nullptr)
        file.remarks.push_back(
            fmt::format("it extends {}, which is not read: import that too", show(node.as_string()->get())));
      else if (name == "disabledrules")
        file.remarks.emplace_back("disabledRules is not read: leave those rules out of the policy");
    }
  }

  void check_targets(SourceFile& file) {
    for (const SourceAllow& allow : file.allow)
      for (const std::string& id : allow.rules)
        if (std::ranges::find(file.rules, id, &SourceRule::id) == file.rules.end())
          file.remarks.push_back(
              fmt::format("line {}: the allowlist is for rule {}, which is not in this file", allow.at.line, show(id)));
  }

  std::string_view file_;
  std::vector<std::string_view> lines_;
  Problems problems_;
};

}  // namespace

std::expected<SourceFile, Problems> read_gitleaks(std::string_view toml, std::string_view file_name) {
  const auto refused = [&](Position at, std::string text, std::string suggestion) {
    return std::unexpected(
        Problems{{std::string(file_name), at.line, at.column, std::move(text), std::move(suggestion)}});
  };
  if (toml.size() > kMaxTomlBytes)
    return refused({}, fmt::format("the file is larger than {} MiB", kMaxTomlBytes >> 20), "split it");
  const toml::parse_result parsed = toml::parse(toml);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return refused(position_of(error.source()), fmt::format("this is no TOML: {}", error.description()), "");
  }
  Reader reader(toml, file_name);
  SourceFile file = reader.read(parsed.table());
  Problems problems = reader.take();
  std::ranges::sort(problems, {}, [](const Problem& problem) { return std::pair(problem.line, problem.column); });
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return file;
}

}  // namespace sluice::rules::import
