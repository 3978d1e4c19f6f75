// What was sent and not yet acknowledged, as records in order of sequence number that touch and cover all of it.
// A record is what left at one moment, superframe or burst; it is cut where the peer's SACK blocks or a
// retransmission cut it, and neighbours that no longer differ are one again.
// One or two records lie inside, as for a leg at rest; more take a block of the worker's, until all is acknowledged.
// At the bound, or where no block is left: new data joins the record before it where it can (which then counts as sent
// when its last part was), else waits (full()); a SACK or loss that would cut a record further is not noted. That costs
// needless retransmissions, never a byte: the timeout takes everything that is not acknowledged for lost.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/assert.h"
#include "common/time.h"
#include "dataplane/buffer/blocks.h"
#include "dataplane/tcp/sequence.h"
#include "dataplane/wire/frame.h"

namespace sluice::tcp {

struct Sent {
  enum class State : std::uint8_t {
    flying,  // in the network, as far as we know
    sacked,  // the peer has it, and may yet drop it
    lost,    // to be sent again
  };
  std::uint32_t begin = 0;
  std::uint32_t end = 0;  // a FIN counts one
  TimeNs sent_at = 0;     // the last time
  State state = State::flying;
  bool retransmitted = false;
  [[nodiscard]] std::uint32_t bytes() const { return end - begin; }
};

// A queue of records that can be cut in the middle: a ring, the small one inside or a large one in a block.
class SentQueue {
 public:
  static constexpr std::size_t kMost = 128;

  explicit SentQueue(buffer::Blocks& blocks) : items_(inside_), blocks_(blocks) {}
  ~SentQueue() { clear(); }
  SentQueue(const SentQueue&) = delete;
  SentQueue& operator=(const SentQueue&) = delete;

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] Sent& operator[](std::size_t index) { return items_[(first_ + index) & mask_]; }
  [[nodiscard]] const Sent& operator[](std::size_t index) const { return items_[(first_ + index) & mask_]; }
  [[nodiscard]] Sent& front() { return (*this)[0]; }
  [[nodiscard]] Sent& back() { return (*this)[count_ - 1u]; }
  // Room for one more record is there, or was made. push_back() and insert() follow only then.
  [[nodiscard]] bool reserve() { return has_room() || grow(); }
  [[nodiscard]] bool has_room() const { return count_ <= mask_; }
  void push_back(const Sent& record) { (*this)[count_++] = record; }
  void pop_front() {
    ++first_;
    if (--count_ == 0) clear();
  }
  void insert(std::size_t index, const Sent& record);
  void erase(std::size_t index, std::size_t count);
  void clear() {
    first_ = count_ = 0;
    if (items_ != inside_) release();
  }

 private:
  static constexpr std::uint16_t kInside = 2;
  static_assert(kMost * sizeof(Sent) <= buffer::Blocks::kBytes && (kMost & (kMost - 1)) == 0);

  bool grow();
  void release();

  Sent* items_;
  std::uint16_t first_ = 0;  // counts on; the mask says where it lies
  std::uint16_t count_ = 0;
  std::uint16_t mask_ = kInside - 1;
  Sent inside_[kInside];
  buffer::Blocks& blocks_;
};

class Scoreboard {
 public:
  explicit Scoreboard(buffer::Blocks& blocks) : records_(blocks) {}

  [[nodiscard]] bool empty() const { return records_.empty(); }
  // New bytes have to wait for an ACK.
  [[nodiscard]] bool full() { return !records_.has_room() && !is_plain(records_.back()) && !records_.reserve(); }
  [[nodiscard]] std::size_t records() const { return records_.size(); }
  [[nodiscard]] const Sent& record(std::size_t index) const { return records_[index]; }
  [[nodiscard]] std::uint32_t flying_bytes() const { return bytes_in(Sent::State::flying); }
  [[nodiscard]] std::uint32_t sacked_bytes() const { return bytes_in(Sent::State::sacked); }
  [[nodiscard]] std::uint32_t lost_bytes() const { return bytes_in(Sent::State::lost); }

