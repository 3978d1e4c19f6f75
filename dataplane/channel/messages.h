// The data plane's messages as they stand on the channel: each a finished, size-prefixed Envelope.
#pragma once

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include <flatbuffers/flatbuffers.h>

#include "common/bytes.h"
#include "common/error.h"
#include "common/time.h"
#include "dataplane/channel/channel.h"
#include "schema/channel_generated.h"

namespace sluice::channel {

inline constexpr std::uint16_t kChannelVersion = 1;

// The policy that the workers run.
struct Running {
  std::uint64_t version = 0;  // 0 for none
  std::vector<std::uint8_t> source_sha256;
};

// A part of a snapshot.
struct TracePart {
  std::uint16_t worker = 0;
  std::uint64_t first = 0;  // number of the first record, counted since the worker began
  std::span<const TraceRecord> records;
  bool last = false;
};

// Each fills `builder` (cleared first) and returns a view of it, good until the builder is used again.
Bytes encode_hello(flatbuffers::FlatBufferBuilder& builder, const ChannelConfig& config, const Running& running);
Bytes encode_bundle_result(flatbuffers::FlatBufferBuilder& builder, std::uint64_t push_id, const Error& error,
                           std::uint64_t policy_version);
Bytes encode_event(flatbuffers::FlatBufferBuilder& builder, const SessionEvent& event);
// `progress.rows` of `rows` are told.
Bytes encode_flows(flatbuffers::FlatBufferBuilder& builder, std::uint64_t request_id,
                   std::span<const session::FlowInfo> rows, const FlowProgress& progress, TimeNs now);
Bytes encode_trace(flatbuffers::FlatBufferBuilder& builder, std::uint64_t request_id, const TracePart& part, TimeNs now,
                   WallNs wall);
FlowQuery decode(const schema::channel::FlowsRequest& request);
Bytes encode_hold_opened(flatbuffers::FlatBufferBuilder& builder, const session::Hold& hold, TimeNs now);
Bytes encode_hold_ended(flatbuffers::FlatBufferBuilder& builder, const session::HoldEvent& event);
Bytes encode_holds_live(flatbuffers::FlatBufferBuilder& builder, const std::set<HoldId>& holds);
Bytes encode_order_used(flatbuffers::FlatBufferBuilder& builder, const session::HoldEvent& event);
Bytes encode_orders_obeyed(flatbuffers::FlatBufferBuilder& builder, std::uint64_t number,
                           const enforce::TicketKey& ticket_key);
// Nothing where there is none, or one of another size.
std::optional<enforce::TicketKey> decode_ticket_key(const schema::channel::Orders& orders);
session::HoldDecision decode(const schema::channel::HoldDecision& decision);
std::vector<enforce::Order> decode(const schema::channel::Orders& orders, TimeNs now);

}  // namespace sluice::channel
