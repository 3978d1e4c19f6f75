// See messages.h.
#include "dataplane/channel/messages.h"

#include <unistd.h>

#include <cstring>

#include "schema/channel_generated.h"

namespace sluice::channel {
namespace {

constexpr std::uint8_t kAnswersQuestions = 1;

namespace fbs = sluice::schema::channel;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

template <class T>
Bytes finish(FlatBufferBuilder& builder, Offset<T> message) {
  constexpr fbs::Message kType = fbs::MessageTraits<T>::enum_value;
  fbs::FinishSizePrefixedEnvelopeBuffer(builder, fbs::CreateEnvelope(builder, kType, message.Union()));
  return {builder.GetBufferPointer(), builder.GetSize()};
}

template <std::size_t N>
Offset<flatbuffers::String> text(FlatBufferBuilder& builder, const char (&field)[N]) {
  return builder.CreateString(field, ::strnlen(field, N));
}

Offset<flatbuffers::Vector<Offset<fbs::NamedCount>>> named_counts(FlatBufferBuilder& builder,
                                                                  const std::vector<NamedCount>& counts) {
  std::vector<Offset<fbs::NamedCount>> out;
  out.reserve(counts.size());
  for (const NamedCount& count : counts)
    out.push_back(fbs::CreateNamedCount(builder, builder.CreateString(count.name), count.value));
  return builder.CreateVector(out);
}

Offset<flatbuffers::Vector<Offset<fbs::ServiceCount>>> service_counts(FlatBufferBuilder& builder,
                                                                      const std::vector<ServiceCount>& counts) {
  std::vector<Offset<fbs::ServiceCount>> out;
  out.reserve(counts.size());
  for (const ServiceCount& c : counts)
    out.push_back(fbs::CreateServiceCount(builder, builder.CreateString(c.service), c.sessions, c.open, c.requests,
                                          c.responses, c.request_bytes, c.response_bytes, c.denied, c.errors, c.spliced,
                                          c.forwarded));
  return builder.CreateVector(out);
}

Offset<flatbuffers::Vector<Offset<fbs::LimitCount>>> limit_counts(FlatBufferBuilder& builder,
                                                                  const std::vector<LimitCount>& counts) {
  std::vector<Offset<fbs::LimitCount>> out;
  out.reserve(counts.size());
  for (const LimitCount& c : counts)
    out.push_back(
        fbs::CreateLimitCount(builder, builder.CreateString(c.limit), c.passed, c.denied, c.throttled, c.observed));
  return builder.CreateVector(out);
}

}  // namespace

Bytes encode_hello(FlatBufferBuilder& builder, const ChannelConfig& config, const Running& running) {
  builder.Clear();
  const enforce::Platform platform = enforce::this_platform();
  const auto product = builder.CreateString(SLUICE_VERSION);
  const auto hyperscan = builder.CreateString(platform.hyperscan_version);
  const auto sha256 = builder.CreateVector(running.source_sha256);
  return finish(builder,
                fbs::CreateHello(builder, kChannelVersion, product, hyperscan, platform.cpu_tune, platform.cpu_features,
                                 static_cast<std::uint8_t>(config.workers), static_cast<std::uint32_t>(::getpid()),
                                 running.version, sha256, config.start_wall_ns, kAnswersQuestions));
}

Bytes encode_bundle_result(FlatBufferBuilder& builder, std::uint64_t push_id, const Error& error,
                           std::uint64_t policy_version) {
  builder.Clear();
  const auto detail = builder.CreateString(error.detail);
  return finish(builder, fbs::CreateBundleResult(builder, push_id, static_cast<std::uint16_t>(error.code), detail,
                                                 policy_version));
}

Bytes encode_event(FlatBufferBuilder& builder, const SessionEvent& event) {
  builder.Clear();
  const auto service = text(builder, event.service);
  const auto principal = text(builder, event.principal);
  const auto kind = event.opened ? fbs::SessionEventKind::opened : fbs::SessionEventKind::closed;
  const bool ipv4 = event.client_address.is_ipv4();
  const fbs::Ipv6 ipv6(event.client_address.high, event.client_address.low);
  return finish(builder, fbs::CreateSessionEvent(builder, kind, event.session, event.wall_ns, service, principal,
                                                 ipv4 ? event.client_address.ipv4() : 0, event.client_port,
                                                 static_cast<std::uint16_t>(event.error), ipv4 ? nullptr : &ipv6));
}

Bytes encode_trace(FlatBufferBuilder& builder, std::uint64_t request_id, const TracePart& part, TimeNs now,
                   WallNs wall) {
  builder.Clear();
  const auto bytes =
      builder.CreateVector(reinterpret_cast<const std::uint8_t*>(part.records.data()), part.records.size_bytes());
  return finish(builder,
                fbs::CreateTracePart(builder, request_id, part.worker, now, wall, part.first, bytes, part.last));
}

Bytes encode_counters(FlatBufferBuilder& builder, const CounterReport& report, WallNs now) {
  builder.Clear();
  const auto services = service_counts(builder, report.services);
  const auto rules = named_counts(builder, report.rules);
  const auto drops = named_counts(builder, report.drops);
  const auto ports = named_counts(builder, report.ports);
  const auto limits = limit_counts(builder, report.limits);
  const auto archive_error = builder.CreateString(report.archive_error);
  return finish(builder, fbs::CreateCounters(builder, now, report.policy_version, services, rules, drops, ports,
                                             report.records_appended, report.records_durable, report.record_bytes,
                                             report.record_stalls, archive_error, report.worker_busy_ns,
                                             report.sessions_open, report.buffers_free, report.lost_events, limits));
}

}  // namespace sluice::channel
