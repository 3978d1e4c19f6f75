// What a worker's memory leaves to its legs. The worker tells it once a burst, every leg asks when it opens its
// window or takes bytes. What gives way, in order, as the buffers fill up:
//   1. windows: they grow no more and shrink, down to four segments beyond what lies here;
//   2. what comes out of order is not taken (the peer still has it, and sends it again);
//   3. nothing is taken but from one leg at a time, so that its session gets to its end and gives back what it holds;
//      what waits behind a hole is given up, as RFC 2018 section 8 allows;
//   4. nothing is taken, and of those that hold what cannot go on without more, one after the other is ended.
//      Acknowledgements are heard at every stage: they are what frees buffers.
// What is not taken is counted by its reason and not acknowledged, so no byte is lost.
#pragma once

#include <cstdint>

#include "common/error.h"
#include "common/time.h"

namespace sluice::tcp {

class Pressure {
 public:
  // How full the fullest pool is, and the fullest of those without which nothing moves; of kFull. `receive_bytes`: the
  // largest window without pressure.
  static constexpr std::uint32_t kFull = 256;
  void set(std::uint32_t any_fill, std::uint32_t needed_fill, std::uint32_t receive_bytes, TimeNs now);

  // Beyond what was read and went on.
  [[nodiscard]] std::uint32_t window_bytes() const { return window_bytes_; }
  [[nodiscard]] bool is_calm() const { return window_bytes_ == kNoLimit; }
  [[nodiscard]] bool takes_all() const { return stage_ == Stage::open; }
  // What waits behind a hole goes.
  [[nodiscard]] bool gives_up_early() const { return stage_ >= Stage::one_leg; }
  // Whether `leg` may take bytes now, or why not.
  [[nodiscard]] ErrorCode admit(const void* leg, bool in_order);
  // A leg that was not admitted, and waits for more to let go what it has, is to end now.
  [[nodiscard]] bool takes_victim();
  // It needs nothing any more: the next one's turn.
  void leave(const void* leg) {
    if (favoured_ == leg) favoured_ = nullptr;
  }

 private:
  enum class Stage : std::uint8_t { open, in_order, one_leg, closed };
  static constexpr std::uint32_t kNoLimit = 0xffffffff;

  std::uint32_t window_bytes_ = kNoLimit;
  Stage stage_ = Stage::open;
  TimeNs now_ = 0;
  const void* favoured_ = nullptr;  // compared, never followed
  TimeNs favoured_at_ = 0;          // it began,
  TimeNs served_at_ = 0;            // and last got something
  TimeNs victim_at_ = 0;
};

}  // namespace sluice::tcp
