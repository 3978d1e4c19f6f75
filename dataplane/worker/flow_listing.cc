// See flow_listing.h.
#include "dataplane/worker/flow_listing.h"

namespace sluice::worker {

bool FlowListing::ask(const channel::FlowQuery& query) {
  return questions_.push({.number = ++asked_, .query = query});
}

channel::FlowProgress FlowListing::take(std::span<session::FlowInfo> rows) {
  std::size_t count = 0;
  Row row;
  while (count < rows.size() && rows_.pop(row)) {
    if (row.number != asked_) continue;
    if (row.progress.last) {
      row.progress.rows = count;
      return row.progress;
    }
    rows[count++] = row.flow;
  }
  return {.rows = count};
}

void FlowListing::serve_slice(const session::SessionTable& table, TimeNs now) {
  while (questions_.pop(question_)) {
    active_ = true;
    found_more_ = false;
    room_ = copied_ = 0;
    visited_ = 0;
    give_up_at_ = now + kGiveUpAfter;
  }
  if (now >= give_up_at_) return end(ErrorCode::channel_timeout);
  std::size_t words = kWords;
  const std::uint32_t copied_before = copied_;
  for (std::size_t visits = 0; visits < kVisits; ++visits) {
    if (copied_ - copied_before == kCopies || rows_.size() == kRows) return;
    const session::Session* session = found_more_ ? nullptr : table.walk(room_, words);
    if (session == nullptr) {
      if (found_more_ || room_ >= table.rooms()) end(ErrorCode::ok);
      return;
    }
    visit(*session, now);
  }
}

void FlowListing::visit(const session::Session& session, TimeNs now) {
  ++visited_;
  if (!question_.query.may_match(session.id(), session.flow())) return;
  session.tell(row_.flow, now);
  if (!question_.query.matches(row_.flow)) return;
  if (copied_ == question_.query.limit) {
    found_more_ = true;
    return;
  }
  row_.number = question_.number;
  row_.progress = {};
  if (rows_.push(row_)) ++copied_;
}

// Said when there is room for it; who does not read is given up all the same.
void FlowListing::end(ErrorCode error) {
  row_.number = question_.number;
  row_.progress = {.last = true, .more = found_more_, .error = error, .sessions = visited_};
  active_ = !rows_.push(row_) && error == ErrorCode::ok;
}

}  // namespace sluice::worker
