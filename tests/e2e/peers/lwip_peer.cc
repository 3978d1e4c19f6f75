// lwIP as a host of its own on a TAP, so that the appliance meets a second TCP stack on real wires. Whoever connects to
// a Unix socket calls out over lwIP's TCP, and who calls in over it is connected to a Unix socket; so the clients and
// servers of a test are what they always are. Bytes, ends of streams, resets and backpressure pass both ways: neither
// side is read faster than the other takes it, so that a slow reader closes lwIP's window.
//
// Usage: lwip_peer TAP MAC ADDRESS/MASK MTU [call=PATH=ADDRESS:PORT]... [serve=PORT=PATH]...
// Says "ready" when it can be used.
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <list>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

extern "C" {
#include <lwip/etharp.h>
#include <lwip/netif.h>
#include <lwip/tcp.h>
#include <lwip/tcpip.h>
#include <netif/ethernet.h>
}

namespace {

// What lwIP calls back wakes the loop: its timers run on a thread of its own, under its lock.
int wake_fd = -1;

void wake() {
  (void)::eventfd_write(wake_fd, 1);
}

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "lwip_peer: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

// One connection: a Unix socket on the near side, lwIP's on the far side. Touched under lwIP's lock only.
class Link {
 public:
  explicit Link(int fd) : fd_(fd) {}
  ~Link() {
    drop_received();
    if (pcb_ != nullptr) {
      forget();
      tcp_abort(pcb_);
    }
    ::close(fd_);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void attach(tcp_pcb* pcb, bool connected) {
    pcb_ = pcb;
    connected_ = connected;
    tcp_arg(pcb, this);
    tcp_recv(pcb,
             [](void* link, tcp_pcb*, pbuf* bytes, err_t) { return static_cast<Link*>(link)->on_received(bytes); });
    tcp_err(pcb, [](void* link, err_t error) { static_cast<Link*>(link)->on_gone(error); });
    tcp_sent(pcb, [](void*, tcp_pcb*, u16_t) -> err_t {
      wake();
      return ERR_OK;
    });
  }
  err_t call(const ip_addr_t& address, u16_t port) {
    return tcp_connect(pcb_, &address, port, [](void* link, tcp_pcb*, err_t) -> err_t {
      static_cast<Link*>(link)->connected_ = true;
      wake();
      return ERR_OK;
    });
  }

  // Moves what can be moved. False: the connection is over.
  bool pump() {
    if (broken_ || !take_from_near() || !give_to_near()) return false;
    if (!near_told_ || !far_told_) return true;
    if (pcb_ != nullptr) {  // both streams have ended; lwIP does the rest alone
      forget();
      tcp_close(std::exchange(pcb_, nullptr));
    }
    return false;
  }
  // What to wait for on the Unix socket.
  [[nodiscard]] pollfd waits_for() const {
    const bool reads = connected_ && !near_ended_ && to_far_.empty();
    const bool writes = !received_.empty();
    const int events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0);
    return {.fd = events == 0 ? -1 : fd_, .events = static_cast<short>(events), .revents = 0};
  }

 private:
  static constexpr std::size_t kMostAtOnce = 16 * 1024;

  err_t on_received(pbuf* bytes) {
    if (bytes != nullptr) received_.push_back(bytes);
    if (bytes == nullptr) far_ended_ = true;
    // Both ends are told: what lwIP keeps of it may be freed at any time.
    if (far_ended_ && far_told_) {
      forget();
      pcb_ = nullptr;
    }
    wake();
    return ERR_OK;
  }
  void on_gone(err_t error) {
    pcb_ = nullptr;
    broken_ = error != ERR_CLSD;
    wake();
  }
  void forget() {
    tcp_arg(pcb_, nullptr);
    tcp_recv(pcb_, nullptr);
    tcp_err(pcb_, nullptr);
    tcp_sent(pcb_, nullptr);
  }
  void drop_received() {
    for (pbuf* bytes : received_) pbuf_free(bytes);
    received_.clear();
  }

