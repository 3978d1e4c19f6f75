// GET /v1/sessions, /v1/sessions/ID, .../units/N/request|response/body; POST .../replay
#include <chrono>

#include "common/log.h"
#include "common/session_id.h"
#include "control/api/handlers.h"
#include "control/replay/postgres_replay.h"

namespace sluice::control {
namespace {

constexpr auto kRefreshFor = std::chrono::seconds(3);
constexpr std::uint64_t kMaxListed = 10'000;
constexpr std::uint64_t kMaxUnits = 1'000;
constexpr std::uint64_t kMaxShownBodyBytes = 64 * 1024;
constexpr int kMaxReplays = 2;
constexpr std::uint64_t kLargest = ~std::uint64_t{0} >> 1;

SessionId id_of(const httplib::Request& request) {
  return parse_session_id(request.matches[1].str()).value_or(0);
}

// What is on disk now is seen; false when there is more than could be read in time.
bool refresh(ApiContext& context) {
  const auto complete = context.parts.index.refresh(Index::Clock::now() + kRefreshFor);
  if (!complete) log::error("reading the archive: " + complete.error().message());
  return complete && *complete;
}

Result<SessionQuery> query_of(const httplib::Request& request) {
  SessionQuery query;
  query.service = request.get_param_value("service");
  query.principal = request.get_param_value("principal");
  const auto limit = number_parameter(request, "limit", query.limit, kMaxListed);
  if (!limit) return std::unexpected(limit.error());
  const auto since = number_parameter(request, "since_wall_ns", query.since_wall_ns, kLargest);
  if (!since) return std::unexpected(since.error());
  const auto until = number_parameter(request, "until_wall_ns", query.until_wall_ns, kLargest);
  if (!until) return std::unexpected(until.error());
  query.limit = *limit;
  query.since_wall_ns = *since;
  query.until_wall_ns = *until;
  return query;
}

void list(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const auto query = query_of(request);
  if (!query) return answer_error(response, query.error());
  const bool is_complete = refresh(context);
  const auto rows = context.parts.index.list(*query);
  if (!rows) return answer_error(response, rows.error());
  Json out = {{"sessions", Json::array()}, {"index_complete", is_complete}};
  for (const SessionRow& row : *rows) out["sessions"].push_back(session_json(row));
  answer(response, out);
}

void show(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  UnitWindow window;
  const auto first = number_parameter(request, "from", 0, ~std::uint32_t{0});
  const auto limit = number_parameter(request, "limit", window.limit, kMaxUnits);
  const auto body_bytes = number_parameter(request, "body_bytes", window.body_bytes, kMaxShownBodyBytes);
  for (const auto* parameter : {&first, &limit, &body_bytes})
    if (!*parameter) return answer_error(response, parameter->error());
  window.first = static_cast<std::uint32_t>(*first);
  window.limit = static_cast<std::uint32_t>(*limit);
  window.body_bytes = *body_bytes;
  refresh(context);
  const auto row = context.parts.index.find(id_of(request));
  if (!row) return answer_error(response, row.error());
  const auto records = SessionRecords::open(context.parts.index, row->id);
  if (!records) return answer_error(response, records.error());
  Json out = session_json(*row);
  out.update(exchanges_json(read_exchanges(*records, window, records->begin())));
  answer(response, out);
}

void body(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const std::string number = request.matches[2].str();
  std::uint32_t unit = 0;
  std::from_chars(number.data(), number.data() + number.size(), unit);
  const Direction direction = request.matches[3].str() == "request" ? Direction::request : Direction::response;
  refresh(context);
  auto records = SessionRecords::open(context.parts.index, id_of(request));
  if (!records) return answer_error(response, records.error());
  const auto place = find_message(*records, unit, direction);
  if (!place) return answer_error(response, place.error());
  response.status = 200;
  response.set_chunked_content_provider(
      "application/octet-stream",
      [records = std::move(*records), place = *place, unit, direction](std::size_t, httplib::DataSink& sink) {
        const auto streamed = stream_body(records, place, unit, direction, [&](Bytes bytes) {
          return bytes.empty() || sink.write(as_text(bytes).data(), bytes.size());
        });
        if (!streamed) {
          // The status is out; a body that ends before its last chunk says that it is not whole.
          log::error("streaming a recorded body: " + streamed.error().message());
          return false;
        }
        sink.done();
        return true;
      });
}

struct ReplayWish {
  ReplayOptions options;
  PostgresTarget target;  // the same place, as PostgreSQL's replay has it
};

Result<ReplayWish> replay_wish(const httplib::Request& request) {
  const Json json = Json::parse(request.body, nullptr, false);
  if (!json.is_object() || !json.contains("to") || !json["to"].is_string())
    return fail(ErrorCode::bad_argument, R"(the body must be JSON such as {"to": "10.0.0.7:8080", "force": false})");
  ReplayWish wish;
  ReplayOptions& options = wish.options;
  options.to = json["to"].get<std::string>();
  if (json.contains("force")) {
    if (!json["force"].is_boolean()) return fail(ErrorCode::bad_argument, "force must be true or false");
    options.is_forced = json["force"].get<bool>();
  }
  // Before anything tells where: a password may stand there, and is refused.
  auto target = parse_postgres_target(options.to);
  if (!target) return std::unexpected(target.error());
  wish.target = *std::move(target);
  return wish;
}

// Counts a replay for as long as it lives.
class ReplaySlot {
 public:
  explicit ReplaySlot(std::atomic<int>& count) : count_(count), number_(++count) {}
  ~ReplaySlot() { --count_; }
  ReplaySlot(const ReplaySlot&) = delete;
  ReplaySlot& operator=(const ReplaySlot&) = delete;
  [[nodiscard]] bool is_free() const { return number_ <= kMaxReplays; }