  // New bytes, right behind everything before; those that left within a `moment` are one record. Not while full().
  void sent(std::uint32_t begin, std::uint32_t end, TimeNs now, DurationNs moment) {
    bytes_in(Sent::State::flying) += end - begin;
    if (!records_.empty() && is_plain(records_.back())) {
      Sent& last = records_.back();
      if (now - last.sent_at <= moment) {
        last.end = end;
        return;
      }
      if (records_.size() >= kJoinFrom || !records_.reserve()) {
        last.end = end;
        last.sent_at = now;
        return;
      }
    }
    SLUICE_ASSERT(records_.reserve());
    records_.push_back({.begin = begin, .end = end, .sent_at = now});
  }
  // A part of what is covered already left once more; with what did so within a `moment` just before it, it is one
  // record. A part of a record needs room for the rest: has_room(), else all of the record counts as sent.
  void sent_again(std::uint32_t begin, std::uint32_t end, TimeNs now, DurationNs moment = 0);
  [[nodiscard]] bool has_room() { return records_.reserve(); }

  // Forgets what lies before `ack`. Calls delivered(const Sent&) for each piece that is heard of first now.
  template <class Fn>
  void acknowledge(std::uint32_t ack, Fn&& delivered);
  // Notes that the peer holds [begin, end), which is covered; delivered() as above.
  template <class Fn>
  void sack(std::uint32_t begin, std::uint32_t end, Fn&& delivered);

  void mark_lost(std::size_t index);
  // The first bytes up to `end` are lost; one more record is made where that cuts one.
  void mark_front_lost(std::uint32_t end);
  // What left in one and has more bytes than that.
  void mark_larger_lost(std::uint32_t bytes);
  // A timeout: nothing that the peer has not acknowledged or SACKed will come.
  void mark_all_lost();
  // The loss was none: it flies, or has arrived. Counts as sent `now`, so that time does not condemn it again.
  void unmark_lost(TimeNs now);
  // The peer dropped what it had told of: it counts as flying again.
  void forget_sacks();
  void clear();
  // The first lost bytes that lie together. There are some.
  [[nodiscard]] wire::SackBlock first_lost() const;

 private:
  static constexpr std::size_t kJoinFrom = SentQueue::kMost / 4 * 3;

  // Left once, and nothing else is known of it.
  [[nodiscard]] static bool is_plain(const Sent& record) {
    return record.state == Sent::State::flying && !record.retransmitted;
  }
  // The first record that ends after `seq`.
  [[nodiscard]] std::size_t find(std::uint32_t seq) const;
  // Makes `seq` the beginning of a record; false when there is no room for one more.
  bool cut(std::size_t index, std::uint32_t seq);
  void set_state(Sent& record, Sent::State state);
  [[nodiscard]] std::uint32_t bytes_in(Sent::State state) const {
    return state_bytes_[static_cast<std::size_t>(state)];
  }
  [[nodiscard]] std::uint32_t& bytes_in(Sent::State state) { return state_bytes_[static_cast<std::size_t>(state)]; }
  // Makes one of records that differ in their time at most.
  void join_sacked(std::size_t index);

  SentQueue records_;
  std::uint32_t state_bytes_[3] = {};
};

template <class Fn>
[[gnu::always_inline]] inline void Scoreboard::acknowledge(std::uint32_t ack, Fn&& delivered) {
  while (!records_.empty()) {
    Sent& record = records_.front();
    if (!before(record.begin, ack)) return;
    Sent piece = record;
    piece.end = before(ack, record.end) ? ack : record.end;
    bytes_in(record.state) -= piece.bytes();
    if (piece.state != Sent::State::sacked) delivered(static_cast<const Sent&>(piece));
    if (piece.end != record.end) {
      record.begin = ack;
      return;
    }
    records_.pop_front();
  }
}

template <class Fn>
void Scoreboard::sack(std::uint32_t begin, std::uint32_t end, Fn&& delivered) {
  if (!before(begin, end)) return;
  for (std::size_t i = find(begin); i < records_.size() && before(records_[i].begin, end); ++i) {
    if (records_[i].state == Sent::State::sacked) continue;
    if (before(records_[i].begin, begin)) {
      if (!cut(i, begin)) continue;
      ++i;
    }
    if (before(end, records_[i].end) && !cut(i, end)) return;
    delivered(static_cast<const Sent&>(records_[i]));
    set_state(records_[i], Sent::State::sacked);
  }
  join_sacked(find(begin));
}

}  // namespace sluice::tcp
