// Fuzzes wire::parse(). Whatever the bytes: nothing is read beyond them, every offset of a TCP frame lies in
// the head, the payload lies in the frame, fragments are put together within bounds, and headers written from what was
// parsed parse to the same; what ICMP errors quote is read within them. Input: one byte of switches, one byte of frame
// length beyond the head, then the head.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "common/assert.h"
#include "dataplane/wire/build.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/fragments.h"
#include "dataplane/wire/frame.h"
#include "dataplane/wire/icmp.h"

namespace {

using namespace sluice;

// Random bytes never have a right header checksum; without this the parser's deeper half stays dark.
void repair_ipv4_checksum(std::vector<std::uint8_t>& head) {
  std::size_t at = 14;
  while (at + 4 <= head.size() && at < 22 &&
         (load_be16(&head[at - 2]) == 0x8100 || load_be16(&head[at - 2]) == 0x88a8)) {
    at += 4;
  }
  if (at + 20 > head.size()) return;
  const std::size_t header_bytes = (head[at] & 0x0f) * std::size_t{4};
  if (header_bytes < 20 || at + header_bytes > head.size()) return;
  store_be16(&head[at + 10], 0);
  store_be16(&head[at + 10], wire::ipv4_header_checksum({&head[at], header_bytes}));
}

void check_round_trip(const wire::Frame& frame) {
  wire::TcpHeader header;
  header.link = frame.link;
  header.source = frame.source;
  header.destination = frame.destination;
  header.source_port = frame.source_port;
  header.destination_port = frame.destination_port;
  header.flow_label = frame.flow_label;
  header.tos = frame.tos;
  header.ttl = frame.ttl;
  header.seq = frame.seq;
  header.ack = frame.ack;
  header.window = frame.window;
  header.flags = frame.flags;
  header.options = frame.options;
  header.sack = frame.sack.all();
  std::uint8_t out[wire::kMaxHeaderBytes];
  const std::size_t written = wire::write(header, 0, out);
  const wire::Frame again = wire::parse({out, written}, written);
  SLUICE_ASSERT(again.kind == wire::FrameKind::tcp);
  SLUICE_ASSERT(again.link.length == frame.link.length);
  SLUICE_ASSERT(again.source == frame.source && again.destination == frame.destination);
  SLUICE_ASSERT(again.source_port == frame.source_port && again.destination_port == frame.destination_port);
  SLUICE_ASSERT(again.flow_label == frame.flow_label);
  SLUICE_ASSERT(again.seq == frame.seq && again.ack == frame.ack && again.window == frame.window);
  SLUICE_ASSERT(again.flags == frame.flags && again.tos == frame.tos && again.ttl == frame.ttl);
  SLUICE_ASSERT(again.options.mss == frame.options.mss && again.options.window_shift == frame.options.window_shift);
  SLUICE_ASSERT(again.options.sack_permitted == frame.options.sack_permitted);
  SLUICE_ASSERT(again.options.has_timestamps == frame.options.has_timestamps);
  const std::size_t blocks = std::min<std::size_t>(frame.sack.count, wire::most_sack_blocks(frame.options));
  SLUICE_ASSERT(std::ranges::equal(again.sack.all(), frame.sack.all().first(blocks)));
  SLUICE_ASSERT(again.options.ts_value == frame.options.ts_value && again.options.ts_echo == frame.options.ts_echo);
}

// What an error quotes of a segment lies within the head.
void check_icmp(Bytes head, const wire::Frame& frame) {
  const wire::IcmpError error = wire::read_icmp_error(head, frame);
  if (error.kind == wire::IcmpKind::none) {
    SLUICE_ASSERT(error.quoted == wire::Quoted::nothing && !error.is_hard());
    return;
  }
  SLUICE_ASSERT(frame.l4_offset + std::size_t{8} <= head.size());
  SLUICE_ASSERT(error.kind == wire::IcmpKind::too_big || error.mtu == 0);
  if (error.quoted == wire::Quoted::nothing) return;
  SLUICE_ASSERT(error.source.is_ipv4() == frame.source.is_ipv4());
  SLUICE_ASSERT(error.destination.is_ipv4() == frame.source.is_ipv4());
}

// What is put together parses, and holds no more than what was given.
void check_fragment(Bytes head, std::size_t frame_bytes, const wire::Frame& frame) {
  static wire::FragmentTable table;
  static TimeNs now = 0;
  now += kMillisecond;
  const wire::Fragment fragment = wire::read_fragment(head, frame);
  SLUICE_ASSERT(std::size_t{fragment.payload_offset} + fragment.payload_bytes <= frame_bytes);
  if (std::size_t{fragment.payload_offset} + fragment.payload_bytes > head.size()) return;
  Bytes whole;
  const ErrorCode error =
      table.add(frame, fragment, true, head.subspan(fragment.payload_offset, fragment.payload_bytes), now, whole);
  SLUICE_ASSERT(error == ErrorCode::ok || whole.empty());
  if (!whole.empty()) SLUICE_ASSERT(wire::parse(whole, whole.size()).l3_offset == frame.link.length);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::vector<std::uint8_t> head(data + 2, data + size);
  head.shrink_to_fit();  // a read beyond the head is a read beyond the heap block
  if ((data[0] & 1) != 0) repair_ipv4_checksum(head);
  const std::size_t frame_bytes = head.size() + data[1] * std::size_t{256};
  const wire::Frame frame = wire::parse(head, frame_bytes);
  const bool has_error = frame.kind == wire::FrameKind::bad || frame.kind == wire::FrameKind::closed;
  SLUICE_ASSERT(has_error == (frame.error != ErrorCode::ok));
  SLUICE_ASSERT(frame.link.length <= wire::kMaxLinkHeaderBytes && frame.link.length <= head.size());
  if (frame.kind == wire::FrameKind::tcp || frame.kind == wire::FrameKind::udp) {
    SLUICE_ASSERT(frame.l3_offset == frame.link.length && frame.l3_offset + 20 <= frame.l4_offset);
    SLUICE_ASSERT(frame.l4_offset + 8 <= frame.payload_offset && frame.payload_offset <= head.size());
    SLUICE_ASSERT(frame.payload_offset + frame.payload_bytes <= frame_bytes);
  }
  if (frame.kind == wire::FrameKind::tcp) check_round_trip(frame);
  if (frame.kind == wire::FrameKind::icmp) check_icmp(head, frame);
  if (frame.kind == wire::FrameKind::fragment) check_fragment(head, frame_bytes, frame);
  return 0;
}
