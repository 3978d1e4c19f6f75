// See unix_http_server.h. cpp-httplib serves TCP; the listening socket and the stream of a connection are ours.
#include "control/api/unix_http_server.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <string_view>
#include <vector>

#include "common/file.h"
#include "control/api/task_queue.h"

namespace sluice::control {
namespace {

constexpr std::size_t kThreads = 8;
constexpr std::size_t kMaxWaiting = 32;
constexpr std::size_t kMaxRequestBytes = 1024 * 1024 + 64 * 1024;
constexpr int kReadTimeoutMs = 5'000;
constexpr int kWriteTimeoutMs = 30'000;
constexpr int kKeepAliveTimeoutMs = 1'000;
constexpr const char* kCallerHeader = "X-Sluice-Caller";  // set here, over whatever the caller sent
constexpr std::string_view kUidPrefix = "uid ";

bool wait_for(int fd, short events, int timeout_ms) {
  pollfd waiting = {fd, events, 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

class UnixStream : public httplib::Stream {
 public:
  explicit UnixStream(socket_t socket) : socket_(socket) {}
  bool is_readable() const override { return wait_for(socket_, POLLIN, kReadTimeoutMs); }
  bool is_writable() const override { return wait_for(socket_, POLLOUT, kWriteTimeoutMs); }
  ssize_t read(char* data, std::size_t size) override {
    if (begin_ == end_) {
      if (!is_readable()) return -1;
      const ssize_t n = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
      if (n <= 0) return n;
      begin_ = 0;
      end_ = static_cast<std::size_t>(n);
    }
    const std::size_t n = std::min(size, end_ - begin_);
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), n, data);
    begin_ += n;
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* data, std::size_t size) override {
    return is_writable() ? ::send(socket_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return socket_; }
  [[nodiscard]] bool has_buffered() const { return begin_ < end_; }

 private:
  socket_t socket_;
  std::vector<char> buffer_ = std::vector<char>(16 * 1024);  // httplib reads heads byte by byte
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

Result<gid_t> group_id(const std::string& name) {
  std::vector<char> buffer(64 * 1024);
  group entry = {};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return fail(ErrorCode::bad_argument, "there is no group '" + name + "' on this machine");
  return found->gr_gid;
}

}  // namespace

UnixHttpServer::UnixHttpServer() {
  new_task_queue = [] { return new BoundedTaskQueue(kThreads, kMaxWaiting); };
  set_payload_max_length(kMaxRequestBytes);
}

UnixHttpServer::~UnixHttpServer() {
  stop();
  if (thread_.joinable()) thread_.join();
}

Result<void> UnixHttpServer::serve(const std::string& socket_path, const std::string& group) {
  auto listener = listen_unix(socket_path, 0600);
  if (!listener) return std::unexpected(listener.error());
  if (!group.empty()) {
    const auto gid = group_id(group);
    if (!gid) return std::unexpected(gid.error());
    if (::chown(socket_path.c_str(), static_cast<uid_t>(-1), *gid) != 0 || ::chmod(socket_path.c_str(), 0660) != 0)
      return std::unexpected(system_error("giving " + socket_path + " to group " + group));
  }
  // httplib accepts without polling.
  const int flags = ::fcntl(listener->socket.get(), F_GETFL);
  ::fcntl(listener->socket.get(), F_SETFL, flags & ~O_NONBLOCK);
  lock_ = std::move(listener->lock);
  svr_sock_ = listener->socket.release();
  thread_ = std::thread([this] { listen_after_bind(); });
  while (!is_running()) std::this_thread::yield();  // stop() before that would be lost
  return {};
}

std::string UnixHttpServer::caller_of(const httplib::Request& request) {
  return request.get_header_value(kCallerHeader);
}

uid_t UnixHttpServer::uid_of(const httplib::Request& request) {
  const std::string caller = caller_of(request);
  uid_t uid = static_cast<uid_t>(-1);  // nobody's
  const auto digits = std::string_view(caller).substr(std::min(caller.size(), kUidPrefix.size()));
  (void)std::from_chars(digits.data(), digits.data() + digits.size(), uid);
  return uid;
}

bool UnixHttpServer::process_and_close_socket(socket_t socket) {
  const Fd owned(socket);
  const auto peer = peer_of(socket);
  if (!peer) return false;
  const std::string caller = std::string(kUidPrefix) + std::to_string(peer->uid);
  UnixStream stream(socket);
  for (std::size_t left = keep_alive_max_count_; left > 0; --left) {
    if (!stream.has_buffered() && !wait_for(socket, POLLIN, kKeepAliveTimeoutMs)) return true;
    bool is_closed = false;
    const bool is_good = process_request(stream, left == 1, is_closed, [&](httplib::Request& request) {
      request.headers.erase(kCallerHeader);
      request.set_header(kCallerHeader, caller);
    });
    if (!is_good || is_closed) return is_good;
  }
  return true;
}

}  // namespace sluice::control
