// An application that sends one scripted byte stream and collects the other, in pieces and with
// pauses drawn from a seed. It finishes when its stream is out.
#pragma once

#include <string>

#include "common/random.h"
#include "tests/sim/connection.h"

namespace sluice::sim {

struct StreamScript {
  std::string to_send;
  std::size_t write_bytes = 4096;            // most at a time
  DurationNs write_pause = 0;                // most between two writes
  std::size_t read_bytes = SIZE_MAX;         // most at a time
  DurationNs read_pause = 0;                 // most between two reads
  bool answers = false;                      // sends only after the other side has finished
  std::size_t after_bytes = 0;               // sends only after so many of the other stream
  std::size_t abort_after_bytes = SIZE_MAX;  // of the other stream
  std::size_t stall_after_bytes = SIZE_MAX;  // of the other stream it reads nothing for a while, once
  DurationNs stall = 0;
};

class StreamApplication final : public Application {
 public:
  StreamApplication(StreamScript script, std::uint64_t seed) : script_(std::move(script)), random_(seed) {}

  void run(Connection& connection, TimeNs now) override;
  [[nodiscard]] TimeNs next_deadline() const override { return next_write_ < next_read_ ? next_write_ : next_read_; }

  [[nodiscard]] const std::string& received() const { return received_; }
  [[nodiscard]] bool sent_all() const { return sent_ == script_.to_send.size(); }
  [[nodiscard]] bool heard_all() const { return heard_all_; }
  [[nodiscard]] bool aborted() const { return aborted_; }

 private:
  void run_reads(Connection& connection, TimeNs now);
  void run_writes(Connection& connection, TimeNs now);
  DurationNs pause(DurationNs most) { return most == 0 ? 0 : 1 + random_.below(most); }

  StreamScript script_;
  Random random_;
  std::string received_;
  std::size_t sent_ = 0;
  bool heard_all_ = false;
  bool aborted_ = false;
  bool stalled_ = false;
  // When a pause ends; kNever while something else (the peer) has to happen first.
  TimeNs next_read_ = kNever;
  TimeNs next_write_ = kNever;
  TimeNs paused_read_until_ = 0;
  TimeNs paused_write_until_ = 0;
};

}  // namespace sluice::sim
