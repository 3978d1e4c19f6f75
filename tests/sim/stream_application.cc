#include "tests/sim/stream_application.h"

#include <algorithm>

namespace sluice::sim {

void StreamApplication::run(Connection& connection, TimeNs now) {
  if (aborted_ || connection.state() != Connection::State::established) return;
  run_reads(connection, now);
  if (received_.size() >= script_.abort_after_bytes) {
    aborted_ = true;
    next_read_ = next_write_ = kNever;
    return connection.abort();
  }
  run_writes(connection, now);
}

void StreamApplication::run_reads(Connection& connection, TimeNs now) {
  next_read_ = kNever;
  while (true) {
    if (now < paused_read_until_) {
      next_read_ = paused_read_until_;
      return;
    }
    const std::size_t most = script_.read_bytes == SIZE_MAX ? SIZE_MAX : 1 + random_.below(script_.read_bytes);
    const std::string piece = connection.read(most);
    received_ += piece;
    if (connection.peer_finished()) heard_all_ = true;
    if (piece.empty()) return;
    paused_read_until_ = now + pause(script_.read_pause);
    if (!stalled_ && received_.size() >= script_.stall_after_bytes) {
      stalled_ = true;
      paused_read_until_ = now + script_.stall;
    }
  }
}

void StreamApplication::run_writes(Connection& connection, TimeNs now) {
  next_write_ = kNever;
  if (connection.closed() || (script_.answers && !heard_all_) || received_.size() < script_.after_bytes) return;
  while (!sent_all()) {
    if (now < paused_write_until_) {
      next_write_ = paused_write_until_;
      return;
    }
    const std::size_t left = script_.to_send.size() - sent_;
    const std::size_t wanted = std::min(left, 1 + random_.below(script_.write_bytes));
    const std::size_t count = std::min(wanted, connection.write_room_bytes());
    if (count == 0) return;  // an ACK makes room
    if (!connection.write(std::string_view(script_.to_send).substr(sent_, count))) {
      next_write_ = paused_write_until_ = now + kMillisecond;  // no buffers
      return;
    }
    sent_ += count;
    paused_write_until_ = now + pause(script_.write_pause);
  }
  connection.finish();
}

}  // namespace sluice::sim
