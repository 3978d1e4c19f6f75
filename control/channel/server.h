// Control's end of the channel: one thread that listens, admits one data plane at a time, keeps its last
// counters, and carries pushes to it. Other threads ask and push; the thread never waits for them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/bytes.h"
#include "common/error.h"
#include "common/time.h"
#include "control/channel/messages.h"

namespace sluice::control {

// Told on the channel's thread; must return at once.
class ChannelObserver {
 public:
  virtual ~ChannelObserver() = default;
  virtual void on_connected() = 0;
  // In the order in which they were sent.
  virtual void on_hold(HoldMessage&&) {}
  // False: the data plane is not listened to until wake(). What was received already still comes.
  [[nodiscard]] virtual bool has_room() const { return true; }
};

struct ChannelStatus {
  std::optional<DataPlane> data_plane;
  std::optional<Counters> counters;  // the last report, also of a data plane that has gone
  std::uint64_t events = 0;          // session events since start
};

class ChannelServer {
 public:
  // already_running when another control listens there. The observers outlive it.
  static Result<std::unique_ptr<ChannelServer>> start(const std::string& socket_path,
                                                      std::vector<ChannelObserver*> observers);
  ~ChannelServer();
  ChannelServer(const ChannelServer&) = delete;
  ChannelServer& operator=(const ChannelServer&) = delete;

  [[nodiscard]] ChannelStatus status() const;
  // Ends the connection and the thread; pushes fail from then on. The destructor does the same.
  void stop();
  // Ends the connection; the data plane is back in a moment, and what it has to tell is told anew.
  void hang_up();
  // Gives a bundle to the data plane and waits for its answer: the version that it runs then, or why it was
  // refused. channel_closed when none is connected or it goes away meanwhile. One push at a time; others wait.
  Result<std::uint64_t> push(Bytes bundle, DurationNs timeout);
  // Asks the data plane and waits for the whole answer, its messages in order. channel_closed when none is connected
  // or it goes away meanwhile; conflict when it is of a version that knows no questions.
  Result<std::vector<MessageBytes>> ask(const Questions::Encode& encode, DurationNs timeout);
  // Sends decisions and orders, in order, to a data plane that takes them. False when none is connected, or it does not
  // read: then nothing of it is sent, and its next hello is the time to say it again.
  bool tell(std::vector<MessageBytes>&& messages);
  // An observer has room again.
  void wake();

 private:
  ChannelServer();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::control
