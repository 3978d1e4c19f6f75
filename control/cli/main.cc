// sluice: what an operator types. Speaks only to control's API socket.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>
#include <iterator>

#include "common/session_id.h"
#include "control/cli/alerts.h"
#include "control/cli/client.h"
#include "control/cli/holds.h"
#include "control/cli/incident.h"
#include "control/cli/print.h"
#include "control/cli/rules_import.h"
#include "control/cli/rules_run.h"
#include "control/cli/seeing.h"
#include "control/cli/tell.h"
#include "control/cli/text.h"
#include "control/cli/top.h"

namespace {

using sluice::cli::Answer;
using sluice::cli::Client;
using sluice::cli::complain;
using sluice::cli::Exit;
using sluice::cli::Json;
using sluice::cli::Printer;
using sluice::cli::tell;
using sluice::cli::with_query;

struct Options : sluice::cli::Shared {
  std::string policy_file;
  std::string session;
  std::string service, principal, since;
  std::uint64_t limit = 50, from = 0, units = 100;
  std::string body, out = "-";
  std::uint32_t unit = 0;
  std::string to;
  bool force = false;
};

bool read_text(const std::string& path, std::string& text) {
  if (path == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
    return true;
  }
  std::ifstream file(path, std::ios::binary);
  text.assign(std::istreambuf_iterator<char>(file), {});
  return file.good() || (file.eof() && !file.bad());
}

Exit send_policy(const Options& options, const std::string& path, Printer print) {
  std::string text;
  std::ifstream probe(options.policy_file);
  if ((options.policy_file != "-" && !probe.is_open()) || !read_text(options.policy_file, text))
    return complain(options, Exit::refused, "cannot read " + options.policy_file);
  const std::string name = options.policy_file == "-" ? "stdin" : options.policy_file;
  const Client client(options.socket_path);
  return tell(options, client.post(with_query(path, {{"file_name", name}}), text, "application/yaml"), print);
}

std::string checked_text(const Json& json) {
  return "the policy is good\n" + json.value("description", "");
}

std::string pushed_text(const Json& json) {
  return fmt::format("policy version {} is {}: {}\n", json.value("version", 0), json.value("state", ""),
                     json.value("detail", ""));
}

Exit list_sessions(const Options& options) {
  std::string since_wall_ns;
  if (!options.since.empty()) {
    const auto before = sluice::cli::duration_ns(options.since);
    if (!before) return complain(options, Exit::usage, "--since takes a number and s, m, h or d, for example 10m");
    since_wall_ns = std::to_string(sluice::cli::wall_ns_before(*before));
  }
  const std::string path = with_query("/v1/sessions", {{"limit", std::to_string(options.limit)},
                                                       {"service", options.service},
                                                       {"principal", options.principal},
                                                       {"since_wall_ns", since_wall_ns}});
  return tell(options, Client(options.socket_path).get(path), sluice::cli::sessions_text);
}

Exit write_body(const Options& options) {
  std::ofstream file;
  if (options.out != "-") {
    file.open(options.out, std::ios::binary | std::ios::trunc);
    if (!file.is_open()) return complain(options, Exit::refused, "cannot write " + options.out);
  }
  std::ostream& out = options.out == "-" ? std::cout : file;
  const std::string path =
      "/v1/sessions/" + options.session + "/units/" + std::to_string(options.unit) + "/" + options.body + "/body";
  const Answer answer = Client(options.socket_path).download(path, [&](std::string_view bytes) {
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return out.good();
  });
  out.flush();
  if (answer.exit == Exit::ok && out.good()) return Exit::ok;
  if (answer.exit == Exit::ok) return complain(options, Exit::failed, "writing " + options.out + " failed");
  return tell(options, answer, nullptr);
}

Exit show_session(const Options& options) {
  if (!sluice::parse_session_id(options.session))
    return complain(options, Exit::usage, "a session id has 16 hexadecimal digits");
  if (!options.body.empty()) return write_body(options);
  const std::string path = with_query("/v1/sessions/" + options.session, {{"from", std::to_string(options.from)},
                                                                          {"limit", std::to_string(options.units)}});
  return tell(options, Client(options.socket_path).get(path), sluice::cli::session_text);
}

Exit replay(const Options& options) {
  if (!sluice::parse_session_id(options.session))
    return complain(options, Exit::usage, "a session id has 16 hexadecimal digits");
  const Json body = {{"to", options.to}, {"force", options.force}};
  const Answer answer = Client(options.socket_path).post("/v1/sessions/" + options.session + "/replay", body);
  const Exit exit = tell(options, answer, sluice::cli::replay_text);
  if (exit != Exit::ok) return exit;
  return answer.json.value("different", 0) + answer.json.value("failed", 0) > 0 ? Exit::negative : Exit::ok;
}

void add_policy(CLI::App& app, Options& options, Exit& exit) {
  CLI::App* policy = app.add_subcommand("policy", "check, push and show the policy")->require_subcommand(1);
  CLI::App* check = policy->add_subcommand("check", "check a policy file; nothing changes");
  check->add_option("FILE", options.policy_file, "YAML; - for standard input")->required();
  check->callback([&] { exit = send_policy(options, "/v1/policy/check", checked_text); });
  CLI::App* push = policy->add_subcommand("push", "make a policy file the running policy");
  push->add_option("FILE", options.policy_file, "YAML; - for standard input")->required();
  push->callback([&] { exit = send_policy(options, "/v1/policy", pushed_text); });
  policy->add_subcommand("show", "show the current policy")->callback([&] {
    exit = tell(options, Client(options.socket_path).get("/v1/policy"), sluice::cli::policy_text);
  });
}

void add_sessions(CLI::App& app, Options& options, Exit& exit) {
  CLI::App* sessions = app.add_subcommand("sessions", "recorded sessions")->require_subcommand(1);
  CLI::App* list = sessions->add_subcommand("list", "the newest sessions");
  list->add_option("--limit", options.limit, "at most so many")->capture_default_str();
  list->add_option("--service", options.service, "of this service");
  list->add_option("--principal", options.principal, "of this principal");
  list->add_option("--since", options.since, "opened since, for example 10m, 2h, 1d");
  list->callback([&] { exit = list_sessions(options); });
  CLI::App* show = sessions->add_subcommand("show", "a session and its exchanges, as recorded");
  show->add_option("ID", options.session, "of the session")->required();
  show->add_option("--from", options.from, "first unit")->capture_default_str();
  show->add_option("--limit", options.units, "at most so many units")->capture_default_str();
  CLI::Option* body = show->add_option("--body", options.body, "write one whole recorded body instead")
                          ->check(CLI::IsMember({"request", "response"}));
  show->add_option("--unit", options.unit, "whose body")->needs(body);
  show->add_option("--out", options.out, "file for the body; - for standard output")->needs(body);
  show->callback([&] { exit = show_session(options); });
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  Exit exit = Exit::ok;
  CLI::App app("sluice: ask and tell the control process of a Sluice appliance");
  app.set_version_flag("--version", SLUICE_VERSION);
  app.add_option("--socket", options.socket_path, "control's API socket")->capture_default_str();
  app.add_flag("--json", options.json, "answers as JSON");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "Exit codes: 0 done, 1 the answer is no (a replay differs), 2 wrong usage, 3 refused or not found,\n"
      "4 control cannot be reached, 5 anything else.");
  add_policy(app, options, exit);
  add_sessions(app, options, exit);
  sluice::cli::add_seeing(app, options, exit);
  sluice::cli::add_holds(app, options, exit);
  sluice::cli::add_orders(app, options, exit);
  sluice::cli::add_top(app, options, exit);
  sluice::cli::add_incident(app, options, exit);
  sluice::cli::add_alerts(app, options, exit);
  CLI::App* rules = app.add_subcommand("rules", "rules and packs, without control")->require_subcommand(1);
  sluice::cli::add_rules_import(*rules, options, exit);
  sluice::cli::add_rules_run(*rules, options, exit);
  app.add_subcommand("status", "what runs, and what it counted")->callback([&] {
    exit = tell(options, Client(options.socket_path).get("/v1/status"), sluice::cli::status_text);
  });
  CLI::App* replaying = app.add_subcommand(
      "replay", "send a session's recorded requests to a server and compare; they change what it holds");
  replaying->footer(
      "What is replayed is done again: requests reach the server as they reached the one before, and statements\n"
      "of PostgreSQL are run and committed there. Replay to a copy, as a user with no more rights than the session's.");
  replaying->add_option("ID", options.session, "of the session")->required();
  replaying->add_option("--to", options.to, "HOST:PORT, or postgres://USER@HOST:PORT/DATABASE, of the server")
      ->required();
  replaying->add_flag("--force", options.force, "also to a protected service's own address");
  replaying->callback([&] { exit = replay(options); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::usage);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(Exit::failed);
  }
  return static_cast<int>(exit);
}
