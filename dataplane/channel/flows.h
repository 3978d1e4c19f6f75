// Which live sessions control asks for, and how an answer goes: rows, one after another, until the last.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/error.h"
#include "common/ip_address.h"
#include "common/unit.h"
#include "dataplane/session/flow_info.h"

namespace sluice::channel {

inline constexpr std::uint32_t kMostFlows = 10'000;  // in one answer

// The addresses whose first `bits` are `address`; with 0 bits every one.
struct FlowNetwork {
  IpAddress address = {};
  std::uint8_t bits = 0;

  [[nodiscard]] bool has(const IpAddress& other) const { return bits == 0 || other.prefix(bits) == address; }
};

// A field that is 0 or empty asks for any.
struct FlowQuery {
  std::uint32_t limit = 100;
  SessionId session = 0;
  char service[session::kFlowNameBytes] = {};
  char principal[session::kFlowNameBytes] = {};
  FlowNetwork client = {};
  FlowNetwork server = {};
  std::uint16_t client_port = 0;
  std::uint16_t server_port = 0;
  std::uint16_t states = 0;  // bit n: a leg is in tcp::TcpState n
  DurationNs min_age_ns = 0;
  std::uint64_t min_bytes = 0;  // both ways

  // By what is at hand without looking into the session.
  [[nodiscard]] bool may_match(SessionId id, const session::FlowKey& key) const {
    return (session == 0 || id == session) && client.has(key.client_address) && server.has(key.server_address) &&
           (client_port == 0 || key.client_port == client_port) && (server_port == 0 || key.server_port == server_port);
  }
  [[nodiscard]] bool matches(const session::FlowInfo& flow) const {
    const auto in_states = [this](const session::FlowLeg& leg) {
      return (states >> static_cast<unsigned>(leg.tcp.state) & 1U) != 0;
    };
    return may_match(flow.session, flow.key) && (states == 0 || in_states(flow.client) || in_states(flow.server)) &&
           flow.age_ns >= min_age_ns && flow.client.received_bytes + flow.server.received_bytes >= min_bytes &&
           (service[0] == '\0' || std::string_view(service) == flow.service) &&
           (principal[0] == '\0' || std::string_view(principal) == flow.principal);
  }
};

// What take_flows() found beside rows.
struct FlowProgress {
  std::size_t rows = 0;
  bool last = false;  // nothing follows; what stands below is said only then
  bool more = false;  // there are more than the limit
  ErrorCode error = ErrorCode::ok;
  std::uint64_t sessions = 0;  // looked at
};

}  // namespace sluice::channel
