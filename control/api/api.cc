// See api.h.
#include "control/api/api.h"

#include "common/log.h"
#include "control/api/handlers.h"

namespace sluice::control {
namespace {

constexpr const char* kJsonType = "application/json";

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::bad_argument:
      return 400;
    case ErrorCode::not_permitted:
      return 403;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::conflict:
      return 409;
    case ErrorCode::policy_invalid:
      return 422;
    case ErrorCode::bundle_malformed:
    case ErrorCode::bundle_bad_signature:
    case ErrorCode::bundle_bad_version:
    case ErrorCode::bundle_wrong_cpu:
    case ErrorCode::bundle_bad_database:
      return 502;
    case ErrorCode::channel_closed:
    case ErrorCode::channel_timeout:
      return 503;
    default:
      return 500;
  }
}

// What httplib refuses by itself has a status and no body.
void fill_bare_error(const httplib::Request&, httplib::Response& response) {
  if (!response.body.empty()) return;
  const int status = response.status;
  if (status == 404)
    answer_error(response, {ErrorCode::not_found, "no such address in this API"});
  else if (status == 413)
    answer_error(response, {ErrorCode::bad_argument, "the request is larger than the API takes"});
  else
    answer_error(response, {ErrorCode::bad_argument, "the request is malformed"});
  response.status = status;
}

void report_exception(const httplib::Request& request, httplib::Response& response, std::exception_ptr exception) {
  std::string what = "unknown exception";
  try {
    std::rethrow_exception(std::move(exception));
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
  }
  log::error("API " + request.method + " " + request.path + ": " + what);
  answer_error(response, {ErrorCode::io_failed, "control could not answer; its log says more"});
}

}  // namespace

void answer(httplib::Response& response, const Json& json) {
  response.status = 200;
  response.set_content(dump(json), kJsonType);
}

void answer_error(httplib::Response& response, const Error& error, const rules::Problems& problems) {
  response.status = http_status(error.code);
  response.set_content(dump(error_json(error, problems)), kJsonType);
}

Result<std::uint64_t> number_parameter(const httplib::Request& request, const char* name, std::uint64_t otherwise,
                                       std::uint64_t largest) {
  if (!request.has_param(name)) return otherwise;
  const std::string text = request.get_param_value(name);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > largest)
    return fail(ErrorCode::bad_argument,
                std::string(name) + " must be a whole number of at most " + std::to_string(largest));
  return value;
}

struct Api::Impl {
  explicit Impl(const ApiParts& parts) : context{parts} {}
  ApiContext context;
  UnixHttpServer server;
};

Result<ApprovalTerms> approval_terms(Publisher& publisher, const std::string& override_group) {
  ApprovalTerms terms;
  terms.override_group = override_group;
  const auto policy = publisher.current_policy();
  if (!policy && policy.error().code == ErrorCode::conflict) return terms;
  if (!policy) return std::unexpected(policy.error());
  for (const rules::Service& service : (*policy)->services)
    terms.services.emplace(service.name, service.hold.approvers);
  for (const rules::Principal& principal : (*policy)->principals) {
    const unsigned family_bits = principal.network.is_ipv4() ? kIpv4PrefixBits : 0;
    terms.networks.push_back(
        {principal.network, static_cast<std::uint8_t>(family_bits + principal.prefix_bits), principal.name});
  }
  return terms;
}

ApprovalGauges approval_gauges(const Approvals& approvals) {
  const ApprovalsHealth health = approvals.health();
  return {.is_kept = health.problem.empty(), .unkept = health.unkept};
}

AlertGauges alert_gauges(Alerts* alerts) {
  AlertGauges out;
  if (alerts == nullptr) return out;
  const AlertsStatus status = alerts->status();
  for (const auto& [rule, active] : status.rules) out.active.push_back({rule.name, active});
  out.untracked = status.untracked;
  out.unpaused = status.unpaused;
  for (const SinkStatus& sink : status.sinks) out.lost.push_back({sink.name, sink.lost});
  return out;
}

Api::Api() = default;

Api::~Api() {
  if (impl_) impl_->context.stopping = true;
}

Result<std::unique_ptr<Api>> Api::start(const ApiParts& parts, const std::string& socket_path,
                                        const std::string& group) {
  std::unique_ptr<Api> api(new Api);
  api->impl_ = std::make_unique<Impl>(parts);
  UnixHttpServer& server = api->impl_->server;
  add_status_routes(server, api->impl_->context);
  add_policy_routes(server, api->impl_->context);
  add_session_routes(server, api->impl_->context);
  add_seeing_routes(server, api->impl_->context);
  add_hold_routes(server, api->impl_->context);
  add_order_routes(server, api->impl_->context);
  add_alert_routes(server, api->impl_->context);
  server.set_error_handler(httplib::Server::Handler(fill_bare_error));
  server.set_exception_handler(report_exception);
  if (auto serving = server.serve(socket_path, group); !serving) return std::unexpected(serving.error());
  return api;
}

}  // namespace sluice::control
