// What goes into and comes out of the TCP engine: segments without their IP and link headers.
#pragma once

#include <cstdint>
#include <span>

#include "common/error.h"
#include "dataplane/buffer/chain.h"
#include "dataplane/wire/frame.h"

namespace sluice::tcp {

// No leg sends shorter segments than that of what is longer, whatever MSS its peer announces; timestamps taken off.
inline constexpr std::uint16_t kSmallestSegmentBytes = 36;

struct SegmentIn {
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint16_t window = 0;  // as on the wire, unscaled
  std::uint8_t flags = 0;    // wire::TcpFlag
  bool congested = false;    // a router marked the packet: "congestion experienced" (RFC 3168)
  bool has_timestamps = false;
  std::uint32_t ts_value = 0;
  std::uint32_t ts_echo = 0;
  std::span<const wire::SackBlock> sack{};  // as they came; read before input() returns
  buffer::Chain payload;
};

// Segments that carry on where the one before them ended, or acknowledgements that go on (wire/run.h).
struct RunIn {
  std::uint32_t bytes = 0;       // payload of all, 0 of acknowledgements
  std::size_t pinned_bytes = 0;  // memory that it lies in
  std::uint32_t last_ack = 0;    // of data the same as the first one's
};

struct SegmentOut {
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint16_t window = 0;
  std::uint8_t flags = 0;
  bool ecn_capable = false;  // a router may mark it rather than drop it
  bool has_timestamps = false;
  std::uint32_t ts_value = 0;
  std::uint32_t ts_echo = 0;
  std::span<const wire::SackBlock> sack{};  // at most what fits; valid until emit() returns
  std::uint16_t mss = 0;                    // payload longer than this asks for segmentation
  buffer::Chain payload;                    // views; the leg keeps the bytes until they are acknowledged
};

// Where a leg's segments go: headers are written there and the frame joins the port's burst.
class SegmentSink {
 public:
  virtual ~SegmentSink() = default;
  // False: no buffer or no room in this burst; the leg tries again at the next output().
  virtual bool emit(SegmentOut&& segment) = 0;
};

}  // namespace sluice::tcp
