#include "tests/sim/meddler.h"

#include <algorithm>
#include <cstring>

#include "dataplane/wire/build.h"
#include "dataplane/wire/checksum.h"

namespace sluice::sim {
namespace {

constexpr std::size_t kWindowOffset = 14;
constexpr std::size_t kMostLies = 1'000;  // beside 400 true bytes they fit every wire
constexpr std::size_t kMostTrueBytes = 400;

bool is_before(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) < 0;
}

// The same headers in front of another payload at another place.
WireFrame frame_of(const wire::Frame& like, std::uint32_t seq, Bytes payload) {
  wire::TcpHeader header{.link = like.link,
                         .source = like.source,
                         .destination = like.destination,
                         .source_port = like.source_port,
                         .destination_port = like.destination_port,
                         .seq = seq,
                         .ack = like.ack,
                         .window = like.window,
                         .flags = wire::kAck,
                         .options = like.options};
  WireFrame frame;
  frame.bytes.resize(wire::header_bytes(header) + payload.size());
  const std::size_t head = wire::write(header, payload.size(), frame.bytes);
  std::memcpy(frame.bytes.data() + head, payload.data(), payload.size());
  wire::ChecksumSum sum;
  sum.add(payload);
  const std::size_t l4 = header.link.length + wire::ip_header_bytes(header);
  wire::complete_checksum(MutableBytes(frame.bytes).subspan(l4, head - l4), wire::kTcpChecksumOffset, sum);
  return frame;
}

}  // namespace

std::optional<WireFrame> Meddler::pass(const MeddlerConfig& config, int from, WireFrame& frame) {
  if (config.shrunk_per_mille == 0 && config.forged_per_mille == 0) return std::nullopt;
  const wire::Frame parsed = wire::parse(frame.bytes, frame.bytes.size());
  if (parsed.kind != wire::FrameKind::tcp) return std::nullopt;
  const bool straight = from == 0;
  std::array<Stream, 2>& streams = connections_[{
      straight ? parsed.source : parsed.destination, straight ? parsed.source_port : parsed.destination_port,
      straight ? parsed.destination : parsed.source, straight ? parsed.destination_port : parsed.source_port}];
  note(from, parsed, streams);
  if ((parsed.flags & (wire::kSyn | wire::kFin | wire::kRst | wire::kAck)) != wire::kAck) return std::nullopt;
  const Stream& stream = streams[static_cast<std::size_t>(from)];
  std::optional<WireFrame> forged;
  if (random_.chance(config.forged_per_mille, 1000) && stream.acknowledges && !stream.finished)
    forged = forge(config.forges_held && random_.chance(1, 2), stream, parsed, frame);
  if (random_.chance(config.shrunk_per_mille, 1000)) shrink(parsed, frame);
  return forged;
}

// What a frame tells of its own stream, and of the other one.
void Meddler::note(int from, const wire::Frame& frame, std::array<Stream, 2>& streams) const {
  Stream& own = streams[static_cast<std::size_t>(from)];
  Stream& other = streams[static_cast<std::size_t>(1 - from)];
  if ((frame.flags & wire::kSyn) != 0) own = other = {};
  if ((frame.flags & (wire::kFin | wire::kRst)) != 0) own.finished = true;
  if ((frame.flags & wire::kAck) == 0) return;
  if (other.acknowledges && is_before(frame.ack, other.acknowledged)) return;
  other.acknowledges = true;
  other.acknowledged = frame.ack;
  other.held.clear();
  for (const wire::SackBlock& block : frame.sack.all())
    if (is_before(frame.ack, block.begin)) other.held.push_back(block);
}

void Meddler::shrink(const wire::Frame& frame, WireFrame& bytes) {
  const auto less = static_cast<std::uint16_t>(random_.below(std::uint64_t{frame.window} + 1));
  std::uint8_t* const l4 = bytes.bytes.data() + frame.l4_offset;
  store_be16(l4 + kWindowOffset, less);
  if (bytes.partial_checksum) return;  // the field covers the pseudo header only
  std::uint8_t* const field = l4 + wire::kTcpChecksumOffset;
  store_be16(field, wire::updated_checksum16(load_be16(field), frame.window, less));
}

std::optional<WireFrame> Meddler::forge(bool of_held, const Stream& stream, const wire::Frame& frame,
                                        const WireFrame& bytes) {
  if (of_held) {
    if (stream.held.empty()) return std::nullopt;
    const wire::SackBlock& block = stream.held[random_.below(stream.held.size())];
    return frame_of(frame, block.begin,
                    lies(std::min<std::size_t>(block.end - block.begin, 1 + random_.below(kMostLies))));
  }
  std::vector<std::uint8_t> payload = lies(1 + random_.below(kMostLies));
  const bool is_next = frame.seq == stream.acknowledged && frame.payload_bytes > 0 && bytes.segment_bytes == 0;
  const auto begin = static_cast<std::uint32_t>(stream.acknowledged - payload.size());
  if (is_next) {
    const Bytes all(bytes.bytes);
    const Bytes truth = all.subspan(frame.payload_offset, std::min<std::size_t>(frame.payload_bytes, kMostTrueBytes));
    payload.insert(payload.end(), truth.begin(), truth.end());
  }
  return frame_of(frame, begin, payload);
}

std::vector<std::uint8_t> Meddler::lies(std::size_t bytes) {
  std::vector<std::uint8_t> text(bytes);
  for (std::uint8_t& byte : text) byte = static_cast<std::uint8_t>(random_.next());
  return text;
}

}  // namespace sluice::sim
