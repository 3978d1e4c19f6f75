// The API's handlers, by what they speak of. Each adds its routes to the server.
#pragma once

#include <atomic>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "common/error.h"
#include "control/api/api.h"
#include "control/api/json.h"
#include "control/api/unix_http_server.h"

namespace sluice::control {

struct ApiContext {
  ApiParts parts;
  std::atomic<bool> stopping{false};
  std::atomic<int> replays{0};  // under way
};

void answer(httplib::Response& response, const Json& json);
void answer_error(httplib::Response& response, const Error& error, const rules::Problems& problems = {});

// A whole number in a query parameter: `otherwise` when it is absent, bad_argument when it is none or too large.
Result<std::uint64_t> number_parameter(const httplib::Request& request, const char* name, std::uint64_t otherwise,
                                       std::uint64_t largest);

void add_status_routes(UnixHttpServer& server, ApiContext& context);
void add_policy_routes(UnixHttpServer& server, ApiContext& context);
void add_session_routes(UnixHttpServer& server, ApiContext& context);
void add_seeing_routes(UnixHttpServer& server, ApiContext& context);
void add_hold_routes(UnixHttpServer& server, ApiContext& context);
void add_order_routes(UnixHttpServer& server, ApiContext& context);
void add_alert_routes(UnixHttpServer& server, ApiContext& context);

}  // namespace sluice::control
