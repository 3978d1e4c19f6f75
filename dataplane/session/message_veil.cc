// Values that are hidden for what they are, not for what they hold, and content that is not recorded; see message.h. A
// veil is laid before the value is
// decided, and covers of it what is decided, however often.
#include <algorithm>

#include "dataplane/session/message.h"

namespace sluice::session {

void Message::hide(std::span<const RuleIndex> rules, std::uint64_t begin, std::uint64_t end, postgres::Blank how) {
  Veil veil{.begin = begin, .end = end, .how = how};
  for (const RuleIndex index : rules) {
    const enforce::Rule& rule = count(index);
    veil.wire |= rule.action == enforce::Action::mask && rule.masks_wire(direction_);
    veil.record |= rule.mask_record;
  }
  if (begin < end && (veil.wire || veil.record)) covers().veils.push_back(veil);
}

// A value that never became whole has no text in which anything could be found.
void Message::veil_cut_value(Held& held) {
  const auto bytes = static_cast<std::uint32_t>(held.open_bytes());
  if (bytes == 0) return;
  held.close_plain(bytes);
  const std::uint64_t end = held.content_end();
  covers().veils.push_back({.begin = end - bytes, .end = end, .wire = true, .record = true});
}

ErrorCode Message::cut_content(Context& context, Held& held) {
  if (const ErrorCode error = content(context, held, false); error != ErrorCode::ok) return error;
  const std::uint64_t begin = std::max(decided_, held.last_plain_begin());
  const enforce::Snapshot& snapshot = *unit_.policy->snapshot;
  bool hides = false;
  for (RuleIndex rule = 0; rule < snapshot.rule_count(); ++rule) hides |= snapshot.rule(rule).mask_record;
  const bool hides_wire =
      unit_.service->masks_wire[static_cast<std::size_t>(enforce::place_of(direction_, Part::body))];
  if (begin < held.content_end() && (hides || hides_wire))
    covers().veils.push_back({.begin = begin, .end = held.content_end(), .wire = hides_wire, .record = hides});
  return content(context, held, true);
}

// Of content [from, to), which has not left, in a service that enforces.
void Message::veil_wire(Context& context, std::uint64_t from, std::uint64_t to) {
  if (covers_ == nullptr) return;
  for (const Veil& veil : covers_->veils) {
    const std::uint64_t begin = std::max(veil.begin, from);
    const std::uint64_t end = std::min(veil.end, to);
    if (veil.wire && begin < end) context.work.content.blank(begin, end, veil.how, veil.begin, veil.end);
  }
}

// `out` holds a copy of content from `from` on.
void Message::veil_record(std::uint64_t from, MutableBytes out) const {
  if (covers_ == nullptr) return;
  for (const Veil& veil : covers_->veils) {
    const std::uint64_t begin = std::max(veil.begin, from);
    const std::uint64_t end = std::min(veil.end, from + out.size());
    if (veil.record && begin < end) std::ranges::fill(out.subspan(begin - from, end - begin), std::uint8_t{'*'});
  }
}

void Message::leave_out_from(std::uint64_t offset) {
  if (recording()) covers().left_out.push_back({.begin = offset});
}

void Message::record_from(std::uint64_t offset) {
  if (covers_ == nullptr || covers_->left_out.empty()) return;
  if (LeftOut& last = covers_->left_out.back(); last.end == LeftOut::kOpen) last.end = offset;
}

// Goes over what of [from, to) is not recorded at its beginning. Returns where what is recorded then ends; 0: nothing
// is.
std::uint64_t Message::pass_left_out(std::uint64_t& from, std::uint64_t to) {
  while (from < to && covers_ != nullptr && !covers_->left_out.empty()) {
    const LeftOut next = covers_->left_out.front();
    if (next.begin > from) return std::min(next.begin, to);
    const std::uint64_t end = std::min(next.end, to);
    if (end > from) {
      covers_->left_out_bytes += end - from;
      from = end;
    }
    if (next.end > to) break;
    covers_->left_out.erase(covers_->left_out.begin());
  }
  return from < to ? to : 0;
}

}  // namespace sluice::session
