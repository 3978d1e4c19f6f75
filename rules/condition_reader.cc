// See condition_reader.h.
#include "rules/condition_reader.h"

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "rules/bounds.h"
#include "rules/conditions.h"

namespace sluice::rules {
namespace {

constexpr std::uint32_t kDefaultWithin = 40;

// "3.5" as 3500; nothing for what is no number of bits with at most three decimals.
std::optional<std::uint32_t> parse_millibits(std::string_view text) {
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  const std::string_view decimals = text.substr(std::min(point + 1, text.size()));
  if (digits.empty() || decimals.size() > 3 || (decimals.empty() && point < text.size())) return std::nullopt;
  digits.append(decimals).append(3 - decimals.size(), '0');
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  if (value == 0 || value > kMaxEntropyMillibits) return std::nullopt;
  return value;
}

class ConditionReader {
 public:
  ConditionReader(Fields& fields, Rule& rule, Report& report)
      : fields_(fields), rule_(rule), spec_(rule.conditions), report_(report) {}

  void read() {
    const std::size_t problems = report_.size();
    if (const YamlNode* node = remember(ConditionProblem::Field::group, fields_.get("group")))
      spec_.group = read_number(*node, 0, kMaxGroup, report_).value_or(0);
    if (const YamlNode* node = remember(ConditionProblem::Field::entropy, fields_.get("entropy"))) read_entropy(*node);
    if (const YamlNode* node = fields_.get("context")) read_context(*node);
    if (const YamlNode* node = fields_.get("allow")) read_allow(*node);
    if (report_.size() == problems && !rule_.expression.empty()) check();
  }

 private:
  const YamlNode* remember(ConditionProblem::Field field, const YamlNode* node) {
    if (node != nullptr) nodes_[field] = node;
    return node;
  }

  void read_entropy(const YamlNode& node) {
    const auto text = read_text(node, report_);
    if (!text) return;
    const auto millibits = parse_millibits(*text);
    if (millibits) spec_.min_entropy_millibits = *millibits;
    if (!millibits)
      report_.add(node.position, fmt::format("{} is no entropy", show(*text)),
                  "bits a byte, above 0 and up to 8, with at most three decimals: 3.5");
  }

  void read_context(const YamlNode& node) {
    static constexpr Word<bool> kSides[] = {{"before", false}, {"both", true}};
    Fields context(node, "a context", report_);
    if (const YamlNode* words = remember(ConditionProblem::Field::words, context.need("words", "words: [ssn]")))
      read_texts(*words, "words", spec_.context.words);
    spec_.context.within = kDefaultWithin;
    if (const YamlNode* within = remember(ConditionProblem::Field::within, context.get("within")))
      spec_.context.within = read_number(*within, 1, kMaxContextWithin, report_).value_or(kDefaultWithin);
    if (const YamlNode* side = context.get("side"))
      spec_.context.both_sides = read_choice(*side, kSides, report_).value_or(false);
    context.finish();
  }

  void read_allow(const YamlNode& node) {
    Fields allow(node, "an allow-list", report_);
    const std::size_t problems = report_.size();
    if (const YamlNode* list = remember(ConditionProblem::Field::values, allow.get("values")))
      read_texts(*list, "values", spec_.allow.values);
    if (const YamlNode* list = remember(ConditionProblem::Field::contain, allow.get("contain")))
      read_texts(*list, "contain", spec_.allow.contain);
    if (const YamlNode* list = remember(ConditionProblem::Field::match, allow.get("match")))
      read_texts(*list, "match", spec_.allow.match);
    allow.finish();
    if (report_.size() == problems && spec_.allow.empty())
      report_.add(node.position, "an allow-list of nothing", "give it values, contain or match, or leave it out");
  }

  void read_texts(const YamlNode& node, std::string_view what, std::vector<std::string>& out) {
    for (const YamlNode& item : read_one_or_list(node, what, report_))
      if (auto text = read_text(item, report_)) out.push_back(*std::move(text));
  }

  void check() {
    const auto expression = parse_expression(rule_.expression, rule_.caseless);
    if (!expression) return;
    const auto built = build_conditions(spec_, *expression, rule_.caseless);
    if (built) return;
    const ConditionProblem& problem = built.error();
    const YamlNode* node = nodes_[problem.field];
    Position at = node == nullptr ? rule_.position : node->position;
    if (node != nullptr && problem.item > 0 && is_list(*node) && problem.item <= node->children.size())
      at = node->children[problem.item - 1].position_of(problem.problem.character);
    report_.add(at, fmt::format("rule {}: {}", rule_.name, problem.what()), problem.problem.suggestion);
  }

  Fields& fields_;
  Rule& rule_;
  ConditionSpec& spec_;
  Report& report_;
  std::map<ConditionProblem::Field, const YamlNode*> nodes_;
};

}  // namespace

void read_conditions(Fields& fields, Rule& rule, Report& report) {
  ConditionReader(fields, rule, report).read();
}

}  // namespace sluice::rules
