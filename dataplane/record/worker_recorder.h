// The Recorder of one worker. Records are built by FlatBuffers right in the page; the payload's place is
// given to the caller, so a payload byte is copied once. Every bound is checked before a record is begun: the
// builder never grows, nothing is allocated.
#pragma once

#include <vector>

#include "dataplane/record/gaps.h"
#include "dataplane/record/lane.h"
#include "dataplane/record/recorder.h"
#include "dataplane/record/stencils.h"

namespace sluice::record {

// A head or slice may be this long; a page holds at least two of them.
inline constexpr std::size_t kMaxRecordPayload = 2 * kMaxSliceBytes;

class WorkerRecorder final : public Recorder {
 public:
  WorkerRecorder(Lane& lane, Doorbell& doorbell, DurationNs group_commit);

  bool has_room(std::size_t bytes) override;
  std::uint64_t open(const Subject& subject, const SessionOpen& open, WallNs now) override;
  MutableBytes head(const Subject& subject, const UnitHead& head, std::size_t bytes, WallNs now) override;
  MutableBytes slice(const Subject& subject, const SliceInfo& slice, std::size_t bytes, WallNs now) override;
  MutableBytes draft(const Subject& subject, std::size_t bytes) override;
  std::uint64_t end(const Subject& subject, const UnitEnd& end, WallNs now) override;
  std::uint64_t close(const Subject& subject, const SessionClose& close, WallNs now) override;
  void flush(WallNs now) override;
  void urge() override { urged_ = true; }
  DurationNs group_commit() const override { return group_commit_; }
  std::uint64_t appended() const override { return sequence_; }
  std::uint64_t durable_through() const override { return lane_.durable_through.load(std::memory_order_acquire); }

  // Hands over what there is, however young: the worker is about to rest or has ended.
  void hand_over();

 private:
  template <class MakeBody>
  std::uint64_t append(const Subject& subject, std::size_t payload_bytes, std::size_t body_bound, WallNs now,
                       MakeBody&& make_body);
  template <class MakeBody>
  void build(const Subject& subject, std::size_t bound, WallNs now, MakeBody&& make_body);
  // A copy of a kept record of that kind with what `info` says; 0 when there is none that takes it, or no room.
  template <class Info>
  std::uint64_t append_copy(Stencils::Kind kind, const Subject& subject, const Info& info, WallNs now) {
    return append_copy(kind, subject, info, 0, 0, now) != nullptr ? sequence_ : 0;
  }
  // The same with payload of `bytes`, and `behind` with all padding: returns where it goes, or nullptr.
  template <class Info>
  std::uint8_t* append_copy(Stencils::Kind kind, const Subject& subject, const Info& info, std::size_t bytes,
                            std::size_t behind, WallNs now);
  // Keeps what stands before `payload` in the newest record.
  void keep_front(Stencils::Kind kind, const Subject& subject, const std::uint8_t* payload);
  // The newest record.
  [[nodiscard]] Bytes newest() const { return page_->record(page_->count - 1); }
  void note_record(std::uint32_t begin, WallNs now);
  std::size_t place_draft(std::size_t drafted, std::size_t bytes);
  bool take_room(std::size_t bound);
  bool say_gaps(WallNs now);
  void collect_free_pages();
  MutableBytes payload_or_scratch(std::uint64_t sequence, std::uint8_t* payload, std::size_t bytes);

  Lane& lane_;
  Doorbell& doorbell_;
  DurationNs group_commit_;
  bool urged_ = false;
  Page* page_ = nullptr;
  std::vector<Page*> free_;  // given back; the last one is the warmest
  std::uint64_t sequence_ = 0;
  bool stalled_ = false;
  std::size_t drafted_bytes_ = 0;  // right below the page's last record
  PendingGaps gaps_;
  Stencils stencils_;
  std::vector<std::uint8_t> scratch_;  // where payload of a gap goes
};

}  // namespace sluice::record
