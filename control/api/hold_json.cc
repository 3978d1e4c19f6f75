// See hold_json.h.
#include "control/api/hold_json.h"

#include <algorithm>

#include "common/session_id.h"

namespace sluice::control {
namespace {

Json decision_json(const Decision& decision) {
  Json out = {{"decision", decision.pass ? "approve" : "reject"},
              {"by", decision.by},
              {"reason", decision.reason},
              {"at", time_json(decision.at)},
              {"override", decision.is_override}};
  out["order"] = decision.order != 0 ? Json(decision.order) : Json(nullptr);
  return out;
}

Json vote_json(const Vote& vote) {
  return {{"by", vote.by},
          {"uid", vote.uid},
          {"decision", vote.approve ? "approve" : "reject"},
          {"at", time_json(vote.at)},
          {"scope", scope_name(vote.scope)},
          {"window_ns", vote.window_ns},
          {"override", vote.is_override},
          {"reason", vote.reason}};
}

std::string source_text(const OrderTold& order) {
  if (order.source_bits == 0) return {};
  const bool is_ipv4 = order.source.is_ipv4() && order.source_bits >= kIpv4PrefixBits;
  const unsigned bits = order.source_bits - (is_ipv4 ? kIpv4PrefixBits : 0);
  const unsigned whole = kAddressBits - (is_ipv4 ? kIpv4PrefixBits : 0);
  return format_address(order.source) + (bits == whole ? std::string() : "/" + std::to_string(bits));
}

}  // namespace

Json hold_json(const Hold& hold, std::uint32_t needed, WallNs now) {
  const HoldOpened& unit = hold.opened;
  const bool is_live = hold.state <= HoldState::rejected;
  const WallNs until = hold.ended != 0 ? hold.ended : now;
  Json out;
  out["id"] = format_session_id(unit.hold);
  out["state"] = hold_state_name(hold.state);
  out["service"] = unit.service;
  out["principal"] = unit.principal;
  out["principal_verified"] = unit.principal_verified;
  out["client"] = unit.client;
  out["session"] = format_session_id(unit.session);
  out["unit"] = unit.unit;
  out["cause"] = hold_cause_name(unit.cause);
  out["cause_name"] = unit.cause_name;
  out["cause_order"] = unit.order != 0 ? Json(unit.order) : Json(nullptr);
  out["score"] = unit.score;
  out["policy_version"] = unit.policy_version;
  out["ticket"] = unit.ticket;
  out["body_bytes"] = unit.body_bytes;
  out["opened"] = time_json(unit.wall_ns);
  out["waited_ns"] = until - std::min(until, unit.wall_ns);
  out["deadline"] = time_json(hold.deadline);
  out["remaining_ns"] = is_live ? hold.deadline - std::min(now, hold.deadline) : 0;
  out["passes_on_timeout"] = unit.passes_on_timeout;
  out["approvals"] = hold.approvals;
  out["needed"] = needed;
  out["claimed_by"] = is_live && hold.claim_until > now ? Json(hold.claimed_by) : Json(nullptr);
  out["decision"] = hold.decision ? decision_json(*hold.decision) : Json(nullptr);
  out["ended"] = time_json(hold.ended);
  return out;
}

Json hold_detail_json(const HoldDetail& detail, std::uint32_t needed, WallNs now) {
  Json out = hold_json(detail.hold, needed, now);
  out["head"] = bytes_json(detail.hold.opened.head);
  out["body"] = bytes_json(detail.hold.opened.body);
  out["body_shown_whole"] = detail.hold.opened.body.size() == detail.hold.opened.body_bytes;
  out["votes"] = Json::array();
  for (const Vote& vote : detail.votes) out["votes"].push_back(vote_json(vote));
  out["audit"] = Json::array();
  for (const AuditEntry& entry : detail.audit) out["audit"].push_back(audit_json(entry));
  return out;
}

Json order_json(const Order& order, WallNs now) {
  const OrderTold& told = order.told;
  const WindowState window = window_at(order.window, now);
  Json out;
  out["order"] = told.order;
  out["verdict"] = order_verdict_name(told.verdict);
  out["state"] = order_state_name(order.state);
  out["service"] = told.service;
  out["principal"] = told.principal;
  out["session"] = told.session != 0 ? Json(format_session_id(told.session)) : Json(nullptr);
  out["source"] = source_text(told);
  out["ticket"] = !told.fingerprint.empty();
  out["once"] = told.once;
  out["created"] = time_json(order.created);
  out["until"] = time_json(order.until);
  out["remaining_ns"] = order.until != 0 ? Json(order.until - std::min(now, order.until)) : Json(nullptr);
  out["window"] = format_window(order.window);
  out["counts_now"] = order.state == OrderState::active && window.is_open && (order.until == 0 || order.until > now);
  out["by"] = told.by;
  out["reason"] = told.reason;
  out["override"] = order.is_override;
  out["hold"] = order.from_hold != 0 ? Json(format_session_id(order.from_hold)) : Json(nullptr);
  out["ended"] = time_json(order.ended);
  out["ended_by"] = order.ended_by;
  return out;
}

Json audit_json(const AuditEntry& entry) {
  return {{"sequence", entry.sequence},
          {"at", time_json(entry.at)},
          {"by", entry.by},
          {"what", entry.what},
          {"hold", entry.hold != 0 ? Json(format_session_id(entry.hold)) : Json(nullptr)},
          {"order", entry.order != 0 ? Json(entry.order) : Json(nullptr)},
          {"reason", entry.reason},
          {"override", entry.is_override}};
}

}  // namespace sluice::control
