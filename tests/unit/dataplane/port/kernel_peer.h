// For tests that exchange frames with the kernel: a network namespace of this process, commands and
// sockets in it. Needs root.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace sluice::port {

// Moves the process into a fresh namespace, where nothing of the machine is reachable; it vanishes with the process.
inline void enter_fresh_netns() {
  ASSERT_EQ(unshare(CLONE_NEWNET), 0) << "a network namespace cannot be made (" << std::strerror(errno)
                                      << "); this test needs root";
}

inline void run(const std::string& command) {
  const int status = std::system(command.c_str());
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << command;
}

inline sockaddr_in address_of(const char* ip, std::uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, ip, &address.sin_addr);
  return address;
}

// Readable within ten seconds, which only a broken test needs.
inline bool wait_readable(int fd) {
  pollfd wait = {fd, POLLIN, 0};
  return poll(&wait, 1, 10'000) == 1;
}

}  // namespace sluice::port
