// See trace.h.
#include "control/channel/trace.h"

#include "common/trace_record.h"
#include "schema/channel_generated.h"

namespace sluice::control {

namespace fbs = sluice::schema::channel;

MessageBytes encode_trace_request(std::uint64_t request_id) {
  flatbuffers::FlatBufferBuilder builder;
  const auto request = fbs::CreateTraceRequest(builder, request_id);
  fbs::FinishSizePrefixedEnvelopeBuffer(builder,
                                        fbs::CreateEnvelope(builder, fbs::Message::TraceRequest, request.Union()));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
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