 private:
  std::atomic<int>& count_;
  int number_;
};

Result<ReplayReport> replay_postgres(ApiContext& context, const SessionRow& row, const SessionRecords& records,
                                     const ReplayWish& wish, const rules::Policy& policy, const Redactor& redactor) {
  PostgresTarget target = wish.target;
  if (target.user.empty()) target.user = row.principal;
  const auto current = context.parts.publisher.current();
  if (!current) return std::unexpected(current.error());
  return replay_postgres_session(records,
                                 {.target = std::move(target),
                                  .to = wish.options.to,
                                  .is_forced = wish.options.is_forced,
                                  .passfile = context.parts.replay_passfile,
                                  .timeout_seconds = wish.options.timeout_seconds,
                                  .policy_version = *current ? (*current)->version : 0},
                                 policy, redactor, context.stopping);
}

void replay(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const auto wish = replay_wish(request);
  if (!wish) return answer_error(response, wish.error());
  const ReplaySlot slot(context.replays);
  if (!slot.is_free())
    return answer_error(response, {ErrorCode::conflict, "two replays are under way already; wait for one"});
  refresh(context);
  const auto row = context.parts.index.find(id_of(request));
  if (!row) return answer_error(response, row.error());
  const auto records = SessionRecords::open(context.parts.index, row->id);
  if (!records) return answer_error(response, records.error());
  const auto policy = context.parts.publisher.current_parsed();
  if (!policy) return answer_error(response, policy.error());
  const auto redactor = Redactor::make(policy->rules);
  if (!redactor) return answer_error(response, redactor.error());
  log::info("replay of " + request.matches[1].str() + " to " + wish->target.host_and_port + " by " +
            UnixHttpServer::caller_of(request));
  const auto report = row->protocol == schema::log::Protocol::postgres
                          ? replay_postgres(context, *row, *records, *wish, *policy, *redactor)
                          : replay_session(*records, wish->options, policy->services, *redactor, context.stopping);
  if (!report) return answer_error(response, report.error());
  answer(response, replay_json(*report));
}

}  // namespace

void add_session_routes(UnixHttpServer& server, ApiContext& context) {
  const auto route = [&context](void (*handler)(ApiContext&, const httplib::Request&, httplib::Response&)) {
    return [&context, handler](const httplib::Request& request, httplib::Response& response) {
      handler(context, request, response);
    };
  };
  server.Get("/v1/sessions", route(list));
  server.Get("/v1/sessions/([0-9a-f]{16})", route(show));
  server.Get("/v1/sessions/([0-9a-f]{16})/units/([0-9]{1,9})/(request|response)/body", route(body));
  server.Post("/v1/sessions/([0-9a-f]{16})/replay", route(replay));
}

}  // namespace sluice::control
