// A worker's live sessions, listed for the channel's thread without making the worker wait or work much: a question
// comes by a ring, and is answered in slices between bursts, by another ring. One question at a time; a new one ends
// the one before. A listing sees every session that lives throughout it exactly once (SessionTable::walk).
#pragma once

#include <cstdint>
#include <span>

#include "common/spsc_ring.h"
#include "common/time.h"
#include "dataplane/channel/flows.h"
#include "dataplane/session/session_table.h"

namespace sluice::worker {

class FlowListing {
 public:
  // What one burst may spend on it.
  static constexpr std::size_t kVisits = 16;  // sessions looked at
  static constexpr std::size_t kCopies = 4;   // rows written
  static constexpr std::size_t kWords = 64;   // runs of 64 rooms looked at
  static constexpr std::size_t kRows = 64;    // that wait to be taken
  static constexpr DurationNs kGiveUpAfter = 8 * kSecond;

  // --- the channel's thread. False when the worker has not yet seen the questions before.
  bool ask(const channel::FlowQuery& query);
  // Moves rows of the newest question to `rows`.
  channel::FlowProgress take(std::span<session::FlowInfo> rows);

  // --- the worker's thread, once a burst
  void serve(const session::SessionTable& table, TimeNs now) {
    if (active_ || questions_.size() != 0) serve_slice(table, now);
  }
  // There is more to do as soon as it is called again.
  [[nodiscard]] bool pending() const { return active_ || questions_.size() != 0; }

 private:
  struct Question {
    std::uint32_t number = 0;
    channel::FlowQuery query;
  };
  struct Row {
    std::uint32_t number = 0;  // of the question that it answers
    channel::FlowProgress progress;
    session::FlowInfo flow;
  };

  void serve_slice(const session::SessionTable& table, TimeNs now);
  void end(ErrorCode error);
  void visit(const session::Session& session, TimeNs now);

  SpscRing<Question> questions_{4};
  SpscRing<Row> rows_{kRows};
  // The channel's thread.
  std::uint32_t asked_ = 0;
  // The worker's.
  Question question_;
  Row row_;
  bool active_ = false;
  bool found_more_ = false;
  std::size_t room_ = 0;
  std::uint32_t copied_ = 0;
  std::uint64_t visited_ = 0;
  TimeNs give_up_at_ = 0;
};

}  // namespace sluice::worker
