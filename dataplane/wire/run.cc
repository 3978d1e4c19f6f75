// Comparisons of fixed sizes, which are no calls. Offsets are those of RFC 791, RFC 8200 and RFC 9293.
#include "dataplane/wire/run.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "dataplane/wire/build.h"

namespace sluice::wire {
namespace {

constexpr std::size_t kTimestampBytes = 12;
constexpr std::uint32_t kTimestampLayout = 0x0101080a;  // NOP NOP TS (RFC 7323 appendix A)
constexpr std::size_t kFlagsAt = 13;

// As memcmp, which is a call for sizes that are no power of two.
template <std::size_t kBytes>
bool same(const std::uint8_t* a, const std::uint8_t* b) {
  if constexpr (kBytes > 8) {
    std::uint64_t differing = 0;
    for (std::size_t at = 0; at < kBytes; at += 8) {
      const std::size_t from = std::min(at, kBytes - 8);  // the last may overlap the one before
      std::uint64_t of_a = 0;
      std::uint64_t of_b = 0;
      std::memcpy(&of_a, a + from, 8);
      std::memcpy(&of_b, b + from, 8);
      differing |= of_a ^ of_b;
    }
    return differing == 0;
  } else {
    static_assert(std::has_single_bit(kBytes));
    return std::memcmp(a, b, kBytes) == 0;
  }
}

// Sequence numbers, acknowledgements and timestamps: modulo 2^32.
bool is_after(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) > 0;
}

// Length, identification and checksum.
std::uint32_t sum_of_what_differs(const std::uint8_t* ip) {
  return std::uint32_t{load_be16(ip + 2)} + load_be16(ip + 4) + load_be16(ip + 10);
}

void read_numbers(const std::uint8_t* tcp, Frame& frame) {
  frame.ack = load_be32(tcp + 8);
  frame.window = load_be16(tcp + 14);
  if (!frame.options.has_timestamps) return;
  frame.options.ts_value = load_be32(tcp + kTcpHeaderBytes + 4);
  frame.options.ts_echo = load_be32(tcp + kTcpHeaderBytes + 8);
}

}  // namespace

void Run::begin(const Frame& frame, Bytes head) {
  kind_ = Kind::none;
  const std::uint8_t flags = frame.flags & static_cast<std::uint8_t>(~kPsh);
  const std::size_t option_bytes = frame.payload_offset - frame.l4_offset - kTcpHeaderBytes;
  ipv4_ = frame.source.is_ipv4();
  timestamps_ = frame.options.has_timestamps;
  const bool plain_ip = frame.l4_offset == frame.l3_offset + (ipv4_ ? kIpv4HeaderBytes : kIpv6HeaderBytes);
  const bool plain_options = option_bytes == (timestamps_ ? kTimestampBytes : 0) &&
                             (!timestamps_ || load_be32(head.data() + frame.l4_offset + 20) == kTimestampLayout);
  if (frame.kind != FrameKind::tcp || !plain_ip || !plain_options || (flags & ~kEce) != kAck) return;
  // A probe of one old byte is for itself (RFC 9293 section 3.8.4).
  if (frame.payload_bytes == 1 || (frame.payload_bytes == 0 && frame.flags != kAck)) return;
  kind_ = frame.payload_bytes > 0 ? Kind::data : Kind::acknowledgements;
  first_ = head.data();
  last_ = first_ + frame.l4_offset;
  l3_offset_ = frame.l3_offset;
  l4_offset_ = frame.l4_offset;
  header_bytes_ = frame.payload_offset;
  bytes_ = last_bytes_ = frame.payload_bytes;
  next_seq_ = frame.seq + bytes_;
  header_sum_ = ipv4_ ? sum_of_what_differs(first_ + l3_offset_) : 0;
  pushed_ = (frame.flags & kPsh) != 0;
}

// As far as the ports.
inline bool Run::is_alike(const std::uint8_t* head) const {
  const std::uint8_t* ip = head + l3_offset_;
  const std::uint8_t* first_ip = first_ + l3_offset_;
  if (l3_offset_ == kEthernetBytes) {
    if (!same<kEthernetBytes>(head, first_)) return false;
  } else if (std::memcmp(head, first_, l3_offset_) != 0) {
    return false;
  }
  if (ipv4_)  // version and class; fragment, lifetime and protocol; addresses and ports
    return same<2>(ip, first_ip) && same<4>(ip + 6, first_ip + 6) && same<12>(ip + 12, first_ip + 12);
  return same<4>(ip, first_ip) && same<38>(ip + 6, first_ip + 6);
}

inline bool Run::continues_data(const std::uint8_t* tcp, std::size_t payload_bytes) {
  if (payload_bytes == 0 || bytes_ + payload_bytes > kMostBytes) return false;
  if ((tcp[kFlagsAt] | kPsh) != (last_[kFlagsAt] | kPsh)) return false;
  if (!same<4>(tcp + 8, last_ + 8) || !same<2>(tcp + 14, last_ + 14)) return false;
  if (timestamps_ && !same<kTimestampBytes>(tcp + kTcpHeaderBytes, last_ + kTcpHeaderBytes)) return false;
  pushed_ |= (tcp[kFlagsAt] & kPsh) != 0;
  last_bytes_ = static_cast<std::uint32_t>(payload_bytes);
  bytes_ += last_bytes_;
  next_seq_ += last_bytes_;
  return true;
}

inline bool Run::continues_acknowledgements(const std::uint8_t* tcp) {
  if (tcp[kFlagsAt] != kAck || !is_after(load_be32(tcp + 8), load_be32(last_ + 8))) return false;
  if (!timestamps_) return true;
  const std::uint8_t* option = tcp + kTcpHeaderBytes;
  const std::uint8_t* before = last_ + kTcpHeaderBytes;
  return load_be32(option) == kTimestampLayout && !is_after(load_be32(before + 4), load_be32(option + 4));
}

// What differs mostly is looked at first.
bool Run::take(Bytes head) {
  if (kind_ == Kind::none || head.size() < header_bytes_) return false;
  const std::uint8_t* ip = head.data() + l3_offset_;
  const std::uint8_t* tcp = head.data() + l4_offset_;
  if (load_be32(tcp + 4) != next_seq_ || tcp[12] != last_[12] || !is_alike(head.data())) return false;
  const std::size_t end = l3_offset_ + (ipv4_ ? load_be16(ip + 2) : kIpv6HeaderBytes + load_be16(ip + 4));
  if (end < header_bytes_ || end > head.size()) return false;
  // The first one's sum is right, so this one's is where what differs comes to the same (RFC 1071).
  if (ipv4_ && (sum_of_what_differs(ip) + 3 * 0xffffU - header_sum_) % 0xffffU != 0) return false;
  const bool taken =
      is_data() ? continues_data(tcp, end - header_bytes_) : end == header_bytes_ && continues_acknowledgements(tcp);
  if (taken) last_ = tcp;
  return taken;
}

void Run::tell(Frame& frame) const {
  frame.payload_bytes = bytes_;
  if (pushed_) frame.flags |= kPsh;
  read_numbers(last_, frame);
}

void Run::read(Bytes head, std::uint32_t payload_bytes, Frame& frame) {
  const std::uint8_t* tcp = head.data() + frame.l4_offset;
  frame.payload_bytes = payload_bytes;
  frame.seq = load_be32(tcp + 4);
  frame.flags = tcp[kFlagsAt];
  read_numbers(tcp, frame);
}

}  // namespace sluice::wire
