// See framed_socket.h.
#include "common/framed_socket.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/file.h"

namespace sluice {
namespace {

constexpr std::size_t kPrefixBytes = 4;
constexpr std::size_t kReadBytes = 256 * 1024;

std::uint32_t load_le32(const std::uint8_t* p) {
  return static_cast<std::uint32_t>(p[0]) | static_cast<std::uint32_t>(p[1]) << 8 |
         static_cast<std::uint32_t>(p[2]) << 16 | static_cast<std::uint32_t>(p[3]) << 24;
}

// Takes ownership of every descriptor in the message, so that none leaks even if it is refused.
void collect_fds(msghdr& header, std::deque<Fd>& fds) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
}

}  // namespace

Result<void> FramedSocket::receive() {
  in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(in_begin_));
  in_begin_ = 0;
  const std::size_t had = in_.size();
  in_.resize(had + kReadBytes);
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxWaitingFds * sizeof(int))> control = {};
  iovec vector = {in_.data() + had, kReadBytes};
  msghdr header = {};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t n = 0;
  do {
    n = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  const int error = errno;
  in_.resize(had + static_cast<std::size_t>(n > 0 ? n : 0));
  if (n == 0) return fail(ErrorCode::channel_closed);
  if (n < 0) {
    if (error == EAGAIN) return {};
    errno = error;
    return fail(ErrorCode::channel_closed, system_error("receiving").detail);
  }
  collect_fds(header, fds_);
  if ((header.msg_flags & MSG_CTRUNC) != 0 || fds_.size() > kMaxWaitingFds)
    return fail(ErrorCode::channel_bad_message, "more descriptors than the channel takes");
  return {};
}

Result<std::optional<std::vector<std::uint8_t>>> FramedSocket::next() {
  const std::size_t have = in_.size() - in_begin_;
  if (have < kPrefixBytes) return std::nullopt;
  const std::size_t length = kPrefixBytes + load_le32(in_.data() + in_begin_);
  if (length > kMaxMessageBytes)
    return fail(ErrorCode::channel_bad_message, "a message of " + std::to_string(length) + " bytes; at most " +
                                                    std::to_string(kMaxMessageBytes) + " are taken");
  if (have < length) return std::nullopt;
  const auto begin = in_.begin() + static_cast<std::ptrdiff_t>(in_begin_);
  in_begin_ += length;
  return std::vector<std::uint8_t>(begin, begin + static_cast<std::ptrdiff_t>(length));
}

std::optional<Fd> FramedSocket::take_fd() {
  if (fds_.empty()) return std::nullopt;
  Fd fd = std::move(fds_.front());
  fds_.pop_front();
  return fd;
}

bool FramedSocket::queue(Bytes message, Fd beside) {
  if (message.size() > kMaxMessageBytes || queued_bytes_ + message.size() > kMaxQueuedBytes) return false;
  queued_bytes_ += message.size();
  out_.push_back({{message.begin(), message.end()}, 0, std::move(beside)});
  return true;
}

Result<void> FramedSocket::flush() {
  while (!out_.empty()) {
    Outgoing& message = out_.front();
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control = {};
    iovec vector = {message.bytes.data() + message.sent, message.bytes.size() - message.sent};
    msghdr header = {};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    if (message.beside.valid()) {
      header.msg_control = control.data();
      header.msg_controllen = control.size();
      cmsghdr* c = CMSG_FIRSTHDR(&header);
      c->cmsg_level = SOL_SOCKET;
      c->cmsg_type = SCM_RIGHTS;
      c->cmsg_len = CMSG_LEN(sizeof(int));
      const int fd = message.beside.get();
      std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    const ssize_t n = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return {};
    if (n < 0) return fail(ErrorCode::channel_closed, system_error("sending").detail);
    message.beside.reset();  // it went with the first byte
    message.sent += static_cast<std::size_t>(n);
    queued_bytes_ -= static_cast<std::size_t>(n);
    if (message.sent == message.bytes.size()) out_.pop_front();
  }
  return {};
}

}  // namespace sluice
