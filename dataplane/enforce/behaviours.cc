// See behaviours.h.
#include "dataplane/enforce/behaviours.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "common/bytes.h"

namespace sluice::enforce {
namespace {

constexpr std::uint32_t kMostPath = 512;  // of a path that is looked at

std::uint64_t sets_for(std::size_t entries, std::size_t ways) {
  return std::bit_ceil(std::max<std::size_t>(entries / ways, 1));
}

std::uint32_t seconds_of(TimeNs now) {
  return static_cast<std::uint32_t>(now / kSecond) + 1;
}

// Towards what an interval had: at first the plain mean, then a sixteenth of the way. What was nothing can still grow.
void move_usual(std::uint64_t& usual, std::uint64_t value, std::uint32_t learned) {
  if (learned >= Behaviours::kLearned) value = std::min(value, 2 * std::max(usual, Behaviours::kUsualUnit));
  const std::uint64_t share = learned < Behaviours::kLearned ? learned + 1 : 16;
  usual = usual - usual / share + value / share;
}

}  // namespace

Behaviours::Behaviours(const HashKey& seed, std::size_t entries)
    : seed_(seed),
      memory_(sets_for(entries, kWays) * sizeof(Set)),
      sets_(reinterpret_cast<Set*>(memory_.data())),
      mask_(sets_for(entries, kWays) - 1) {}

std::uint32_t Behaviours::stream_of(std::string_view path) const {
  const std::size_t slash = path.rfind('/');
  const std::string_view folder = path.substr(0, slash == std::string_view::npos ? path.size() : slash);
  const auto hash = static_cast<std::uint32_t>(siphash(seed_, as_bytes(folder.substr(0, kMostPath))));
  return hash | 1U;  // 0 is none
}

// nullptr when it is not there and not to be made, or nobody gives way to it.
Behaviours::Caller* Behaviours::find(const Who& who, bool make, TimeNs now) {
  const std::uint64_t key = who.caller | 1U;
  Set& set = sets_[(key >> 1U) & mask_];
  for (std::size_t way = 0; way < kWays; ++way)
    if (set.keys[way] == key) return &set.callers[way];
  if (!make) return nullptr;
  std::size_t best = kWays;
  for (std::size_t way = 0; way < kWays; ++way) {
    const Caller& caller = set.callers[way];
    if (set.keys[way] == 0) {
      best = way;
      break;
    }
    if (caller.declared && !who.declared) continue;
    const bool goes_first =
        best == kWays || (caller.declared == set.callers[best].declared ? caller.seen < set.callers[best].seen
                                                                        : set.callers[best].declared);
    if (goes_first) best = way;
  }
  if (best == kWays) return nullptr;
  set.keys[best] = key;
  set.callers[best] = Caller{};
  set.callers[best].declared = who.declared;
  set.callers[best].began = now;
  return &set.callers[best];
}

void Behaviours::learn(Caller& caller) {
  const Tally& tally = caller.now;
  if (tally.requests == 0) return;
  move_usual(caller.usual_requests, tally.requests * kUsualUnit, caller.learned);
  move_usual(caller.usual_bytes, tally.bytes * kUsualUnit, caller.learned);
  caller.learned = std::min(caller.learned + 1, kLearned);
}

// To the interval of `now`.
void Behaviours::roll(Caller& caller, const Risk& risk, TimeNs now) {
  if (now < caller.began + risk.interval) return;
  const std::uint64_t intervals = (now - caller.began) / risk.interval;
  learn(caller);
  const bool follows = intervals == 1;
  caller.before = follows ? caller.now : Tally{};
  caller.now = {};
  for (Stream& stream : caller.streams) {
    stream.before = follows ? stream.now : 0;
    stream.now = 0;
  }
  caller.began += intervals * risk.interval;
}

void Behaviours::add_piece(Caller& caller, std::uint32_t id) {
  Stream* free = nullptr;
  for (Stream& stream : caller.streams) {
    if (stream.now + stream.before == 0) {
      free = &stream;
    } else if (stream.id == id) {
      ++stream.now;
      return;
    }
  }
  if (free != nullptr) {
    *free = {.id = id, .now = 1, .before = 0};
    return;
  }
  for (Stream& stream : caller.streams) --(stream.before != 0 ? stream.before : stream.now);
}

// True while the address is a new one of a caller that is known.
bool Behaviours::note_source(Caller& caller, std::uint32_t id, DurationNs life, TimeNs now) {
  const std::uint32_t now_s = seconds_of(now);
  const auto is_new = [&](const Source& source) {
    return source.first_s != 0 && now_s - source.first_s < life / kSecond;
  };
  Source* place = caller.sources.data();
  for (Source& source : caller.sources) {
    if (source.id == id && source.last_s != 0) {
      source.last_s = now_s;
      return is_new(source);
    }
    // A new one gives way before a known one does.
    const bool goes_first =
        is_new(source) == is_new(*place) ? source.last_s < place->last_s : source.last_s == 0 || is_new(source);
    if (place->last_s != 0 && goes_first) place = &source;
  }
  const bool is_known = caller.learned >= kLearned;
  *place = {.id = id, .first_s = is_known ? now_s : 0, .last_s = now_s};
  return is_known;
}

bool Behaviours::note_name(const Risk& risk, const Who& who, std::uint32_t id, TimeNs now) {
  Caller* name = find({.caller = who.name}, true, now);
  if (name == nullptr) return false;
  roll(*name, risk, now);
  name->seen = now;
  ++name->now.requests;
  return note_source(*name, id, risk.behaviour(BehaviourKind::new_source).factor, now);
}

BehaviourPoints Behaviours::begin(const Risk& risk, const Who& who, std::uint64_t source, TimeNs now) {
  BehaviourPoints points{};
  const Behaviour& new_source = risk.behaviour(BehaviourKind::new_source);
  const auto id = static_cast<std::uint32_t>(source ^ (source >> 32U));
  // First: it may take the place of the caller, and not the other way round.
  const bool is_elsewhere = new_source.score != 0 && who.name != 0 && note_name(risk, who, id, now);
  Caller* caller = find(who, true, now);
  if (caller == nullptr) return points;
  roll(*caller, risk, now);
  caller->seen = now;
  ++caller->now.requests;
  const Window window{((risk.interval - std::min(risk.interval, now - caller->began)) << 10U) / risk.interval};
  const Tally& recent = caller->now;
  const Tally& before = caller->before;
  const auto look = [&](BehaviourKind kind, bool is_so) {
    if (is_so) points[static_cast<std::size_t>(kind)] = risk.behaviour(kind).score;
  };
  const auto unusual = [&](BehaviourKind kind, std::uint64_t lately, std::uint64_t usual) {
    const Behaviour& terms = risk.behaviour(kind);
    look(kind, caller->learned >= kLearned && lately > terms.above && lately * kUsualUnit > terms.factor * usual);
  };
  unusual(BehaviourKind::requests, window.of(recent.requests, before.requests), caller->usual_requests);
  unusual(BehaviourKind::bytes, window.of(recent.bytes, before.bytes), caller->usual_bytes);
  std::uint64_t pieces = 0;
  for (const Stream& stream : caller->streams) pieces = std::max(pieces, window.of(stream.now, stream.before));
  look(BehaviourKind::pieces, pieces > risk.behaviour(BehaviourKind::pieces).above);
  const Behaviour& errors = risk.behaviour(BehaviourKind::errors);
  const std::uint64_t failures = window.of(recent.failures, before.failures);
  look(BehaviourKind::errors,
       failures > errors.above && failures * 100 >= errors.factor * window.of(recent.answers, before.answers));
  look(BehaviourKind::bytes_out,
       window.of(recent.bytes_out, before.bytes_out) > risk.behaviour(BehaviourKind::bytes_out).above);
  if (new_source.score != 0)
    look(BehaviourKind::new_source,
         who.name != 0 ? is_elsewhere && caller->learned < kLearned : note_source(*caller, id, new_source.factor, now));
  return points;
}

void Behaviours::end_request(const Risk& risk, const Who& who, std::uint64_t bytes, std::uint32_t stream, TimeNs now) {
  Caller* caller = find(who, false, now);
  if (caller == nullptr) return;
  roll(*caller, risk, now);
  caller->now.bytes += bytes;
  if (stream != 0 && bytes != 0 && bytes <= risk.behaviour(BehaviourKind::pieces).factor) add_piece(*caller, stream);
}

void Behaviours::end_response(const Risk& risk, const Who& who, std::uint64_t bytes, bool answered, bool failed,
                              TimeNs now) {
  Caller* caller = find(who, false, now);
  if (caller == nullptr) return;
  roll(*caller, risk, now);
  caller->now.bytes += bytes;
  caller->now.bytes_out += bytes;
  if (answered) ++caller->now.answers;
  if (answered && failed) ++caller->now.failures;
}

}  // namespace sluice::enforce
