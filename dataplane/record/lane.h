// What one worker and the writer share: pages, the two rings between them, and how far the disk is.
#pragma once

#include <atomic>
#include <cstdint>

#include "common/metrics.h"
#include "common/spsc_ring.h"
#include "dataplane/record/page.h"

namespace sluice::record {

// Wakes the writer: at most one system call for each page handed over, none while it is awake.
class Doorbell {
 public:
  Doorbell();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  // A worker, after a page went into its ring.
  void ring() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (asleep_.load(std::memory_order_relaxed) && asleep_.exchange(false)) wake();
  }
  // The writer: says that it goes to sleep; it must look at the rings once more after this.
  void before_sleep() {
    asleep_.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  void after_sleep() { asleep_.store(false, std::memory_order_relaxed); }

  [[nodiscard]] int fd() const { return fd_; }

 private:
  void wake();
  std::atomic<bool> asleep_{false};
  int fd_ = -1;
};

struct Lane {
  Lane(std::uint8_t worker_id, std::size_t pages, std::size_t page_bytes)
      : worker(worker_id), pool(pages, page_bytes), full(pages), free(pages) {
    for (Page& page : pool.pages()) free.push(&page);
  }

  std::uint8_t worker;
  PagePool pool;
  SpscRing<Page*> full;  // worker → writer
  SpscRing<Page*> free;  // writer → worker
  alignas(64) std::atomic<std::uint64_t> durable_through{0};

  // Written by the worker, read for the status.
  Counter records;
  Counter record_bytes;  // encoded
  Counter stalls;        // times at which has_room turned to no
  Counter gap_records;   // left out, and counted in gap records
  Counter gap_bytes;
};

}  // namespace sluice::record
