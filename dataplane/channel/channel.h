// The data plane's end of the channel: a thread that keeps a connection to control, takes bundles,
// and tells of sessions and counters. Control may be away for any time: traffic goes on, the newest
// session events wait in a bounded ring and the rest are counted as lost.
// The last good bundle is kept on disk, so that a restart comes back with it when control is away.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/counts.h"
#include "common/error.h"
#include "common/ip_address.h"
#include "common/time.h"
#include "common/trace_record.h"
#include "common/unit.h"
#include "dataplane/channel/flows.h"
#include "dataplane/enforce/orders.h"
#include "dataplane/enforce/snapshot.h"
#include "dataplane/session/hold.h"

namespace sluice::channel {

struct SessionEvent {
  bool opened = false;  // else closed
  SessionId session = 0;
  WallNs wall_ns = 0;
  IpAddress client_address;
  std::uint16_t client_port = 0;
  ErrorCode error = ErrorCode::ok;
  char service[64] = {};
  char principal[64] = {};
};

struct TraceSnapshot {
  std::uint16_t worker = 0;
  std::uint64_t written = 0;  // records since the worker began; the newest are in `records`
  std::vector<TraceRecord> records;
};

// What the channel asks of the data plane; called on the channel's thread only.
class Host {
 public:
  virtual ~Host() = default;
  // Makes every worker run the snapshot; returns when all do.
  virtual Result<void> apply(std::unique_ptr<const enforce::Snapshot> snapshot) = 0;
  virtual CounterReport counters() = 0;
  // Moves waiting events to `events`, returns how many.
  virtual std::size_t take_events(std::span<SessionEvent> events) = 0;
  // Asks for live sessions; a question that is under way is over then. False when it cannot be asked now.
  virtual bool ask_flows(const FlowQuery& query) = 0;
  // Moves rows that wait to `rows`; until the last is said.
  virtual FlowProgress take_flows(std::span<session::FlowInfo> rows) = 0;
  // What each worker's trace holds now.
  virtual std::vector<TraceSnapshot> trace() = 0;
  // Moves what there is to tell of holds to `events`, returns how many. What is lent is given back.
  virtual std::size_t take_hold_events(std::span<session::HoldEvent> events) = 0;
  virtual void give_back(const session::Hold& hold) = 0;
  // Every hold that lives is told again, between pass_begins with the number that this returns and all_told.
  virtual std::uint32_t tell_holds() = 0;
  virtual void decide(const session::HoldDecision& decision) = 0;
  // Makes every worker obey these orders instead of those before; returns when all do, by which key they know tickets
  // then: `ticket_key` is that of the data plane before, which the first list of a process brings.
  virtual enforce::TicketKey apply(std::vector<enforce::Order> orders,
                                   const std::optional<enforce::TicketKey>& ticket_key) = 0;
};

struct ChannelConfig {
  std::string socket_path;  // where control listens
  std::string bundle_path;  // the last good bundle
  std::vector<std::uint8_t> public_key;
  unsigned workers = 1;
  WallNs start_wall_ns = 0;
};

class Channel {
 public:
  // Applies the bundle kept at bundle_path, if there is a good one, before it returns; then connects
  // in its own thread and reconnects for as long as it lives.
  static Result<std::unique_ptr<Channel>> start(ChannelConfig config, Host& host);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

 private:
  Channel();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::channel
