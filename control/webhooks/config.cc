// Reading the file that names webhooks. See message.h.
#include <yaml-cpp/yaml.h>

#include "common/file.h"
#include "common/ip_address.h"
#include "control/webhooks/message.h"
#include "rules/bounds.h"

namespace sluice::control {
namespace {

constexpr std::size_t kMaxFileBytes = 256 * 1024;
constexpr std::size_t kMaxSecretBytes = 4096;

std::unexpected<Error> wrong(const std::string& path, const YAML::Node& node, const std::string& what) {
  return fail(ErrorCode::bad_argument, path + ":" + std::to_string(node.Mark().line + 1) + ": " + what);
}

// "host", "host:port", "[2001:db8::7]:port"
bool has_host_and_port(std::string_view authority) {
  const bool has_port = !authority.ends_with(']') && authority.find(':') != std::string_view::npos;
  if (!has_port) return !authority.empty();
  const auto both = split_host_and_port(authority);
  return both && both->port != 0;
}

// "https://host:port/path" into its two parts.
bool split_url(const std::string& url, Webhook& webhook) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos || (url.substr(0, scheme) != "http" && url.substr(0, scheme) != "https"))
    return false;
  const auto slash = url.find('/', scheme + 3);
  webhook.server = url.substr(0, slash);
  webhook.path = slash == std::string::npos ? "/" : url.substr(slash);
  return has_host_and_port(std::string_view(webhook.server).substr(scheme + 3)) &&
         url.find_first_of(" \r\n") == std::string::npos;
}

Result<std::string> read_secret(const std::string& path) {
  auto secret = read_secret_file(path, kMaxSecretBytes);
  if (!secret) return secret;
  while (secret->ends_with('\n') || secret->ends_with('\r')) secret->pop_back();
  if (secret->size() < kMinSecretBytes)
    return fail(ErrorCode::bad_argument, path + " holds less than " + std::to_string(kMinSecretBytes) + " bytes");
  return secret;
}

Result<Webhook> read_one(const std::string& path, const YAML::Node& node) {
  if (!node.IsMap()) return wrong(path, node, "a webhook is a map of name, url, secret_file, ...");
  Webhook webhook;
  for (const auto& pair : node) {
    const auto key = pair.first.as<std::string>();
    const YAML::Node& value = pair.second;
    if (key == "name") {
      webhook.name = value.as<std::string>();
    } else if (key == "url") {
      if (!split_url(value.as<std::string>(), webhook))
        return wrong(path, value, "url must look like https://host/path or https://host:8443/path");
    } else if (key == "secret_file") {
      auto secret = read_secret(value.as<std::string>());
      if (!secret) return std::unexpected(secret.error());
      webhook.secret = std::move(*secret);
    } else if (key == "template") {
      const auto name = value.as<std::string>();
      if (name != "json" && name != "chat") return wrong(path, value, "template must be json or chat");
      webhook.is_chat = name == "chat";
    } else if (key == "may_decide") {
      webhook.may_decide = value.as<bool>();
    } else if (key == "groups") {
      webhook.groups = value.as<std::vector<std::string>>();
    } else if (key == "events") {
      for (const auto& event : value.as<std::vector<std::string>>()) webhook.events.insert(event);
    } else {
      return wrong(path, pair.first,
                   "'" + key +
                       "' is no key of a webhook; there are name, url, secret_file, template, events, "
                       "may_decide and groups");
    }
  }
  if (!rules::is_name(webhook.name)) return wrong(path, node, "name must have 1 to 63 of a-z, 0-9, - and _");
  if (webhook.server.empty() || webhook.secret.empty()) return wrong(path, node, "it needs a url and a secret_file");
  return webhook;
}

}  // namespace

Result<Webhook> make_webhook(const std::string& name, const std::string& url, const std::string& secret_file,
                             bool is_chat) {
  Webhook webhook;
  webhook.name = name;
  webhook.is_chat = is_chat;
  if (!split_url(url, webhook))  // which is not said again: those of chats are secrets
    return fail(ErrorCode::bad_argument, "url must look like https://host/path or https://host:8443/path");
  auto secret = read_secret(secret_file);
  if (!secret) return std::unexpected(secret.error());
  webhook.secret = std::move(*secret);
  return webhook;
}

Result<std::vector<Webhook>> read_webhooks(const std::string& path) {
  const auto bytes = read_file(path, kMaxFileBytes);
  if (!bytes) return std::unexpected(bytes.error());
  std::vector<Webhook> webhooks;
  try {
    const YAML::Node root = YAML::Load(std::string(as_text(*bytes)));
    if (!root.IsMap() || !root["webhooks"].IsSequence()) return wrong(path, root, "it must have a list `webhooks`");
    for (const YAML::Node& node : root["webhooks"]) {
      auto webhook = read_one(path, node);
      if (!webhook) return std::unexpected(webhook.error());
      for (const Webhook& other : webhooks)
        if (other.name == webhook->name) return wrong(path, node, "two webhooks have the name " + other.name);
      webhooks.push_back(std::move(*webhook));
    }
    if (webhooks.size() > kMaxWebhooks)
      return wrong(path, root, "there are at most " + std::to_string(kMaxWebhooks) + " webhooks");
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::bad_argument, path + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
  return webhooks;
}

}  // namespace sluice::control
