// See hold_reader.h.
#include "rules/hold_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/time.h"
#include "rules/bounds.h"

namespace sluice::rules {
namespace {

constexpr Word<bool> kOnTimeouts[] = {{"deny", false}, {"pass", true}};

void read_timeout(const YamlNode& node, HoldTerms& hold, Report& report) {
  const auto text = read_text(node, report);
  if (!text) return;
  const auto seconds = parse_seconds(*text, kMaxHoldNs / kSecond);
  if (seconds)
    hold.timeout_ns = *seconds * kSecond;
  else
    report.add(node.position, fmt::format("{} is no time to wait for a decision", show(*text)),
               "1s to 24h, for example 15m");
}

void read_approvers(const YamlNode& node, Approvers& approvers, Report& report) {
  Fields fields(node, "approvers", report);
  if (const YamlNode* groups = fields.get("groups")) {
    const auto items = read_one_or_list(*groups, "groups", report);
    if (items.size() > kMaxApproverGroups)
      report.add(groups->position, fmt::format("{} groups", items.size()),
                 fmt::format("at most {}", kMaxApproverGroups));
    for (const YamlNode& item : items) {
      auto name = read_name(item, "a group", report);
      if (!name) continue;
      if (std::ranges::find(approvers.groups, *name) != approvers.groups.end())
        report.add(item.position, fmt::format("group {} is given twice", show(*name)), "remove one of them");
      approvers.groups.push_back(*std::move(name));
    }
  }
  if (const YamlNode* minimum = fields.get("minimum"))
    approvers.minimum = read_number(*minimum, 1, kMaxApprovers, report).value_or(approvers.minimum);
  fields.finish();
}

}  // namespace

HoldTerms read_hold(const YamlNode& node, Report& report) {
  HoldTerms hold;
  Fields fields(node, "hold", report);
  if (const YamlNode* timeout = fields.get("timeout")) read_timeout(*timeout, hold, report);
  if (const YamlNode* on = fields.get("on_timeout"))
    hold.pass_on_timeout = read_choice(*on, kOnTimeouts, report).value_or(hold.pass_on_timeout);
  if (const YamlNode* body = fields.get("body"))
    hold.body_bytes = read_size(*body, kMinHoldBytes, kMaxHoldBytes, report).value_or(hold.body_bytes);
  if (const YamlNode* approvers = fields.get("approvers")) read_approvers(*approvers, hold.approvers, report);
  if (const YamlNode* ticket = fields.get("ticket")) {
    hold.ticket = read_bool(*ticket, report).value_or(false);
    if (hold.ticket && hold.pass_on_timeout)
      report.add(ticket->position, "a ticket that passes on its timeout: nobody waits for it then",
                 "on_timeout: deny, or remove ticket");
  }
  fields.finish();
  return hold;
}

}  // namespace sluice::rules
