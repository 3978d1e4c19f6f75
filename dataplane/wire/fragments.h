// IP fragments put together again (RFC 791, RFC 815; RFC 8200 section 4.5), for TCP alone and within bounds: so many
// datagrams at once, so many of one source, each for so long. Room is taken at the start; nothing is allocated.
// Where two fragments say different things of one place the whole datagram is dropped, in both versions (RFC 5722):
// then no order of arrival can make Sluice and the server read two different segments. A repeated fragment is no such
// thing.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/huge_memory.h"
#include "common/ip_address.h"
#include "common/time.h"
#include "dataplane/wire/frame.h"

namespace sluice::wire {

struct Fragment {
  std::uint32_t id = 0;
  std::uint16_t offset_bytes = 0;
  bool more = false;
  std::uint8_t protocol = 0;         // what the whole datagram carries
  std::uint16_t payload_offset = 0;  // in the frame
  std::uint32_t payload_bytes = 0;
};

// Of a frame of kind fragment, of which parse() saw these bytes.
Fragment read_fragment(Bytes head, const Frame& frame);

struct FragmentLimits {
  std::size_t datagrams = 32;  // 64 KiB each
  std::size_t per_source = 4;  // an IPv6 /64 is one
  DurationNs timeout = 15 * kSecond;
};

class FragmentTable {
 public:
  explicit FragmentTable(const FragmentLimits& limits = {});

  // Takes the fragment `payload` of a frame that came from one side. Once the datagram is whole, `whole` is its frame
  // without fragmentation, options and extension headers, good until the next call; else it is empty. What is not ok
  // was dropped, and with it what was kept of its datagram.
  ErrorCode add(const Frame& frame, const Fragment& fragment, bool from_client, Bytes payload, TimeNs now,
                Bytes& whole);
  // Datagrams that were given up because their rest did not come, since the last call.
  std::uint64_t take_expired() { return std::exchange(expired_, 0); }
  [[nodiscard]] std::size_t waiting() const;
  // Room for a payload that lies in pieces, until it is added.
  [[nodiscard]] MutableBytes scratch() const { return {room_of(datagrams_.size()), kRoomBytes}; }

 private:
  static constexpr std::size_t kUnitBytes = 8;  // offsets count in these
  static constexpr std::size_t kMostBytes = 65535 - 40;
  static constexpr std::size_t kUnits = 65536 / kUnitBytes;
  static constexpr std::size_t kHeaderRoom = kMaxLinkHeaderBytes + 40;
  static constexpr std::size_t kRoomBytes = 68 * 1024;
  static_assert(kHeaderRoom + kMostBytes <= kRoomBytes);

  struct Datagram {
    bool used = false;
    bool from_client = false;
    std::uint32_t id = 0;
    Frame first;  // the fragment that came first: addresses and link
    TimeNs began = 0;
    std::size_t held_bytes = 0;
    std::size_t total_bytes = 0;  // 0 until the last fragment came
    std::bitset<kUnits> has;
    std::uint8_t* room = nullptr;  // headers in front
  };

  Datagram* find(const Frame& frame, const Fragment& fragment, bool from_client);
  Datagram* begin(const Frame& frame, const Fragment& fragment, bool from_client, TimeNs now);
  void expire(TimeNs now);
  static ErrorCode put(Datagram& datagram, const Fragment& fragment, Bytes payload);
  static Bytes finish(Datagram& datagram);

  [[nodiscard]] std::uint8_t* room_of(std::size_t index) const {
    return reinterpret_cast<std::uint8_t*>(memory_.data()) + index * kRoomBytes;
  }

  FragmentLimits limits_;
  HugeMemory memory_;  // a room each, and the scratch
  std::vector<Datagram> datagrams_;
  std::uint64_t expired_ = 0;
};

}  // namespace sluice::wire
