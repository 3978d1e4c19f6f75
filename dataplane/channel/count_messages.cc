// See count_messages.h.
#include "dataplane/channel/count_messages.h"

#include <algorithm>
#include <span>
#include <vector>

#include "dataplane/channel/envelope.h"

namespace sluice::channel {
namespace {

namespace fbs = sluice::schema::channel;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

constexpr std::size_t kRowsAtOnce = 512;  // of names of at most 127 bytes and 26 numbers: 0.2 MiB

Offset<fbs::NamedCount> row(FlatBufferBuilder& builder, const NamedCount& count) {
  return fbs::CreateNamedCount(builder, builder.CreateString(count.name), count.value);
}

Offset<fbs::ServiceCount> row(FlatBufferBuilder& builder, const ServiceCount& c) {
  return fbs::CreateServiceCount(builder, builder.CreateString(c.service), c.sessions, c.open, c.requests, c.responses,
                                 c.request_bytes, c.response_bytes, c.denied, c.errors, c.spliced, c.forwarded);
}

Offset<fbs::LimitCount> row(FlatBufferBuilder& builder, const LimitCount& c) {
  return fbs::CreateLimitCount(builder, builder.CreateString(c.limit), c.passed, c.denied, c.throttled, c.observed,
                               c.held);
}

Offset<fbs::CallerCount> row(FlatBufferBuilder& builder, const CallerCount& c) {
  const auto service = builder.CreateString(c.service);
  const auto principal = builder.CreateString(c.principal);
  const auto waits = builder.CreateVector(c.waits.data(), c.waits.size());
  return fbs::CreateCallerCount(builder, service, principal, c.requests, c.responses, c.errors, c.denied,
                                c.request_bytes, c.response_bytes, c.waited_ns, waits, c.source);
}

template <class T>
auto rows(FlatBufferBuilder& builder, std::span<const T> counts) {
  std::vector<decltype(row(builder, counts.front()))> out;
  out.reserve(counts.size());
  for (const T& count : counts) out.push_back(row(builder, count));
  return builder.CreateVector(out);
}

template <class T>
std::span<const T> part(const std::vector<T>& counts, std::size_t index) {
  const std::size_t from = std::min(index * kRowsAtOnce, counts.size());
  return std::span(counts).subspan(from, std::min(kRowsAtOnce, counts.size() - from));
}

Bytes encode_part(FlatBufferBuilder& builder, const CounterReport& report, std::uint64_t number, std::size_t index) {
  builder.Clear();
  const auto rules = rows(builder, part(report.rules, index));
  const auto limits = rows(builder, part(report.limits, index));
  const auto callers = rows(builder, part(report.callers, index));
  return finish(builder, fbs::CreateCounts(builder, number, rules, limits, callers));
}

Bytes encode_whole(FlatBufferBuilder& builder, const CounterReport& report, std::uint64_t number, std::size_t parts,
                   WallNs now) {
  builder.Clear();
  const auto services = rows(builder, std::span(report.services));
  const auto drops = rows(builder, std::span(report.drops));
  const auto ports = rows(builder, std::span(report.ports));
  const auto archive_error = builder.CreateString(report.archive_error);
  const HoldCounts& h = report.holds;
  const auto holds = fbs::CreateHoldCounts(builder, h.open, h.opened, h.ended[0], h.ended[1], h.ended[2], h.ended[3],
                                           h.ended[4], h.ended[5], h.exhausted);
  fbs::CountersBuilder out(builder);
  out.add_wall_ns(now);
  out.add_policy_version(report.policy_version);
  out.add_services(services);
  out.add_drops(drops);
  out.add_ports(ports);
  out.add_records_appended(report.records_appended);
  out.add_records_durable(report.records_durable);
  out.add_record_bytes(report.record_bytes);
  out.add_record_stalls(report.record_stalls);
  out.add_archive_error(archive_error);
  out.add_worker_busy_ns(report.worker_busy_ns);
  out.add_sessions_open(report.sessions_open);
  out.add_buffers_free(report.buffers_free);
  out.add_lost_events(report.lost_events);
  out.add_report(number);
  out.add_holds(holds);
  out.add_parts(static_cast<std::uint32_t>(parts));
  return finish(builder, out.Finish());
}

}  // namespace

void send_counters(FramedSocket& socket, FlatBufferBuilder& builder, const CounterReport& report, std::uint64_t number,
                   WallNs now) {
  const std::size_t most = std::max({report.rules.size(), report.limits.size(), report.callers.size()});
  const std::size_t parts = (most + kRowsAtOnce - 1) / kRowsAtOnce;
  for (std::size_t i = 0; i < parts; ++i)
    if (!socket.queue(encode_part(builder, report, number, i))) return;
  (void)socket.queue(encode_whole(builder, report, number, parts, now));
}

}  // namespace sluice::channel
