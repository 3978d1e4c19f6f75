// See renumber.h. Options are walked once more only where there may be SACK blocks: nearly every other header ends
// after its timestamps.
#include "dataplane/wire/renumber.h"

#include <algorithm>

#include "dataplane/wire/build.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/frame.h"

namespace sluice::wire {
namespace {

constexpr std::size_t kSeqOffset = 4;
constexpr std::size_t kAckOffset = 8;
constexpr std::size_t kFlagsOffset = 13;
constexpr std::size_t kWindowOffset = 14;
constexpr std::size_t kStampedBytes = kTcpHeaderBytes + 12;
constexpr std::uint32_t kStamp = 0x0101080a;  // NOP NOP TS (RFC 7323 appendix A)
constexpr std::uint8_t kSackKind = 5;

void add_to(std::uint8_t* field, std::uint32_t by) {
  store_be32(field, load_be32(field) + by);
}

bool may_have_sack(Bytes header) {
  if (header.size() <= kTcpHeaderBytes) return false;
  return header.size() != kStampedBytes || load_be32(header.data() + kTcpHeaderBytes) != kStamp;
}

void move_sack(MutableBytes options, std::uint32_t by) {
  while (!options.empty() && options[0] != 0) {
    if (options[0] == 1) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2) return;
    const std::size_t length = options[1];
    if (length < 2 || length > options.size()) return;
    if (options[0] == kSackKind)
      for (std::size_t at = 2; at + 4 <= length; at += 4) add_to(options.data() + at, by);
    options = options.subspan(length);
  }
}

}  // namespace

std::uint16_t rescaled_window(std::uint16_t window, std::uint8_t from, std::uint8_t to) {
  return static_cast<std::uint16_t>(std::min<std::uint64_t>((std::uint64_t{window} << from) >> to, 0xffff));
}

void renumber(MutableBytes header, const Renumbering& by, bool partial) {
  ChecksumSum before;
  if (!partial) before.add(header);
  add_to(header.data() + kSeqOffset, by.seq);
  if ((header[kFlagsOffset] & kAck) != 0) {
    add_to(header.data() + kAckOffset, by.ack);
    if (by.ack != 0 && may_have_sack(header)) move_sack(header.subspan(kTcpHeaderBytes), by.ack);
  }
  if (by.window_from != by.window_to) {
    std::uint8_t* const window = header.data() + kWindowOffset;
    store_be16(window, rescaled_window(load_be16(window), by.window_from, by.window_to));
  }
  if (partial) return;
  ChecksumSum after;
  after.add(header);  // with the old checksum in both, which therefore says nothing
  std::uint8_t* const checksum = header.data() + kTcpChecksumOffset;
  store_be16(checksum, updated_checksum16(load_be16(checksum), before.folded(), after.folded()));
}

}  // namespace sluice::wire
