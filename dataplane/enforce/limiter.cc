// See limiter.h.
#include "dataplane/enforce/limiter.h"

#include <algorithm>
#include <cstring>

namespace sluice::enforce {
namespace {

// When something in flight ends is not known: asked for again after this.
constexpr DurationNs kFlightWait = 2 * kMillisecond;
// Bytes are not read in pieces smaller than this because of a limit.
constexpr std::uint64_t kLeastBytes = 16 * 1024;
// However many wait for a bucket, each asks so often at least.
constexpr DurationNs kMostWait = kSecond;
constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;  // odd: limits with different ids stay different

// Of several that have no room, the one with the highest counts: what is refused, or must wait, is not held first.
int rank_of(LimitThen then) {
  switch (then) {
    case LimitThen::deny:
      return 3;
    case LimitThen::throttle:
      return 2;
    case LimitThen::hold:
      return 1;
    default:
      return 0;
  }
}

// Of bytes and rows, these are asked as they come.
bool asks_for_each(LimitThen then) {
  return then == LimitThen::throttle || then == LimitThen::observe;
}

}  // namespace

std::uint64_t Limiter::hash_of(Tag tag, Bytes bytes) const {
  std::array<std::uint8_t, 1 + kMostText> tagged;
  const std::size_t size = std::min(bytes.size(), kMostText);
  tagged[0] = tag;
  if (size > 0) std::memcpy(tagged.data() + 1, bytes.data(), size);
  return siphash(key_, Bytes(tagged.data(), 1 + size));
}

std::uint64_t Limiter::hash_of(const IpAddress& address) const {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes;
  const std::uint64_t source = address.source();  // who has one address of an IPv6 network has them all
  std::memcpy(bytes.data(), &source, sizeof source);
  return hash_of(kAddress, bytes);
}

std::uint64_t Limiter::caller_of(std::string_view principal, const IpAddress& address) const {
  return principal.empty() ? hash_of(address) : hash_of(kName, as_bytes(principal));
}

// Of what the limit tells apart, which nobody outside can compute, and of the limit: one hash does for all limits of
// one principal.
std::uint64_t Limiter::key_of(const Limit& limit, const LimitedUnit& unit, std::string_view rule) const {
  std::uint64_t whom = everybody_;
  switch (limit.per) {
    case LimitPer::service:
      break;
    case LimitPer::principal:
      whom = unit.caller != 0 ? unit.caller : caller_of(unit.principal, unit.address);
      break;
    case LimitPer::source:
      whom = hash_of(unit.address);
      break;
    case LimitPer::route:
      whom = hash_of(kPath, as_bytes(unit.path));
      break;
    case LimitPer::rule:
      whom = hash_of(kRule, as_bytes(rule));
      break;
  }
  return whom ^ (limit.id * kSpread);
}

void Limiter::expect(const LimitLists& limits, const LimitedUnit& unit) const {
  limits.for_each([&](const Limit& limit) {
    if (limit.per == LimitPer::route || limit.per == LimitPer::rule || limit.of_answer) return;
    const std::uint64_t key = key_of(limit, unit, {});
    (limit.of == LimitOf::concurrent ? flights_ : rates_).prefetch(key);
  });
}

template <class Fn>
void Limiter::each_key(const Limit& limit, const LimitedUnit& unit, Fn&& fn) const {
  if (limit.per != LimitPer::rule) return fn(key_of(limit, unit, {}));
  for (const std::string_view rule : unit.rules) fn(key_of(limit, unit, rule));
}

// So that of many that wait not all ask again at once, and all but one in vain.
DurationNs Limiter::line_up(const Limit& limit, std::uint64_t key, DurationNs wait_ns, std::uint64_t units,
                            TimeNs now) {
  const DurationNs each = limit.of == LimitOf::concurrent ? kFlightWait : limit.terms.cost_of(units);
  return lines_.line_up(key, now + wait_ns, each, now + kMostWait, now) - now;
}

LimitTable::Answer Limiter::ask(const Limit& limit, std::uint64_t key, TimeNs now) {
  LimitTable::Answer answer;
  if (limit.of == LimitOf::concurrent) {
    answer = flights_.enter(key, limit.id, limit.most);
    answer.wait_ns = kFlightWait;
  } else {
    answer = rates_.take(key, limit.id, limit.terms, limit.terms.cost_of(1), now);
  }
  overflows_ += answer.overflow ? 1 : 0;
  return answer;
}

Admission Limiter::admit(const LimitLists& limits, const LimitedUnit& unit, std::span<LimitCounters* const> counters,
                         bool again, TimeNs now, Flights& flights) {
  Admission out;
  std::array<Taken, kMostTaken> taken;
  std::size_t count = 0;
  const auto undo = [&](const Taken& one) {
    if (one.limit->of == LimitOf::concurrent)
      LimitTable::release(*one.word);
    else
      give_back(*one.word, one.limit->terms.cost_of(1));
  };
  std::uint64_t refused_key = 0;
  const auto refuse = [&](const Limit& limit, LimitThen then, DurationNs wait_ns, std::uint64_t key) {
    const int other = out.by == nullptr ? -1 : rank_of(out.by->then);
    const int rank = rank_of(limit.then);
    if (other > rank || (other == rank && out.wait_ns >= wait_ns)) return;
    out = {&limit, then, wait_ns};
    refused_key = key;
  };
  const auto try_all = [&](bool observed) {
    limits.for_each([&](const Limit& limit) {
      const LimitThen then = limits.then_of(limit);
      if ((then == LimitThen::observe) != observed || limit.of_answer) return;
      if (limit.is_charged_later() && asks_for_each(then)) return;
      bool has_room = true;
      each_key(limit, unit, [&](std::uint64_t key) {
        LimitTable::Answer answer{.wait_ns = kSecond};
        if (count < taken.size()) answer = ask(limit, key, now);
        has_room &= answer.fits;
        if (!answer.fits) return refuse(limit, then, answer.wait_ns, key);
        taken[count++] = {&limit, answer.word};
      });
      if (observed && !has_room) counters[limit.index]->observed.add();
    });
  };
  try_all(false);
  if (out.by != nullptr && out.then != LimitThen::hold) {
    for (const Taken& one : std::span(taken).first(count)) undo(one);
    LimitCounters& by = *counters[out.by->index];
    if (out.then == LimitThen::deny) {
      by.denied.add();
      return out;
    }
    if (!again) by.throttled.add();
    out.wait_ns = line_up(*out.by, refused_key, out.wait_ns, 1, now);
    return out;
  }
  if (out.by != nullptr) counters[out.by->index]->held.add();
  try_all(true);
  const Limit* counted = nullptr;  // a limit per rule may have taken from several buckets
  for (const Taken& one : std::span(taken).first(count)) {
    if (one.limit->is_charged_later()) {
      undo(one);  // there was room; bytes and rows themselves are charged as they come
      continue;
    }
    if (one.limit->of == LimitOf::concurrent) flights.add(*one.word);
    if (one.limit != counted) counters[one.limit->index]->passed.add();
    counted = one.limit;
  }
  return out;
}

Limiter::Share Limiter::share(const LimitLists& limits, const LimitedUnit& unit,
                              std::span<LimitCounters* const> counters, std::uint64_t want, TimeNs now) {
  Share out{.bytes = want};
  std::array<std::pair<Taken, std::uint64_t>, kMostTaken> taken;  // what was charged
  std::size_t count = 0;
  const auto charge = [&](const Limit& limit) {
    if (limit.of != LimitOf::bytes || out.bytes == 0) return;
    const std::uint64_t key = key_of(limit, unit, {});
    const LimitThen then = limits.then_of(limit);
    LimitCounters& counter = *counters[limit.index];
    if (!asks_for_each(then)) {
      overflows_ += rates_.charge(key, limit.id, limit.terms, out.bytes, now).overflow ? 1 : 0;
      return;
    }
    const std::uint64_t least =
        then == LimitThen::observe ? 1 : std::min({out.bytes, kLeastBytes, limit.terms.burst()});
    const auto answer = rates_.take_some(key, limit.id, limit.terms, out.bytes, least, now);
    overflows_ += answer.overflow ? 1 : 0;
    if (then == LimitThen::observe) {
      if (answer.units < out.bytes) counter.observed.add();
      return;
    }
    if (!answer.fits) {
      counter.throttled.add();
      out = {.bytes = 0, .wait_ns = line_up(limit, key, answer.wait_ns, least, now)};
      return;
    }
    out.bytes = answer.units;
    taken[count++] = {{&limit, answer.word}, answer.units};
  };
  limits.for_each([&](const Limit& limit) {
    if (limits.then_of(limit) == LimitThen::throttle) charge(limit);
  });
  // The others did not get as much as the first may have.
  for (const auto& [one, units] : std::span(taken).first(count)) {
    const DurationNs back =
        one.limit->terms.cost_of(units) - (out.bytes == 0 ? 0 : one.limit->terms.cost_of(out.bytes));
    if (back != 0) give_back(*one.word, back);
  }
  limits.for_each([&](const Limit& limit) {
    if (limits.then_of(limit) != LimitThen::throttle) charge(limit);
  });
  if (out.bytes != 0)
    limits.for_each([&](const Limit& limit) {
      if (limit.of == LimitOf::bytes) counters[limit.index]->passed.add(out.bytes);
    });
  return out;
}

DurationNs Limiter::charge_rows(const LimitLists& limits, const LimitedUnit& unit,
                                std::span<LimitCounters* const> counters, std::uint64_t rows, TimeNs now) {
  DurationNs wait_ns = 0;
  limits.for_each([&](const Limit& limit) {
    if (limit.of != LimitOf::rows || limit.of_answer) return;
    const std::uint64_t key = key_of(limit, unit, {});
    const LimitThen then = limits.then_of(limit);
    LimitCounters& counter = *counters[limit.index];
    counter.passed.add(rows);
    overflows_ += rates_.charge(key, limit.id, limit.terms, rows, now).overflow ? 1 : 0;
    if (!asks_for_each(then)) return;
    const auto left = rates_.take(key, limit.id, limit.terms, 0, now);
    if (left.fits) return;
    (then == LimitThen::observe ? counter.observed : counter.throttled).add();
    if (then == LimitThen::throttle) wait_ns = std::max(wait_ns, left.wait_ns);
  });
  return wait_ns;
}

}  // namespace sluice::enforce
