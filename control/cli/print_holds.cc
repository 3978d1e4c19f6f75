// See print_holds.h.
#include "control/cli/print_holds.h"

#include <fmt/format.h>

#include "control/cli/fields.h"
#include "control/cli/text.h"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

// "45s", "12m05s", "3h20m", "4d3h"
std::string span_text(std::uint64_t ns) {
  const std::uint64_t s = ns / kSecondNs;
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
  if (s < 86400) return fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
  return fmt::format("{}d{}h", s / 86400, s / 3600 % 24);
}

std::string or_dash(std::string text) {
  return text.empty() ? "-" : std::move(text);
}

std::string cause_of(const Json& hold) {
  const std::string cause = text_of(hold, "cause");
  if (cause == "score") return fmt::format("score/{}", number_of(hold, "score"));
  if (cause == "order") return fmt::format("order/{}", number_of(hold, "cause_order"));
  return cause + "/" + text_of(hold, "cause_name");
}

std::string state_of(const Json& hold) {
  std::string state = text_of(hold, "state");
  if (const Json decision = part(hold, "decision"); decision.is_object() && is_true(decision, "override"))
    state += " OVERRIDE";
  return state;
}

std::string votes_of(const Json& hold) {
  const std::uint64_t needed = number_of(hold, "needed");
  return fmt::format("{}/{}", number_of(hold, "approvals"), needed == 0 ? "?" : std::to_string(needed));
}

std::string time_left(const Json& order) {
  const auto found = order.find("remaining_ns");
  const std::string state = text_of(order, "state");
  if (state != "active" && state != "proposed") return "-";
  return found != order.end() && found->is_number() ? span_text(found->get<std::uint64_t>()) : "until taken back";
}

std::string order_state_of(const Json& order) {
  std::string state = text_of(order, "state");
  if (state == "active" && !is_true(order, "counts_now")) state = "waits for its hours";
  if (is_true(order, "override")) state += " OVERRIDE";
  return state;
}

std::string story(const Json& hold) {
  std::string out;
  for (const Json& vote : hold.value("votes", Json::array())) {
    std::string scope = text_of(vote, "scope");
    if (scope != "unit") scope += " for " + span_text(number_of(vote, "window_ns"));
    out += fmt::format("vote        {} UTC {}, {}, {}\n", human_time(text_of(vote, "at")), text_of(vote, "decision"),
                       scope, said(vote));
  }
  if (const Json decision = part(hold, "decision"); decision.is_object()) {
    out += fmt::format("decision    {} UTC {}, {}\n", human_time(text_of(decision, "at")),
                       text_of(decision, "decision"), said(decision));
    if (const auto order = number_of(decision, "order"); order != 0)
      out += fmt::format("            as order {}\n", order);
  }
  if (const std::string ended = text_of(hold, "ended"); !ended.empty())
    out += fmt::format("ended       {} UTC {}\n", human_time(ended), text_of(hold, "state"));
  return out;
}

}  // namespace

std::string holds_text(const Json& list) {
  Table table({"HOLD", "STATE", "SERVICE", "PRINCIPAL", "CAUSE", "BYTES", "WAITED", "LEFT", "VOTES", "CLAIMED BY"});
  for (const Json& hold : list.value("holds", Json::array()))
    table.add({text_of(hold, "id"), state_of(hold), text_of(hold, "service"), or_dash(text_of(hold, "principal")),
               cause_of(hold), human_bytes(number_of(hold, "body_bytes")), span_text(number_of(hold, "waited_ns")),
               text_of(hold, "ended").empty() ? span_text(number_of(hold, "remaining_ns")) : "-", votes_of(hold),
               or_dash(text_of(hold, "claimed_by"))});
  if (table.empty()) return "nothing is held\n";
  return table.text() + (is_true(list, "more") ? "(there are more: narrow it down, or --limit, or --after)\n" : "");
}

