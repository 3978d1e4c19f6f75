#include "tests/sim/wire.h"

#include <algorithm>
#include <utility>

#include "common/siphash.h"

namespace sluice::sim {

void Wire::note(std::uint64_t what) {
  trace_ = Random(trace_ ^ what).next();
}

void Wire::send(int from, WireFrame&& frame) {
  ++frames_;
  note(clock_.now());
  note(siphash({trace_, static_cast<std::uint64_t>(from)}, frame.bytes));
  const bool lost = random_.chance(config_.lost_per_mille, 1000);
  const bool repeated = random_.chance(config_.repeated_per_mille, 1000);
  const bool damaged = random_.chance(config_.damaged_per_mille, 1000);
  note((lost ? 1u : 0u) + (repeated ? 2u : 0u) + (damaged ? 4u : 0u));
  std::optional<WireFrame> forged = meddler_.pass(config_.meddler, from, frame);
  if (is_out()) return;
  if (forged) deliver(1 - from, std::move(*forged));
  if (lost) return;
  if (std::optional<WireFrame> error = narrows_.refuse(config_.narrows, clock_.now(), frame)) {
    ++refused_;
    if (!random_.chance(config_.lost_per_mille, 1000)) deliver(from, std::move(*error));
    return;
  }
  if (repeated) deliver(1 - from, WireFrame(frame));
  // A frame whose checksum a NIC has yet to fill cannot be told from a damaged one, so it stays whole.
  if (damaged && !frame.partial_checksum) {
    frame.bytes[random_.below(frame.bytes.size())] ^= static_cast<std::uint8_t>(1 + random_.below(255));
  }
  deliver(1 - from, std::move(frame));
}

// By chance and not by a rhythm, which a timer that doubles could keep step with.
bool Wire::is_out() const {
  return config_.outage > 0 && Random(seed_ ^ clock_.now() / config_.outage).chance(config_.out_per_mille, 1000);
}

void Wire::deliver(int to, WireFrame&& frame) {
  DurationNs late = config_.latency;
  if (config_.jitter > 0 && random_.chance(config_.reordered_per_mille, 1000)) late += random_.below(config_.jitter);
  flights_[static_cast<std::size_t>(to)].push({clock_.now() + late, order_++, std::move(frame)});
}

std::optional<WireFrame> Wire::receive(int end) {
  auto& flights = flights_[static_cast<std::size_t>(end)];
  if (flights.empty() || flights.top().at > clock_.now()) return std::nullopt;
  WireFrame frame = flights.top().frame;
  flights.pop();
  return frame;
}

TimeNs Wire::next_arrival() const {
  TimeNs next = kNever;
  for (const auto& flights : flights_) {
    if (!flights.empty() && flights.top().at > clock_.now()) next = std::min(next, flights.top().at);
  }
  return next;
}

}  // namespace sluice::sim
