// See message.h.
#include "control/webhooks/message.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "common/session_id.h"
#include "control/api/hold_json.h"

namespace sluice::control {
namespace {

constexpr std::size_t kMaxPersonBytes = 64;

std::string signed_text(const std::string& secret, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest = {};
  unsigned size = 0;
  ::HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), as_bytes(text).data(), text.size(),
         digest.data(), &size);
  std::string out = "v1=";
  for (unsigned i = 0; i < size; ++i) out += fmt::format("{:02x}", digest[i]);
  return out;
}

std::string chat_text(const AuditEntry& entry, const std::optional<HoldDetail>& detail, WallNs now) {
  std::string out = detail             ? "*Hold " + format_session_id(entry.hold) + " " + entry.what + "*"
                    : entry.order != 0 ? fmt::format("*Order {} {}*", entry.order, chat_escaped(entry.what))
                                       : "*" + chat_escaped(entry.what) + "*";
  if (entry.is_override) out = ":rotating_light: *OVERRIDE* " + out;
  if (!entry.by.empty()) out += " by " + chat_escaped(entry.by);
  if (!entry.reason.empty()) out += ": " + chat_escaped(entry.reason);
  if (!detail) return out;
  const Hold& hold = detail->hold;
  out += fmt::format("\n{} at {} from {}, {} {}, {} bytes", chat_escaped(hold.opened.principal),
                     chat_escaped(hold.opened.service), hold.opened.client, hold_cause_name(hold.opened.cause),
                     chat_escaped(hold.opened.cause_name), hold.opened.body_bytes);
  if (hold.opened.score != 0) out += fmt::format(", score {}", hold.opened.score);
  if (hold.state != HoldState::open) return out;
  const std::uint64_t seconds = (hold.deadline - std::min(now, hold.deadline)) / kSecond;
  return out + fmt::format("\n{} in {} s. `sluice holds show {}`", hold.opened.passes_on_timeout ? "Passes" : "Denied",
                           seconds, format_session_id(entry.hold));
}

}  // namespace

// Chat services read these three as markup.
std::string chat_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  return out;
}

std::string chat_body(const std::string& text) {
  return dump({{"text", text}, {"blocks", {{{"type", "section"}, {"text", {{"type", "mrkdwn"}, {"text", text}}}}}}});
}

bool wants(const Webhook& webhook, const AuditEntry& entry) {
  if (!webhook.events.empty()) return webhook.events.contains(entry.what);
  static const std::set<std::string, std::less<>> kUsual = {"opened", "approved", "rejected", "expired", "lost"};
  return entry.is_override || kUsual.contains(entry.what);
}

std::string delivery_body(const Webhook& webhook, const AuditEntry& entry, const std::optional<HoldDetail>& detail,
                          WallNs now) {
  if (webhook.is_chat) return chat_body(chat_text(entry, detail, now));
  Json out = {{"event", entry.what}};
  out["change"] = audit_json(entry);
  out["hold"] = detail ? hold_json(detail->hold, 0, now) : Json(nullptr);
  if (detail) out["hold"].erase("needed");
  return dump(out);
}

std::string delivery_signature(const std::string& secret, std::uint64_t timestamp, std::string_view body) {
  return signed_text(secret, fmt::format("v1:{}:{}", timestamp, body));
}

std::string answer_signature(const std::string& secret, std::string_view delivery_signature, std::string_view body) {
  return signed_text(secret, fmt::format("v1-answer:{}:{}", delivery_signature, body));
}

Result<std::optional<WebhookAnswer>> read_answer(const Webhook& webhook, std::string_view delivery_signature,
                                                 std::string_view signature, std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object() || !json.contains("decision")) return std::nullopt;
  const auto refused = [](const char* why) { return fail(ErrorCode::not_permitted, why); };
  if (!webhook.may_decide) return refused("it answered with a decision, and is not one that may decide");
  const std::string right = answer_signature(webhook.secret, delivery_signature, body);
  if (signature.size() != right.size() || ::CRYPTO_memcmp(signature.data(), right.data(), right.size()) != 0)
    return refused("it answered with a decision that is not signed as an answer to this delivery");
  const auto text = [&](const char* key) {
    return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : std::string();
  };
  const std::string decision = text("decision");
  if (decision != "approve" && decision != "reject") return refused("a decision is approve or reject");
  WebhookAnswer answer{decision == "approve", text("by"), text("reason")};
  if (answer.approve && answer.by.empty()) return refused("it approves and does not say who does: `by` is missing");
  if (answer.by.size() > kMaxPersonBytes ||
      std::ranges::any_of(answer.by, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return refused("`by` is no name of a person");
  return answer;
}

Reviewer reviewer_of(const Webhook& webhook, const WebhookAnswer& answer) {
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char c : webhook.name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return {.uid = kFirstUidBeyond | hash,
          .name = answer.by.empty() ? "webhook " + webhook.name : answer.by,
          .groups = webhook.groups};
}

VoteRequest vote_of(const Webhook& webhook, const WebhookAnswer& answer) {
  VoteRequest request{.approve = answer.approve};
  request.reason = "via webhook " + webhook.name + (answer.reason.empty() ? "" : ": " + answer.reason);
  if (request.reason.size() > kMaxReasonBytes) request.reason.resize(kMaxReasonBytes);
  return request;
}

}  // namespace sluice::control
