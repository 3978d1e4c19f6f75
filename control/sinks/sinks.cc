// See sinks.h.
#include "control/sinks/sinks.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "common/file.h"
#include "common/log.h"
#include "common/session_id.h"
#include "control/api/alert_json.h"
#include "control/sinks/command.h"
#include "control/sinks/syslog.h"
#include "control/webhooks/post.h"

namespace sluice::control {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kBatch = 100;
constexpr DurationNs kLookEvery = 200 * kMillisecond;  // so soon it sees that it is to end
constexpr std::size_t kShownSessions = 4;

std::string host() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

// As it was told first, although it may be over by now.
AlertEvent then(const AlertEvent& event) {
  AlertEvent out = event;
  if (event.is_raised) out.alert.cleared = 0;
  return out;
}

std::string chat_text(const AlertEvent& event) {
  const Alert& alert = event.alert;
  if (event.lost != 0) return ":warning: " + chat_escaped(lost_text(event.lost));
  std::string out = event.is_raised ? ":warning: *Alert* " : ":white_check_mark: *Over* ";
  out += chat_escaped(alert_text(alert));
  if (!event.is_raised) return out;
  if (!alert.summary.empty()) out += "\n" + chat_escaped(alert.summary);
  std::string names;
  for (const std::string& principal : alert.principals) names += (names.empty() ? "" : ", ") + chat_escaped(principal);
  if (!names.empty()) out += "\nprincipal " + names;
  for (std::size_t i = 0; i < std::min(alert.sessions.size(), kShownSessions); ++i)
    out += (i == 0 ? "\nsessions " : ", ") + format_session_id(alert.sessions[i]);
  if (!alert.action.empty()) out += "\n" + chat_escaped(alert.action);
  return out + "\n`sluice alerts show " + std::to_string(alert.id) + "`";
}

}  // namespace

std::string webhook_body(const Webhook& webhook, const AlertEvent& event, WallNs now) {
  return webhook.is_chat ? chat_body(chat_text(then(event))) : dump(alert_event_json(event, now));
}

Result<std::vector<Sink>> make_sinks(const std::vector<SinkConfig>& configs) {
  std::vector<Sink> out;
  for (const SinkConfig& config : configs) {
    Sink& sink = out.emplace_back(Sink{.config = config, .webhook = {}});
    Result<void> made;
    if (const auto* to = std::get_if<WebhookSink>(&config.to)) {
      auto webhook = make_webhook(config.name, to->url, to->secret_file, to->is_chat);
      if (!webhook)
        made = std::unexpected(webhook.error());
      else
        sink.webhook = std::move(*webhook);
    } else if (const auto* command = std::get_if<CommandSink>(&config.to)) {
      made = check_trusted_program(command->argv.front());
    }
    if (!made) return fail(made.error().code, "sink " + config.name + ": " + made.error().detail);
  }
  return out;
}

struct Sinks::Runner {
  Runner(Sink told, Alerts& of, const Pace& how)
      : sink(std::move(told)), alerts(of), pace(how), thread([this] { run(); }) {}
  ~Runner() {
    stop();
    thread.join();
  }

  void stop() {
    post.stop();
    command.stop();
  }
  void run();
  // Until it is taken or given up. False when it is to end.
  bool tell(const AlertEvent& event);
  Result<void> attempt(const AlertEvent& event);
  Result<void> send(const AlertEvent& event);
  // That there is something it was not told; also when nothing else happens.
  Result<void> tell_lost();
  void tell_lost_when_idle();

  const Sink sink;
  Alerts& alerts;
  const Pace pace;
  HookPost post;  // what is waited with, too
  CommandRunner command;
  std::uint64_t told_lost = 0;                  // of what is lost: the store does not know yet that it was told
  Clock::time_point lost_again = Clock::now();  // when it is tried, and how long after
  DurationNs lost_wait = pace.first;
  std::thread thread;
};

// What it was not told comes first, so that it knows where something is missing.
Result<void> Sinks::Runner::attempt(const AlertEvent& event) {
  if (auto told = tell_lost(); !told) return told;
  return send(event);
}

