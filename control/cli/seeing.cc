// See seeing.h.
#include "control/cli/seeing.h"

#include <charconv>
#include <memory>
#include <optional>

#include "control/cli/print.h"

namespace sluice::cli {
namespace {

struct FlowOptions {
  std::string session, service, principal, client, server, state, min_age;
  std::uint64_t min_bytes = 0;
  std::uint64_t limit = 100;
};

// "90s", "10m", "2h", "1d" in nanoseconds.
std::optional<std::uint64_t> duration_ns(const std::string& text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end + 1 != text.data() + text.size()) return std::nullopt;
  const std::uint64_t seconds = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : 0;
  if (seconds == 0 || count > 1'000'000'000 / seconds) return std::nullopt;
  return count * seconds * 1'000'000'000;
}

Exit flows(const Shared& shared, const FlowOptions& options) {
  std::string path = "/v1/flows?limit=" + std::to_string(options.limit);
  for (const auto& [name, value] : {std::pair<const char*, const std::string&>{"session", options.session},
                                    {"service", options.service},
                                    {"principal", options.principal},
                                    {"client", options.client},
                                    {"server", options.server},
                                    {"state", options.state}})
    if (!value.empty()) path += std::string("&") + name + "=" + url_encode(value);
  if (options.min_bytes > 0) path += "&min_bytes=" + std::to_string(options.min_bytes);
  if (!options.min_age.empty()) {
    const auto age = duration_ns(options.min_age);
    if (!age) return complain(shared, Exit::usage, "--min-age takes a number and s, m, h or d, for example 10m");
    path += "&min_age_ns=" + std::to_string(*age);
  }
  return tell(shared, Client(shared.socket_path).get(path), flows_text);
}

void add_flows(CLI::App& app, const Shared& shared, Exit& exit) {
  auto options = std::make_shared<FlowOptions>();
  CLI::App* command = app.add_subcommand("flows", "live sessions and the state of both their TCP connections");
  command->add_option("--session", options->session, "this one");
  command->add_option("--service", options->service, "of this service");
  command->add_option("--principal", options->principal, "of this principal");
  command->add_option("--client", options->client, "ADDRESS[/BITS][:PORT] or :PORT");
  command->add_option("--server", options->server, "ADDRESS[/BITS][:PORT] or :PORT");
  command->add_option("--state", options->state, "with a leg in one of these, for example established,close_wait");
  command->add_option("--min-age", options->min_age, "at least so old, for example 90s, 10m, 2h");
  command->add_option("--min-bytes", options->min_bytes, "that carried at least so much, both ways together");
  command->add_option("--limit", options->limit, "at most so many")->capture_default_str();
  command->callback([&shared, &exit, options] { exit = flows(shared, *options); });
}

}  // namespace

void add_seeing(CLI::App& app, const Shared& shared, Exit& exit) {
  add_flows(app, shared, exit);
}

}  // namespace sluice::cli
