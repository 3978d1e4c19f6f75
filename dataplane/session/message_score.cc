// Scores of requests: what their callers' behaviour and the rules found in them are worth, and the lines of the policy
// that they cross. See message.h.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "dataplane/session/message.h"

namespace sluice::session {

using enforce::LimitThen;

void Message::weigh(const enforce::BehaviourPoints& points) {
  score_.behaviour = points;
  std::uint32_t sum = 0;
  for (const std::uint32_t some : points) sum += some;
  if (sum != 0) add_score(sum);
}

void Message::add_score(std::uint32_t points) {
  const auto& lines = unit_.service->risk.lines;
  if (lines.empty() || direction_ != Direction::request) return;
  score_.is_own = true;
  score_.total += points;
  for (; score_.crossed < lines.size() && score_.total > lines[score_.crossed].above; ++score_.crossed)
    count_line(lines[score_.crossed]);
  const enforce::RiskLine* line = this->line();
  if (line == nullptr) return;
  const bool enforcing = unit_.service->mode == enforce::Mode::enforce;
  if (line->then == LimitThen::hold) {
    rule_holds_ = true;
    if (enforcing) ++hold_matches_;
  }
  score_.denies |= line->then == LimitThen::deny;
  denied_ |= score_.denies && enforcing;
}

// Of a line that throttles, the limiter counts.
void Message::count_line(const enforce::RiskLine& line) {
  enforce::LimitCounters& counters = *unit_.policy->limits[line.limit.index];
  if (line.then == LimitThen::throttle) return;
  if (line.then == LimitThen::observe || unit_.service->mode == enforce::Mode::observe)
    counters.observed.add();
  else
    (line.then == LimitThen::hold ? counters.held : counters.denied).add();
}

const enforce::RiskLine* Message::line() const {
  const auto& lines = unit_.service->risk.lines;
  const auto above = std::ranges::find_if(lines, [&](const auto& line) { return score_.total <= line.above; });
  return above == lines.begin() ? nullptr : &*std::prev(above);
}

const enforce::RiskLine* Message::pacing_line() const {
  const enforce::RiskLine* line = this->line();
  const enforce::RiskLine* const first = unit_.service->risk.lines.data();
  while (line != nullptr && line->then != LimitThen::throttle)
    line = score_.is_own || line == first ? nullptr : line - 1;
  return line;
}

// A rule counts once, whichever message of a statement it was found in first.
std::uint32_t Message::own_points(const record::Hit& hit) const {
  const bool is_carried = score_.carried != nullptr && score_.carried->has(hit.rule_name);
  return is_carried ? 0 : unit_.policy->snapshot->rule(hit.rule).score;
}

void Message::carry(const CarriedParts& carried) {
  if (unit_.service->risk.lines.empty()) return;
  for (const CarriedParts::Part& part : carried.parts()) score_.total += part.points;
  score_.carried = &carried;
  if (score_.is_own) add_score(0);
}

CarriedParts Message::score_parts() const {
  CarriedParts out = score_.carried == nullptr ? CarriedParts() : *score_.carried;
  for (std::size_t i = 0; i < enforce::kBehaviours; ++i)
    if (score_.behaviour[i] != 0) out.add(enforce::kBehaviourNames[i], score_.behaviour[i]);
  for (const record::Hit& hit : hits_)
    if (const std::uint32_t points = own_points(hit); points != 0) out.add(hit.rule_name, points);
  return out;
}

const record::Score* Message::told_score(Workspace& work) const {
  if (score_.total == 0) return nullptr;
  work.score_parts.clear();
  for (std::size_t i = 0; i < enforce::kBehaviours; ++i)
    if (score_.behaviour[i] != 0) work.score_parts.push_back({enforce::kBehaviourNames[i], score_.behaviour[i]});
  if (score_.carried != nullptr)
    for (const CarriedParts::Part& part : score_.carried->parts()) work.score_parts.push_back({part.name, part.points});
  for (const record::Hit& hit : hits_)
    if (const std::uint32_t points = own_points(hit); points != 0) work.score_parts.push_back({hit.rule_name, points});
  work.score = {.total = score_.total, .line = line() == nullptr ? 0 : line()->above, .parts = work.score_parts};
  return &work.score;
}

std::string Message::score_text(Workspace& work) const {
  const record::Score* score = told_score(work);
  if (score == nullptr) return {};
  std::string out = score->line == 0 ? "" : fmt::format("above {}: ", score->line);
  const char* between = "";
  for (const record::ScorePart& part : score->parts) {
    out += fmt::format("{}{} {}", between, part.name, part.points);
    between = ", ";
  }
  return out;
}

void Message::tell_behaviours(Context& context, std::uint64_t body_bytes, Ending ending) const {
  const enforce::Risk& risk = unit_.service->risk;
  if (direction_ == Direction::request)
    context.behaviours.end_request(risk, unit_.who, body_bytes, unit_.stream, context.now);
  else
    context.behaviours.end_response(risk, unit_.who, body_bytes, answered_, failed_ || ending != Ending::complete,
                                    context.now);
}

}  // namespace sluice::session
