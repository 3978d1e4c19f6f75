// Messages over a stream socket: four bytes of little-endian length, then that many bytes, which is how
// FlatBuffers frames a size-prefixed buffer; descriptors may travel beside a message (SCM_RIGHTS).
// Never blocks: what does not go out now waits in a bounded queue. Knows nothing of what messages mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/fd.h"

namespace sluice {

inline constexpr std::size_t kMaxMessageBytes = 1024 * 1024;     // with its prefix; a longer one ends the connection
inline constexpr std::size_t kMaxQueuedBytes = 4 * 1024 * 1024;  // waiting to go out
inline constexpr std::size_t kMaxWaitingFds = 4;                 // received and not taken; more end the connection

class FramedSocket {
 public:
  explicit FramedSocket(Fd socket) : socket_(std::move(socket)) {}

  [[nodiscard]] int fd() const { return socket_.get(); }

  // Reads what is there, at most a bounded amount. channel_closed when the peer is gone.
  Result<void> receive();
  // The next whole message with its prefix, in order of arrival; nullopt when none is complete.
  // channel_bad_message when the peer announces one beyond the bound.
  Result<std::optional<std::vector<std::uint8_t>>> next();
  // The oldest descriptor received; it is there when the message that it came with is.
  std::optional<Fd> take_fd();

  // Queues a message that has its prefix, with a descriptor beside it if valid. False when the queue is full.
  [[nodiscard]] bool queue(Bytes message, Fd beside = Fd());
  [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_; }
  // Sends what the socket takes now.
  Result<void> flush();

 private:
  struct Outgoing {
    std::vector<std::uint8_t> bytes;
    std::size_t sent = 0;
    Fd beside;
  };

  Fd socket_;
  std::vector<std::uint8_t> in_;
  std::size_t in_begin_ = 0;  // what lies before it was handed out
  std::deque<Fd> fds_;
  std::deque<Outgoing> out_;
  std::size_t queued_bytes_ = 0;
};

}  // namespace sluice
