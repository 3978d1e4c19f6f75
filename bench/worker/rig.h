// One real worker between two ports in memory, with puppets for hosts: the real policy (packs pii and secrets,
// masking), the real recorder, and its writer that keeps an archive on a real disk ($SLUICE_BENCH_DIR, or /var/tmp).
// The worker's clock goes on only while the worker works, as if it had a core of its own and the hosts others:
// cycles are counted around burst() alone (without what other threads took of the core), and rounds in which it had
// nothing to do count nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "bench/support/core_time.h"
#include "bench/support/discarding_archive.h"
#include "bench/support/postgres_content.h"
#include "bench/support/puppets.h"
#include "bench/support/scratch_directory.h"
#include "dataplane/record/writer.h"
#include "dataplane/worker/worker.h"

namespace sluice::bench {

struct RigConfig {
  std::size_t sessions = 64;
  bool superframes = false;
  std::size_t body_bytes = 1024;
  std::uint64_t warm_up = 4;  // exchanges of each session before anything is measured
  bool limits = false;        // the policy has some, with room for everything
  bool hang_up = false;       // no requests: connections that open and close
  // PostgreSQL, when not 0: answers of so many rows (postgres_content.h), one of `rows_between` with an e-mail address.
  std::size_t rows = 0;
  std::size_t rows_between = 1;
  bool rows_are_binary = false;
  DurationNs idle_ns = 0;  // nobody says anything for so long after the warm-up, by the worker's clock
  // Not 0: each burst lasts so long by the worker's clock, and no disk is waited for. Every run is then the same.
  DurationNs burst_ns = 0;
};

class Rig {
 public:
  // Connects all sessions and lets each ask a few times. Throws what went wrong.
  explicit Rig(const RigConfig& config);
  ~Rig();

  // Between resume() and drain(): the hosts go on until `exchanges` more are over; returns the worker's cycles.
  std::uint64_t run(std::uint64_t exchanges);
  // Answers that arrived, or connections that ended.
  [[nodiscard]] std::uint64_t exchanges() const { return counts().responses + counts().closed; }
  // Of the DataRow messages of an answer, on average.
  [[nodiscard]] double row_bytes() const { return row_bytes_; }
  // No client asks on; what is under way arrives, and the buffers go back to the rigs' common pools. Throws when
  // anything happened that must not.
  void drain();
  void resume();

  [[nodiscard]] const PuppetCounts& counts() const { return puppets_->counts(); }
  [[nodiscard]] const session::Policy& policy() const { return *policy_; }
  [[nodiscard]] std::uint64_t bursts() const { return bursts_; }
  [[nodiscard]] std::uint64_t frames() const;
  // What the worker's sessions keep when idle: heap, and buffers of the pools. Taken after the warm-up and the silence.
  [[nodiscard]] std::uint64_t sessions_bytes() const { return sessions_bytes_; }
  // From now on the worker's bursts are what callgrind counts.
  void count_instructions() { counting_ = true; }

 private:
  // Both sides say what they have to say, and the worker works until it has seen all of it.
  void round();
  bool burst();
  void wait_for_writer();
  record::Recorder& start_recorder();
  void use_policy();
  PuppetConfig hosts();
  template <class Done>
  void run_until(Done&& done);
  void forget_old_segments() const;
  [[noreturn]] void fail(const std::string& what) const;

  RigConfig config_;
  ScratchDirectory directory_;
  CoreTime core_time_;
  TimeNs now_ = 0;
  std::uint64_t cycles_ = 0;
  std::uint64_t bursts_ = 0;
  std::uint64_t sessions_bytes_ = 0;
  double row_bytes_ = 0;
  std::unique_ptr<MemoryPort> client_port_;
  std::unique_ptr<MemoryPort> server_port_;
  bool counting_ = false;
  std::unique_ptr<record::ArchiveWriter> archive_;
  std::unique_ptr<DiscardingArchive> no_archive_;  // instead of it, when runs are the same
  record::Recorder& recorder_;
  session::PolicyRef policy_;
  worker::PolicyUpdate update_;
  std::unique_ptr<worker::Worker> worker_;
  std::unique_ptr<Puppets> puppets_;
};

// What connection i of a rig is answered.
std::vector<std::string> rig_responses(std::size_t body_bytes);
std::vector<RowsAnswer> rig_rows(const RigConfig& config);

}  // namespace sluice::bench
