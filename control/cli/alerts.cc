// See alerts.h.
#include "control/cli/alerts.h"

#include <fmt/format.h>

#include <memory>

#include "common/bytes.h"
#include "common/file.h"
#include "control/cli/fields.h"
#include "control/cli/text.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kMaxFileBytes = 1024 * 1024;
constexpr std::uint64_t kNsASecond = 1'000'000'000;

struct AlertOptions {
  bool all = false;
  std::string service, principal, file;
  std::uint64_t limit = 100, alert = 0;
};

std::string words_of(const Json& alert, const char* key) {
  std::string out;
  for (const Json& word : alert.value(key, Json::array()))
    if (word.is_string()) out += (out.empty() ? "" : ", ") + printable(word.get<std::string>());
  return out;
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

// "90 s", "15 m", "3 h": short, for a table.
std::string span_text(std::uint64_t ns) {
  const std::uint64_t seconds = ns / kNsASecond;
  if (seconds < 120) return fmt::format("{}s", seconds);
  return seconds < 7200 ? fmt::format("{}m", seconds / 60) : fmt::format("{}h", seconds / 3600);
}

Exit list(const Shared& shared, const AlertOptions& options) {
  const std::string path = with_query("/v1/alerts", {{"limit", std::to_string(options.limit)},
                                                     {"state", options.all ? "all" : ""},
                                                     {"service", options.service},
                                                     {"principal", options.principal}});
  return tell(shared, Client(shared.socket_path).get(path), alerts_text);
}

Exit check(const Shared& shared, const AlertOptions& options) {
  const auto text = read_file(options.file, kMaxFileBytes);
  if (!text) return complain(shared, Exit::refused, text.error().message());
  const std::string path = with_query("/v1/alerts/check", {{"file_name", options.file}});
  return tell(shared, Client(shared.socket_path).post(path, std::string(as_text(*text)), "application/yaml"),
              alerts_checked_text);
}

}  // namespace

std::string alerts_text(const Json& list) {
  std::string out;
  Table table({"ALERT", "NAME", "STATE", "SEVERITY", "RAISED", "LASTED", "WHAT"});
  for (const Json& alert : list.value("alerts", Json::array()))
    table.add({std::to_string(number_of(alert, "id")), text_of(alert, "alert"), text_of(alert, "state"),
               text_of(alert, "severity"), human_time(text_of(alert, "raised")),
               span_text(number_of(alert, "lasted_ns")), text_of(alert, "text")});
  out += table.empty() ? "no alerts\n" : table.text();
  if (const std::string refused = text_of(list, "refused"); !refused.empty())
    out += "the file was changed and is not taken: " + refused + "\n";
  for (const Json& sink : list.value("sinks", Json::array()))
    if (const std::string problem = text_of(sink, "problem"); !problem.empty())
      out += "sink " + text_of(sink, "name") + " is not told: " + problem + "\n";
  if (const auto untracked = number_of(list, "untracked"); untracked != 0)
    out += fmt::format("{} times something found no room to be watched\n", untracked);
  if (const auto unpaused = number_of(list, "unpaused"); unpaused != 0)
    out += fmt::format("{} pauses could not be made and were given up\n", unpaused);
  return out;
}

std::string alert_text(const Json& alert) {
  std::string out = fmt::format("Alert {}: {}\n", number_of(alert, "id"), text_of(alert, "text"));
  const auto line = [&](const char* title, const std::string& text) {
    if (!text.empty()) out += fmt::format("  {:<12}{}\n", title, text);
  };
  line("summary", text_of(alert, "summary"));
  line("state", text_of(alert, "state") + ", " + text_of(alert, "severity"));
  line("raised", human_time(text_of(alert, "raised")) + " UTC, with " + text_of(alert, "value_text") + ", above " +
                     text_of(alert, "above_text"));
  if (const std::string over = text_of(alert, "cleared"); !over.empty()) line("over", human_time(over) + " UTC");
  line("service", text_of(alert, "service"));
  line("principals", words_of(alert, "principals"));
  line("sessions", words_of(alert, "sessions"));
  line("action", text_of(alert, "action"));
  line("told", or_dash(words_of(alert, "told")));
  return out;
}

std::string alerts_checked_text(const Json& answer) {
  return fmt::format("valid: {} alerts, {} sinks\n", number_of(answer, "alerts"), number_of(answer, "sinks"));
}

void add_alerts(CLI::App& app, const Shared& shared, Exit& exit) {
  CLI::App* alerts = app.add_subcommand("alerts", "what Sluice itself found")->require_subcommand(1);
  auto options = std::make_shared<AlertOptions>();
  CLI::App* listing = alerts->add_subcommand("list", "those that are active, the newest first");
  listing->add_flag("--all", options->all, "also those that are over");
  listing->add_option("--service", options->service, "at this service");
  listing->add_option("--principal", options->principal, "that name this principal");
  listing->add_option("--limit", options->limit, "at most so many")->capture_default_str();
  listing->callback([&shared, &exit, options] { exit = list(shared, *options); });
  CLI::App* show = alerts->add_subcommand("show", "one, with its principals, sessions and what was done");
  show->add_option("ALERT", options->alert, "its number")->required();
  show->callback([&shared, &exit, options] {
    const std::string path = "/v1/alerts/" + std::to_string(options->alert);
    exit = tell(shared, Client(shared.socket_path).get(path), alert_text);
  });
  CLI::App* checking = alerts->add_subcommand("check", "check a file of alerts; nothing changes");
  checking->add_option("FILE", options->file, "YAML")->required();
  checking->callback([&shared, &exit, options] { exit = check(shared, *options); });
}

}  // namespace sluice::cli
