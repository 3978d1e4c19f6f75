// See webhooks.h.
#include "control/webhooks/webhooks.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "common/log.h"
#include "common/session_id.h"
#include "control/webhooks/post.h"

namespace sluice::control {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(200);
constexpr std::uint64_t kBatch = 100;

}  // namespace

struct Webhooks::Runner {
  Runner(Webhook told, Approvals& work, const Pace& how) : webhook(std::move(told)), approvals(work), pace(how) {
    thread = std::thread([this] { run(); });
  }
  ~Runner() {
    post.stop();
    thread.join();
  }

  void run();
  bool deliver(const AuditEntry& entry);
  void take_answer(const AuditEntry& entry, const std::string& sent, const std::string& signature,
                   const std::string& body);

  const Webhook webhook;
  Approvals& approvals;
  const Pace pace;
  HookPost post;
  std::thread thread;
};

// True when it need not be sent again.
bool Webhooks::Runner::deliver(const AuditEntry& entry) {
  std::optional<HoldDetail> detail;
  if (entry.hold != 0)
    if (auto found = approvals.hold(entry.hold)) detail = std::move(*found);
  const WallNs now = approvals.now();
  std::string problem;
  const auto answer =
      post.send(webhook, entry.sequence, delivery_body(webhook, entry, detail, now), now, pace.timeout, problem);
  if (!answer) return false;
  take_answer(entry, answer->sent_signature, answer->signature, answer->body);
  return true;
}

void Webhooks::Runner::take_answer(const AuditEntry& entry, const std::string& sent, const std::string& signature,
                                   const std::string& body) {
  const auto answer = read_answer(webhook, sent, signature, body);
  const std::string where = "webhook " + webhook.name + ": ";
  if (!answer) return log::warn(where + answer.error().detail);
  if (!*answer || entry.hold == 0) return;
  const auto done = approvals.vote(entry.hold, reviewer_of(webhook, **answer), vote_of(webhook, **answer));
  if (!done) log::warn(where + "hold " + format_session_id(entry.hold) + ": " + done.error().message());
}

void Webhooks::Runner::run() {
  DurationNs wait = pace.first;
  auto cursor = approvals.webhook_cursor(webhook.name);
  while (!cursor && post.pause(kSecond)) cursor = approvals.webhook_cursor(webhook.name);
  if (!cursor) return;
  std::uint64_t at = *cursor;
  bool is_down = false;
  while (post.pause(static_cast<DurationNs>(std::chrono::nanoseconds(kLookEvery).count()))) {
    const auto entries = approvals.changes(at, kBatch, 0);
    if (!entries || entries->empty()) continue;
    for (const AuditEntry& entry : *entries) {
      while (wants(webhook, entry) && entry.at + pace.give_up > approvals.now() && !deliver(entry)) {
        if (!std::exchange(is_down, true)) log::warn("webhook " + webhook.name + " takes nothing; it is tried again");
        if (!post.pause(wait)) return;
        wait = std::min(wait * 2, pace.last);
      }
      wait = pace.first;
      is_down = false;
      at = entry.sequence;
      if (wants(webhook, entry)) (void)approvals.set_webhook_cursor(webhook.name, at);
    }
    (void)approvals.set_webhook_cursor(webhook.name, at);
  }
}

Webhooks::Webhooks(std::vector<Webhook> webhooks, Approvals& approvals, Pace pace) {
  for (Webhook& webhook : webhooks) runners_.push_back(std::make_unique<Runner>(std::move(webhook), approvals, pace));
}

Webhooks::~Webhooks() = default;

}  // namespace sluice::control
