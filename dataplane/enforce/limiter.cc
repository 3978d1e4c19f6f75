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

}  // namespace

// Of the limit, and of what it tells apart. What tells is put in front of its bytes, so that a name is never an
// address.
std::uint64_t Limiter::key_of(const Limit& limit, const LimitedUnit& unit, std::string_view rule) const {
  enum Tag : std::uint8_t { kAll, kName, kAddress, kPath, kRule };
  std::array<std::uint8_t, 16 + kMostText> bytes;
  std::size_t size = 0;
  const auto add = [&](const void* data, std::size_t n) {
    std::memcpy(bytes.data() + size, data, n);
    size += n;
  };
  const auto add_text = [&](Tag tag, std::string_view text) {
    add(&tag, 1);
    add(text.data(), std::min(text.size(), kMostText));
  };
  const auto add_address = [&] {
    const Tag tag = kAddress;
    add(&tag, 1);
    const std::uint64_t source = unit.address.source();  // who has one address of an IPv6 network has them all
    add(&source, sizeof source);
  };
  add(&limit.id, sizeof limit.id);
  switch (limit.per) {
    case LimitPer::service:
      break;
    case LimitPer::principal:
      if (unit.principal.empty())
        add_address();
      else
        add_text(kName, unit.principal);
      break;
    case LimitPer::source:
      add_address();
      break;
    case LimitPer::route:
      add_text(kPath, unit.path);
      break;
    case LimitPer::rule:
      add_text(kRule, rule);
      break;
  }
  return siphash(key_, Bytes(bytes.data(), size));
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
                         bool again, TimeNs now, std::vector<Flight>& flights) {
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
    if (out.by != nullptr && (out.by->then > limit.then || (out.by->then == limit.then && out.wait_ns >= wait_ns)))
      return;
    out = {&limit, then, wait_ns};
    refused_key = key;
  };
  const auto try_all = [&](bool observed) {
    limits.for_each([&](const Limit& limit) {
      const LimitThen then = limits.then_of(limit);
      if ((then == LimitThen::observe) != observed) return;
      if (limit.of == LimitOf::bytes && then != LimitThen::deny) return;  // these are asked as bytes come
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
  if (out.by != nullptr) {
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
  try_all(true);
  const Limit* counted = nullptr;  // a limit per rule may have taken from several buckets
  for (const Taken& one : std::span(taken).first(count)) {
    if (one.limit->of == LimitOf::bytes) {
      undo(one);  // there was room; the bytes themselves are charged as they come
      continue;
    }
    if (one.limit->of == LimitOf::concurrent) flights.emplace_back(*one.word);
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
    if (then == LimitThen::deny) {
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

}  // namespace sluice::enforce
