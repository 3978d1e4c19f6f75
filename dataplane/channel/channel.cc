// The channel's thread: connects, serves one link at a time, waits, connects again. It is the only part of
// the channel that reads a clock.
#include "dataplane/channel/channel.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/unix_socket.h"
#include "dataplane/channel/bundle_keeper.h"
#include "dataplane/channel/link.h"

namespace sluice::channel {
namespace {

constexpr DurationNs kTick = 20 * kMillisecond;
constexpr DurationNs kAnsweringTick = kMillisecond;
constexpr DurationNs kFirstBackoff = 100 * kMillisecond;
constexpr DurationNs kLongestBackoff = 2 * kSecond;
constexpr DurationNs kHelloTimeout = 5 * kSecond;

int milliseconds(DurationNs duration) {
  return static_cast<int>(duration / kMillisecond);
}

}  // namespace

struct Channel::Impl {
  Impl(ChannelConfig c, Host& h) : config(std::move(c)), host(h), keeper(config.bundle_path, config.public_key, host) {}

  void run();
  // One connection, from connect to its end: why it ended.
  Error serve(bool& established);
  Result<void> serve_once(Link& link);
  void report(const Error& error, bool was_established);

  ChannelConfig config;
  Host& host;
  BundleKeeper keeper;
  Fd wake;
  std::atomic<bool> stopping{false};
  std::string last_report;
  std::thread thread;
};

Result<void> Channel::Impl::serve_once(Link& link) {
  const auto events = static_cast<short>(POLLIN | (link.wants_write() ? POLLOUT : 0));
  std::array<pollfd, 2> fds = {pollfd{link.fd(), events, 0}, pollfd{wake.get(), POLLIN, 0}};
  ::poll(fds.data(), fds.size(), milliseconds(link.is_answering() ? kAnsweringTick : kTick));
  if ((fds[0].revents & POLLOUT) != 0) {
    if (auto sent = link.on_writable(); !sent) return sent;
  }
  if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
    if (auto read = link.on_readable(monotonic_ns()); !read) return read;
  }
  return link.on_tick(monotonic_ns(), wall_ns());
}

Error Channel::Impl::serve(bool& established) {
  auto socket = connect_unix(config.socket_path);
  if (!socket) return socket.error();
  Link link(std::move(*socket), config, keeper, host);
  auto going = link.begin();
  const TimeNs hello_deadline = monotonic_ns() + kHelloTimeout;
  while (going && !stopping.load(std::memory_order_relaxed)) {
    going = serve_once(link);
    if (!going) break;
    if (!established && link.is_established()) {
      established = true;
      last_report.clear();
      log::info("connected to control at " + config.socket_path);
    }
    if (!established && monotonic_ns() > hello_deadline)
      going = fail(ErrorCode::channel_closed, "control did not answer hello");
  }
  return going ? Error{} : going.error();
}

void Channel::Impl::report(const Error& error, bool was_established) {
  // Once for each reason, not once for each attempt.
  std::string text = was_established ? "lost control, traffic goes on: " : "no connection to control: ";
  text += error.message();
  if (text == last_report) return;
  log::warn(text);
  last_report = std::move(text);
}

void Channel::Impl::run() {
  DurationNs backoff = kFirstBackoff;
  while (!stopping.load(std::memory_order_relaxed)) {
    bool established = false;
    const Error error = serve(established);
    if (stopping.load(std::memory_order_relaxed)) return;
    report(error, established);
    if (established) backoff = kFirstBackoff;
    pollfd waiting = {wake.get(), POLLIN, 0};
    ::poll(&waiting, 1, milliseconds(backoff));
    backoff = std::min(backoff * 2, kLongestBackoff);
  }
}

Channel::Channel() = default;

Channel::~Channel() {
  if (!impl_ || !impl_->thread.joinable()) return;
  impl_->stopping.store(true, std::memory_order_relaxed);
  ::eventfd_write(impl_->wake.get(), 1);
  impl_->thread.join();
}

Result<std::unique_ptr<Channel>> Channel::start(ChannelConfig config, Host& host) {
  std::unique_ptr<Channel> channel(new Channel);
  channel->impl_ = std::make_unique<Impl>(std::move(config), host);
  Impl& impl = *channel->impl_;
  impl.wake = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!impl.wake.valid()) return std::unexpected(system_error("eventfd"));
  if (const auto kept = impl.keeper.apply_kept(); kept)
    log::info("policy version " + std::to_string(impl.keeper.running().version) + " runs, as kept at " +
              impl.config.bundle_path);
  else if (kept.error().code == ErrorCode::not_found)
    log::info("no policy is kept at " + impl.config.bundle_path + "; waiting for control");
  else
    log::warn("the policy kept at " + impl.config.bundle_path + " was refused: " + kept.error().message());
  impl.thread = std::thread([&impl] { impl.run(); });
  return channel;
}

}  // namespace sluice::channel
