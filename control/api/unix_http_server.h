// HTTP on a Unix socket that root and one group may open: the file's mode decides who may connect, the
// kernel says who did. Threads, waiting connections and request sizes are bounded.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <thread>

#include <httplib.h>

#include "common/error.h"
#include "common/fd.h"
#include "common/unix_socket.h"

namespace sluice::control {

class UnixHttpServer : public httplib::Server {
 public:
  UnixHttpServer();
  ~UnixHttpServer() override;

  // Serves in its own threads until it is destroyed. Routes must be set before. Without a group only root and
  // control's own user may connect.
  Result<void> serve(const std::string& socket_path, const std::string& group);

  // The user at the other end of a request, as words and as a number.
  static std::string caller_of(const httplib::Request& request);
  static uid_t uid_of(const httplib::Request& request);

 private:
  bool process_and_close_socket(socket_t socket) override;

  Fd lock_;
  std::thread thread_;
};

}  // namespace sluice::control
