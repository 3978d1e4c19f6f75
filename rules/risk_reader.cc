// See risk_reader.h.
#include "rules/risk_reader.h"

#include <fmt/format.h>

#include "common/time.h"
#include "rules/bounds.h"
#include "rules/limit_reader.h"

namespace sluice::rules {
namespace {

constexpr Word<LimitThen> kThens[] = {{"observe", LimitThen::observe},
                                      {"throttle", LimitThen::throttle},
                                      {"hold", LimitThen::hold},
                                      {"deny", LimitThen::deny}};

// How much each does, from the least.
int rank_of(LimitThen then) {
  int rank = 0;
  for (const Word<LimitThen>& word : kThens) {
    if (word.value == then) return rank;
    ++rank;
  }
  return rank;
}

RiskLine read_line(const YamlNode& node, Report& report) {
  RiskLine line;
  line.position = node.position;
  Fields fields(node, "a line", report);
  if (const YamlNode* above = fields.need("above", "above: 50"))
    line.above = read_number(*above, 1, kMaxRiskAbove, report).value_or(0);
  if (const YamlNode* then = fields.need("then", "then: hold"))
    line.then = read_choice(*then, kThens, report).value_or(line.then);
  line.pace.per = LimitPer::principal;
  line.pace.then = LimitThen::throttle;
  const bool throttles = line.then == LimitThen::throttle;
  const YamlNode* rate = throttles ? fields.need("rate", "rate: 10/s") : fields.get("rate");
  const YamlNode* burst = fields.get("burst");
  if (throttles && rate != nullptr) read_rate(*rate, line.pace, report);
  if (throttles && burst != nullptr) read_burst(*burst, line.pace, report);
  for (const YamlNode* pace : {rate, burst})
    if (pace != nullptr && !throttles)
      report.add(pace->position, fmt::format("{} on a line that does not throttle", show(pace->key)),
                 "then: throttle, or remove it");
  fields.finish();
  return line;
}

void read_lines(const YamlNode& list, Risk& risk, Report& report) {
  if (list.children.size() > kMaxRiskLines)
    report.add(list.position, fmt::format("{} lines", list.children.size()), fmt::format("at most {}", kMaxRiskLines));
  for (const YamlNode& node : read_list(list, "lines", report)) {
    RiskLine line = read_line(node, report);
    if (!risk.lines.empty() && line.above != 0) {
      const RiskLine& below = risk.lines.back();
      if (line.above <= below.above)
        report.add(line.position, fmt::format("a line above {} behind one above {}", line.above, below.above),
                   "from the lowest to the highest");
      else if (rank_of(line.then) <= rank_of(below.then))
        report.add(line.position, "a line that does no more than the one below it",
                   "observe, then throttle, then hold, then deny, each once");
    }
    risk.lines.push_back(std::move(line));
  }
  if (risk.lines.empty() && is_list(list)) report.add(list.position, "no line", "lines: [{above: 50, then: observe}]");
}

std::uint64_t read_amount(const YamlNode& node, bool bytes, Report& report) {
  const auto text = read_text(node, report);
  if (!text) return 0;
  const auto amount = parse_units(*text, bytes);
  if (!amount)
    report.add(node.position, fmt::format("{} is no {}", show(*text), bytes ? "size" : "number"),
               bytes ? "for example 10MiB" : "for example 100");
  return amount.value_or(0);
}

// 0 where it is no time.
std::uint64_t read_time(const YamlNode& node, std::uint64_t most_ns, std::string_view bounds, Report& report) {
  const auto text = read_text(node, report);
  if (!text) return 0;
  if (const auto seconds = parse_seconds(*text, static_cast<std::uint32_t>(most_ns / kSecond)))
    return *seconds * kSecond;
  report.add(node.position, fmt::format("{} is no time for this", show(*text)), std::string(bounds));
  return 0;
}

// Of what a kind has beside its score and what it is above.
void read_factor(Fields& fields, Behaviour& behaviour, Report& report) {
  switch (behaviour.kind) {
    case BehaviourKind::requests:
    case BehaviourKind::bytes:
      if (const YamlNode* times = fields.need("times", "times: 5"))
        behaviour.factor = read_number(*times, 2, kMaxRiskTimes, report).value_or(0);
      break;
    case BehaviourKind::pieces:
      if (const YamlNode* of = fields.need("of", "of: 4KiB"))
        behaviour.factor = read_size(*of, 1, kMaxPieceBytes, report).value_or(0);
      break;
    case BehaviourKind::errors:
      if (const YamlNode* percent = fields.need("percent", "percent: 50"))
        behaviour.factor = read_number(*percent, 1, 100, report).value_or(0);
      break;
    case BehaviourKind::bytes_out:
      break;
    case BehaviourKind::new_source:
      behaviour.factor = 3600ULL * 1'000'000'000;
      if (const YamlNode* life = fields.get("for"))
        behaviour.factor = read_time(*life, kMaxHoldNs, "1s to 24h, for example 1h", report);
      break;
  }
}

Behaviour read_one(const YamlNode& node, BehaviourKind kind, Report& report) {
  Behaviour behaviour{.kind = kind, .position = node.position};
  Fields fields(node, EnumNameBehaviourKind(kind), report);
  const bool bytes = kind == BehaviourKind::bytes || kind == BehaviourKind::bytes_out;
  if (kind != BehaviourKind::new_source)
    if (const YamlNode* above = fields.need("above", bytes ? "above: 10MiB" : "above: 100"))
      behaviour.above = read_amount(*above, bytes, report);
  read_factor(fields, behaviour, report);
  if (const YamlNode* score = fields.need("score", "score: 30"))
    behaviour.score = read_number(*score, 1, kMaxScore, report).value_or(0);
  fields.finish();
  return behaviour;
}

void read_behaviour(const YamlNode& node, Risk& risk, Report& report) {
  Fields fields(node, "behaviour", report);
  if (const YamlNode* interval = fields.get("interval"))
    risk.interval_ns = read_time(*interval, kMaxRiskIntervalNs, "1s to 1h, for example 1m", report);
  for (const BehaviourKind kind : schema::policy::EnumValuesBehaviourKind())
    if (const YamlNode* one = fields.get(EnumNameBehaviourKind(kind)))
      risk.behaviours.push_back(read_one(*one, kind, report));
  fields.finish();
}

}  // namespace

Risk read_risk(const YamlNode& node, Report& report) {
  Risk risk;
  Fields fields(node, "risk", report);
  if (const YamlNode* lines = fields.need("lines", "lines: [{above: 50, then: hold}]"))
    read_lines(*lines, risk, report);
  if (const YamlNode* behaviour = fields.get("behaviour")) read_behaviour(*behaviour, risk, report);
  fields.finish();
  return risk;
}

}  // namespace sluice::rules
