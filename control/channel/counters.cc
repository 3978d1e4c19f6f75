// See counters.h.
#include "control/channel/counters.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "control/channel/envelope.h"

namespace sluice::control {
namespace {

namespace fbs = sluice::schema::channel;

std::vector<NamedCount> named_counts(const flatbuffers::Vector<flatbuffers::Offset<fbs::NamedCount>>* counts) {
  std::vector<NamedCount> out;
  if (counts == nullptr) return out;
  for (const fbs::NamedCount* count : *counts) out.push_back({text(count->name()), count->value()});
  return out;
}

CallerCount decode(const fbs::CallerCount& c) {
  CallerCount out{.service = text(c.service()),
                  .principal = text(c.principal()),
                  .source = c.source(),
                  .requests = c.requests(),
                  .responses = c.responses(),
                  .errors = c.errors(),
                  .denied = c.denied(),
                  .request_bytes = c.request_bytes(),
                  .response_bytes = c.response_bytes(),
                  .waited_ns = c.waited_ns(),
                  .waits = {}};
  if (const auto* waits = c.waits(); waits != nullptr && waits->size() == out.waits.size())
    std::ranges::copy(*waits, out.waits.begin());
  return out;
}

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

CountsPart decode(const fbs::Counts& counts) {
  CountsPart out{.report = counts.report(), .counters = {}};
  out.counters.rules = named_counts(counts.rules());
  if (const auto* limits = counts.limits())
    for (const fbs::LimitCount* c : *limits)
      out.counters.limits.push_back(
          {text(c->limit()), c->passed(), c->denied(), c->throttled(), c->observed(), c->held()});
  if (const auto* callers = counts.callers())
    for (const fbs::CallerCount* c : *callers) out.counters.callers.push_back(decode(*c));
  return out;
}

CountersEnd decode(const fbs::Counters& counters) {
  CountersEnd end{.report = counters.report(), .parts = counters.parts(), .counters = {}};
  Counters& out = end.counters;
  out.wall_ns = counters.wall_ns();
  out.policy_version = counters.policy_version();
  if (const auto* services = counters.services()) {
    for (const fbs::ServiceCount* s : *services)
      out.services.push_back({text(s->service()), s->sessions(), s->open(), s->requests(), s->responses(),
                              s->request_bytes(), s->response_bytes(), s->denied(), s->errors(), s->spliced(),
                              s->forwarded()});
  }
  if (const auto* h = counters.holds())
    out.holds = {h->open(),
                 h->opened(),
                 h->exhausted(),
                 {h->passed(), h->denied(), h->expired(), h->abandoned(), h->server_gone(), h->cut()}};
  out.drops = named_counts(counters.drops());
  out.ports = named_counts(counters.ports());
  out.records_appended = counters.records_appended();
  out.records_durable = counters.records_durable();
  out.record_bytes = counters.record_bytes();
  out.record_stalls = counters.record_stalls();
  out.archive_error = text(counters.archive_error());
  out.worker_busy_ns = counters.worker_busy_ns();
  out.sessions_open = counters.sessions_open();
  out.buffers_free = counters.buffers_free();
  out.lost_events = counters.lost_events();
  return end;
}

void ReportBuilder::take(CountsPart&& part) {
  if (part.report != report_) *this = {};
  report_ = part.report;
  if (++parts_ > kMostParts) return;
  append(lists_.rules, std::move(part.counters.rules));
  append(lists_.limits, std::move(part.counters.limits));
  append(lists_.callers, std::move(part.counters.callers));
}

std::optional<Counters> ReportBuilder::finish(CountersEnd&& end) {
  ReportBuilder whole = std::exchange(*this, {});
  if (end.parts != 0 && (whole.report_ != end.report || whole.parts_ != end.parts || end.parts > kMostParts))
    return std::nullopt;
  if (end.parts == 0) return std::move(end.counters);
  end.counters.rules = std::move(whole.lists_.rules);
  end.counters.limits = std::move(whole.lists_.limits);
  end.counters.callers = std::move(whole.lists_.callers);
  return std::move(end.counters);
}

}  // namespace sluice::control
