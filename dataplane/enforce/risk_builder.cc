// See risk_builder.h.
#include "dataplane/enforce/risk_builder.h"

#include <fmt/format.h>

#include "common/siphash.h"
#include "dataplane/enforce/limit_builder.h"
#include "rules/bounds.h"

namespace sluice::enforce {
namespace {

namespace fbs = schema::policy;

std::unexpected<Error> improper(std::string_view service, std::string_view what) {
  return fail(ErrorCode::bundle_malformed, fmt::format("service {} has {} that is not proper", service, what));
}

// From the least that a line does.
int rank_of(LimitThen then) {
  constexpr std::array<int, 4> kRanks = {0, 1, 3, 2};  // observe, throttle, deny, hold
  return kRanks[static_cast<std::size_t>(then)];
}

bool is_proper(const fbs::RiskLine& line, const Risk& so_far) {
  if (line.above() == 0 || line.above() > rules::kMaxRiskAbove || line.then() > fbs::LimitThen::MAX) return false;
  if (line.then() == fbs::LimitThen::throttle && !are_terms(line.units(), line.period_ns(), line.burst())) return false;
  if (so_far.lines.empty()) return true;
  const RiskLine& below = so_far.lines.back();
  return line.above() > below.above && rank_of(static_cast<LimitThen>(line.then())) > rank_of(below.then);
}

bool is_proper(const fbs::Behaviour& one, const Risk& so_far) {
  if (one.kind() > fbs::BehaviourKind::MAX || one.score() == 0 || one.score() > rules::kMaxScore) return false;
  if (one.above() > rules::kMaxLimitUnits || so_far.behaviour(static_cast<BehaviourKind>(one.kind())).score != 0)
    return false;
  switch (one.kind()) {
    case fbs::BehaviourKind::requests:
    case fbs::BehaviourKind::bytes:
      return one.factor() >= 1 && one.factor() <= rules::kMaxRiskTimes;
    case fbs::BehaviourKind::pieces:
      return one.factor() >= 1 && one.factor() <= rules::kMaxPieceBytes;
    case fbs::BehaviourKind::errors:
      return one.factor() >= 1 && one.factor() <= 100;
    case fbs::BehaviourKind::bytes_out:
      return true;
    case fbs::BehaviourKind::new_source:
      return one.factor() >= kSecond && one.factor() <= rules::kMaxHoldNs;
  }
  return false;
}

}  // namespace

Result<Risk> build_risk(const fbs::Risk* source, std::string_view service, std::uint32_t& next_index) {
  Risk risk;
  if (source == nullptr) return risk;
  risk.interval = source->interval_ns();
  risk.id = siphash({}, as_bytes(fmt::format("{} {}", service, risk.interval)));
  if (risk.interval < rules::kMinRiskIntervalNs || risk.interval > rules::kMaxRiskIntervalNs)
    return improper(service, "an interval of behaviour");
  const std::size_t lines = source->lines() == nullptr ? 0 : source->lines()->size();
  if (lines == 0 || lines > rules::kMaxRiskLines) return improper(service, "a number of lines of scores");
  for (const fbs::RiskLine* line : *source->lines()) {
    if (!is_proper(*line, risk)) return improper(service, "a line of scores");
    const auto then = static_cast<LimitThen>(line->then());
    RiskLine& made = risk.lines.emplace_back(RiskLine{.above = line->above(), .then = then, .limit = {}});
    made.limit.name = fmt::format("{}/risk:{}", service, line->above());
    made.limit.index = next_index++;
    made.limit.per = LimitPer::principal;
    made.limit.then = then;
    if (then != LimitThen::throttle) continue;
    made.limit.terms = Terms(line->units(), line->period_ns(), line->burst());
    made.limit.id = siphash(
        {}, as_bytes(fmt::format("{} {}/{} {}", made.limit.name, line->units(), line->period_ns(), line->burst())));
  }
  if (source->behaviours() == nullptr) return risk;
  for (const fbs::Behaviour* one : *source->behaviours()) {
    if (!is_proper(*one, risk)) return improper(service, "behaviour");
    risk.behaviours[static_cast<std::size_t>(one->kind())] = {one->score(), one->above(), one->factor()};
    risk.has_behaviours = true;
  }
  return risk;
}

}  // namespace sluice::enforce
