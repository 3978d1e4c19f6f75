// The system calls behind a TAP. /dev/net/tun belongs to the namespace in which it was opened.
#include "dataplane/port/tap_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "dataplane/port/virtio_header.h"

namespace sluice::port {
namespace {

std::unexpected<Error> failed(const std::string& what, int error, std::string_view advice = {}) {
  const ErrorCode code = error == EBUSY ? ErrorCode::already_running : ErrorCode::io_failed;
  return fail(code, what + ": " + std::strerror(error) + std::string(advice));
}

ifreq request_for(const TapConfig& config) {
  ifreq request = {};
  std::copy(config.name.begin(), config.name.end(), request.ifr_name);
  return request;
}

Result<std::uint32_t> read_mtu(const TapConfig& config, const std::string& what) {
  const int probe = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return failed(what + ": socket", errno);
  ifreq request = request_for(config);
  const int done = ::ioctl(probe, SIOCGIFMTU, &request);
  const int error = errno;
  ::close(probe);
  if (done < 0) return failed(what + ": reading the MTU", error);
  return static_cast<std::uint32_t>(request.ifr_mtu);
}

// Attaches `fd` to the interface and agrees on headers and offloads.
Result<std::uint32_t> configure(int fd, const TapConfig& config, const std::string& what) {
  ifreq request = request_for(config);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(fd, TUNSETIFF, &request) < 0) {
    const int error = errno;
    std::string_view advice;
    if (error == EBUSY) advice = "; another process is attached to it";
    if (error == EPERM) advice = "; this needs CAP_NET_ADMIN";
    if (error == EINVAL) advice = "; the name belongs to another kind of interface, or to a multi-queue TAP";
    return failed(what, error, advice);
  }
  int header_bytes = sizeof(VirtioHeader);
  if (::ioctl(fd, TUNSETVNETHDRSZ, &header_bytes) < 0) return failed(what + ": virtio-net header", errno);
  // Frames that carry CWR come whole too: it counts once, and leaves on the first segment.
  if (::ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) < 0)
    return failed(what + ": offloads", errno);
  if (config.persistent && ::ioctl(fd, TUNSETPERSIST, 1) < 0) return failed(what + ": persistence", errno);
  return read_mtu(config, what);
}

// Runs in a thread of its own when a namespace is to be entered.
Result<std::pair<int, std::uint32_t>> open_here(const TapConfig& config, const std::string& what) {
  if (!config.netns.empty()) {
    const std::string path = "/run/netns/" + config.netns;
    const int netns = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (netns < 0) return failed(what + ": " + path, errno, "; 'ip netns add' makes it");
    const int entered = ::setns(netns, CLONE_NEWNET);
    const int error = errno;
    ::close(netns);
    if (entered < 0) return failed(what + ": entering " + path, error, "; this needs CAP_SYS_ADMIN");
  }
  const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return failed(what + ": /dev/net/tun", errno, "; the kernel module 'tun' must be there");
  const Result<std::uint32_t> mtu_bytes = configure(fd, config, what);
  if (!mtu_bytes) {
    ::close(fd);
    return std::unexpected(mtu_bytes.error());
  }
  return std::pair(fd, *mtu_bytes);
}

}  // namespace

Result<TapDevice> TapDevice::open(const TapConfig& config) {
  const std::string what =
      "TAP '" + config.name + "'" + (config.netns.empty() ? "" : " in namespace '" + config.netns + "'");
  if (config.name.empty() || config.name.size() >= IFNAMSIZ ||
      config.name.find_first_of("/% \t\n") != config.name.npos) {
    return fail(ErrorCode::bad_argument,
                what + ": an interface name has 1 to 15 characters, none of them '/', '%' or space");
  }
  if (config.netns.find('/') != config.netns.npos || config.netns == "." || config.netns == "..") {
    return fail(ErrorCode::bad_argument, what + ": a namespace is named as 'ip netns' lists it, without '/'");
  }
  Result<std::pair<int, std::uint32_t>> opened;
  if (config.netns.empty()) {
    opened = open_here(config, what);
  } else {
    std::thread([&] { opened = open_here(config, what); }).join();
  }
  if (!opened) return std::unexpected(opened.error());
  return TapDevice(opened->first, opened->second);
}

TapDevice::TapDevice(TapDevice&& other) noexcept : fd_(std::exchange(other.fd_, -1)), mtu_bytes_(other.mtu_bytes_) {}

TapDevice& TapDevice::operator=(TapDevice&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(mtu_bytes_, other.mtu_bytes_);
  return *this;
}

TapDevice::~TapDevice() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace sluice::port
