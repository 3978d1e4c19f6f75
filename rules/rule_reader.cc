// See rule_reader.h.
#include "rules/rule_reader.h"

#include <fmt/format.h>

#include <map>

#include "rules/across_reader.h"
#include "rules/bounds.h"
#include "rules/column_reader.h"
#include "rules/condition_reader.h"
#include "rules/expression_check.h"
#include "rules/sql_reader.h"

namespace sluice::rules {
namespace {

constexpr std::size_t kRequest = 0;
constexpr std::size_t kResponse = 1;

constexpr Word<Action> kActions[] = {
    {"observe", Action::observe}, {"mask", Action::mask}, {"hold", Action::hold}, {"deny", Action::deny}};
constexpr std::string_view kLaterActions[] = {"throttle"};
constexpr Word<Validator> kValidators[] = {
    {"none", Validator::none}, {"luhn", Validator::luhn}, {"mod97", Validator::mod97}, {"jwt", Validator::jwt}};

// Each word stands for a set of places, one bit each in the order of Place.
constexpr Word<unsigned> kPlaceWords[] = {{"request", 0b0011},       {"response", 0b1100},
                                          {"request.head", 0b0001},  {"request.body", 0b0010},
                                          {"response.head", 0b0100}, {"response.body", 0b1000}};

enum class MaskOn : std::uint8_t { wire, wire_request, wire_response, record, nowhere };
constexpr Word<MaskOn> kMaskWords[] = {{"wire", MaskOn::wire},
                                       {"wire.request", MaskOn::wire_request},
                                       {"wire.response", MaskOn::wire_response},
                                       {"record", MaskOn::record},
                                       {"nowhere", MaskOn::nowhere}};

bool looks_at_direction(const Rule& rule, std::size_t direction) {
  return rule.where[2 * direction] || rule.where[2 * direction + 1];
}

class RuleReader {
 public:
  RuleReader(const YamlNode& node, Report& report) : fields_(node, "a rule", report), report_(report) {
    rule_.position = node.position;
  }

  Rule read(std::string_view group, bool samples) {
    if (const YamlNode* node = fields_.need("name", "name: ticket-number"))
      if (auto name = read_name(*node, "a rule", report_)) rule_.name = fmt::format("{}/{}", group, *name);
    if (const YamlNode* node = fields_.get("about")) rule_.about = read_text(*node, report_).value_or("");
    if (const YamlNode* sql = fields_.get("sql"))
      read_statement(*sql);
    else if (const YamlNode* columns = fields_.get("columns"))
      read_by_column(*columns);
    else
      read_content();
    read_score();
    read_action();
    if (samples && rule_.columns.empty()) {
      read_samples("hits", rule_.hits);
      read_samples("misses", rule_.misses);
    }
    fields_.finish();
    return std::move(rule_);
  }

 private:
  // What it looks for in content, and where.
  void read_content() {
    if (const YamlNode* node = fields_.get("validate"))
      rule_.validator = read_choice(*node, kValidators, report_).value_or(Validator::none);
    read_match();
    read_conditions(fields_, rule_, report_);
    read_where(fields_.need("where", "where: [response]"));
    read_across(fields_, rule_, report_);
  }

  // What it asks of statements: they are requests, and of one it is so or not.
  void read_statement(const YamlNode& node) {
    rule_.sql = read_sql(node, report_);
    for (const std::string_view key :
         {"match", "ignore_case", "where", "validate", "group", "entropy", "context", "allow", "across", "mask"})
      if (const YamlNode* other = fields_.get(key))
        report_.add(other->position, fmt::format("\"{}\" beside sql, which asks what a statement means", key),
                    "remove it, or write a rule of its own with match");
  }

  // Cells are hidden for where they stand, whatever they hold.
  void read_by_column(const YamlNode& node) {
    rule_.columns = read_columns(node, report_);
    for (const std::string_view key : {"match", "ignore_case", "validate", "group", "entropy", "context", "allow",
                                       "across", "score", "hits", "misses"})
      if (const YamlNode* other = fields_.get(key))
        report_.add(other->position, fmt::format("\"{}\" on a rule that names columns", key),
                    "remove it; what looks at values is another rule, with `match`");
    const YamlNode* where = fields_.get("where");
    read_where(where);
    if (looks_at_direction(rule_, kRequest))
      report_.add(where->position, "only results have columns", "where: [response], or remove it");
    rule_.where = {};
    rule_.where[static_cast<std::size_t>(Place::response_body)] = true;
  }

  void read_match() {
    if (const YamlNode* node = fields_.get("ignore_case")) rule_.caseless = read_bool(*node, report_).value_or(false);
    const YamlNode* node = fields_.need("match", "match: 'TICKET-[0-9]{4,8}'");
    if (node == nullptr) return;
    auto text = read_text(*node, report_);
    if (!text) return;
    const auto widths = check_expression(*text, rule_.caseless);
    if (widths) {
      rule_.min_width = widths->min;
      rule_.max_width = widths->max;
      rule_.expression = *std::move(text);
      return;
    }
    const ExpressionProblem& problem = widths.error();
    const std::string rule = rule_.name.empty() ? "" : fmt::format("rule {}: ", rule_.name);
    report_.add(node->position_of(problem.character), rule + problem.what(), problem.suggestion);
  }

