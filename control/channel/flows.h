// Which live sessions are asked for; the answer comes as Flows messages (schema/channel.fbs).
#pragma once

#include <cstdint>
#include <string>

#include "common/error.h"
#include "common/ip_address.h"
#include "common/time.h"
#include "common/unit.h"
#include "control/channel/questions.h"

namespace sluice::control {

// An end as it is asked for: ADDRESS, ADDRESS/BITS, either with :PORT, or :PORT alone. An IPv6 ADDRESS or ADDRESS/BITS
// with a port stands in brackets.
struct Endpoint {
  IpAddress address;       // host bits zero
  std::uint8_t bits = 0;   // of 128 that must agree; 0: any address
  std::uint16_t port = 0;  // 0: any
};
// `name` is whose end it is, for the error.
Result<Endpoint> parse_endpoint(const std::string& text, const char* name);

// A field that is 0 or empty asks for any.
struct FlowQuery {
  std::uint32_t limit = 100;
  SessionId session = 0;
  std::string service, principal;
  Endpoint client, server;
  std::uint16_t states = 0;  // bit n: a leg in schema TcpState n
  DurationNs min_age_ns = 0;
  std::uint64_t min_bytes = 0;
};

// "established,close_wait": the names of schema TcpState.
Result<std::uint16_t> parse_states(const std::string& text);

MessageBytes encode_flows_request(std::uint64_t request_id, const FlowQuery& query);

}  // namespace sluice::control
