// See snapshot.h.
#include "control/alerts/snapshot.h"

#include <map>

#include "common/source.h"

namespace sluice::control {
namespace {

constexpr std::string_view kGapEvent = "record_gap";

bool has(unsigned pers, AlertPer per) {
  return ((pers >> static_cast<unsigned>(per)) & 1U) != 0;
}

void add_callers(const Counters& counters, std::span<const HeldCount> held, std::map<AlertKey, CountRow>& rows) {
  for (const CallerCount& caller : counters.callers) {
    CountRow& row = rows[{AlertPer::principal, caller.service, caller.principal, caller.source}];
    row[Count::requests] = caller.requests;
    row[Count::responses] = caller.responses;
    row[Count::errors] = caller.errors;
    row[Count::denied] = caller.denied;
    row[Count::bytes_in] = caller.request_bytes;
    row[Count::bytes_out] = caller.response_bytes;
    row.waits = caller.waits;
  }
  for (const HeldCount& waiting : held)
    rows[{AlertPer::principal, waiting.service, waiting.principal, waiting.source}].held = waiting.open;
}

void add_services(const Counters& counters, std::span<const HeldCount> held, std::map<AlertKey, CountRow>& rows) {
  for (const ServiceCount& service : counters.services) {
    CountRow& row = rows[{AlertPer::service, service.service}];
    row[Count::requests] = service.requests;
    row[Count::responses] = service.responses;
    row[Count::errors] = service.errors;
    row[Count::denied] = service.denied;
    row[Count::bytes_in] = service.request_bytes;
    row[Count::bytes_out] = service.response_bytes;
  }
  for (const CallerCount& caller : counters.callers) {
    CountRow& row = rows[{AlertPer::service, caller.service}];
    for (std::size_t i = 0; i < kWaitBuckets; ++i) row.waits[i] += caller.waits[i];
  }
  for (const HeldCount& waiting : held) rows[{AlertPer::service, waiting.service}].held += waiting.open;
}

void add_appliance(const Counters& counters, std::map<AlertKey, CountRow>& rows) {
  CountRow& all = rows[{AlertPer::appliance}];
  all[Count::record_stalls] = counters.record_stalls;
  all.archive_failed = counters.archive_error.empty() ? 0 : 1;
  for (const NamedCount& event : counters.drops) {
    rows[{AlertPer::appliance, {}, event.name}][Count::events] = event.value;
    if (event.name == kGapEvent) all[Count::record_gaps] = event.value;
  }
}

}  // namespace

std::string describe(const AlertKey& key) {
  switch (key.per) {
    case AlertPer::principal:
      return key.name + (key.source == 0 ? "" : " from " + format_source(key.source)) + " at " + key.service;
    case AlertPer::service:
      return key.service;
    case AlertPer::limit:
      return "limit " + key.name;
    case AlertPer::appliance:
      break;
  }
  return key.name.empty() ? "the appliance" : "event " + key.name;
}

AlertSnapshot snapshot_of(const Counters& counters, WallNs epoch, std::span<const HeldCount> held, unsigned pers) {
  std::map<AlertKey, CountRow> rows;
  // Who calls is looked at for services too: an alert names them.
  if (has(pers, AlertPer::principal) || has(pers, AlertPer::service)) add_callers(counters, held, rows);
  if (has(pers, AlertPer::service)) add_services(counters, held, rows);
  if (has(pers, AlertPer::limit))
    for (const LimitCount& limit : counters.limits)
      rows[{AlertPer::limit, limit.limit.substr(0, limit.limit.find('/')), limit.limit}][Count::refused] =
          limit.denied + limit.throttled + limit.held;
  if (has(pers, AlertPer::appliance)) add_appliance(counters, rows);
  AlertSnapshot out{.epoch = epoch, .wall_ns = counters.wall_ns, .rows = {}};
  out.rows.reserve(rows.size());
  for (auto& [key, row] : rows) {
    row.key = key;
    out.rows.push_back(std::move(row));
  }
  return out;
}

}  // namespace sluice::control
