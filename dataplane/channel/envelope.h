// A message becomes what stands on the channel: an Envelope with its size before it.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include "common/bytes.h"
#include "schema/channel_generated.h"

namespace sluice::channel {

// Good until the builder is used again.
template <class T>
Bytes finish(flatbuffers::FlatBufferBuilder& builder, flatbuffers::Offset<T> message) {
  namespace fbs = schema::channel;
  constexpr fbs::Message kType = fbs::MessageTraits<T>::enum_value;
  fbs::FinishSizePrefixedEnvelopeBuffer(builder, fbs::CreateEnvelope(builder, kType, message.Union()));
  return {builder.GetBufferPointer(), builder.GetSize()};
}

}  // namespace sluice::channel
