// See stencils.h.
#include "dataplane/record/stencils.h"

#include "schema/session_log_generated.h"

namespace sluice::record {
namespace {

namespace log = schema::log;

flatbuffers::Table& table_of(MutableBytes record) {
  return *flatbuffers::GetMutableSizePrefixedRoot<flatbuffers::Table>(record.data());
}

flatbuffers::Table& body_of(MutableBytes record) {
  return *table_of(record).GetPointer<flatbuffers::Table*>(log::Record::VT_BODY);
}

}  // namespace

// Whoever falls on a place of others builds its records, and nothing worse.
std::size_t Stencils::place_of(Kind kind, const Subject& subject) {
  const auto mark = [](std::string_view name) {
    return name.empty()
               ? 0U
               : name.size() + 5U * static_cast<std::uint8_t>(name.front()) + static_cast<std::uint8_t>(name.back());
  };
  return (2 * (mark(subject.service) + 3 * mark(subject.principal)) + static_cast<std::size_t>(kind)) % kKept;
}

Bytes Stencils::find(Kind kind, const Subject& subject) const {
  const Stencil& kept = stencils_[place_of(kind, subject)];
  const bool same = kept.kind == kind && kept.verified == subject.principal_verified &&
                    kept.service == subject.service && kept.principal == subject.principal &&
                    kept.record_class == subject.record_class;
  return same ? Bytes(kept.record) : Bytes();
}

void Stencils::keep(Kind kind, const Subject& subject, Bytes record) {
  Stencil& kept = stencils_[place_of(kind, subject)];
  kept.kind = kind;
  kept.verified = subject.principal_verified;
  kept.service = subject.service;
  kept.record_class = subject.record_class;
  kept.principal = subject.principal;
  kept.record.assign(record.begin(), record.end());
}

bool Stencils::number(MutableBytes record, std::uint64_t sequence, SessionId session, WallNs now) {
  flatbuffers::Table& table = table_of(record);
  return table.SetField<std::uint64_t>(log::Record::VT_SEQUENCE, sequence, 0) &&
         table.SetField<std::uint64_t>(log::Record::VT_SESSION, session, 0) &&
         table.SetField<std::uint64_t>(log::Record::VT_WALL_NS, now, 0);
}

// Addresses of IPv4.
bool Stencils::fill(MutableBytes record, const SessionOpen& open) {
  using Body = log::SessionOpen;
  flatbuffers::Table& body = body_of(record);
  return body.GetOptionalFieldOffset(Body::VT_CLIENT_IPV6) == 0 &&
         body.SetField<std::uint32_t>(Body::VT_CLIENT_ADDRESS, open.client_address.ipv4(), 0) &&
         body.SetField<std::uint16_t>(Body::VT_CLIENT_PORT, open.client_port, 0) &&
         body.SetField<std::uint32_t>(Body::VT_SERVER_ADDRESS, open.server_address.ipv4(), 0) &&
         body.SetField<std::uint16_t>(Body::VT_SERVER_PORT, open.server_port, 0) &&
         body.SetField<std::uint8_t>(Body::VT_PROTOCOL, open.protocol, 0);
}

bool Stencils::fill(MutableBytes record, const SessionClose& close) {
  using Body = log::SessionClose;
  flatbuffers::Table& body = body_of(record);
  return body.SetField<std::uint16_t>(Body::VT_ERROR, static_cast<std::uint16_t>(close.error), 0) &&
         body.SetField<std::uint64_t>(Body::VT_REQUEST_BYTES, close.request_bytes, 0) &&
         body.SetField<std::uint64_t>(Body::VT_RESPONSE_BYTES, close.response_bytes, 0) &&
         body.SetField<std::uint32_t>(Body::VT_UNITS, close.units, 0);
}

}  // namespace sluice::record