  // False: the near side broke.
  bool take_from_near() {
    if (!connected_ || far_told_ || pcb_ == nullptr) return true;
    for (;;) {
      if (to_far_.empty() && !near_ended_) {
        std::array<char, kMostAtOnce> room;
        const ssize_t count = ::recv(fd_, room.data(), room.size(), MSG_DONTWAIT);
        if (count < 0 && errno != EAGAIN) return false;
        if (count < 0) break;
        near_ended_ = count == 0;
        to_far_.assign(room.data(), static_cast<std::size_t>(count));
      }
      const auto count = static_cast<u16_t>(std::min<std::size_t>(to_far_.size(), tcp_sndbuf(pcb_)));
      if (count == 0 || tcp_write(pcb_, to_far_.data(), count, TCP_WRITE_FLAG_COPY) != ERR_OK) break;
      to_far_.erase(0, count);
    }
    if (near_ended_ && to_far_.empty()) far_told_ = tcp_shutdown(pcb_, 0, 1) == ERR_OK;
    tcp_output(pcb_);
    return true;
  }
  bool give_to_near() {
    while (!received_.empty()) {
      pbuf*& first = received_.front();
      const ssize_t count = ::send(fd_, first->payload, first->len, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count < 0) return errno == EAGAIN;
      const auto taken = static_cast<u16_t>(count);
      if (pcb_ != nullptr) tcp_recved(pcb_, taken);
      first = pbuf_free_header(first, taken);
      if (first == nullptr) received_.pop_front();
    }
    if (far_ended_ && !near_told_) near_told_ = ::shutdown(fd_, SHUT_WR) == 0;
    return true;
  }

  int fd_;
  tcp_pcb* pcb_ = nullptr;  // null once lwIP has freed it or may do so
  bool connected_ = false;
  bool broken_ = false;
  bool near_ended_ = false;  // whose stream has ended
  bool far_ended_ = false;
  bool near_told_ = false;  // who knows that the other's has
  bool far_told_ = false;
  std::string to_far_;
  std::deque<pbuf*> received_;
};

std::list<Link> links;

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof address.sun_path) fail(path + " is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// A port of lwIP's whose callers come to a Unix socket.
struct Service {
  u16_t port;
  std::string path;

  void listen() {
    tcp_pcb* const pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
    if (tcp_bind(pcb, IP_ANY_TYPE, port) != ERR_OK) fail("bind");
    tcp_pcb* const listener = tcp_listen(pcb);
    tcp_arg(listener, this);
    tcp_accept(listener,
               [](void* service, tcp_pcb* caller, err_t) { return static_cast<Service*>(service)->on_call(caller); });
  }
  err_t on_call(tcp_pcb* caller) const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = unix_address(path);
    if (::connect(fd, generic(address), sizeof address) != 0) {
      ::close(fd);
      tcp_abort(caller);
      return ERR_ABRT;
    }
    links.emplace_back(fd).attach(caller, true);
    wake();
    return ERR_OK;
  }
};

// A Unix socket whose callers reach an address over lwIP's TCP.
struct Caller {
  std::string path;
  ip_addr_t address;
  u16_t port;
  int fd = -1;

  void listen() {
    fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const sockaddr_un at = unix_address(path);
    if (::bind(fd, generic(at), sizeof at) != 0 || ::listen(fd, 1024) != 0) fail(path);
  }
  void accept() const {
    for (int near; (near = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      Link& link = links.emplace_back(near);
      link.attach(tcp_new_ip_type(IPADDR_TYPE_ANY), false);
      if (link.call(address, port) != ERR_OK) links.pop_back();
    }
  }
};

// lwIP's interface: a TAP that is there already. (The library's own one takes its buffers from a pool whose buffers are
// smaller than a frame in Debian's build of it.)
class TapInterface {
 public:
  void open(const char* name, const char* mac, u16_t mtu) {
    mtu_ = mtu;
    fd_ = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ifreq request{};
    std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (fd_ < 0 || ::ioctl(fd_, TUNSETIFF, &request) != 0) fail(name);
    std::array<unsigned, ETH_HWADDR_LEN> bytes{};
    if (std::sscanf(mac, "%x:%x:%x:%x:%x:%x", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4], &bytes[5]) != 6)
      fail(std::string(mac) + " is no MAC address");
    std::copy(bytes.begin(), bytes.end(), mac_.begin());
  }
  void add(const ip4_addr_t& address, const ip4_addr_t& mask) {
    netif_add(&interface_, &address, &mask, nullptr, this, initialize, ethernet_input);
    netif_set_default(&interface_);
    netif_set_up(&interface_);
    netif_set_link_up(&interface_);
  }
  // Everything that has arrived.
  void receive() {
    std::array<char, 9100> frame;
    for (ssize_t count; (count = ::read(fd_, frame.data(), frame.size())) > 0;) {
      pbuf* const bytes = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(count), PBUF_RAM);
      if (bytes == nullptr) continue;
      pbuf_take(bytes, frame.data(), static_cast<u16_t>(count));
      if (interface_.input(bytes, &interface_) != ERR_OK) pbuf_free(bytes);
    }
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  static err_t initialize(netif* interface) {
    const auto& self = *static_cast<TapInterface*>(interface->state);
    interface->name[0] = 't';
    interface->name[1] = 'p';
    interface->mtu = self.mtu_;
    interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    interface->hwaddr_len = ETH_HWADDR_LEN;
    std::copy(self.mac_.begin(), self.mac_.end(), interface->hwaddr);
    interface->output = etharp_output;
    interface->linkoutput = [](netif* to, pbuf* bytes) -> err_t {
      std::array<char, 9100> frame;
      const u16_t count = pbuf_copy_partial(bytes, frame.data(), frame.size(), 0);
      return ::write(static_cast<TapInterface*>(to->state)->fd_, frame.data(), count) == count ? ERR_OK : ERR_IF;
    };
    return ERR_OK;
  }

