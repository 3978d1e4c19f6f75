// See gaps.h.
#include "dataplane/record/gaps.h"

namespace sluice::record {

void PendingGaps::add(SessionId session, std::string_view service, std::string_view record_class, std::uint64_t bytes) {
  PendingGap& gap = place_for(session, service, record_class);
  ++gap.records;
  gap.bytes += bytes;
}

PendingGap& PendingGaps::place_for(SessionId session, std::string_view service, std::string_view record_class) {
  PendingGap* same_service = nullptr;
  for (std::size_t i = 0; i < size_; ++i) {
    PendingGap& gap = gaps_[i];
    if (gap.service != service || gap.record_class != record_class) continue;
    if (gap.session == session) return gap;
    if (same_service == nullptr || gap.session == 0) same_service = &gap;
  }
  // The last place is kept for what fits nowhere else: it names no service, rather than a wrong one.
  if (size_ + 1 >= kMaxGaps) {
    if (same_service != nullptr) {
      same_service->session = 0;
      return *same_service;
    }
    session = 0;
    service = record_class = {};
    if (size_ == kMaxGaps) return gaps_[kMaxGaps - 1];
  }
  PendingGap& fresh = gaps_[size_++];
  fresh.session = session;
  fresh.service = service;
  fresh.record_class = record_class;
  fresh.records = fresh.bytes = 0;
  return fresh;
}

}  // namespace sluice::record
