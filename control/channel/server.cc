// See server.h.
#include "control/channel/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "common/file.h"
#include "common/framed_socket.h"
#include "common/log.h"
#include "common/sealed_memory.h"
#include "common/unix_socket.h"
#include "control/channel/admission.h"

namespace sluice::control {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxConnections = 8;  // admitted or not; more wait in the listen queue
constexpr auto kHelloTimeout = std::chrono::seconds(5);
constexpr int kPollMs = 1000;
constexpr mode_t kSocketMode = 0600;
constexpr std::size_t kMaxUntoldBytes = 4 * 1024 * 1024;  // decisions and orders on their way to the channel's thread

struct Connection {
  explicit Connection(Fd socket) : framed(std::move(socket)), hello_deadline(Clock::now() + kHelloTimeout) {}
  FramedSocket framed;
  Clock::time_point hello_deadline;
  bool admitted = false;
  bool gone = false;
};

struct Push {
  std::uint64_t id = 0;
  std::uint64_t size_bytes = 0;
  Fd memory;
  bool sent = false;
  std::optional<Result<std::uint64_t>> answer;
};

}  // namespace

struct ChannelServer::Impl {
  void run();
  void poll_once();
  void accept_all();
  void serve(Connection& connection, short events);
  Result<void> on_message(Connection& connection, Bytes message);
  Result<void> on_hello(Connection& connection, const DataPlane& hello);
  void on_result(const BundleResult& result);
  void send_push();
  void send_question();
  void send_told();
  [[nodiscard]] bool has_room() const;
  void drop(Connection& connection, const Error& error);

  UnixListener listener;
  Fd wake;
  std::vector<ChannelObserver*> observers;
  std::list<Connection> connections;  // the channel thread's own
  ReportBuilder report;               // likewise

  mutable std::mutex mutex;  // guards what follows
  std::condition_variable answered;
  ChannelStatus status;
  std::optional<Push> push;
  std::uint64_t next_push_id = 1;
  std::vector<MessageBytes> untold;
  std::size_t untold_bytes = 0;
  bool stopping = false;
  bool hangs_up = false;

  Questions questions;
  std::mutex pushing;  // one push at a time
  std::thread thread;
};

void ChannelServer::Impl::drop(Connection& connection, const Error& error) {
  if (connection.gone) return;
  connection.gone = true;
  if (!connection.admitted) {
    log::warn("a caller on the channel was refused: " + error.message());
    return;
  }
  const std::lock_guard lock(mutex);
  status.data_plane.reset();
  untold.clear();
  untold_bytes = 0;
  if (push && !push->answer) push->answer = fail(ErrorCode::channel_closed, "the data plane went away during the push");
  answered.notify_all();
  questions.fail({ErrorCode::channel_closed, "the data plane went away before it answered"});
  log::warn("lost the data plane: " + error.message());
}

void ChannelServer::Impl::accept_all() {
  while (connections.size() < kMaxConnections) {
    Fd socket(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.valid()) return;
    const auto peer = peer_of(socket.get());
    const Error refusal = peer ? judge_peer(*peer) : peer.error();
    connections.emplace_back(std::move(socket));
    if (refusal.code == ErrorCode::ok) continue;
    (void)connections.back().framed.queue(encode_hello(refusal));
    (void)connections.back().framed.flush();
    drop(connections.back(), refusal);
  }
}

Result<void> ChannelServer::Impl::on_hello(Connection& connection, const DataPlane& hello) {
  if (connection.admitted) return fail(ErrorCode::channel_bad_message, "the data plane said hello twice");
  Error refusal;
  {
    const std::lock_guard lock(mutex);
    refusal = judge_hello(hello, status.data_plane);
    if (refusal.code == ErrorCode::ok) status.data_plane = hello;
  }
  (void)connection.framed.queue(encode_hello(refusal));
  if (refusal.code != ErrorCode::ok) {
    (void)connection.framed.flush();
    return std::unexpected(refusal);
  }
  connection.admitted = true;
  log::info("data plane " + hello.product_version + " connected, process " + std::to_string(hello.pid) +
            ", running policy version " + std::to_string(hello.policy_version));
  for (ChannelObserver* observer : observers) observer->on_connected();
  return {};
}

