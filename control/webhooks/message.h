// What a webhook is sent and what it may answer: bodies and signatures, without sending anything (docs/operating.md).
//
// A delivery is signed over its time and its body; an answer over the signature of the delivery that it answers, so one
// answer decides nothing but what it was asked.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "control/approvals/desk.h"

namespace sluice::control {

struct Webhook {
  std::string name;
  std::string server, path;  // "https://chat.example:8443", "/hook?x=y"
  std::string secret;
  std::set<std::string> events;  // of the audit; none: all that is about holds being opened, decided and over
  bool is_chat = false;
  bool may_decide = false;
  std::vector<std::string> groups;  // that its word counts for
};

inline constexpr std::size_t kMaxWebhooks = 8;
inline constexpr std::size_t kMinSecretBytes = 16;

// A YAML list; bad_argument says what is wrong where. Secrets lie in files of their own that only their owner may read.
Result<std::vector<Webhook>> read_webhooks(const std::string& path);

// One of `url` and the secret in a file of its own, that is told and decides nothing.
Result<Webhook> make_webhook(const std::string& name, const std::string& url, const std::string& secret_file,
                             bool is_chat);

bool wants(const Webhook& webhook, const AuditEntry& entry);
std::string delivery_body(const Webhook& webhook, const AuditEntry& entry, const std::optional<HoldDetail>& detail,
                          WallNs now);
// What a chat service takes: one text, in which nothing is markup but what chat_escaped() left.
std::string chat_body(const std::string& text);
std::string chat_escaped(std::string_view text);
std::string delivery_signature(const std::string& secret, std::uint64_t timestamp, std::string_view body);

struct WebhookAnswer {
  bool approve = false;
  std::string by, reason;
};
std::string answer_signature(const std::string& secret, std::string_view delivery_signature, std::string_view body);
// Nothing where it decides nothing; not_permitted where it would and may not, is not signed as it must be, or approves
// in nobody's name.
Result<std::optional<WebhookAnswer>> read_answer(const Webhook& webhook, std::string_view delivery_signature,
                                                 std::string_view signature, std::string_view body);
// Who decides when a webhook does: by name the person that it says, by user itself, which is none of a machine and the
// same at each start. So it counts once, whomever it names, and so does a person, whichever way they came.
Reviewer reviewer_of(const Webhook& webhook, const WebhookAnswer& answer);
VoteRequest vote_of(const Webhook& webhook, const WebhookAnswer& answer);

}  // namespace sluice::control
