// See http_peer.h.
#include "control/replay/http_peer.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>

#include "common/file.h"

namespace sluice::control {
namespace {

constexpr std::size_t kMaxHeadBytes = 64 * 1024;
constexpr std::size_t kMaxLineBytes = 8 * 1024;
constexpr std::size_t kReadBytes = 64 * 1024;

// Of one entry of getaddrinfo(); nothing of a family that Sluice does not know.
std::optional<IpAddress> address_of(const addrinfo& found) {
  const void* generic = found.ai_addr;
  if (found.ai_family == AF_INET) return IpAddress(ntohl(static_cast<const sockaddr_in*>(generic)->sin_addr.s_addr));
  if (found.ai_family != AF_INET6) return std::nullopt;
  return load_ipv6(static_cast<const sockaddr_in6*>(generic)->sin6_addr.s6_addr);
}

}  // namespace

Result<std::vector<Target>> resolve(const std::string& host_and_port) {
  const auto to = split_host_and_port(host_and_port);
  if (!to || to->port == 0)
    return fail(ErrorCode::bad_argument,
                "'" + host_and_port + "' is no HOST:PORT, for example 10.0.0.7:8080 or [2001:db8::7]:8080");
  addrinfo hints = {};
  hints.ai_family = to->bracketed ? AF_INET6 : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(to->host.c_str(), std::to_string(to->port).c_str(), &hints, &found); error != 0)
    return fail(ErrorCode::bad_argument, "'" + to->host + "' has no address: " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  std::vector<Target> targets;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next)
    if (const auto address = address_of(*a)) targets.push_back({*address, to->port});
  if (targets.empty()) return fail(ErrorCode::bad_argument, "'" + to->host + "' has no address");
  return targets;
}

Result<HttpPeer> HttpPeer::connect(const Target& target, int timeout_seconds) {
  sockaddr_in ipv4 = {};
  sockaddr_in6 ipv6 = {};
  const bool is_ipv4 = target.address.is_ipv4();
  if (is_ipv4) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(target.port);
    ipv4.sin_addr.s_addr = htonl(target.address.ipv4());
  } else {
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(target.port);
    store_ipv6(ipv6.sin6_addr.s6_addr, target.address);
  }
  Fd socket(::socket(is_ipv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return std::unexpected(system_error("socket"));
  const timeval limit = {timeout_seconds, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);  // bounds connect() too
  const void* address = is_ipv4 ? static_cast<const void*>(&ipv4) : &ipv6;
  const auto bytes = static_cast<socklen_t>(is_ipv4 ? sizeof ipv4 : sizeof ipv6);
  if (::connect(socket.get(), static_cast<const sockaddr*>(address), bytes) != 0)
    return std::unexpected(system_error("connecting"));
  return HttpPeer(std::move(socket));
}

Result<void> HttpPeer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(system_error("sending"));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<bool> HttpPeer::fill() {
  in_.erase(0, begin_);
  begin_ = 0;
  const std::size_t had = in_.size();
  in_.resize(had + kReadBytes);
  ssize_t n = 0;
  do {
    n = ::recv(socket_.get(), in_.data() + had, kReadBytes, 0);
  } while (n < 0 && errno == EINTR);
  const Error error = n < 0 ? system_error("receiving") : Error{};
  in_.resize(had + static_cast<std::size_t>(n > 0 ? n : 0));
  if (n < 0) return std::unexpected(error);
  return n > 0;
}

Result<std::string> HttpPeer::read_head() {
  for (;;) {
    const auto end = in_.find("\r\n\r\n", begin_);
    if (end != std::string::npos && end - begin_ <= kMaxHeadBytes) {
      std::string head = in_.substr(begin_, end + 4 - begin_);
      begin_ = end + 4;
      return head;
    }
    if (in_.size() - begin_ > kMaxHeadBytes) return fail(ErrorCode::http_head_too_large);
    const auto more = fill();
    if (!more) return std::unexpected(more.error());
    if (!*more) return fail(ErrorCode::http_incomplete, "the server closed before its answer was whole");
  }
}

Result<std::string> HttpPeer::read_line() {
  for (;;) {
    const auto end = in_.find("\r\n", begin_);
    if (end != std::string::npos && end - begin_ <= kMaxLineBytes) {
      std::string line = in_.substr(begin_, end - begin_);
      begin_ = end + 2;
      return line;
    }
    if (in_.size() - begin_ > kMaxLineBytes) return fail(ErrorCode::http_bad_chunk);
    const auto more = fill();
    if (!more) return std::unexpected(more.error());
    if (!*more) return fail(ErrorCode::http_incomplete, "the server closed inside a body");
  }
}

void HttpPeer::begin_body(const BodyFraming& framing) {
  framing_ = framing.framing;
  left_ = framing.length;
  in_chunks_ = false;
}

Result<Bytes> HttpPeer::take(std::uint64_t at_most) {
  if (begin_ == in_.size()) {
    const auto more = fill();
    if (!more) return std::unexpected(more.error());
    if (!*more && framing_ != Framing::until_close)
      return fail(ErrorCode::http_incomplete, "the server closed inside a body");
  }
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(at_most, in_.size() - begin_));
  const Bytes piece = as_bytes(std::string_view(in_).substr(begin_, n));
  begin_ += n;
  return piece;
}

// left_ is 0 after it when the body has ended.
Result<void> HttpPeer::next_chunk() {
  if (in_chunks_) {
    const auto delimiter = read_line();
    if (!delimiter) return std::unexpected(delimiter.error());
    if (!delimiter->empty()) return fail(ErrorCode::http_bad_chunk);
  }
  in_chunks_ = true;
  const auto line = read_line();
  if (!line) return std::unexpected(line.error());
  const auto [end, error] = std::from_chars(line->data(), line->data() + line->size(), left_, 16);
  if (error != std::errc{} || end == line->data()) return fail(ErrorCode::http_bad_chunk);
  return left_ == 0 ? drop_trailers() : Result<void>();
}

Result<void> HttpPeer::drop_trailers() {
  for (std::size_t bytes = 0; bytes < kMaxHeadBytes;) {
    const auto line = read_line();
    if (!line) return std::unexpected(line.error());
    if (line->empty()) return {};
    bytes += line->size() + 2;
  }
  return fail(ErrorCode::http_head_too_large, "trailers");
}

Result<Bytes> HttpPeer::read_body() {
  if (framing_ == Framing::none) return Bytes{};
  if (framing_ == Framing::until_close) return take(~std::uint64_t{0});
  if (framing_ == Framing::chunked && left_ == 0) {
    if (auto begun = next_chunk(); !begun) return std::unexpected(begun.error());
  }
  if (left_ == 0) {
    framing_ = Framing::none;
    return Bytes{};
  }
  auto piece = take(left_);
  if (piece) left_ -= piece->size();
  return piece;
}

}  // namespace sluice::control
