// GET and POST /v1/policy, POST /v1/policy/check. The policy's text is the body.
#include "control/api/handlers.h"

namespace sluice::control {
namespace {

constexpr std::size_t kMaxFileNameBytes = 256;

Result<std::string> file_name_of(const httplib::Request& request) {
  if (!request.has_param("file_name")) return "policy.yaml";
  std::string name = request.get_param_value("file_name");
  if (name.empty() || name.size() > kMaxFileNameBytes)
    return fail(ErrorCode::bad_argument, "file_name must have 1 to " + std::to_string(kMaxFileNameBytes) + " bytes");
  return name;
}

void check(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const auto name = file_name_of(request);
  if (!name) return answer_error(response, name.error());
  const auto policy = context.parts.publisher.check(request.body, *name);
  if (!policy) return answer_error(response, {ErrorCode::policy_invalid, {}}, policy.error());
  answer(response, {{"valid", true},
                    {"services", policy->services.size()},
                    {"rules", policy->rules.size()},
                    {"description", rules::describe(*policy)}});
}

void push(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const auto name = file_name_of(request);
  if (!name) return answer_error(response, name.error());
  const auto pushed = context.parts.publisher.push(request.body, *name, UnixHttpServer::caller_of(request));
  if (!pushed) return answer_error(response, pushed.error().error, pushed.error().problems);
  answer(response,
         {{"version", pushed->version}, {"state", policy_state_name(pushed->state)}, {"detail", pushed->detail}});
}

void show(ApiContext& context, httplib::Response& response) {
  const auto policy = context.parts.publisher.current();
  if (!policy) return answer_error(response, policy.error());
  if (!*policy) return answer_error(response, {ErrorCode::not_found, "no policy was pushed yet"});
  answer(response, policy_json(**policy));
}

}  // namespace

void add_policy_routes(UnixHttpServer& server, ApiContext& context) {
  server.Post("/v1/policy/check", [&context](const httplib::Request& request, httplib::Response& response) {
    check(context, request, response);
  });
  server.Post("/v1/policy", [&context](const httplib::Request& request, httplib::Response& response) {
    push(context, request, response);
  });
  server.Get("/v1/policy",
             [&context](const httplib::Request&, httplib::Response& response) { show(context, response); });
}

}  // namespace sluice::control
