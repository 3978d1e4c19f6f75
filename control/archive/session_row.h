// A session as the index knows it, and how records add to it. Adding is the same in any grouping of the
// records: deltas of parts of a session merge into the whole.
#pragma once

#include <cstdint>
#include <string>

#include "common/error.h"
#include "common/ip_address.h"
#include "common/time.h"
#include "common/unit.h"
#include "schema/session_log_generated.h"

namespace sluice::control {

struct SessionRow {
  SessionId id = 0;
  std::string service;
  std::string record_class;
  std::string principal;
  bool principal_verified = false;
  IpAddress client_address;
  std::uint16_t client_port = 0;
  IpAddress server_address;
  std::uint16_t server_port = 0;
  WallNs opened_wall_ns = 0;  // of its first record
  WallNs last_wall_ns = 0;    // of its last
  bool closed = false;
  std::uint64_t requests = 0;
  std::uint64_t responses = 0;
  std::uint64_t request_bytes = 0;  // bodies; once closed, the whole stream
  std::uint64_t response_bytes = 0;
  ErrorCode error = ErrorCode::ok;  // of its close, or else the first of a unit
  Verdict verdict = Verdict::pass;  // the gravest
  std::uint64_t masked = 0;         // messages
  std::uint64_t denied = 0;
  std::uint64_t hits = 0;
  std::uint64_t gap_records = 0;
  schema::log::Protocol protocol = schema::log::Protocol::http;

  void add(const schema::log::Record& record);
};

}  // namespace sluice::control