void ChannelServer::Impl::on_result(const BundleResult& result) {
  const std::lock_guard lock(mutex);
  if (status.data_plane) status.data_plane->policy_version = result.policy_version;
  if (!push || push->id != result.push_id || push->answer) return;  // an answer that nobody waits for any more
  if (result.error.code == ErrorCode::ok)
    push->answer = result.policy_version;
  else
    push->answer = std::unexpected(result.error);
  answered.notify_all();
}

Result<void> ChannelServer::Impl::on_message(Connection& connection, Bytes message) {
  auto decoded = decode_message(message);
  if (!decoded) return std::unexpected(decoded.error());
  if (const auto* hello = std::get_if<DataPlane>(&*decoded)) return on_hello(connection, *hello);
  if (!connection.admitted) return fail(ErrorCode::channel_bad_message, "hello must come first");
  if (const auto* result = std::get_if<BundleResult>(&*decoded)) {
    on_result(*result);
    return {};
  }
  if (auto* part = std::get_if<AnswerPart>(&*decoded)) {
    questions.take(std::move(*part));
    return {};
  }
  if (auto* hold = std::get_if<HoldMessage>(&*decoded)) {
    for (ChannelObserver* observer : observers) observer->on_hold(HoldMessage(*hold));
    return {};
  }
  const std::lock_guard lock(mutex);
  if (auto* part = std::get_if<CountsPart>(&*decoded)) report.take(std::move(*part));
  if (auto* end = std::get_if<CountersEnd>(&*decoded))
    if (auto whole = report.finish(std::move(*end))) status.counters = std::move(*whole);
  if (std::holds_alternative<SessionEvent>(*decoded)) ++status.events;
  return {};
}

void ChannelServer::Impl::serve(Connection& connection, short events) {
  if (connection.gone) return;
  if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
    const auto received = connection.framed.receive();
    for (;;) {
      auto message = connection.framed.next();
      if (!message) return drop(connection, message.error());
      if (!*message) break;
      if (auto done = on_message(connection, **message); !done) return drop(connection, done.error());
    }
    if (!received) return drop(connection, received.error());
  }
  if (auto sent = connection.framed.flush(); !sent) return drop(connection, sent.error());
  if (!connection.admitted && Clock::now() > connection.hello_deadline)
    drop(connection, {ErrorCode::channel_closed, "no hello in time"});
}

void ChannelServer::Impl::send_push() {
  const auto active = std::ranges::find_if(connections, [](const Connection& c) { return c.admitted && !c.gone; });
  const std::lock_guard lock(mutex);
  if (!push || push->sent || push->answer) return;
  push->sent = true;
  if (active == connections.end() ||
      !active->framed.queue(encode_push(push->id, push->size_bytes), std::move(push->memory))) {
    push->answer = fail(ErrorCode::channel_closed, "no data plane is connected");
    answered.notify_all();
  }
}

void ChannelServer::Impl::send_question() {
  auto message = questions.take_unsent();
  if (!message) return;
  const auto active = std::ranges::find_if(connections, [](const Connection& c) { return c.admitted && !c.gone; });
  if (active == connections.end() || !active->framed.queue(*message))
    questions.fail({ErrorCode::channel_closed, "no data plane is connected"});
}

void ChannelServer::Impl::send_told() {
  const auto active = std::ranges::find_if(connections, [](const Connection& c) { return c.admitted && !c.gone; });
  std::vector<MessageBytes> messages;
  bool is_to_go = false;
  {
    const std::lock_guard lock(mutex);
    messages.swap(untold);
    untold_bytes = 0;
    is_to_go = std::exchange(hangs_up, false);
  }
  if (active == connections.end()) return;
  if (is_to_go) return drop(*active, {ErrorCode::channel_closed, "it is to tell anew what could not be kept"});
  for (const MessageBytes& message : messages)
    if (!active->framed.queue(message))
      return drop(*active, {ErrorCode::channel_closed, "it does not read what was decided"});
}

bool ChannelServer::Impl::has_room() const {
  return std::ranges::all_of(observers, [](const ChannelObserver* observer) { return observer->has_room(); });
}

void ChannelServer::Impl::poll_once() {
  const short listened = has_room() ? POLLIN : 0;
  std::vector<pollfd> fds = {{wake.get(), POLLIN, 0}};
  for (const Connection& connection : connections) {
    const bool waiting = connection.framed.queued_bytes() > 0;
    fds.push_back({connection.framed.fd(),
                   static_cast<short>((connection.admitted ? listened : POLLIN) | (waiting ? POLLOUT : 0)), 0});
  }
  const bool has_room = connections.size() < kMaxConnections;
  if (has_room) fds.push_back({listener.socket.get(), POLLIN, 0});
  ::poll(fds.data(), fds.size(), kPollMs);
  eventfd_t ignored = 0;
  (void)::eventfd_read(wake.get(), &ignored);
  send_push();
  send_question();
  send_told();
  std::size_t i = 1;
  for (Connection& connection : connections) serve(connection, fds[i++].revents);
  connections.remove_if([](const Connection& c) { return c.gone; });
  if (has_room && fds.back().revents != 0) accept_all();
}

