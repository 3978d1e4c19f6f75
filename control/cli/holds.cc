// The queue of holds. See holds.h.
#include "control/cli/holds.h"

#include <unistd.h>

#include <iostream>
#include <memory>

#include "common/session_id.h"
#include "control/cli/print_holds.h"
#include "control/cli/text.h"

namespace sluice::cli {
namespace {

struct HoldOptions {
  std::string id, state = "live", service, principal, session, after;
  std::uint64_t limit = 100;
  std::string reason, scope, window;
  bool is_override = false;
};

Exit list(const Shared& shared, const HoldOptions& options) {
  const std::string path = with_query("/v1/holds", {{"limit", std::to_string(options.limit)},
                                                    {"state", options.state},
                                                    {"service", options.service},
                                                    {"principal", options.principal},
                                                    {"session", options.session},
                                                    {"after", options.after}});
  return tell(shared, Client(shared.socket_path).get(path), holds_text);
}

Exit with_id(const Shared& shared, const HoldOptions& options, const std::function<Exit(const std::string&)>& work) {
  if (!parse_session_id(options.id)) return complain(shared, Exit::usage, "a hold's id has 16 hexadecimal digits");
  return work("/v1/holds/" + options.id);
}

Exit decide(const Shared& shared, const HoldOptions& options, const char* verb) {
  Json body = Json::object();
  if (!options.reason.empty()) body["reason"] = options.reason;
  if (options.is_override) body["override"] = true;
  if (!options.scope.empty()) body["scope"] = options.scope;
  if (!options.scope.empty() && options.scope != "unit") {
    const auto window = duration_ns(options.window.empty() ? "1h" : options.window);
    if (!window) return complain(shared, Exit::usage, "--for takes a number and s, m, h or d, for example 2h");
    body["window_ns"] = *window;
  } else if (!options.window.empty()) {
    return complain(shared, Exit::usage, "--for needs --scope session, principal or everywhere");
  }
  return with_id(shared, options, [&](const std::string& path) {
    return tell(shared, Client(shared.socket_path).post(path + "/" + verb, body), decision_text);
  });
}

// One line a change, until control goes away or the reader does.
Exit watch(const Shared& shared) {
  const Client client(shared.socket_path);
  Answer answer = client.get("/v1/holds/watch");
  while (answer.exit == Exit::ok) {
    const std::uint64_t sequence = answer.json.value("sequence", std::uint64_t{0});
    const Json changes = answer.json.value("changes", Json::array());
    for (const Json& change : changes) std::cout << (shared.json ? line_of(change) + "\n" : change_text(change));
    std::cout.flush();
    if (!std::cout.good()) return Exit::ok;
    const auto asked = std::chrono::steady_clock::now();
    answer = client.get("/v1/holds/watch?wait_ns=5000000000&after=" + std::to_string(sequence));
    // Where too many watch, control answers at once.
    const bool was_empty = answer.json.value("changes", Json::array()).empty();
    if (was_empty && std::chrono::steady_clock::now() - asked < std::chrono::seconds(1)) ::sleep(1);
  }
  return tell(shared, answer, nullptr);
}

void add_decision(CLI::App& holds, const Shared& shared, Exit& exit, const char* verb, const char* what) {
  auto options = std::make_shared<HoldOptions>();
  CLI::App* command = holds.add_subcommand(verb, what);
  command->add_option("ID", options->id, "of the hold")->required();
  CLI::Option* reason = command->add_option("--reason", options->reason, "for the record");
  command
      ->add_option("--scope", options->scope,
                   "unit; session; principal: all of theirs at this service; everywhere: at every service")
      ->check(CLI::IsMember({"unit", "session", "principal", "everywhere"}));
  command->add_option("--for", options->window, "how long a scope beyond the unit counts; 1h");
  if (std::string_view(verb) == "approve")
    command->add_flag("--override", options->is_override, "an emergency: at once, by root or the override group")
        ->needs(reason);
  else
    reason->required();
  command->callback([&shared, &exit, options, verb] { exit = decide(shared, *options, verb); });
}

void add_claim(CLI::App& holds, const Shared& shared, Exit& exit, const char* verb, const char* what) {
  auto options = std::make_shared<HoldOptions>();
  CLI::App* command = holds.add_subcommand(verb, what);
  command->add_option("ID", options->id, "of the hold")->required();
  command->callback([&shared, &exit, options, verb] {
    exit = with_id(shared, *options, [&](const std::string& path) {
      return tell(shared, Client(shared.socket_path).post(path + "/" + verb, Json::object()), claim_text);
    });
  });
}

}  // namespace

void add_holds(CLI::App& app, const Shared& shared, Exit& exit) {
  CLI::App* holds = app.add_subcommand("holds", "units that wait for a decision")->require_subcommand(1);
  auto options = std::make_shared<HoldOptions>();
  CLI::App* listing = holds->add_subcommand("list", "those that wait, the oldest first");
  listing->add_option("--state", options->state, "live, all, open, approved, rejected, passed, denied, expired, ...")
      ->capture_default_str();
  listing->add_option("--service", options->service, "of this service");
  listing->add_option("--principal", options->principal, "of this principal");
  listing->add_option("--session", options->session, "of this session");
  listing->add_option("--limit", options->limit, "at most so many")->capture_default_str();
  listing->add_option("--after", options->after, "that come after this one");
  listing->callback([&shared, &exit, options] { exit = list(shared, *options); });
  CLI::App* showing = holds->add_subcommand("show", "one with its exact parameters, votes and decision");
  showing->add_option("ID", options->id, "of the hold")->required();
  showing->callback([&shared, &exit, options] {
    exit = with_id(shared, *options, [&](const std::string& path) {
      return tell(shared, Client(shared.socket_path).get(path), hold_text);
    });
  });
  holds->add_subcommand("watch", "what happens to holds and orders, as it happens")->callback([&shared, &exit] {
    exit = watch(shared);
  });
  add_claim(*holds, shared, exit, "claim", "tell others that you look at it, for ten minutes");
  add_claim(*holds, shared, exit, "unclaim", "take that back");
  add_decision(*holds, shared, exit, "approve", "let it pass");
  add_decision(*holds, shared, exit, "reject", "deny it");
}

}  // namespace sluice::cli
