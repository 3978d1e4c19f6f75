// See replay.h.
#include "control/replay/replay.h"

#include <array>
#include <cstdio>
#include <optional>

#include "control/archive/session_row.h"
#include "control/replay/http_head.h"
#include "control/replay/http_peer.h"

namespace sluice::control {
namespace {

constexpr std::uint32_t kUnitsAtOnce = 100;
constexpr std::size_t kKeptBodyBytes = 64 * 1024;

// Why a unit cannot be replayed as it was; empty when it can.
std::string reason_to_skip(const Unit& unit) {
  const Message& request = unit.request;
  if (!request.present || request.head.empty()) return "no request head is on the record";
  if (request.verdict == Verdict::deny && !request.observed)
    return "the request was denied and never reached the server";
  if (!request.ended || !request.complete) return "the request was cut short";
  if (request.has_holes) return "parts of the request are missing in the record";
  if (!unit.response.present || unit.response.head.empty()) return "no response is on the record";
  if (unit.response.synthesized) return "Sluice answered this request itself";
  return {};
}

class Replay {
 public:
  Replay(const SessionRecords& records, const ReplayOptions& options, const Target& target, const Redactor& redactor)
      : records_(records), options_(options), target_(target), redactor_(redactor) {}

  ReplayedUnit replay(const Unit& unit);
  [[nodiscard]] Result<void> connect();

 private:
  Result<void> exchange(const Unit& unit, ReplayedUnit& out);
  Result<void> send_request(const Unit& unit, const HttpHead& head);
  Result<std::string> read_final_head();
  Result<void> recorded_body(const Unit& unit, Direction direction, const BodySink& sink) const;
  Result<void> compare(const Unit& unit, std::string_view method, const std::string& head_text, ReplayedUnit& out);
  Result<void> compare_bodies(const Unit& unit, const BodyFraming& framing, ReplayedUnit& out);