std::string hold_text(const Json& hold) {
  std::string out = fmt::format("hold        {}, {}{}\n", text_of(hold, "id"), state_of(hold),
                                is_true(hold, "ticket") ? ", a ticket: nobody waits" : "");
  out +=
      fmt::format("service     {}, policy version {}\n", text_of(hold, "service"), number_of(hold, "policy_version"));
  out += fmt::format("principal   {} from {}\n", principal_of(hold), text_of(hold, "client"));
  out += fmt::format("session     {}, unit {}\n", text_of(hold, "session"), number_of(hold, "unit"));
  const bool by_score = text_of(hold, "cause") == "score";
  out += fmt::format("cause       {}, {}\n", cause_of(hold),
                     by_score ? text_of(hold, "cause_name") : fmt::format("score {}", number_of(hold, "score")));
  out += fmt::format("waiting     {} since {} UTC\n", span_text(number_of(hold, "waited_ns")),
                     human_time(text_of(hold, "opened")));
  if (text_of(hold, "ended").empty())
    out += fmt::format("then        {} in {}\n", is_true(hold, "passes_on_timeout") ? "passes" : "denied",
                       span_text(number_of(hold, "remaining_ns")));
  out += fmt::format("approvals   {}\n", votes_of(hold));
  if (const std::string claimed = text_of(hold, "claimed_by"); !claimed.empty())
    out += fmt::format("claimed by  {}\n", claimed);
  out += story(hold);
  out += "\n" + indented(bytes_of(part(hold, "head")));
  const std::uint64_t bytes = number_of(hold, "body_bytes");
  if (bytes == 0) return out;
  out += indented(bytes_of(part(hold, "body")));
  if (!is_true(hold, "body_shown_whole")) out += fmt::format("    … {} so far\n", human_bytes(bytes));
  return out;
}

std::string decision_text(const Json& answer) {
  if (!is_true(answer, "decided"))
    return fmt::format("noted as {}'s; {} of {} approvals\n", text_of(answer, "by"), number_of(answer, "approvals"),
                       number_of(answer, "needed"));
  std::string out = fmt::format("{} {} by {}", text_of(answer, "id"), text_of(answer, "state"), text_of(answer, "by"));
  if (const auto covered = number_of(answer, "covered"); covered != 0) out += fmt::format(", and {} others", covered);
  if (const auto order = number_of(answer, "order"); order != 0) out += fmt::format("; order {}", order);
  return out + (is_true(answer, "data_plane_connected")
                    ? "\n"
                    : "\nthe data plane is not connected; it is told when it is back\n");
}

std::string claim_text(const Json& hold) {
  const std::string by = text_of(hold, "claimed_by");
  return text_of(hold, "id") + (by.empty() ? " is nobody's\n" : " is looked at by " + by + "\n");
}

std::string change_text(const Json& change) {
  std::string what = text_of(change, "hold");
  if (const auto order = number_of(change, "order"); what.empty() && order != 0) what = fmt::format("order {}", order);
  std::string out = human_time(text_of(change, "at"));
  if (!what.empty()) out += " " + what;
  out += " " + text_of(change, "what");
  if (!text_of(change, "by").empty() || !text_of(change, "reason").empty()) out += " " + said(change);
  return out + "\n";
}

std::string order_about(const Json& order) {
  std::string out;
  for (const char* key : {"principal", "source", "session", "service"})
    if (const std::string value = text_of(order, key); !value.empty())
      out += (out.empty() ? "" : ", ") + std::string(key) + " " + value;
  if (is_true(order, "ticket")) out += ", one ticket";
  return out;
}

std::string orders_text(const Json& list) {
  Table table({"ORDER", "VERDICT", "STATE", "ABOUT", "LEFT", "HOURS", "BY", "REASON"});
  for (const Json& order : list.value("orders", Json::array()))
    table.add({std::to_string(number_of(order, "order")), text_of(order, "verdict"), order_state_of(order),
               order_about(order), time_left(order), or_dash(text_of(order, "window")), text_of(order, "by"),
               or_dash(text_of(order, "reason"))});
  return table.empty() ? "there are none\n" : table.text();
}

std::string order_text(const Json& order) {
  std::string out = fmt::format("order {} is {}: {} for {}", number_of(order, "order"), order_state_of(order),
                                text_of(order, "verdict"), order_about(order));
  const bool is_over = !text_of(order, "ended").empty();
  if (!is_over) out += ", " + time_left(order);
  if (const std::string window = text_of(order, "window"); !window.empty()) out += ", " + window;
  if (text_of(order, "state") == "proposed") out += "; others must approve it";
  out += "\n";
  const auto obeyed = order.find("obeyed");
  if (obeyed == order.end() || *obeyed != false) return out;
  out += is_over ? "its end is kept, " : "it is kept, ";
  if (is_true(order, "data_plane_connected"))
    out += is_over ? "and the data plane has not said yet that it lets go\n"
                   : "and the data plane has not said yet that it obeys it\n";
  else
    out += "and not in force yet: no data plane is connected; it is told when one is\n";
  return out;
}

}  // namespace sluice::cli
