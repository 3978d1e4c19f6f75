// Heads of messages: scanned whole, recorded, masked. See message.h.
#include <algorithm>
#include <cstring>

#include "common/stage_clock.h"
#include "dataplane/session/message.h"

namespace sluice::session {

// What neither rules nor credentials let stand on the record, in a copy of a whole head.
void Message::hide_head(Context& context, const http1::Head& head, MutableBytes out) {
  star_record(context, 0, out);
  Workspace& work = context.work;
  work.ranges.clear();
  http1::credential_ranges(head, work.ranges);
  for (const http1::Range& range : work.ranges)
    std::fill(out.begin() + range.begin, out.begin() + range.end, std::uint8_t{'*'});
}

ErrorCode Message::head(Context& context, const http1::Head& head, Held& held) {
  answered_ = head.status >= 200;
  failed_ = head.status >= 400;
  Workspace& work = context.work;
  if (digest_ != nullptr)
    digest_->begin({.service = unit_.service->name,
                    .principal = unit_.principal,
                    .network = unit_.policy->snapshot->principal_of(unit_.client_address),
                    .source = unit_.client_address.source()},
                   head);
  ErrorCode untied = ErrorCode::ok;
  if (across_ != nullptr) {
    untied = across_->scan.tie(context, head, {unit_.principal, unit_.client_address}, unit_.service->name);
    if (untied != ErrorCode::ok && unit_.service->mode == enforce::Mode::observe) context.errors.add(untied);
  }
  if (const ErrorCode error = scan_block(context, head.bytes); error != ErrorCode::ok) {
    unrecordable_ = true;
    if (unit_.service->mode == enforce::Mode::enforce) return error;
    work.matches.clear();
  }
  // Masks are made on a copy: the head may lie in the reader's buffer, and its edits need the original.
  if (!work.matches.empty()) {
    work.bytes.assign(head.bytes.begin(), head.bytes.end());
    work.content.reset(0);
    work.content.add(work.bytes);
    make_stars(context);
  }
  if (recording()) {
    const StageScope stage(Stage::record);
    const MutableBytes out = context.recorder.head(
        subject(), {.unit = unit_.number, .direction = direction_, .informational = head.status / 100 == 1},
        head.bytes.size(), context.wall);
    if (!out.empty()) {
      std::memcpy(out.data(), head.bytes.data(), out.size());
      hide_head(context, head, out);
    }
  }
  if (shown_ != nullptr && !unrecordable_) {
    shown_->head = as_text(head.bytes);
    hide_head(context, head, {reinterpret_cast<std::uint8_t*>(shown_->head.data()), shown_->head.size()});
    if (shown_->head.size() > Shown::kMostBytes) shown_->head.resize(Shown::kMostBytes);
  }
  if (masked_ && unit_.service->mode == enforce::Mode::enforce) {
    star_wire(context, 0, work.content.end());
    work.ranges.clear();
    http1::maskable_ranges(head, work.ranges);
    for (const http1::Range& range : work.ranges)
      held.overwrite_head(range.begin, Bytes(work.bytes).subspan(range.begin, range.end - range.begin));
  }
  return unit_.service->mode == enforce::Mode::enforce ? untied : ErrorCode::ok;
}

void Message::plain_head(Context& context, Bytes bytes, bool synthesized) {
  Workspace& work = context.work;
  work.bytes.assign(bytes.begin(), bytes.end());
  work.content.reset(0);
  work.content.add(work.bytes);
  work.matches.clear();
  if (!synthesized && scan_block(context, bytes) != ErrorCode::ok) return;
  make_stars(context);
  if (shown_ != nullptr) {
    shown_->head = as_text(bytes.first(std::min(bytes.size(), Shown::kMostBytes)));
    star_record(context, 0, {reinterpret_cast<std::uint8_t*>(shown_->head.data()), shown_->head.size()});
  }
  if (!recording()) return;
  if (!synthesized) bytes = bytes.first(std::min(bytes.size(), kMaxLineBytes));
  const MutableBytes out =
      context.recorder.head(subject(), {.unit = unit_.number, .direction = direction_, .synthesized = synthesized},
                            bytes.size(), context.wall);
  if (out.empty()) return;
  std::memcpy(out.data(), bytes.data(), out.size());
  star_record(context, 0, out);
}

}  // namespace sluice::session
