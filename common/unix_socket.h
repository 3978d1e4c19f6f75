// Unix stream sockets: listening where a killed process left its socket, connecting, and knowing who calls.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/error.h"
#include "common/fd.h"

namespace sluice {

// Who is at the other end, as the kernel says.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};
Result<Peer> peer_of(int fd);
// The two processes trust root and their own user.
bool is_trusted(const Peer& peer);

// A bound, listening, non-blocking socket and the lock that makes it the only one.
struct UnixListener {
  Fd lock;
  Fd socket;
};
// Takes `path`.lock first (already_running when another process has it), so a socket file found at `path`
// is a dead process's and is replaced. The socket is never wider open than `mode`.
Result<UnixListener> listen_unix(const std::string& path, mode_t mode);

// Non-blocking after connecting.
Result<Fd> connect_unix(const std::string& path);

}  // namespace sluice
