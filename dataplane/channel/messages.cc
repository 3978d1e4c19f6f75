// See messages.h.
#include "dataplane/channel/messages.h"

#include <unistd.h>

#include "dataplane/channel/envelope.h"
#include "schema/channel_generated.h"

namespace sluice::channel {
namespace {

constexpr std::uint8_t kAnswersQuestions = 1;
constexpr std::uint8_t kTakesDecisions = 2;
constexpr std::uint8_t kSaysWhatIsObeyed = 4;

namespace fbs = sluice::schema::channel;
using flatbuffers::FlatBufferBuilder;
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
                                 running.version, sha256, config.start_wall_ns,
                                 kAnswersQuestions | kTakesDecisions | kSaysWhatIsObeyed));
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

}  // namespace sluice::channel