  const SessionRecords& records_;
  const ReplayOptions& options_;
  const Target target_;
  const Redactor& redactor_;
  std::optional<HttpPeer> peer_;
};

Result<void> Replay::connect() {
  if (peer_) return {};
  auto peer = HttpPeer::connect(target_, options_.timeout_seconds);
  if (!peer) return fail(peer.error().code, options_.to + ": " + peer.error().detail);
  peer_.emplace(std::move(*peer));
  return {};
}

// From the archive only where it is larger than what was kept of it.
Result<void> Replay::recorded_body(const Unit& unit, Direction direction, const BodySink& sink) const {
  const Message& message = direction == Direction::request ? unit.request : unit.response;
  if (message.has_holes || message.body.size() < message.recorded_bytes)
    return stream_body(records_, message.place, unit.number, direction, sink);
  if (!message.body.empty()) sink(as_bytes(message.body));
  return {};
}

Result<void> Replay::send_request(const Unit& unit, const HttpHead& head) {
  const auto framing = request_framing(head);
  if (!framing) return std::unexpected(framing.error());
  const bool is_chunked = framing->framing == Framing::chunked;
  if (!is_chunked && framing->length != unit.request.body_bytes)
    return fail(ErrorCode::http_bad_content_length, "the recorded body is not as long as its head says");
  if (auto sent = peer_->send(unit.request.head); !sent) return sent;
  Result<void> sent;
  const auto streamed = recorded_body(unit, Direction::request, [&](Bytes bytes) {
    std::array<char, 32> size;
    const int length = std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
    if (is_chunked && !bytes.empty()) sent = peer_->send({size.data(), static_cast<std::size_t>(length)});
    if (sent && !bytes.empty()) sent = peer_->send(as_text(bytes));
    if (sent && is_chunked && !bytes.empty()) sent = peer_->send("\r\n");
    return sent.has_value();
  });
  if (!streamed) return streamed;
  if (!sent || !is_chunked) return sent;
  std::string trailers = unit.request.trailers;
  while (trailers.ends_with("\r\n")) trailers.resize(trailers.size() - 2);
  if (!trailers.empty()) trailers += "\r\n";
  return peer_->send("0\r\n" + trailers + "\r\n");
}

// Past the 1xx responses.
Result<std::string> Replay::read_final_head() {
  for (int informational = 0; informational < 16; ++informational) {
    auto text = peer_->read_head();
    if (!text) return text;
    const int status = status_of(std::string_view(*text).substr(0, text->find("\r\n")));
    if (status == 0) return fail(ErrorCode::http_bad_status_line);
    if (status / 100 != 1) return text;
    if (status == 101) return fail(ErrorCode::http_upgrade_refused, "the server switched protocols");
  }
  return fail(ErrorCode::http_unexpected_response, "the server only sent 1xx responses");
}

// The recorded body is pushed by the archive; for each piece of it as much of the replayed one is pulled.
Result<void> Replay::compare_bodies(const Unit& unit, const BodyFraming& framing, ReplayedUnit& out) {
  BodyComparison comparison(!unit.response.hits.empty());
  peer_->begin_body(framing);
  bool ended = false;
  Result<void> pulled;
  const auto pull = [&](std::uint64_t until) {
    while (pulled && !ended && comparison.replayed_bytes() < until) {
      const auto piece = peer_->read_body();
      if (!piece) pulled = std::unexpected(piece.error());
      if (!piece) return;
      ended = piece->empty();
      comparison.add_replayed(*piece);
    }
  };
  const auto streamed = recorded_body(unit, Direction::response, [&](Bytes bytes) {
    comparison.add_recorded(bytes);
    pull(comparison.recorded_bytes());
    return pulled.has_value();
  });
  if (!streamed) return streamed;
  pull(~std::uint64_t{0});
  if (!pulled) return pulled;
  out.body = comparison.finish(redactor_);
  return {};
}

Result<void> Replay::compare(const Unit& unit, std::string_view method, const std::string& head_text,
                             ReplayedUnit& out) {
  const auto recorded = parse_head(unit.response.head);
  if (!recorded) return std::unexpected(recorded.error());
  const auto raw = parse_head(head_text);
  if (!raw) return std::unexpected(raw.error());
  const auto shown = parse_head(redactor_.redact(head_text));
  if (!shown) return std::unexpected(shown.error());
  out.recorded_status = status_of(recorded->start_line);
  out.replayed_status = status_of(raw->start_line);
  out.headers = compare_headers(*recorded, *raw, *shown, !unit.response.hits.empty());
  const auto framing = response_framing(*raw, out.replayed_status, method);
  if (!framing) return std::unexpected(framing.error());
  if (auto compared = compare_bodies(unit, *framing, out); !compared) return compared;
  const bool is_same = out.recorded_status == out.replayed_status && out.headers.empty() && !out.body.differs;
  out.outcome = is_same ? ReplayOutcome::same : ReplayOutcome::different;
  if (framing->framing == Framing::until_close || raw->has_token("connection", "close")) peer_.reset();
  return {};
}

Result<void> Replay::exchange(const Unit& unit, ReplayedUnit& out) {
  const auto request = parse_head(unit.request.head);
  if (!request) return std::unexpected(request.error());
  const bool is_reused = peer_.has_value();
  if (auto connected = connect(); !connected) return connected;
  auto sent = send_request(unit, *request);
  auto head = read_final_head();  // also when sending failed: the server may have answered before the end
  if (!head && is_reused) {
    // A server may close an idle connection at any time; once more on a new one.
    peer_.reset();
    if (auto connected = connect(); !connected) return connected;
    sent = send_request(unit, *request);
    head = read_final_head();
  }
  if (!head) return std::unexpected(sent ? head.error() : sent.error());
  const std::string method(method_of(request->start_line));
  if (auto compared = compare(unit, method, *head, out); !compared) return compared;
  if (!sent || request->has_token("connection", "close")) peer_.reset();
  return {};
}

ReplayedUnit Replay::replay(const Unit& unit) {
  ReplayedUnit out;
  out.unit = unit.number;
  out.request_line = unit.request.head.substr(0, unit.request.head.find("\r\n"));
  out.reason = reason_to_skip(unit);
  if (!out.reason.empty()) {
    out.outcome = ReplayOutcome::skipped;
    return out;
  }
  if (const auto done = exchange(unit, out); !done) {
    out.outcome = ReplayOutcome::failed;
    out.reason = done.error().message();
    peer_.reset();
  }
  return out;
}

}  // namespace

Result<Target> replay_target(const std::string& to, bool is_forced, const std::vector<rules::Service>& services) {
  const auto targets = resolve(to);
  if (!targets) return std::unexpected(targets.error());
  const Target& target = targets->front();
  for (const rules::Service& service : services) {
    if (is_forced || target.address != service.address || target.port != service.port) continue;
    return fail(ErrorCode::conflict, to + " is the protected service '" + service.name +
                                         "' itself; replay to a staging server, or force it");
  }
  return target;
}

std::string_view replay_outcome_name(ReplayOutcome outcome) {
  constexpr std::array<std::string_view, 4> kNames = {"same", "different", "skipped", "failed"};
  return kNames[static_cast<std::size_t>(outcome)];
}

Result<void> for_each_unit(const SessionRecords& records, const std::atomic<bool>& stopping,
                           const std::function<void(const Unit&)>& replay) {
  UnitWindow window;
  window.limit = kUnitsAtOnce;
  window.body_bytes = kKeptBodyBytes;
  RecordPlace from = records.begin();
  for (;;) {
    const Exchanges exchanges = read_exchanges(records, window, from);
    if (!exchanges.problem.empty()) return fail(ErrorCode::archive_io, exchanges.problem);
    for (const Unit& unit : exchanges.units) {
      if (stopping.load(std::memory_order_relaxed)) return fail(ErrorCode::conflict, "control stops");
      replay(unit);
    }
    if (!exchanges.has_more) return {};
    window.first += window.limit;
    from = exchanges.next;
  }
}

Result<ReplayReport> replay_session(const SessionRecords& records, const ReplayOptions& options,
                                    const std::vector<rules::Service>& protected_services, const Redactor& redactor,
                                    const std::atomic<bool>& stopping) {
  const auto target = replay_target(options.to, options.is_forced, protected_services);
  if (!target) return std::unexpected(target.error());
  Replay replay(records, options, *target, redactor);
  if (auto connected = replay.connect(); !connected) return std::unexpected(connected.error());

  ReplayReport report;
  report.to = options.to;
  const auto replayed_all = for_each_unit(records, stopping, [&](const Unit& unit) {
    ReplayedUnit replayed = replay.replay(unit);
    report.count(replayed.outcome);
    if (report.units.size() < kMaxReportedUnits) report.units.push_back(std::move(replayed));
  });
  if (!replayed_all) return std::unexpected(replayed_all.error());
  return report;
}

}  // namespace sluice::control