void ChannelServer::Impl::run() {
  for (;;) {
    {
      const std::lock_guard lock(mutex);
      if (stopping) return;
    }
    poll_once();
  }
}

ChannelServer::ChannelServer() = default;

ChannelServer::~ChannelServer() {
  if (impl_) stop();
}

void ChannelServer::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->status.data_plane.reset();
    if (impl_->push && !impl_->push->answer) impl_->push->answer = fail(ErrorCode::channel_closed, "control stops");
    impl_->answered.notify_all();
  }
  impl_->questions.fail({ErrorCode::channel_closed, "control stops"});
  ::eventfd_write(impl_->wake.get(), 1);
  if (impl_->thread.joinable()) impl_->thread.join();
}

Result<std::unique_ptr<ChannelServer>> ChannelServer::start(const std::string& socket_path,
                                                            std::vector<ChannelObserver*> observers) {
  auto listener = listen_unix(socket_path, kSocketMode);
  if (!listener) return std::unexpected(listener.error());
  std::unique_ptr<ChannelServer> server(new ChannelServer);
  server->impl_ = std::make_unique<Impl>();
  Impl& impl = *server->impl_;
  impl.listener = std::move(*listener);
  impl.observers = std::move(observers);
  impl.wake = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!impl.wake.valid()) return std::unexpected(system_error("eventfd"));
  impl.thread = std::thread([&impl] { impl.run(); });
  return server;
}

ChannelStatus ChannelServer::status() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->status;
}

Result<std::vector<MessageBytes>> ChannelServer::ask(const Questions::Encode& encode, DurationNs timeout) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->status.data_plane || impl_->stopping)
      return fail(ErrorCode::channel_closed, "no data plane is connected");
    if ((impl_->status.data_plane->answers & 1U) == 0)
      return fail(ErrorCode::conflict, "the data plane that is connected is older and cannot tell that");
  }
  return impl_->questions.ask(encode, [this] { ::eventfd_write(impl_->wake.get(), 1); }, timeout);
}

bool ChannelServer::tell(std::vector<MessageBytes>&& messages) {
  std::size_t bytes = 0;
  for (const MessageBytes& message : messages) bytes += message.size();
  {
    const std::lock_guard lock(impl_->mutex);
    const auto& data_plane = impl_->status.data_plane;
    if (!data_plane || (data_plane->answers & 2U) == 0 || impl_->stopping) return false;
    if (impl_->untold_bytes + bytes > kMaxUntoldBytes) return false;
    for (MessageBytes& message : messages) impl_->untold.push_back(std::move(message));
    impl_->untold_bytes += bytes;
  }
  wake();
  return true;
}

void ChannelServer::hang_up() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->hangs_up = impl_->status.data_plane.has_value();
  }
  wake();
}

void ChannelServer::wake() {
  ::eventfd_write(impl_->wake.get(), 1);
}

Result<std::uint64_t> ChannelServer::push(Bytes bundle, DurationNs timeout) {
  const std::lock_guard one_at_a_time(impl_->pushing);
  auto memory = make_sealed_memory("sluice-bundle", bundle);
  if (!memory) return std::unexpected(memory.error());
  std::unique_lock lock(impl_->mutex);
  if (!impl_->status.data_plane || impl_->stopping)
    return fail(ErrorCode::channel_closed, "no data plane is connected");
  impl_->push.emplace(Push{impl_->next_push_id++, bundle.size(), std::move(*memory), false, std::nullopt});
  ::eventfd_write(impl_->wake.get(), 1);
  const bool done = impl_->answered.wait_for(lock, std::chrono::nanoseconds(timeout),
                                             [&] { return impl_->push->answer.has_value(); });
  auto answer = done ? std::move(*impl_->push->answer)
                     : Result<std::uint64_t>(fail(ErrorCode::channel_closed, "the data plane did not answer in time"));
  impl_->push.reset();
  return answer;
}

}  // namespace sluice::control
