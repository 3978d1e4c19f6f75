// GET /v1/holds, /v1/holds/ID, /v1/holds/watch; POST /v1/holds/ID/claim|unclaim|approve|reject
#include <algorithm>

#include "common/session_id.h"
#include "control/api/handlers.h"
#include "control/api/hold_json.h"
#include "control/api/reviewer.h"

namespace sluice::control {
namespace {

constexpr std::uint64_t kMostListed = kMaxOpenHolds;
constexpr std::uint64_t kMostChanges = 1000;
constexpr std::uint64_t kMostWaitNs = 10 * kSecond;
constexpr std::uint64_t kLargest = ~std::uint64_t{0} >> 1;

// How many approvals holds of a service take, by the current policy.
class Needed {
 public:
  explicit Needed(ApiContext& context) {
    if (auto terms = approval_terms(context.parts.publisher, {})) terms_ = std::move(*terms);
  }
  [[nodiscard]] std::uint32_t of(const std::string& service) const {
    const auto found = terms_.services.find(service);
    return found != terms_.services.end() ? std::max(found->second.minimum, 1U) : 0;
  }

 private:
  ApprovalTerms terms_;
};

Result<HoldQuery> query_of(const httplib::Request& request) {
  HoldQuery query;
  query.service = request.get_param_value("service");
  query.principal = request.get_param_value("principal");
  const std::string state = request.has_param("state") ? request.get_param_value("state") : "live";
  query.live = state == "live";
  if (!query.live && state != "all") {
    query.state = parse_hold_state(state);
    if (!query.state)
      return fail(ErrorCode::bad_argument,
                  "state is live, all, open, approved, rejected, passed, denied, expired, abandoned, server_gone, cut "
                  "or lost");
  }
  const auto limit = number_parameter(request, "limit", query.limit, kMostListed);
  if (!limit) return std::unexpected(limit.error());
  query.limit = *limit;
  for (const auto& [name, id] : {std::pair{"after", &query.after}, {"session", &query.session}}) {
    if (!request.has_param(name)) continue;
    const auto parsed = parse_session_id(request.get_param_value(name));
    if (!parsed) return fail(ErrorCode::bad_argument, std::string(name) + " must have 16 hexadecimal digits");
    *id = *parsed;
  }
  return query;
}

void list(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  auto query = query_of(request);
  if (!query) return answer_error(response, query.error());
  const std::uint64_t limit = query->limit++;  // one more tells whether there are more
  const auto holds = context.parts.approvals.holds(*query);
  if (!holds) return answer_error(response, holds.error());
  const Needed needed(context);
  const WallNs now = context.parts.approvals.now();
  Json out = {{"holds", Json::array()}, {"more", holds->size() > limit}};
  for (const Hold& hold : *holds)
    if (out["holds"].size() < limit) out["holds"].push_back(hold_json(hold, needed.of(hold.opened.service), now));
  answer(response, out);
}

HoldId id_of(const httplib::Request& request) {
  return parse_session_id(request.matches[1].str()).value_or(0);
}

void show(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const auto detail = context.parts.approvals.hold(id_of(request));
  if (!detail) return answer_error(response, detail.error());
  const std::uint32_t needed = Needed(context).of(detail->hold.opened.service);
  answer(response, hold_detail_json(*detail, needed, context.parts.approvals.now()));
}

// A body that may be absent; bad_argument when it is no JSON object.
Result<Json> body_of(const httplib::Request& request) {
  if (request.body.empty()) return Json::object();
  Json json = Json::parse(request.body, nullptr, false);
  if (!json.is_object()) return fail(ErrorCode::bad_argument, "the body must be a JSON object");
  return json;
}

Result<VoteRequest> vote_of(const Json& body, bool approve) {
  VoteRequest vote{.approve = approve, .reason = {}};
  const auto wrong = [](const char* what) { return fail(ErrorCode::bad_argument, what); };
  if (body.contains("reason")) {
    if (!body["reason"].is_string()) return wrong("reason must be text");
    vote.reason = body["reason"];
  }
  if (body.contains("override")) {
    if (!body["override"].is_boolean()) return wrong("override must be true or false");
    vote.is_override = body["override"];
  }
  if (body.contains("scope")) {
    const auto scope = body["scope"].is_string() ? parse_scope(body["scope"].get<std::string>()) : std::nullopt;
    if (!scope) return wrong("scope must be unit, session, principal or everywhere");
    vote.scope = *scope;
  }
  if (body.contains("window_ns")) {
    if (!body["window_ns"].is_number_unsigned()) return wrong("window_ns must be a whole number");
    vote.window_ns = body["window_ns"];
  }
  if (vote.scope == Scope::unit && vote.window_ns != 0) return wrong("window_ns needs a scope beyond the unit");
  return vote;
}

void decide(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const auto body = body_of(request);
  if (!body) return answer_error(response, body.error());
  const auto vote = vote_of(*body, request.matches[2].str() == "approve");
  if (!vote) return answer_error(response, vote.error());
  const Reviewer reviewer = reviewer_of(UnixHttpServer::uid_of(request));
  const auto done = context.parts.approvals.vote(id_of(request), reviewer, *vote);
  if (!done) return answer_error(response, done.error());
  const auto data_plane = context.parts.publisher.channel_status().data_plane;
  Json out = {{"id", request.matches[1].str()},
              {"state", hold_state_name(done->state)},
              {"decided", done->outcome.decides},
              {"approvals", done->outcome.approvals},
              {"needed", done->outcome.needed},
              {"scope", scope_name(done->outcome.scope)},
              {"order", done->order != 0 ? Json(done->order) : Json(nullptr)},
              {"covered", done->covered},
              {"by", reviewer.name},
              {"data_plane_connected", data_plane.has_value()}};
  answer(response, out);
}

void claim(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const Reviewer reviewer = reviewer_of(UnixHttpServer::uid_of(request));
  const auto hold = context.parts.approvals.claim(id_of(request), reviewer, request.matches[2].str() == "unclaim");
  if (!hold) return answer_error(response, hold.error());
  answer(response, hold_json(*hold, Needed(context).of(hold->opened.service), context.parts.approvals.now()));
}

void watch(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const auto limit = number_parameter(request, "limit", 100, kMostChanges);
  const auto wait = number_parameter(request, "wait_ns", 0, kMostWaitNs);
  const auto after = number_parameter(request, "after", 0, kLargest);
  for (const auto* number : {&limit, &wait, &after})
    if (!*number) return answer_error(response, number->error());
  Approvals& approvals = context.parts.approvals;
  const auto newest = approvals.audit_sequence();
  if (!newest) return answer_error(response, newest.error());
  Json out = {{"sequence", *newest}, {"changes", Json::array()}};
  if (!request.has_param("after")) return answer(response, out);
  const auto changes = approvals.changes(*after, *limit, *wait);
  if (!changes) return answer_error(response, changes.error());
  out["sequence"] = changes->empty() ? *after : changes->back().sequence;
  for (const AuditEntry& entry : *changes) out["changes"].push_back(audit_json(entry));
  answer(response, out);
}

}  // namespace

void add_hold_routes(UnixHttpServer& server, ApiContext& context) {
  using Request = httplib::Request;
  using Response = httplib::Response;
  server.Get("/v1/holds", [&](const Request& request, Response& response) { list(context, request, response); });
  server.Get("/v1/holds/watch", [&](const Request& request, Response& response) { watch(context, request, response); });
  server.Get("/v1/holds/([0-9a-f]{16})",
             [&](const Request& request, Response& response) { show(context, request, response); });
  server.Post("/v1/holds/([0-9a-f]{16})/(approve|reject)",
              [&](const Request& request, Response& response) { decide(context, request, response); });
  server.Post("/v1/holds/([0-9a-f]{16})/(claim|unclaim)",
              [&](const Request& request, Response& response) { claim(context, request, response); });
}

}  // namespace sluice::control
