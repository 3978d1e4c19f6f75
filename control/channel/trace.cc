// See trace.h.
#include "control/channel/trace.h"

#include "common/trace_record.h"
#include "control/channel/envelope.h"

namespace sluice::control {

namespace fbs = sluice::schema::channel;

MessageBytes encode_trace_request(std::uint64_t request_id) {
  flatbuffers::FlatBufferBuilder builder;
  return finish(builder, fbs::CreateTraceRequest(builder, request_id));
}

std::string trace_file(const std::vector<MessageBytes>& answer) {
  std::string out;
  for (const MessageBytes& message : answer) {
    const auto* part = fbs::GetSizePrefixedEnvelope(message.data())->message_as_TracePart();
    if (part == nullptr || part->records() == nullptr) continue;
    const std::uint64_t records = part->records()->size() / sizeof(TraceRecord);
    const TraceHeader header{.worker = part->worker(),
                             .records = records,
                             .next = part->first() + records,
                             .monotonic_ns = part->monotonic_ns(),
                             .wall_ns = part->wall_ns()};
    out.append(reinterpret_cast<const char*>(&header), sizeof header);
    out.append(reinterpret_cast<const char*>(part->records()->data()), records * sizeof(TraceRecord));
  }
  return out;
}

}  // namespace sluice::control
