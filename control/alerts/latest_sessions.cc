// See latest_sessions.h.
#include "control/alerts/latest_sessions.h"

#include <algorithm>

#include "common/source.h"
#include "control/channel/flows.h"
#include "schema/channel_generated.h"

namespace sluice::control {
namespace {

namespace fbs = sluice::schema::channel;

constexpr DurationNs kAnswerWithin = kSecond;
constexpr DurationNs kBack = 600 * kSecond;
constexpr std::uint32_t kMostAsked = 256;
constexpr SessionId kCounterBits = (SessionId{1} << 58U) - 1;  // the rest says whose session it is

}  // namespace

std::vector<SessionId> latest_sessions(ChannelServer& channel, Index& index, const AlertKey& caller, WallNs now,
                                       std::size_t most) {
  const SourceNetwork from = network_of_source(caller.source);
  FlowQuery query;
  query.limit = kMostAsked;
  query.service = caller.service;
  query.principal = caller.name;
  query.client = {.address = from.address, .bits = static_cast<std::uint8_t>(from.bits)};
  std::vector<SessionId> found;
  const auto parts = channel.ask([&](std::uint64_t id) { return encode_flows_request(id, query); }, kAnswerWithin);
  if (parts)
    for (const MessageBytes& part : *parts) {
      const auto* flows = fbs::GetSizePrefixedEnvelope(part.data())->message_as_Flows();
      if (flows == nullptr || flows->flows() == nullptr) continue;
      for (const fbs::FlowStatus* flow : *flows->flows()) found.push_back(flow->session());
    }
  std::ranges::sort(found, std::greater(), [](SessionId id) { return id & kCounterBits; });
  if (const auto rows = index.list({.service = caller.service,
                                    .principal = caller.name,
                                    .since_wall_ns = now - std::min(now, kBack),
                                    .limit = caller.source == 0 ? most : kMostAsked}))
    for (const SessionRow& row : *rows) {
      if (caller.source != 0 && row.client_address.source() != caller.source) continue;
      if (std::ranges::find(found, row.id) == found.end()) found.push_back(row.id);
    }
  found.resize(std::min(found.size(), most));
  return found;
}

}  // namespace sluice::control