  void read_where(const YamlNode* node) {
    if (node == nullptr) return;
    for (const YamlNode& item : read_one_or_list(*node, "where", report_)) {
      const auto places = read_choice(item, kPlaceWords, report_);
      for (std::size_t place = 0; places && place < kPlaces; ++place)
        if ((*places >> place & 1) != 0) rule_.where[place] = true;
    }
  }

  void read_score() {
    const YamlNode* node = fields_.get("score");
    if (node == nullptr) return;
    rule_.score = read_number(*node, 1, kMaxScore, report_).value_or(0);
    if (looks_at_direction(rule_, kResponse))
      report_.add(node->position, "score is for requests: when a response is known its request has passed",
                  "where: [request]");
  }

  // What is only worth a score is observed.
  void read_action() {
    const YamlNode* node = rule_.score > 0 ? fields_.get("action") : fields_.need("action", "action: mask");
    std::optional<Action> action;
    if (node != nullptr)
      action = read_choice(*node, kActions, report_, kLaterActions);
    else if (rule_.score > 0)
      action = Action::observe;
    if (action) rule_.action = *action;
    if ((action == Action::deny || action == Action::hold) && looks_at_direction(rule_, kResponse))
      report_.add(node->position,
                  fmt::format("{} is for requests: a response's head is out before its body is known",
                              *action == Action::deny ? "deny" : "hold"),
                  "where: [request], or action: mask");
    if (action == Action::mask && rule_.sql)
      report_.add(node->position, "sql finds nothing that could be hidden", "action: deny, hold or observe");
    const YamlNode* mask = fields_.get("mask");
    if (!action || rule_.sql) return;
    if (mask != nullptr) return read_mask(*mask);
    // What a rule denies is not wanted on disk either. Who decides on what it holds must see it.
    rule_.mask_record = *action == Action::mask || *action == Action::deny;
    if (*action == Action::mask) mask_wire_everywhere();
  }

  void read_mask(const YamlNode& node) {
    Fields mask(node, "a mask", report_);
    if (const YamlNode* keep = mask.get("keep_last")) {
      rule_.keep_last = static_cast<std::uint8_t>(read_number(*keep, 0, kMaxKeepLast, report_).value_or(0));
      if (!rule_.columns.empty()) report_.add(keep->position, "a cell is hidden as a whole", "remove keep_last");
    }
    const YamlNode* on = mask.get("on");
    mask.finish();
    if (on == nullptr) {
      rule_.mask_record = true;
      if (rule_.action == Action::mask) mask_wire_everywhere();
      return;
    }
    const auto words = read_one_or_list(*on, "on", report_);
    for (const YamlNode& item : words) {
      const auto word = read_choice(item, kMaskWords, report_);
      if (word == MaskOn::nowhere && (words.size() > 1 || rule_.action == Action::mask))
        report_.add(item.position, "nowhere stands alone, and not with action: mask", "name where a match is hidden");
      if (word && *word != MaskOn::nowhere) mask_on(*word, item);
    }
  }

  void mask_on(MaskOn word, const YamlNode& item) {
    if (word == MaskOn::record) {
      rule_.mask_record = true;
    } else if (rule_.action != Action::mask) {
      report_.add(item.position, "only action: mask changes what is on the wire", "on: [record], or action: mask");
    } else if (word == MaskOn::wire) {
      mask_wire_everywhere();
    } else {
      const std::size_t direction = word == MaskOn::wire_request ? kRequest : kResponse;
      rule_.mask_wire[direction] = true;
      if (!looks_at_direction(rule_, direction))
        report_.add(item.position,
                    fmt::format("the rule does not look at {}s", direction == kRequest ? "request" : "response"),
                    "leave it out, or widen where");
    }
  }

  void mask_wire_everywhere() {
    for (const std::size_t direction : {kRequest, kResponse})
      rule_.mask_wire[direction] = looks_at_direction(rule_, direction);
  }

  void read_samples(std::string_view key, std::vector<std::string>& out) {
    const YamlNode* node = fields_.need(key, fmt::format("{}: ['...']", key));
    if (node == nullptr) return;
    for (const YamlNode& item : read_one_or_list(*node, key, report_))
      if (auto text = read_text(item, report_)) out.push_back(*std::move(text));
  }

  Fields fields_;
  Report& report_;
  Rule rule_;
};

}  // namespace

std::optional<Rule> read_rule(const YamlNode& node, std::string_view group, bool samples, Report& report) {
  Report own = report.fresh();
  Rule rule = RuleReader(node, own).read(group, samples);
  const bool whole = own.empty();
  report.add(own.take());
  if (!whole) return std::nullopt;
  return rule;
}

std::vector<Rule> read_rules(const YamlNode& list, std::string_view group, bool samples, Report& report) {
  std::vector<Rule> rules;
  std::map<std::string, Position> seen;
  for (const YamlNode& node : read_list(list, "rules", report)) {
    if (rules.size() == kMaxRules) {
      report.add(node.position, fmt::format("more than {} rules", kMaxRules), "join some with (?:a|b)");
      break;
    }
    auto rule = read_rule(node, group, samples, report);
    if (!rule) continue;
    const auto [first, fresh] = seen.emplace(rule->name, node.position);
    if (fresh)
      rules.push_back(*std::move(rule));
    else
      report.add(node.position, fmt::format("rule {} is given twice", show(rule->name)),
                 fmt::format("it already stands in line {}", first->second.line));
  }
  return rules;
}

}  // namespace sluice::rules
