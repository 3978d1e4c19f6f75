// What sits on a wire and knows TCP. It tells smaller windows than were told, down to none, also ones that take back
// what was offered before; and it sends other bytes for what the receiver has acknowledged, alone or in front of the
// next bytes in order. A TCP that keeps to RFC 9293 delivers the same streams all the same.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "common/random.h"
#include "dataplane/wire/frame.h"
#include "tests/sim/wire_frame.h"

namespace sluice::sim {

struct MeddlerConfig {
  std::uint32_t shrunk_per_mille = 0;  // frames whose window is made smaller
  std::uint32_t forged_per_mille = 0;  // frames that bring other bytes along
  bool forges_held = false;            // also for what a receiver holds out of order (it must not drop that)
};

class Meddler {
 public:
  explicit Meddler(std::uint64_t seed) : random_(seed) {}

  // A frame leaves end 0 or 1. It may change; what is returned follows it.
  std::optional<WireFrame> pass(const MeddlerConfig& config, int from, WireFrame& frame);

 private:
  // What is known of one direction's stream.
  struct Stream {
    bool acknowledges = false;
    std::uint32_t acknowledged = 0;  // by its receiver
    std::vector<wire::SackBlock> held;
    bool finished = false;
  };
  using Key = std::tuple<IpAddress, std::uint16_t, IpAddress, std::uint16_t>;  // of end 0, of end 1

  void note(int from, const wire::Frame& frame, std::array<Stream, 2>& streams) const;
  void shrink(const wire::Frame& frame, WireFrame& bytes);
  std::optional<WireFrame> forge(bool of_held, const Stream& stream, const wire::Frame& frame, const WireFrame& bytes);
  std::vector<std::uint8_t> lies(std::size_t bytes);

  Random random_;
  std::map<Key, std::array<Stream, 2>> connections_;
};

}  // namespace sluice::sim
