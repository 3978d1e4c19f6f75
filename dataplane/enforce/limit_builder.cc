// See limit_builder.h.
#include "dataplane/enforce/limit_builder.h"

#include <fmt/format.h>

#include "common/siphash.h"
#include "rules/bounds.h"

namespace sluice::enforce {
namespace {

namespace fbs = schema::policy;

bool is_known(const fbs::Limit& limit) {
  return limit.per() <= fbs::LimitPer::MAX && limit.of() <= fbs::LimitOf::MAX && limit.then() <= fbs::LimitThen::MAX;
}

bool is_of_answer(const fbs::Limit& limit) {
  return limit.of() == fbs::LimitOf::result_bytes || (limit.of() == fbs::LimitOf::rows && limit.period_ns() == 0);
}

bool is_within_bounds(const fbs::Limit& limit) {
  if (is_of_answer(limit))
    return limit.period_ns() == 0 && limit.units() >= 1 && limit.units() <= rules::kMaxLimitUnits &&
           (limit.then() == fbs::LimitThen::deny || limit.then() == fbs::LimitThen::observe);
  if (limit.of() == fbs::LimitOf::concurrent) return limit.units() >= 1 && limit.units() <= rules::kMaxConcurrent;
  return are_terms(limit.units(), limit.period_ns(), limit.burst());
}

}  // namespace

bool are_terms(std::uint64_t units, std::uint64_t period_ns, std::uint64_t burst) {
  return units >= 1 && units <= rules::kMaxLimitUnits && burst >= 1 && burst <= rules::kMaxLimitUnits &&
         period_ns >= 1 && period_ns <= 3600 * kSecond &&
         burst / units <= rules::kMaxLimitRefillSeconds * kSecond / period_ns;
}

Result<std::vector<Limit>> build_limits(const LimitOffsets* source, std::string_view owner, std::uint32_t& next_index) {
  std::vector<Limit> limits;
  const std::size_t count = source == nullptr ? 0 : source->size();
  if (count > rules::kMaxLimits) return fail(ErrorCode::bundle_malformed, fmt::format("{} has too many limits", owner));
  for (std::size_t i = 0; i < count; ++i) {
    const fbs::Limit& from = *source->Get(static_cast<flatbuffers::uoffset_t>(i));
    const std::string_view name = from.name() == nullptr ? std::string_view() : from.name()->string_view();
    if (!rules::is_name(name) || !is_known(from) || !is_within_bounds(from))
      return fail(ErrorCode::bundle_malformed, fmt::format("limit {} of {} is not proper", i, owner));
    Limit& limit = limits.emplace_back();
    limit.name = fmt::format("{}/{}", owner, name);
    limit.index = next_index++;
    limit.per = static_cast<LimitPer>(from.per());
    limit.of = static_cast<LimitOf>(from.of());
    limit.then = static_cast<LimitThen>(from.then());
    limit.of_answer = is_of_answer(from);
    if (limit.of == LimitOf::concurrent || limit.of_answer) {
      limit.most = from.units();
      limit.id = siphash({}, as_bytes(limit.name));
    } else {
      limit.terms = Terms(from.units(), from.period_ns(), from.burst());
      limit.id = siphash({}, as_bytes(fmt::format("{} {} {}/{} {}", limit.name, static_cast<int>(limit.of),
                                                  from.units(), from.period_ns(), from.burst())));
    }
    if (limit.is_charged_later() && limit.per >= LimitPer::route)
      return fail(ErrorCode::bundle_malformed,
                  fmt::format("limit {} counts bytes or rows per route or rule", limit.name));
  }
  return limits;
}

}  // namespace sluice::enforce
