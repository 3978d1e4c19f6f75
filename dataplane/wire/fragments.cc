// See fragments.h.
#include "dataplane/wire/fragments.h"

#include <algorithm>

#include "dataplane/wire/build.h"

namespace sluice::wire {
namespace {

constexpr std::uint32_t kFragmentHeaderBytes = 8;

}  // namespace

Fragment read_fragment(Bytes head, const Frame& frame) {
  Fragment fragment{.payload_offset = frame.l4_offset, .payload_bytes = frame.payload_bytes};
  if (frame.source.is_ipv4()) {
    const std::uint8_t* ip = head.data() + frame.l3_offset;
    const std::uint16_t word = load_be16(ip + 6);
    fragment.id = load_be16(ip + 4);
    fragment.offset_bytes = static_cast<std::uint16_t>((word & 0x1fff) * 8);
    fragment.more = (word & 0x2000) != 0;
    fragment.protocol = ip[9];
  } else {
    const std::uint8_t* header = head.data() + frame.l4_offset;
    const std::uint16_t word = load_be16(header + 2);
    fragment.id = load_be32(header + 4);
    fragment.offset_bytes = word & 0xfff8;
    fragment.more = (word & 1) != 0;
    fragment.protocol = header[0];
    fragment.payload_offset = static_cast<std::uint16_t>(fragment.payload_offset + kFragmentHeaderBytes);
    fragment.payload_bytes -= kFragmentHeaderBytes;
  }
  return fragment;
}

FragmentTable::FragmentTable(const FragmentLimits& limits)
    : limits_(limits), memory_((limits.datagrams + 1) * kRoomBytes), datagrams_(limits.datagrams) {
  for (std::size_t i = 0; i < datagrams_.size(); ++i) datagrams_[i].room = room_of(i);
}

std::size_t FragmentTable::waiting() const {
  return static_cast<std::size_t>(std::ranges::count(datagrams_, true, &Datagram::used));
}

FragmentTable::Datagram* FragmentTable::find(const Frame& frame, const Fragment& fragment, bool from_client) {
  const auto found = std::ranges::find_if(datagrams_, [&](const Datagram& d) {
    return d.used && d.id == fragment.id && d.from_client == from_client && d.first.source == frame.source &&
           d.first.destination == frame.destination && d.first.link.length == frame.link.length &&
           std::equal(frame.link.bytes, frame.link.bytes + frame.link.length, d.first.link.bytes);
  });
  return found == datagrams_.end() ? nullptr : &*found;
}

FragmentTable::Datagram* FragmentTable::begin(const Frame& frame, const Fragment& fragment, bool from_client,
                                              TimeNs now) {
  const auto of_source = std::ranges::count_if(
      datagrams_, [&](const Datagram& d) { return d.used && d.first.source.source() == frame.source.source(); });
  const auto free = std::ranges::find(datagrams_, false, &Datagram::used);
  if (free == datagrams_.end() || static_cast<std::size_t>(of_source) >= limits_.per_source) return nullptr;
  free->used = true;
  free->from_client = from_client;
  free->id = fragment.id;
  free->first = frame;
  free->began = now;
  free->held_bytes = free->total_bytes = 0;
  free->has.reset();
  return &*free;
}

void FragmentTable::expire(TimeNs now) {
  for (Datagram& datagram : datagrams_) {
    if (!datagram.used || now - datagram.began < limits_.timeout) continue;
    datagram.used = false;
    ++expired_;
  }
}

ErrorCode FragmentTable::put(Datagram& datagram, const Fragment& fragment, Bytes payload) {
  const std::size_t begin = fragment.offset_bytes;
  const std::size_t end = begin + payload.size();
  if (payload.empty() || end > kMostBytes || (fragment.more && payload.size() % kUnitBytes != 0))
    return ErrorCode::fragment_bad;
  std::uint8_t* const at = datagram.room + kHeaderRoom + begin;
  const std::size_t first = begin / kUnitBytes;
  const std::size_t past = (end + kUnitBytes - 1) / kUnitBytes;
  std::size_t held = 0;
  for (std::size_t unit = first; unit < past; ++unit) held += datagram.has[unit] ? 1 : 0;
  if (held != 0) {
    const bool same_end = fragment.more || end == datagram.total_bytes;
    const bool repeats = held == past - first && same_end && std::ranges::equal(payload, Bytes(at, payload.size()));
    return repeats ? ErrorCode::ok : ErrorCode::fragment_overlaps;
  }
  // Nothing lies behind the last one, and there is one last.
  if (!fragment.more) {
    if (datagram.total_bytes != 0) return ErrorCode::fragment_overlaps;
    for (std::size_t unit = past; unit < kUnits; ++unit)
      if (datagram.has[unit]) return ErrorCode::fragment_overlaps;
    datagram.total_bytes = end;
  } else if (datagram.total_bytes != 0 && end > datagram.total_bytes) {
    return ErrorCode::fragment_overlaps;
  }
  std::ranges::copy(payload, at);
  for (std::size_t unit = first; unit < past; ++unit) datagram.has.set(unit);
  datagram.held_bytes += payload.size();
  return ErrorCode::ok;
}

Bytes FragmentTable::finish(Datagram& datagram) {
  const Frame& frame = datagram.first;
  const TcpHeader header{.link = frame.link,
                         .source = frame.source,
                         .destination = frame.destination,
                         .flow_label = frame.flow_label,
                         .tos = frame.tos,
                         .options = {}};
  const std::size_t head_bytes = frame.link.length + ip_header_bytes(header);
  std::uint8_t* const begin = datagram.room + kHeaderRoom - head_bytes;
  write_link_and_ip(header, datagram.total_bytes, {begin, head_bytes});
  datagram.used = false;
  return {begin, head_bytes + datagram.total_bytes};
}

ErrorCode FragmentTable::add(const Frame& frame, const Fragment& fragment, bool from_client, Bytes payload, TimeNs now,
                             Bytes& whole) {
  whole = {};
  if (fragment.protocol != kProtocolTcp) return ErrorCode::fragment_refused;
  expire(now);
  Datagram* datagram = find(frame, fragment, from_client);
  if (datagram == nullptr) datagram = begin(frame, fragment, from_client, now);
  if (datagram == nullptr) return ErrorCode::fragments_exceeded;
  const ErrorCode error = put(*datagram, fragment, payload);
  if (error != ErrorCode::ok) datagram->used = false;
  if (error == ErrorCode::ok && datagram->held_bytes == datagram->total_bytes) whole = finish(*datagram);
  return error;
}

}  // namespace sluice::wire
