// See seeing.h.
#include "control/cli/seeing.h"

#include <algorithm>
#include <iostream>
#include <memory>

#include "common/file.h"
#include "common/session_id.h"
#include "control/cli/print.h"
#include "control/cli/text.h"
#include "control/cli/trace_file.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kMostTraceBytes = 256 * 1024 * 1024;

struct FlowOptions {
  std::string session, service, principal, client, server, state, min_age;
  std::uint64_t min_bytes = 0;
  std::uint64_t limit = 100;
};

Exit flows(const Shared& shared, const FlowOptions& options) {
  std::string min_age_ns;
  if (!options.min_age.empty()) {
    const auto age = duration_ns(options.min_age);
    if (!age) return complain(shared, Exit::usage, "--min-age takes a number and s, m, h or d, for example 10m");
    min_age_ns = std::to_string(*age);
  }
  const std::string path = with_query("/v1/flows", {{"limit", std::to_string(options.limit)},
                                                    {"session", options.session},
                                                    {"service", options.service},
                                                    {"principal", options.principal},
                                                    {"client", options.client},
                                                    {"server", options.server},
                                                    {"state", options.state},
                                                    {"min_bytes", std::to_string(options.min_bytes)},
                                                    {"min_age_ns", min_age_ns}});
  return tell(shared, Client(shared.socket_path).get(path), flows_text);
}

void add_flows(CLI::App& app, const Shared& shared, Exit& exit) {
  auto options = std::make_shared<FlowOptions>();
  CLI::App* command = app.add_subcommand("flows", "live sessions and the state of both their TCP connections");
  command->add_option("--session", options->session, "this one");
  command->add_option("--service", options->service, "of this service");
  command->add_option("--principal", options->principal, "of this principal");
  command->add_option("--client", options->client, "ADDRESS[/BITS][:PORT], [IPV6[/BITS]]:PORT or :PORT");
  command->add_option("--server", options->server, "ADDRESS[/BITS][:PORT], [IPV6[/BITS]]:PORT or :PORT");
  command->add_option("--state", options->state, "with a leg in one of these, for example established,close_wait");
  command->add_option("--min-age", options->min_age, "at least so old, for example 90s, 10m, 2h");
  command->add_option("--min-bytes", options->min_bytes, "that carried at least so much, both ways together");
  command->add_option("--limit", options->limit, "at most so many")->capture_default_str();
  command->callback([&shared, &exit, options] { exit = flows(shared, *options); });
}

struct TraceOptions {
  std::string session, kinds, since, write, read;
  std::size_t last = 200;
};

Exit show_trace(const Shared& shared, const TraceFile& file, const TraceFilter& filter) {
  const std::vector<TraceEntry> picked = pick(file, filter);
  if (shared.json) {
    Json out = {{"records", Json::array()}, {"overwritten", file.overwritten}};
    for (const TraceEntry& entry : picked) out["records"].push_back(trace_json(entry));
    std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    for (const TraceEntry& entry : picked) std::cout << trace_line(entry);
    std::cout << "(" << picked.size() << " of " << file.entries.size() << " records; " << file.overwritten
              << " older ones were overwritten; times are UTC)\n";
  }
  return Exit::ok;
}

// Its file is for the caller's eyes alone: it tells who spoke with whom.
Exit trace(const Shared& shared, const TraceOptions& options) {
  TraceFilter filter;
  filter.newest = options.last;
  if (!options.session.empty()) {
    const auto session = parse_session_id(options.session);
    if (!session) return complain(shared, Exit::usage, "a session id has 16 hexadecimal digits");
    filter.session = *session;
  }
  auto kinds = parse_kinds(options.kinds);
  if (!kinds) return complain(shared, Exit::usage, kinds.error().detail);
  filter.kinds = std::move(*kinds);
  std::string bytes;
  if (options.read.empty()) {
    const Answer answer = Client(shared.socket_path).download("/v1/trace", [&](std::string_view part) {
      bytes += part;
      return bytes.size() < kMostTraceBytes;
    });
    if (answer.exit != Exit::ok) return tell(shared, answer, nullptr);
  } else {
    const auto read = read_file(options.read, kMostTraceBytes);
    if (!read) return complain(shared, Exit::refused, read.error().message());
    bytes = as_text(*read);
  }
  if (!options.write.empty()) {
    if (auto written = replace_file(options.write, as_bytes(bytes), 0600); !written)
      return complain(shared, Exit::refused, written.error().message());
    return Exit::ok;
  }
  const auto file = read_trace(bytes);
  if (!file) return complain(shared, Exit::refused, file.error().detail);
  if (!options.since.empty()) {
    const auto before = duration_ns(options.since);
    if (!before) return complain(shared, Exit::usage, "--since takes a number and s, m, h or d, for example 10s");
    filter.since_ns = file->newest_ns - std::min(file->newest_ns, *before);
  }
  return show_trace(shared, *file, filter);
}

void add_trace(CLI::App& app, const Shared& shared, Exit& exit) {
  auto options = std::make_shared<TraceOptions>();
  CLI::App* command = app.add_subcommand("trace", "what the workers did last, event by event; no payload");
  command->add_option("--session", options->session, "of this session");
  command->add_option("--kind", options->kinds, "of these kinds, for example drop,retransmission");
  command->add_option("--since", options->since, "of the last so long before its end, for example 10s, 5m");
  command->add_option("--last", options->last, "so many, the newest; 0 for all")->capture_default_str();
  CLI::Option* write = command->add_option("--write", options->write, "keep all of it in this file instead");
  command->add_option("--read", options->read, "from such a file, or from one that a data plane left when it died")
      ->excludes(write);
  command->callback([&shared, &exit, options] { exit = trace(shared, *options); });
}

}  // namespace

void add_seeing(CLI::App& app, const Shared& shared, Exit& exit) {
  add_flows(app, shared, exit);
  add_trace(app, shared, exit);
}

}  // namespace sluice::cli
