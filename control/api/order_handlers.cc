// GET and POST /v1/orders, GET and DELETE /v1/orders/N, POST /v1/orders/N/approve|reject
#include <charconv>

#include "common/session_id.h"
#include "control/api/handlers.h"
#include "control/api/hold_json.h"
#include "control/api/reviewer.h"
#include "control/channel/flows.h"

namespace sluice::control {
namespace {

constexpr DurationNs kObeyedWithin = 2 * kSecond;

constexpr std::uint64_t kMostListed = 10'000;

std::unexpected<Error> wrong(const std::string& what) {
  return fail(ErrorCode::bad_argument, what);
}

Result<std::string> text_in(const Json& body, const char* name) {
  if (!body.contains(name)) return std::string();
  if (!body[name].is_string()) return wrong(std::string(name) + " must be text");
  return body[name].get<std::string>();
}

Result<OrderVerdict> verdict_in(const Json& body) {
  const auto verdict = text_in(body, "verdict");
  if (verdict)
    for (const OrderVerdict known : {OrderVerdict::pass, OrderVerdict::hold, OrderVerdict::deny})
      if (*verdict == order_verdict_name(known)) return known;
  return wrong("verdict must be pass, hold or deny");
}

Result<void> read_time(const Json& body, WallNs now, Order& order) {
  if (body.contains("window_ns")) {
    if (!body["window_ns"].is_number_unsigned()) return wrong("window_ns must be a whole number");
    const DurationNs window_ns = body["window_ns"];
    if (window_ns > kMaxWindow) return wrong("it must be for at most 366 days");
    order.until = now + window_ns;
  }
  const auto hours = text_in(body, "hours");
  const auto days = text_in(body, "days");
  const auto zone = text_in(body, "zone");
  for (const auto* text : {&hours, &days, &zone})
    if (!*text) return std::unexpected(text->error());
  if (hours->empty() && days->empty() && zone->empty()) return {};
  auto window = parse_window(hours->empty() ? "00:00-24:00" : *hours, *days, *zone);
  if (!window) return std::unexpected(window.error());
  order.window = std::move(*window);
  return {};
}

Result<Order> order_of(const Json& body, WallNs now) {
  Order order;
  const auto verdict = verdict_in(body);
  if (!verdict) return std::unexpected(verdict.error());
  order.told.verdict = *verdict;
  for (const auto& [name, into] : {std::pair{"service", &order.told.service},
                                   {"principal", &order.told.principal},
                                   {"reason", &order.told.reason}}) {
    auto text = text_in(body, name);
    if (!text) return std::unexpected(text.error());
    *into = std::move(*text);
  }
  const auto session = text_in(body, "session");
  const auto source = text_in(body, "source");
  if (!session) return std::unexpected(session.error());
  if (!source) return std::unexpected(source.error());
  if (!session->empty()) {
    const auto id = parse_session_id(*session);
    if (!id || *id == 0) return wrong("session must have 16 hexadecimal digits");
    order.told.session = *id;
  }
  const auto endpoint = parse_endpoint(*source, "source");
  if (!endpoint || endpoint->port != 0 || (!source->empty() && endpoint->bits == 0))
    return wrong("source must look like 10.0.0.7, 10.0.0.0/24, 2001:db8::7 or 2001:db8::/32");
  order.told.source = endpoint->address;
  order.told.source_bits = endpoint->bits;
  if (auto read = read_time(body, now, order); !read) return std::unexpected(read.error());
  return order;
}

Result<Json> body_of(const httplib::Request& request) {
  Json json = request.body.empty() ? Json::object() : Json::parse(request.body, nullptr, false);
  if (!json.is_object()) return wrong("the body must be a JSON object");
  return json;
}

// Who changed an order hears when it is so, and whether the data plane does by it.
void tell_order(ApiContext& context, httplib::Response& response, const Result<Order>& order) {
  if (!order) return answer_error(response, order.error());
  const std::optional<bool> is_obeyed = context.parts.approvals.are_obeyed(kObeyedWithin);
  Json out = order_json(*order, context.parts.approvals.now());
  out["obeyed"] = is_obeyed ? Json(*is_obeyed) : Json(nullptr);
  out["data_plane_connected"] = context.parts.publisher.channel_status().data_plane.has_value();
  answer(response, out);
}

void list(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const auto limit = number_parameter(request, "limit", 1000, kMostListed);
  if (!limit) return answer_error(response, limit.error());
  const auto orders = context.parts.approvals.orders(request.get_param_value("state") == "all", *limit);
  if (!orders) return answer_error(response, orders.error());
  const std::string verdict = request.get_param_value("verdict");
  Json out = {{"orders", Json::array()}};
  for (const Order& order : *orders)
    if (verdict.empty() || verdict == order_verdict_name(order.told.verdict))
      out["orders"].push_back(order_json(order, context.parts.approvals.now()));
  answer(response, out);
}

void add(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const auto body = body_of(request);
  if (!body) return answer_error(response, body.error());
  auto order = order_of(*body, context.parts.approvals.now());
  if (!order) return answer_error(response, order.error());
  if (body->contains("override") && !(*body)["override"].is_boolean())
    return answer_error(response, {ErrorCode::bad_argument, "override must be true or false"});
  const bool is_override = body->value("override", false);
  const Reviewer reviewer = reviewer_of(UnixHttpServer::uid_of(request));
  tell_order(context, response, context.parts.approvals.add_order(std::move(*order), reviewer, is_override));
}

OrderId id_of(const httplib::Request& request) {
  const std::string text = request.matches[1].str();
  OrderId id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  return error == std::errc{} ? id : 0;
}

void vote(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const auto body = body_of(request);
  if (!body) return answer_error(response, body.error());
  const auto reason = text_in(*body, "reason");
  if (!reason) return answer_error(response, reason.error());
  const VoteRequest vote{.approve = request.matches[2].str() == "approve", .reason = *reason};
  const Reviewer reviewer = reviewer_of(UnixHttpServer::uid_of(request));
  tell_order(context, response, context.parts.approvals.vote_order(id_of(request), reviewer, vote));
}

void lift(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const Reviewer reviewer = reviewer_of(UnixHttpServer::uid_of(request));
  tell_order(context, response,
             context.parts.approvals.lift_order(id_of(request), reviewer, request.get_param_value("reason")));
}

}  // namespace

void add_order_routes(UnixHttpServer& server, ApiContext& context) {
  using Request = httplib::Request;
  using Response = httplib::Response;
  server.Get("/v1/orders", [&](const Request& request, Response& response) { list(context, request, response); });
  server.Post("/v1/orders", [&](const Request& request, Response& response) { add(context, request, response); });
  server.Post("/v1/orders/([0-9]{1,19})/(approve|reject)",
              [&](const Request& request, Response& response) { vote(context, request, response); });
  server.Delete("/v1/orders/([0-9]{1,19})",
                [&](const Request& request, Response& response) { lift(context, request, response); });
}

}  // namespace sluice::control
