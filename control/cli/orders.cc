// Grants, pauses and bans: orders about what comes. See holds.h.
#include <iostream>
#include <memory>

#include "control/cli/fields.h"
#include "control/cli/holds.h"
#include "control/cli/print_holds.h"
#include "control/cli/text.h"

namespace sluice::cli {
namespace {

struct OrderOptions {
  std::string service, principal, source, session;
  std::string window, hours, days, zone, reason;
  bool is_override = false, all = false;
  std::uint64_t order = 0;
};

Exit add(const Shared& shared, const OrderOptions& options, const char* verdict) {
  Json body = {{"verdict", verdict}};
  for (const auto& [name, value] : {std::pair<const char*, const std::string&>{"service", options.service},
                                    {"principal", options.principal},
                                    {"source", options.source},
                                    {"session", options.session},
                                    {"hours", options.hours},
                                    {"days", options.days},
                                    {"zone", options.zone},
                                    {"reason", options.reason}})
    if (!value.empty()) body[name] = value;
  if (!options.window.empty()) {
    const auto window = duration_ns(options.window);
    if (!window) return complain(shared, Exit::usage, "--for takes a number and s, m, h or d, for example 2h");
    body["window_ns"] = *window;
  }
  if (options.is_override) body["override"] = true;
  return tell(shared, Client(shared.socket_path).post("/v1/orders", body), order_text);
}

Exit list(const Shared& shared, const OrderOptions& options) {
  const std::string path = options.all ? "/v1/orders?state=all" : "/v1/orders";
  return tell(shared, Client(shared.socket_path).get(path), orders_text);
}

std::string order_path(const OrderOptions& options) {
  return "/v1/orders/" + std::to_string(options.order);
}

Exit revoke(const Shared& shared, const OrderOptions& options) {
  const std::string path = with_query(order_path(options), {{"reason", options.reason}});
  return tell(shared, Client(shared.socket_path).remove(path), order_text);
}

Exit vote(const Shared& shared, const OrderOptions& options, const char* verb) {
  Json body = Json::object();
  if (!options.reason.empty()) body["reason"] = options.reason;
  return tell(shared, Client(shared.socket_path).post(order_path(options) + "/" + verb, body), order_text);
}

bool is_same(const Json& order, const OrderOptions& options) {
  return text_of(order, "service") == options.service && text_of(order, "principal") == options.principal &&
         text_of(order, "source") == options.source && text_of(order, "session") == options.session;
}

// Takes back every pause that says the same.
Exit resume(const Shared& shared, const OrderOptions& options) {
  const Answer pauses = Client(shared.socket_path).get("/v1/orders?verdict=hold");
  if (pauses.exit != Exit::ok) return tell(shared, pauses, nullptr);
  Exit exit = Exit::ok;
  std::size_t found = 0;
  for (const Json& order : pauses.json.value("orders", Json::array())) {
    if (!is_same(order, options)) continue;
    ++found;
    OrderOptions one = options;
    one.order = number_of(order, "order");
    if (const Exit done = revoke(shared, one); done != Exit::ok) exit = done;
  }
  if (found == 0)
    return complain(shared, Exit::refused, "no pause says exactly that; `sluice grants list` shows those there are");
  return exit;
}

void add_about(CLI::App& command, OrderOptions& options) {
  command.add_option("--principal", options.principal, "whose units");
  command.add_option("--service", options.service, "at this service");
  command.add_option("--source", options.source, "from ADDRESS or ADDRESS/BITS");
  command.add_option("--session", options.session, "of this session");
  command.add_option("--reason", options.reason, "for the record");
}

void add_grants(CLI::App& app, const Shared& shared, Exit& exit) {
  CLI::App* grants = app.add_subcommand("grants", "orders: grants, pauses and bans")->require_subcommand(1);
  auto options = std::make_shared<OrderOptions>();
  CLI::App* listing = grants->add_subcommand("list", "those there are, the newest first");
  listing->add_flag("--all", options->all, "also those that are over");
  listing->callback([&shared, &exit, options] { exit = list(shared, *options); });
  CLI::App* adding = grants->add_subcommand("add", "let a principal's units pass that would be held");
  add_about(*adding, *options);
  CLI::Option* reason = adding->get_option("--reason");
  adding->add_option("--for", options->window, "how long, for example 2h or 30d")->required();
  adding->add_option("--window", options->hours, "only in these hours of the day, for example 22:00-06:00");
  adding->add_option("--days", options->days, "only windows that open on these days, for example mon-fri");
  adding->add_option("--zone", options->zone, "whose clocks, for example Europe/Berlin; UTC");
  adding->add_flag("--override", options->is_override, "an emergency: at once, by root or the override group")
      ->needs(reason);
  adding->callback([&shared, &exit, options] { exit = add(shared, *options, "pass"); });
  CLI::App* revoking = grants->add_subcommand("revoke", "take an order back");
  revoking->add_option("ORDER", options->order, "its number")->required();
  revoking->add_option("--reason", options->reason, "for the record");
  revoking->callback([&shared, &exit, options] { exit = revoke(shared, *options); });
  for (const char* verb : {"approve", "reject"}) {
    CLI::App* voting = grants->add_subcommand(verb, "one that was proposed, where it takes several people");
    voting->add_option("ORDER", options->order, "its number")->required();
    voting->add_option("--reason", options->reason, "for the record");
    voting->callback([&shared, &exit, options, verb] { exit = vote(shared, *options, verb); });
  }
}

}  // namespace

void add_orders(CLI::App& app, const Shared& shared, Exit& exit) {
  add_grants(app, shared, exit);
  struct Stop {
    const char* name;
    const char* what;
    const char* verdict;
  };
  for (const Stop& stop :
       {Stop{"pause", "hold what comes from now on", "hold"}, Stop{"ban", "deny what comes from now on", "deny"}}) {
    auto options = std::make_shared<OrderOptions>();
    CLI::App* command = app.add_subcommand(stop.name, stop.what);
    add_about(*command, *options);
    command->get_option("--reason")->required();
    command->add_option("--for", options->window, "how long, for example 2h; until it is taken back otherwise");
    command->callback([&shared, &exit, options, verdict = stop.verdict] { exit = add(shared, *options, verdict); });
  }
  auto options = std::make_shared<OrderOptions>();
  CLI::App* resuming = app.add_subcommand("resume", "take a pause back: say the same as when it was made");
  add_about(*resuming, *options);
  resuming->callback([&shared, &exit, options] { exit = resume(shared, *options); });
}

}  // namespace sluice::cli