  int fd_ = -1;
  u16_t mtu_ = 0;
  std::array<u8_t, ETH_HWADDR_LEN> mac_{};
  netif interface_{};
};

struct Peer {
  TapInterface tap;
  std::deque<Service> services;  // lwIP keeps their addresses
  std::vector<Caller> callers;

  void start(const std::string& address_and_mask) {
    const std::size_t slash = address_and_mask.find('/');
    ip4_addr_t address{};
    ip4_addr_t mask{};
    if (slash == std::string::npos || ip4addr_aton(address_and_mask.substr(0, slash).c_str(), &address) == 0 ||
        ip4addr_aton(address_and_mask.c_str() + slash + 1, &mask) == 0)
      fail(address_and_mask + " is no ADDRESS/MASK");
    std::binary_semaphore is_up(0);
    tcpip_init([](void* up) { static_cast<std::binary_semaphore*>(up)->release(); }, &is_up);
    is_up.acquire();
    LOCK_TCPIP_CORE();
    tap.add(address, mask);
    for (Service& service : services) service.listen();
    for (Caller& caller : callers) caller.listen();
    UNLOCK_TCPIP_CORE();
  }

  [[noreturn]] void run() {
    for (;;) {
      std::vector<pollfd> waits{{.fd = wake_fd, .events = POLLIN, .revents = 0},
                                {.fd = tap.fd(), .events = POLLIN, .revents = 0}};
      for (const Caller& caller : callers) waits.push_back({.fd = caller.fd, .events = POLLIN, .revents = 0});
      LOCK_TCPIP_CORE();
      for (const Link& link : links) waits.push_back(link.waits_for());
      UNLOCK_TCPIP_CORE();
      if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) fail("poll");
      eventfd_t ignored;
      (void)::eventfd_read(wake_fd, &ignored);
      LOCK_TCPIP_CORE();
      tap.receive();
      for (const Caller& caller : callers) caller.accept();
      links.remove_if([](Link& link) { return !link.pump(); });
      UNLOCK_TCPIP_CORE();
    }
  }
};

// call=PATH=ADDRESS:PORT or serve=PORT=PATH.
bool add_role(Peer& peer, const std::string& text) {
  const std::size_t first = text.find('=');
  const std::size_t second = text.find('=', first + 1);
  if (second == std::string::npos) return false;
  const std::string middle = text.substr(first + 1, second - first - 1);
  const std::string last = text.substr(second + 1);
  const auto port_of = [](const std::string& digits) { return static_cast<u16_t>(std::atoi(digits.c_str())); };
  if (text.starts_with("serve=")) {
    peer.services.push_back({port_of(middle), last});
    return true;
  }
  const std::size_t colon = last.rfind(':');
  ip_addr_t address{};
  if (!text.starts_with("call=") || colon == std::string::npos || !ipaddr_aton(last.substr(0, colon).c_str(), &address))
    return false;
  peer.callers.push_back({.path = middle, .address = address, .port = port_of(last.substr(colon + 1))});
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  Peer peer;
  bool right = count > 5;
  for (int i = 5; right && i < count; ++i) right = add_role(peer, arguments[i]);
  if (!right) {
    std::fprintf(stderr,
                 "usage: lwip_peer TAP MAC ADDRESS/MASK MTU [call=PATH=ADDRESS:PORT]... [serve=PORT=PATH]...\n");
    return 2;
  }
  wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  peer.tap.open(arguments[1], arguments[2], static_cast<u16_t>(std::atoi(arguments[4])));
  peer.start(arguments[3]);
  std::puts("ready");
  std::fflush(stdout);
  peer.run();
}
