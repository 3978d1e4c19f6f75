// A message becomes what stands on the channel: an Envelope with its size before it. And what stands there becomes
// values.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <string>

#include "common/ip_address.h"
#include "control/channel/questions.h"
#include "schema/channel_generated.h"

namespace sluice::control {

template <class T>
MessageBytes finish(flatbuffers::FlatBufferBuilder& builder, flatbuffers::Offset<T> message) {
  namespace fbs = schema::channel;
  constexpr fbs::Message kType = fbs::MessageTraits<T>::enum_value;
  fbs::FinishSizePrefixedEnvelopeBuffer(builder, fbs::CreateEnvelope(builder, kType, message.Union()));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

inline std::string text(const flatbuffers::String* string) {
  return string != nullptr ? string->str() : std::string();
}

inline IpAddress address(std::uint32_t ipv4, const schema::channel::Ipv6* ipv6) {
  return ipv6 == nullptr ? IpAddress(ipv4) : IpAddress(ipv6->high(), ipv6->low());
}

}  // namespace sluice::control
