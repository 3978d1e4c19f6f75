// See webhooks.h.
#include "control/webhooks/webhooks.h"

#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/log.h"
#include "common/session_id.h"

namespace sluice::control {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(200);
constexpr std::uint64_t kBatch = 100;
constexpr std::size_t kMaxAnswerBytes = 64 * 1024;
constexpr const char* kTimeHeader = "X-Sluice-Timestamp";
constexpr const char* kSignatureHeader = "X-Sluice-Signature";

}  // namespace

struct Webhooks::Runner {
  Runner(Webhook told, Approvals& work, const Pace& how) : webhook(std::move(told)), approvals(work), pace(how) {
    thread = std::thread([this] { run(); });
  }
  ~Runner() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
      if (client != nullptr) client->stop();
    }
    wake.notify_all();
    thread.join();
  }

  void run();
  bool deliver(const AuditEntry& entry);
  void take_answer(const AuditEntry& entry, const std::string& sent, const std::string& signature,
                   const std::string& body);
  bool pause(DurationNs time) {
    std::unique_lock lock(mutex);
    return !wake.wait_for(lock, std::chrono::nanoseconds(time), [this] { return stopping; });
  }

  const Webhook webhook;
  Approvals& approvals;
  const Pace pace;
  std::mutex mutex;  // guards what follows
  std::condition_variable wake;
  httplib::Client* client = nullptr;  // under way
  bool stopping = false;
  std::thread thread;
};

// True when it need not be sent again.
bool Webhooks::Runner::deliver(const AuditEntry& entry) {
  std::optional<HoldDetail> detail;
  if (entry.hold != 0)
    if (auto found = approvals.hold(entry.hold)) detail = std::move(*found);
  const WallNs now = approvals.now();
  const std::string body = delivery_body(webhook, entry, detail, now);
  const std::uint64_t timestamp = now / kSecond;
  const std::string signature = delivery_signature(webhook.secret, timestamp, body);
  httplib::Client connection(webhook.server);
  connection.set_connection_timeout(std::chrono::nanoseconds(pace.timeout));
  connection.set_read_timeout(std::chrono::nanoseconds(pace.timeout));
  connection.set_write_timeout(std::chrono::nanoseconds(pace.timeout));
  {
    const std::lock_guard lock(mutex);
    if (stopping) return false;
    client = &connection;
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(pace.timeout);
  std::string answered;
  httplib::Request request;
  request.method = "POST";
  request.path = webhook.path;
  request.headers = {{"Content-Type", "application/json"},
                     {kTimeHeader, std::to_string(timestamp)},
                     {kSignatureHeader, signature},
                     {"X-Sluice-Delivery", std::to_string(entry.sequence)}};
  request.body = body;
  request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    answered.append(data, size);
    return answered.size() <= kMaxAnswerBytes && std::chrono::steady_clock::now() < until;
  };
  const auto result = connection.send(request);
  {
    const std::lock_guard lock(mutex);
    client = nullptr;
  }
  if (!result || result->status < 200 || result->status > 299) return false;
  take_answer(entry, signature, result->get_header_value(kSignatureHeader), answered);
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
  while (!cursor && pause(kSecond)) cursor = approvals.webhook_cursor(webhook.name);
  if (!cursor) return;
  std::uint64_t at = *cursor;
  bool is_down = false;
  while (pause(static_cast<DurationNs>(std::chrono::nanoseconds(kLookEvery).count()))) {
    const auto entries = approvals.changes(at, kBatch, 0);
    if (!entries || entries->empty()) continue;
    for (const AuditEntry& entry : *entries) {
      while (wants(webhook, entry) && entry.at + pace.give_up > approvals.now() && !deliver(entry)) {
        if (!std::exchange(is_down, true)) log::warn("webhook " + webhook.name + " takes nothing; it is tried again");
        if (!pause(wait)) return;
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
