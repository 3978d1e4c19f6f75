// Reads one sink of an alerts file. See rule_reader.h.
#include <fmt/format.h>

#include <algorithm>

#include "control/alerts/rule_reader.h"

namespace sluice::control {
namespace {

using rules::Fields;
using rules::Report;
using rules::show;
using rules::Word;
using rules::YamlNode;

constexpr DurationNs kMinTimeout = kSecond;
constexpr DurationNs kMaxTimeout = 300 * kSecond;
constexpr std::size_t kMaxWordBytes = 4096;

// RFC 5424 section 6.2.1, by the names that syslog.conf has for them.
constexpr Word<unsigned> kFacilities[] = {{"user", 1},    {"daemon", 3},  {"auth", 4},    {"authpriv", 10},
                                          {"local0", 16}, {"local1", 17}, {"local2", 18}, {"local3", 19},
                                          {"local4", 20}, {"local5", 21}, {"local6", 22}, {"local7", 23}};
constexpr Word<bool> kTemplates[] = {{"json", false}, {"chat", true}};

std::string read_path(const YamlNode& node, Report& report) {
  auto text = read_text(node, report);
  if (text && text->starts_with('/') && text->size() < kMaxWordBytes && text->find('\0') == std::string::npos)
    return *std::move(text);
  if (text) report.add(node.position, fmt::format("{} is no absolute path", show(*text)), "begin it with /");
  return {};
}

WebhookSink read_webhook_sink(const YamlNode& node, Report& report) {
  WebhookSink sink;
  Fields fields(node, "a webhook", report);
  if (const YamlNode* url = fields.need("url", "url: https://chat.example/hooks/T0")) {
    auto text = read_text(*url, report);
    if (text && !text->starts_with("https://") && !text->starts_with("http://"))
      report.add(url->position, fmt::format("{} is no url", show(*text)),
                 "https://host/path or https://host:8443/path");
    else if (text)
      sink.url = *std::move(text);
  }
  if (const YamlNode* secret = fields.need("secret_file", "secret_file: /etc/sluice/chat.secret"))
    sink.secret_file = read_path(*secret, report);
  if (const YamlNode* form = fields.get("template"))
    sink.is_chat = read_choice(*form, kTemplates, report).value_or(false);
  fields.finish();
  return sink;
}

SyslogSink read_syslog_sink(const YamlNode& node, Report& report) {
  SyslogSink sink;
  Fields fields(node, "syslog", report);
  if (const YamlNode* facility = fields.get("facility"))
    sink.facility = read_choice(*facility, kFacilities, report).value_or(sink.facility);
  if (const YamlNode* socket = fields.get("socket")) sink.path = read_path(*socket, report);
  fields.finish();
  return sink;
}

std::vector<std::string> read_argv(const YamlNode& node, Report& report) {
  std::vector<std::string> argv;
  const auto words = read_list(node, "command", report);
  if (is_list(node) && (words.empty() || words.size() > kMaxCommandWords))
    report.add(node.position, fmt::format("a command of {} words", words.size()),
               fmt::format("a program and its arguments, 1 to {} words", kMaxCommandWords));
  for (const YamlNode& word : words) {
    if (argv.empty()) {
      argv.push_back(read_path(word, report));
      continue;
    }
    auto text = read_text(word, report);
    if (text && (text->size() > kMaxWordBytes || text->find('\0') != std::string::npos))
      report.add(word.position, "this argument is too long", fmt::format("at most {} bytes", kMaxWordBytes));
    argv.push_back(text.value_or(""));
  }
  return argv;
}

}  // namespace

std::optional<SinkConfig> read_sink(const YamlNode& node, Report& report) {
  SinkConfig sink;
  Fields fields(node, "a sink", report);
  if (const YamlNode* name = fields.need("name", "name: chat"))
    sink.name = read_name(*name, "a sink", report).value_or("");
  const YamlNode* const webhook = fields.get("webhook");
  const YamlNode* const syslog = fields.get("syslog");
  const YamlNode* const command = fields.get("command");
  const YamlNode* const timeout = fields.get("timeout");
  if (const auto kinds = (webhook != nullptr) + (syslog != nullptr) + (command != nullptr); kinds != 1 && is_map(node))
    report.add(node.position, kinds == 0 ? "a sink that leads nowhere" : "a sink of several kinds",
               "one of webhook: {url, secret_file}, syslog: {facility}, command: [/path/to/program, argument]");
  if (webhook != nullptr) sink.to = read_webhook_sink(*webhook, report);
  if (syslog != nullptr) sink.to = read_syslog_sink(*syslog, report);
  if (command != nullptr) {
    CommandSink run{.argv = read_argv(*command, report)};
    if (timeout != nullptr)
      run.timeout = read_duration(*timeout, kMinTimeout, kMaxTimeout, report).value_or(run.timeout);
    sink.to = std::move(run);
  } else if (timeout != nullptr) {
    report.add(timeout->position, "timeout is for commands", "remove it");
  }
  fields.finish();
  return sink.name.empty() ? std::nullopt : std::optional(std::move(sink));
}

}  // namespace sluice::control
