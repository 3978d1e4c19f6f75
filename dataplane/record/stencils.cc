// See stencils.h.
#include "dataplane/record/stencils.h"

#include <algorithm>
#include <cstring>

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

std::size_t Stencils::place_within(Kind kind) {
  switch (kind.shape) {
    case Shape::open:
      return 0;
    case Shape::close:
      return 1;
    case Shape::head:
      return 2 + kind.variant / 4 % 2;
    case Shape::slice:
      return 4 + kind.variant / 4 % 2;
    case Shape::end:
      break;
  }
  return 6 + std::min(kind.variant, kKinds - 7);
}

// Whoever falls on a place of others builds its records, and nothing worse.
std::size_t Stencils::place_of(Kind kind, const Subject& subject) {
  const auto mark = [](std::string_view name) {
    return name.empty()
               ? 0U
               : name.size() + 5U * static_cast<std::uint8_t>(name.front()) + static_cast<std::uint8_t>(name.back());
  };
  const std::size_t whose = mark(subject.service) + 3 * mark(subject.principal);
  return (whose * kKinds + place_within(kind)) % kKept;
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

bool Stencils::fill(MutableBytes record, const UnitHead& head) {
  using Body = log::UnitHead;
  flatbuffers::Table& body = body_of(record);
  return body.SetField<std::uint32_t>(Body::VT_UNIT, head.unit, 0) &&
         body.SetField<std::uint8_t>(Body::VT_DIRECTION, static_cast<std::uint8_t>(head.direction), 0) &&
         body.SetField<std::uint8_t>(Body::VT_INFORMATIONAL, head.informational, 0) &&
         body.SetField<std::uint8_t>(Body::VT_SYNTHESIZED, head.synthesized, 0);
}

bool Stencils::fill(MutableBytes record, const SliceInfo& slice) {
  using Body = log::Slice;
  flatbuffers::Table& body = body_of(record);
  return body.SetField<std::uint32_t>(Body::VT_UNIT, slice.unit, 0) &&
         body.SetField<std::uint8_t>(Body::VT_DIRECTION, static_cast<std::uint8_t>(slice.direction), 0) &&
         body.SetField<std::uint64_t>(Body::VT_OFFSET, slice.offset, 0) &&
         body.SetField<std::uint8_t>(Body::VT_TRAILERS, slice.trailers, 0);
}

bool Stencils::fill(MutableBytes record, const UnitEnd& end) {
  using Body = log::UnitEnd;
  flatbuffers::Table& body = body_of(record);
  const auto* names =
      body.GetPointer<flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>*>(Body::VT_RULE_NAMES);
  auto* rules = body.GetPointer<flatbuffers::Vector<const log::RuleHits*>*>(Body::VT_HITS);
  const std::size_t told = rules == nullptr ? 0 : rules->size();
  if (told != end.hits.size() || !end.limit.empty() || end.held != nullptr || end.score != nullptr) return false;
  if (body.GetOptionalFieldOffset(Body::VT_LIMIT) != 0 || body.GetOptionalFieldOffset(Body::VT_HELD) != 0) return false;
  for (flatbuffers::uoffset_t i = 0; i < told; ++i) {
    const Hit& hit = end.hits[i];
    if (names->Get(i)->string_view() != hit.rule_name) return false;
    const log::RuleHits row(hit.rule, hit.count);
    std::memcpy(rules->Data() + i * sizeof row, &row, sizeof row);
  }
  return body.SetField<std::uint32_t>(Body::VT_UNIT, end.unit, 0) &&
         body.SetField<std::uint8_t>(Body::VT_DIRECTION, static_cast<std::uint8_t>(end.direction), 0) &&
         body.SetField<std::uint8_t>(Body::VT_VERDICT, static_cast<std::uint8_t>(end.verdict), 0) &&
         body.SetField<std::uint16_t>(Body::VT_ERROR, static_cast<std::uint16_t>(end.error), 0) &&
         body.SetField<std::uint64_t>(Body::VT_POLICY_VERSION, end.policy_version, 0) &&
         body.SetField<std::uint64_t>(Body::VT_BODY_BYTES, end.body_bytes, 0) &&
         body.SetField<std::uint8_t>(Body::VT_COMPLETE, end.complete, 0) &&
         body.SetField<std::uint8_t>(Body::VT_OBSERVED, end.observed, 0) &&
         body.SetField<std::uint64_t>(Body::VT_DURATION_NS, end.duration, 0) &&
         body.SetField<std::uint8_t>(Body::VT_TRANSACTION, end.transaction, 0) &&
         body.SetField<std::uint64_t>(Body::VT_ROWS, end.rows, 0) &&
         body.SetField<std::uint32_t>(Body::VT_PIPELINE, end.pipeline, 0);
}

void Stencils::set_payload(MutableBytes record, std::size_t kept_bytes, std::size_t bytes) {
  flatbuffers::WriteScalar(record.data(), static_cast<flatbuffers::uoffset_t>(record.size() - sizeof(std::uint32_t)));
  flatbuffers::WriteScalar(record.data() + kept_bytes - sizeof(flatbuffers::uoffset_t),
                           static_cast<flatbuffers::uoffset_t>(bytes));
  std::ranges::fill(record.subspan(kept_bytes + bytes), std::uint8_t{0});
}

}  // namespace sluice::record
