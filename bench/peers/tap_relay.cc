// The least that a program between two TAPs can do: each frame is read from one and written to the other, virtio-net
// header and all. Nothing looks into a frame. What Sluice costs above this is Sluice's own.
// Usage: tap_relay NETNS TAP NETNS TAP
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "common/error.h"
#include "dataplane/port/tap_device.h"

namespace sluice {
namespace {

constexpr std::size_t kLargestFrame = 10 + 14 + 65536;  // header, Ethernet, the largest IPv4 packet
constexpr int kBurst = 64;                              // before the other direction gets its turn

std::array<std::byte, kLargestFrame> frame;

// False when the TAP is gone. A frame that the other side has no room for is dropped, as a switch does.
bool relay_burst(int from, int to) {
  for (int i = 0; i < kBurst; ++i) {
    const ssize_t size = ::read(from, frame.data(), frame.size());
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    if (::write(to, frame.data(), static_cast<std::size_t>(size)) < 0 && errno != EAGAIN && errno != EIO &&
        errno != ENOBUFS)
      return false;
  }
  return true;
}

int relay(int a, int b) {
  std::array<pollfd, 2> ready = {{{a, POLLIN, 0}, {b, POLLIN, 0}}};
  while (true) {
    if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) break;
    if ((ready[0].revents & POLLIN) != 0 && !relay_burst(a, b)) break;
    if ((ready[1].revents & POLLIN) != 0 && !relay_burst(b, a)) break;
  }
  std::fprintf(stderr, "tap_relay: %s\n", std::strerror(errno));
  return 1;
}

int run(char** arguments) {
  const auto a = port::TapDevice::open({.name = arguments[2], .netns = arguments[1]});
  const auto b = port::TapDevice::open({.name = arguments[4], .netns = arguments[3]});
  for (const auto* device : {&a, &b}) {
    if (*device) continue;
    std::fprintf(stderr, "tap_relay: %s\n", device->error().message().c_str());
    return 1;
  }
  return relay(a->fd(), b->fd());
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  if (argc == 5) return sluice::run(argv);
  std::fprintf(stderr, "usage: tap_relay NETNS TAP NETNS TAP\n");
  return 2;
}
