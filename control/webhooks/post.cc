// See post.h.
#include "control/webhooks/post.h"

#include <httplib.h>

#include <chrono>

namespace sluice::control {
namespace {

constexpr std::size_t kMaxAnswerBytes = 64 * 1024;
constexpr const char* kTimeHeader = "X-Sluice-Timestamp";
constexpr const char* kSignatureHeader = "X-Sluice-Signature";

}  // namespace

std::optional<HookPost::Answer> HookPost::send(const Webhook& webhook, std::uint64_t delivery, const std::string& body,
                                               WallNs now, DurationNs timeout, std::string& problem) {
  const std::uint64_t timestamp = now / kSecond;
  Answer answer{.sent_signature = delivery_signature(webhook.secret, timestamp, body), .signature = {}, .body = {}};
  httplib::Client connection(webhook.server);
  connection.set_connection_timeout(std::chrono::nanoseconds(timeout));
  connection.set_read_timeout(std::chrono::nanoseconds(timeout));
  connection.set_write_timeout(std::chrono::nanoseconds(timeout));
  {
    const std::lock_guard lock(mutex_);
    problem = "control stops";
    if (stopping_) return std::nullopt;
    client_ = &connection;
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout);
  httplib::Request request;
  request.method = "POST";
  request.path = webhook.path;
  request.headers = {{"Content-Type", "application/json"},
                     {kTimeHeader, std::to_string(timestamp)},
                     {kSignatureHeader, answer.sent_signature},
                     {"X-Sluice-Delivery", std::to_string(delivery)}};
  request.body = body;
  request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    answer.body.append(data, size);
    return answer.body.size() <= kMaxAnswerBytes && std::chrono::steady_clock::now() < until;
  };
  const auto result = connection.send(request);
  {
    const std::lock_guard lock(mutex_);
    client_ = nullptr;
  }
  problem = result ? "it answers with status " + std::to_string(result->status) : httplib::to_string(result.error());
  if (!result || result->status < 200 || result->status > 299) return std::nullopt;
  problem.clear();
  answer.signature = result->get_header_value(kSignatureHeader);
  return answer;
}

bool HookPost::pause(DurationNs time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, std::chrono::nanoseconds(time), [this] { return stopping_; });
}

void HookPost::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (client_ != nullptr) client_->stop();
  }
  wake_.notify_all();
}

}  // namespace sluice::control
