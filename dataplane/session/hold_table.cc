// See hold_table.h.
#include "dataplane/session/hold_table.h"

#include <algorithm>
#include <cstring>

#include "common/assert.h"
#include "common/bytes.h"

namespace sluice::session {

void HoldText::set(buffer::Slabs& blocks, std::string_view head, std::string_view body) {
  head = head.substr(0, kMostBytes);
  body = body.substr(0, kMostBytes);
  head_bytes_ = static_cast<std::uint32_t>(head.size());
  body_bytes_ = static_cast<std::uint32_t>(body.size());
  std::size_t at = 0;
  for (std::string_view text : {head, body}) {
    while (!text.empty()) {
      std::uint8_t*& block = blocks_[at / kBlockBytes];
      if (block == nullptr) block = static_cast<std::uint8_t*>(blocks.take());
      const std::size_t here = std::min(text.size(), kBlockBytes - at % kBlockBytes);
      std::memcpy(block + at % kBlockBytes, text.data(), here);
      text.remove_prefix(here);
      at += here;
    }
  }
}

void HoldText::clear() {
  for (std::uint8_t*& block : blocks_)
    if (block != nullptr) buffer::Slabs::give_back(std::exchange(block, nullptr));
  head_bytes_ = body_bytes_ = 0;
}

Hold* HoldTable::open(const NewHold& from, TimeNs now, WallNs wall) {
  const auto tickets = tickets_of_.find(from.client_address.source());
  const bool too_many = from.ticket != nullptr && tickets != tickets_of_.end() && tickets->second >= kMostTickets;
  const bool crowds = from.ticket != nullptr && tickets_.size() >= most_ / 2;  // who waits needs room, too
  if (too_many || crowds || by_id_.size() + leaving_.size() >= most_) {
    counters_.exhausted.add();
    return nullptr;
  }
  Hold& hold = untold_.emplace_back();
  hold.id = ids_.next();
  hold.session = from.session;
  hold.unit = from.unit;
  hold.began_wall = wall;
  hold.began = now;
  hold.deadline = now + from.timeout;
  hold.passes_on_timeout = from.passes_on_timeout;
  hold.cause = from.cause;
  hold.order = from.order;
  hold.score = from.score;
  hold.policy_version = from.policy_version;
  hold.client_address = from.client_address;
  hold.client_port = from.client_port;
  hold.waiter = from.waiter;
  copy_name(hold.service, from.service);
  copy_name(hold.principal, from.principal);
  copy_name(hold.network, from.network);
  copy_name(hold.cause_name, from.cause_name);
  if (from.ticket != nullptr) {
    hold.ticket = true;
    hold.fingerprint = *from.ticket;
    tickets_.emplace(hold.deadline, hold.id);
    by_fingerprint_.emplace(*hold.fingerprint, &hold);
    ++tickets_of_[hold.client_address.source()];
  }
  by_id_.emplace(hold.id, std::prev(untold_.end()));
  counters_.opened.add();
  counters_.open.store(by_id_.size(), std::memory_order_relaxed);
  return &hold;
}

bool HoldTable::show(Hold& hold, std::string_view head, std::string_view body, std::uint64_t body_bytes) {
  if (hold.lent) return false;
  hold.text.set(blocks_, head, body);
  hold.body_bytes = body_bytes;
  if (std::exchange(hold.told, false)) untold_.splice(untold_.end(), told_, by_id_.at(hold.id));
  return true;
}

void HoldTable::end(Hold& hold, HoldEnding ending, WallNs wall) {
  const auto found = by_id_.find(hold.id);
  SLUICE_ASSERT(found != by_id_.end() && &*found->second == &hold);
  const List::iterator at = found->second;
  by_id_.erase(found);
  if (hold.ticket) forget_ticket(hold);
  counters_.ended[static_cast<std::size_t>(ending)].add();
  counters_.open.store(by_id_.size(), std::memory_order_relaxed);
  if (hold.ever_told && !events_.push({.kind = HoldEvent::Kind::ended, .id = hold.id, .ending = ending, .wall = wall}))
    begins_pass_ = true;
  hold.waiter = nullptr;
  List& from = hold.told ? told_ : untold_;
  if (hold.lent)
    leaving_.splice(leaving_.end(), from, at);
  else
    from.erase(at);
}

void HoldTable::forget_ticket(const Hold& hold) {
  tickets_.erase({hold.deadline, hold.id});
  by_fingerprint_.erase(*hold.fingerprint);
  const auto count = tickets_of_.find(hold.client_address.source());
  if (--count->second == 0) tickets_of_.erase(count);
}

void HoldTable::use(const enforce::Order& order, SessionId session, std::uint32_t unit) {
  if (!order.once) return;
  const Used used{order.id, session, unit};
  used_.emplace(order.id, used);
  used_untold_.push_back(used);
}

void HoldTable::take_all(TimeNs now, WallNs wall) {
  const Hold* back = nullptr;
  while (returned_.pop(back)) take_back(back);
  take_orders(wall);
  if (const std::uint32_t asked = asked_.load(std::memory_order_acquire); asked != answered_) {
    answered_ = asked;
    begins_pass_ = true;
  }
  HoldDecision decision;
  while (decisions_.pop(decision)) {
    const auto found = by_id_.find(decision.id);
    if (found != by_id_.end()) decide(*found->second, decision.pass, false, decision.by, decision.reason, wall);
  }
  judge(now, wall);
  expire_tickets(now, wall);
}

void HoldTable::take_back(const Hold* lent) {
  const auto found = by_id_.find(lent->id);
  if (found == by_id_.end()) {
    std::erase_if(leaving_, [lent](const Hold& hold) { return &hold == lent; });
    return;
  }
  Hold& hold = *found->second;
  hold.lent = false;
  wake(hold.waiter);  // there may be more to see
}

void HoldTable::settle_key(WallNs wall) {
  if (orders_ == nullptr || !orders_->ticket_key() || *orders_->ticket_key() == ticket_key_) return;
  ticket_key_ = *orders_->ticket_key();
  while (!tickets_.empty()) end(*by_id_.at(tickets_.begin()->second), HoldEnding::cut, wall);
}

// What was used up stays so for as long as it is on the list.
void HoldTable::take_orders(WallNs wall) {
  const auto swap = [&](OrdersPtr& orders) {
    std::swap(orders_, orders);
    if (!std::exchange(key_is_settled_, true)) settle_key(wall);
  };
  if (!new_orders_.take(swap)) return;
  const auto is_listed = [this](std::uint64_t id) {
    return orders_ != nullptr &&
           std::ranges::any_of(orders_->all(), [id](const auto& order) { return order.id == id; });
  };
  std::erase_if(used_, [&](const auto& used) { return !is_listed(used.first); });
  to_judge_.clear();
  for (const auto& [id, at] : by_id_) to_judge_.push_back(id);
}

// What waits and is meant by the new orders is decided by them.
void HoldTable::judge(TimeNs now, WallNs wall) {
  for (std::size_t i = 0; i < kJudged && !to_judge_.empty(); ++i) {
    const auto found = by_id_.find(to_judge_.back());
    to_judge_.pop_back();
    if (found == by_id_.end()) continue;
    Hold& hold = *found->second;
    if (hold.ticket) continue;  // who asks again will meet them
    if (hold.decision != Hold::Decision::none) continue;
    const enforce::Order* order = order_for({.service = hold.service,
                                             .principal = hold.principal,
                                             .network = hold.network,
                                             .session = hold.session,
                                             .address = hold.client_address,
                                             .fingerprint = nullptr},
                                            now);
    if (order == nullptr || order->verdict == OrderVerdict::hold) {
      if (hold.cause != HoldCause::order) continue;
      hold.judge_anew = true;  // the pause may have been taken back
      wake(hold.waiter);
      continue;
    }
    const bool pass = order->verdict == OrderVerdict::pass;
    if (pass) use(*order, hold.session, hold.unit);
    decide(hold, pass, true, order->by, order->reason, wall);
  }
}

void HoldTable::decide(Hold& hold, bool pass, bool by_order, std::string_view by, std::string_view reason,
                       WallNs wall) {
  if (hold.decision != Hold::Decision::none) return;
  if (hold.ticket) return end(hold, pass ? HoldEnding::passed : HoldEnding::denied, wall);
  hold.decision = pass ? Hold::Decision::pass : Hold::Decision::deny;
  hold.by_order = by_order;
  copy_name(hold.by, by);
  copy_name(hold.reason, reason);
  wake(hold.waiter);
}

void HoldTable::expire_tickets(TimeNs now, WallNs wall) {
  while (!tickets_.empty() && tickets_.begin()->first <= now)
    end(*by_id_.at(tickets_.begin()->second), HoldEnding::expired, wall);
}

void HoldTable::tell_all(WallNs wall) {
  if (begins_pass_) {
    if (!events_.push({.kind = HoldEvent::Kind::pass_begins, .wall = wall, .asked = answered_})) return;
    for (Hold& hold : told_) hold.told = false;
    untold_.splice(untold_.begin(), told_);
    used_untold_.clear();
    for (const auto& [order, used] : used_) used_untold_.push_back(used);
    begins_pass_ = false;
    ends_pass_ = true;
  }
  while (!untold_.empty()) {
    Hold& hold = untold_.front();
    if (hold.lent) return;  // it comes back first
    if (!events_.push({.kind = HoldEvent::Kind::opened, .hold = &hold, .id = hold.id, .wall = wall})) return;
    hold.told = hold.ever_told = hold.lent = true;
    told_.splice(told_.end(), untold_, untold_.begin());
  }
  while (!used_untold_.empty()) {
    const Used& used = used_untold_.back();
    if (!events_.push({.kind = HoldEvent::Kind::order_used,
                       .wall = wall,
                       .order = used.order,
                       .session = used.session,
                       .unit = used.unit}))
      return;
    used_untold_.pop_back();
  }
  if (ends_pass_) ends_pass_ = !events_.push({.kind = HoldEvent::Kind::all_told, .wall = wall});
}

}  // namespace sluice::session
