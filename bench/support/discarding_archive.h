// A worker's real recorder whose pages nobody writes: they are given back at once. For runs that must be repeatable.
#pragma once

#include "dataplane/record/lane.h"
#include "dataplane/record/worker_recorder.h"

namespace sluice::bench {

class DiscardingArchive {
 public:
  record::WorkerRecorder& recorder() { return recorder_; }
  void give_back() {
    record::Page* page = nullptr;
    while (lane_.full.pop(page)) lane_.free.push(page);
  }

 private:
  record::Lane lane_{0, 64, 1U << 20};
  record::Doorbell doorbell_;
  record::WorkerRecorder recorder_{lane_, doorbell_, kMillisecond};
};

}  // namespace sluice::bench
