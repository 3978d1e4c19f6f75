// GET /v1/flows, /v1/trace: what goes on in the data plane now.
#include "common/session_id.h"
#include "control/api/flow_json.h"
#include "control/api/handlers.h"
#include "control/channel/flows.h"
#include "control/channel/trace.h"

namespace sluice::control {
namespace {

constexpr std::uint64_t kMostFlows = 10'000;
constexpr std::uint64_t kLargest = ~std::uint64_t{0} >> 1;
constexpr DurationNs kAnswerWithin = 10 * kSecond;

Result<FlowQuery> query_of(const httplib::Request& request) {
  FlowQuery query;
  query.service = request.get_param_value("service");
  query.principal = request.get_param_value("principal");
  const auto limit = number_parameter(request, "limit", query.limit, kMostFlows);
  const auto min_age = number_parameter(request, "min_age_ns", 0, kLargest);
  const auto min_bytes = number_parameter(request, "min_bytes", 0, kLargest);
  for (const auto* number : {&limit, &min_age, &min_bytes})
    if (!*number) return std::unexpected(number->error());
  const auto client = parse_endpoint(request.get_param_value("client"), "client");
  const auto server = parse_endpoint(request.get_param_value("server"), "server");
  for (const auto* end : {&client, &server})
    if (!*end) return std::unexpected(end->error());
  const auto states = parse_states(request.get_param_value("state"));
  if (!states) return std::unexpected(states.error());
  if (request.has_param("session")) {
    const auto session = parse_session_id(request.get_param_value("session"));
    if (!session) return fail(ErrorCode::bad_argument, "session must have 16 hexadecimal digits");
    query.session = *session;
  }
  query.limit = static_cast<std::uint32_t>(*limit);
  query.client = *client;
  query.server = *server;
  query.states = *states;
  query.min_age_ns = *min_age;
  query.min_bytes = *min_bytes;
  return query;
}

void flows(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const auto query = query_of(request);
  if (!query) return answer_error(response, query.error());
  const auto parts = context.parts.publisher.channel().ask(
      [&](std::uint64_t id) { return encode_flows_request(id, *query); }, kAnswerWithin);
  if (!parts) return answer_error(response, parts.error());
  answer(response, flows_json(*parts));
}

void trace(ApiContext& context, httplib::Response& response) {
  const auto parts = context.parts.publisher.channel().ask(encode_trace_request, kAnswerWithin);
  if (!parts) return answer_error(response, parts.error());
  response.status = 200;
  response.set_content(trace_file(*parts), "application/octet-stream");
}

}  // namespace

void add_seeing_routes(UnixHttpServer& server, ApiContext& context) {
  server.Get("/v1/flows", [&context](const httplib::Request& request, httplib::Response& response) {
    flows(context, request, response);
  });
  server.Get("/v1/trace",
             [&context](const httplib::Request&, httplib::Response& response) { trace(context, response); });
}

}  // namespace sluice::control
