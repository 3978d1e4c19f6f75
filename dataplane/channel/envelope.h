// A message becomes what stands on the channel: an Envelope with its size before it.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstring>

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

// Of a field of fixed size, up to its first zero.
template <std::size_t N>
flatbuffers::Offset<flatbuffers::String> text(flatbuffers::FlatBufferBuilder& builder, const char (&field)[N]) {
  return builder.CreateString(field, ::strnlen(field, N));
}

}  // namespace sluice::channel
