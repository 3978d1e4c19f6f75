// One connection to control, from hello to its end. Sans poll: the channel's thread tells it when bytes may
// move and when a tick has passed. Everything received is verified before it is read.
#pragma once

#include <array>
#include <cstdint>
#include <set>

#include <flatbuffers/flatbuffers.h>

#include "common/error.h"
#include "common/framed_socket.h"
#include "common/time.h"
#include "dataplane/channel/bundle_keeper.h"
#include "dataplane/channel/channel.h"
#include "schema/channel_generated.h"

namespace sluice::channel {

class Link {
 public:
  Link(Fd socket, const ChannelConfig& config, BundleKeeper& keeper, Host& host)
      : socket_(std::move(socket)), config_(config), keeper_(keeper), host_(host) {}

  // Checks who listens there and says hello.
  Result<void> begin();
  // Takes what arrived. An error ends the connection.
  Result<void> on_readable(TimeNs now);
  Result<void> on_writable() { return socket_.flush(); }
  // Sends waiting events, and counters when a second has passed.
  Result<void> on_tick(TimeNs now, WallNs wall);

  [[nodiscard]] int fd() const { return socket_.fd(); }
  [[nodiscard]] bool wants_write() const { return socket_.queued_bytes() > 0; }
  // Answers are under way: on_tick() is worth calling soon.
  [[nodiscard]] bool is_answering() const { return flows_request_ != 0 || trace_request_ != 0; }
  [[nodiscard]] bool is_established() const { return established_; }

 private:
  Result<void> on_message(Bytes message);
  Result<void> on_hello(const schema::channel::ControlHello& hello);
  Result<void> on_push(const schema::channel::BundlePush& push);
  Result<void> take_bundle(std::uint64_t size_bytes);
  void send_events();
  Result<void> on_flows_request(const schema::channel::FlowsRequest& request);
  void send_flows(TimeNs now);
  Result<void> on_trace_request(const schema::channel::TraceRequest& request);
  void send_trace(TimeNs now, WallNs wall);
  void ask_holds();
  void send_holds(TimeNs now);
  void send_hold(const session::HoldEvent& event, TimeNs now);

  FramedSocket socket_;
  const ChannelConfig& config_;
  BundleKeeper& keeper_;
  Host& host_;
  flatbuffers::FlatBufferBuilder builder_;
  bool established_ = false;
  TimeNs counters_due_ = 0;
  TimeNs now_ = 0;               // of the last tick
  std::uint32_t hold_pass_ = 0;  // that was asked for
  bool holds_wanted_ = false;    // control speaks of them: it sent orders
  bool holds_known_ = false;     // it began, and what is told since is true
  std::set<HoldId> live_holds_;  // told since
  std::uint64_t reports_ = 0;
  std::array<session::FlowInfo, 32> flows_;
  std::uint64_t flows_request_ = 0;  // that is being answered; 0 for none
  std::uint64_t trace_request_ = 0;
  std::vector<TraceSnapshot> traces_;  // what is being sent
  std::size_t trace_at_ = 0;           // the record in the first of them that goes next
};

}  // namespace sluice::channel
