// See unix_socket.h.
#include "common/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "common/file.h"

namespace sluice {
namespace {

constexpr int kBacklog = 16;

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(ErrorCode::bad_argument,
                "socket path '" + path + "' must have 1 to " + std::to_string(sizeof address.sun_path - 1) + " bytes");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

}  // namespace

Result<Peer> peer_of(int fd) {
  ucred credentials = {};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return std::unexpected(system_error("SO_PEERCRED"));
  return Peer{credentials.pid, credentials.uid, credentials.gid};
}

bool is_trusted(const Peer& peer) {
  return peer.uid == 0 || peer.uid == ::geteuid();
}

Result<UnixListener> listen_unix(const std::string& path, mode_t mode) {
  const auto address = address_of(path);
  if (!address) return std::unexpected(address.error());
  auto lock = lock_file(path + ".lock");
  if (!lock) return std::unexpected(lock.error());
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return std::unexpected(system_error("removing " + path));
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return std::unexpected(system_error("socket"));
  // On Linux the mode of the unbound socket limits that of the file bind() makes: no moment of being too open.
  if (::fchmod(socket.get(), mode) != 0 || ::bind(socket.get(), generic(*address), sizeof *address) != 0)
    return std::unexpected(system_error("binding " + path));
  if (::chmod(path.c_str(), mode) != 0 || ::listen(socket.get(), kBacklog) != 0)
    return std::unexpected(system_error("listening on " + path));
  return UnixListener{std::move(*lock), std::move(socket)};
}

Result<Fd> connect_unix(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return std::unexpected(address.error());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return std::unexpected(system_error("socket"));
  if (::connect(socket.get(), generic(*address), sizeof *address) != 0)
    return std::unexpected(system_error("connecting to " + path));
  return socket;
}

}  // namespace sluice
