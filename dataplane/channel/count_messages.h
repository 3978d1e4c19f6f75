// What is counted, as it stands on the channel: lists that may be long go in parts, and a short message that says how
// many there were makes the report whole. Without one of its parts it is none.
#pragma once

#include <cstdint>

#include <flatbuffers/flatbuffers.h>

#include "common/framed_socket.h"
#include "common/time.h"
#include "dataplane/channel/channel.h"

namespace sluice::channel {

// Queues `report` as number `number`. What does not fit is left out: the next report says the same and more.
void send_counters(FramedSocket& socket, flatbuffers::FlatBufferBuilder& builder, const CounterReport& report,
                   std::uint64_t number, WallNs now);

}  // namespace sluice::channel
