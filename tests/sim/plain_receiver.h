// A receiver that knows TCP only from the RFCs and shares no code with dataplane/tcp: a map of byte ranges, an ACK
// for every second segment or after 40 ms, at once for what is out of order, SACK (RFC 2018) and D-SACK (RFC 2883).
// It may take back what it told of (reneging), which RFC 2018 allows.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/random.h"
#include "common/time.h"

namespace sluice::sim {

struct PlainAck {
  std::uint64_t ack = 0;                                        // bytes from the beginning of the stream
  std::vector<std::pair<std::uint64_t, std::uint64_t>> blocks;  // as RFC 2018 orders them
};

struct PlainReceiverConfig {
  bool sack = true;
  std::size_t segment_bytes = 1448;
  DurationNs ack_delay = 40 * kMillisecond;
  std::uint32_t reneges_per_mille = 0;  // of the segments that come out of order
};

class PlainReceiver {
 public:
  PlainReceiver(const PlainReceiverConfig& config, std::uint64_t seed) : config_(config), random_(seed) {}

  // Bytes at `offset` of the stream; the ACK that is due at once.
  std::optional<PlainAck> receive(std::uint64_t offset, const std::string& bytes, TimeNs now);
  // The delayed ACK.
  [[nodiscard]] TimeNs next_deadline() const { return ack_at_; }
  PlainAck on_timer();

  [[nodiscard]] const std::string& received() const { return received_; }
  [[nodiscard]] std::uint64_t repeated_bytes() const { return repeated_bytes_; }

 private:
  void hold(std::uint64_t offset, const std::string& bytes);
  PlainAck make_ack();

  PlainReceiverConfig config_;
  Random random_;
  std::string received_;                        // in order
  std::map<std::uint64_t, std::string> early_;  // by offset; ranges neither touch nor overlap
  std::list<std::uint64_t> recent_;             // an offset in each range that changed, latest first
  std::optional<std::pair<std::uint64_t, std::uint64_t>> repeated_;
  std::uint64_t repeated_bytes_ = 0;
  std::size_t unacknowledged_ = 0;
  TimeNs ack_at_ = kNever;
};

}  // namespace sluice::sim