Result<void> Sinks::Runner::tell_lost() {
  auto event = alerts.lost_event(sink.config.name);
  if (!event) return std::unexpected(event.error());
  if (!*event) return {};
  const std::uint64_t lost = (*event)->lost;
  const bool is_new = lost > told_lost;
  if (is_new) {
    (*event)->lost = lost - told_lost;
    if (auto sent = send(**event); !sent) return sent;
    told_lost = lost;
  }
  if (const auto kept = alerts.told_of_lost(sink.config.name, lost); kept)
    told_lost = 0;
  else if (is_new)
    log::error("that sink " + sink.config.name + " knows what is lost to it cannot be kept: " + kept.error().message());
  return {};
}

void Sinks::Runner::tell_lost_when_idle() {
  if (Clock::now() < lost_again) return;
  const auto told = tell_lost();
  lost_wait = told ? pace.first : std::min(lost_wait * 2, pace.last);
  lost_again = Clock::now() + std::chrono::nanoseconds(lost_wait);
}

Result<void> Sinks::Runner::send(const AlertEvent& event) {
  const WallNs now = alerts.now();
  if (const auto* to = std::get_if<SyslogSink>(&sink.config.to))
    return send_syslog(to->path, syslog_message(event, to->facility, host(), ::getpid()));
  if (const auto* to = std::get_if<CommandSink>(&sink.config.to))
    return command.run(*to, dump(alert_event_json(event, now)) + "\n");
  std::string problem;
  if (post.send(sink.webhook, event.sequence, webhook_body(sink.webhook, event, now), now, pace.timeout, problem))
    return {};
  return fail(ErrorCode::io_failed, problem);
}

bool Sinks::Runner::tell(const AlertEvent& event) {
  const std::string& name = sink.config.name;
  if (std::ranges::find(event.alert.tell, name) == event.alert.tell.end()) return true;
  DurationNs wait = pace.first;
  for (unsigned attempts = 1;; ++attempts) {
    const auto done = attempt(event);
    if (done) {
      alerts.note_sink(name, true, false, {});
      return true;
    }
    if (!post.pause(0)) return false;
    const WallNs happened = event.is_raised ? event.alert.raised : event.alert.cleared;
    const bool gives_up = attempts >= pace.attempts || happened + pace.give_up < alerts.now();
    alerts.note_sink(name, false, gives_up, done.error().detail);
    if (attempts == 1) log::warn("sink " + name + " is not told: " + done.error().detail);
    if (gives_up) {
      if (const auto noted = alerts.note_given_up(name, event.sequence); !noted)
        log::error("what sink " + name + " is not told is not kept: " + noted.error().message());
      log::error("sink " + name + " was not told of alert " + std::to_string(event.alert.id) + ", and will not be");
      return true;
    }
    if (!post.pause(wait)) return false;
    wait = std::min(wait * 2, pace.last);
  }
}

void Sinks::Runner::run() {
  auto cursor = alerts.sink_cursor(sink.config.name);
  while (!cursor && post.pause(kSecond)) cursor = alerts.sink_cursor(sink.config.name);
  if (!cursor) return;
  std::uint64_t at = *cursor;
  while (post.pause(0)) {
    const auto events = alerts.events(at, kBatch, kLookEvery);
    if (!events || events->empty()) {
      if (events) tell_lost_when_idle();
      if (!post.pause(events ? kMillisecond : kSecond)) return;
      continue;
    }
    for (const AlertEvent& event : *events) {
      if (!tell(event)) return;
      at = event.sequence;
      if (const auto kept = alerts.set_sink_cursor(sink.config.name, at); !kept)
        log::error("how far sink " + sink.config.name + " was told cannot be kept: " + kept.error().message());
    }
  }
}

Sinks::Sinks(Alerts& alerts, Pace pace) : alerts_(alerts), pace_(pace) {}

Sinks::~Sinks() {
  set({});
}

void Sinks::set(std::vector<Sink> sinks) {
  for (const auto& runner : runners_) runner->stop();  // all at once
  runners_.clear();
  for (Sink& sink : sinks) runners_.push_back(std::make_unique<Runner>(std::move(sink), alerts_, pace_));
}

}  // namespace sluice::control
