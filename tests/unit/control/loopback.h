// A socket that listens on a port of 127.0.0.1 which the kernel chooses, for servers of tests.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/fd.h"
#include "control/replay/http_peer.h"

namespace sluice::control::test {

class Loopback {
 public:
  Loopback() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at = {};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const address = static_cast<sockaddr*>(static_cast<void*>(&at));
    socklen_t bytes = sizeof at;
    EXPECT_EQ(::bind(listener_.get(), address, bytes), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    constexpr timeval kPatience = {.tv_sec = 60, .tv_usec = 0};  // with a client that never comes
    EXPECT_EQ(::setsockopt(listener_.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience), 0);
    EXPECT_EQ(::getsockname(listener_.get(), address, &bytes), 0);
    target_ = {.address = IpAddress(INADDR_LOOPBACK), .port = ntohs(at.sin_port)};
  }
  [[nodiscard]] const Target& target() const { return target_; }
  [[nodiscard]] Fd accept() const { return Fd(::accept(listener_.get(), nullptr, nullptr)); }

 private:
  Fd listener_;
  Target target_;
};

}  // namespace sluice::control::test
