// See across_scan.h. Positions of a part count from the first byte that is known before the body: left, body, right.
#include "dataplane/session/across_scan.h"

#include <algorithm>

#include "common/assert.h"

namespace sluice::session {
namespace {

using inspect::Scanner;
using inspect::ScanState;

// What `from` positions into left, content and right follows, as the scanner takes it.
void lay_out(Bytes left, const ContentView& content, Bytes right, std::uint64_t from, std::vector<Bytes>& window) {
  window.clear();
  const auto add = [&](Bytes piece) {
    const std::uint64_t skip = std::min<std::uint64_t>(from, piece.size());
    from -= skip;
    if (skip < piece.size()) window.push_back(piece.subspan(skip));
  };
  add(left);
  SLUICE_ASSERT(from >= content.begin());
  from -= content.begin();
  for (const Bytes piece : content.pieces()) add(piece);
  add(right);
}

// Matches that these bytes have by themselves: who let them through has seen those.
std::vector<Match> matches_of(Context& context, const inspect::RuleSet& rules, Bytes bytes, ScanState state) {
  std::vector<Match> matches;
  std::vector<Bytes>& window = context.work.window;
  window.assign(1, bytes.subspan(state.hold));
  // What cannot be decided is taken for new.
  if (Scanner::scan(rules, *context.scratch, state, window, true, matches) != ErrorCode::ok) matches.clear();
  return matches;
}

}  // namespace

void AcrossScan::begin(const enforce::Service& service) {
  parts_.clear();
  for (const enforce::Across& across : service.across) parts_.emplace_back().across = &across;
}

ErrorCode AcrossScan::tie(Context& context, const http1::Head& head, const Caller& caller, std::string_view service) {
  for (Part& part : parts_) {
    auto piece = piece_of(*part.across, service, caller, head, context.pieces, context.errors);
    if (!piece) return piece.error();
    part.piece = *piece;
  }
  return ErrorCode::ok;
}

bool AcrossScan::is_piece() const {
  return std::ranges::any_of(parts_, [](const Part& part) { return part.piece.has_value() && !part.complete; });
}

bool AcrossScan::is_ranged() const {
  return std::ranges::any_of(parts_, [](const Part& part) {
    return part.piece && part.piece->offset && part.across->offset == "content-range";
  });
}

std::uint64_t AcrossScan::decided() const {
  std::uint64_t least = ~std::uint64_t{0};
  for (const Part& part : parts_) least = std::min(least, part.decided);
  return least;
}

ErrorCode AcrossScan::scan(Context& context, bool last) {
  for (Part& part : parts_)
    if (const ErrorCode error = scan_part(context, part, last); error != ErrorCode::ok) return error;
  return ErrorCode::ok;
}

// Finds what lies before the piece. Not earlier than its first bytes are decided: other pieces may come meanwhile.
void AcrossScan::place(Context& context, Part& part) {
  if (part.placed) return;
  part.placed = true;
  const Pieces::Left left = context.pieces.left_of(part.piece->payload, part.piece->offset, context.now);
  part.begin = left.begin;
  part.left.assign(left.bytes.begin(), left.bytes.end());
  part.state = part.left_state = left.state;
}

ErrorCode AcrossScan::scan_part(Context& context, Part& part, bool last) {
  const ContentView& content = context.work.content;
  part.size = content.end();
  part.complete = false;
  if (part.piece) {
    place(context, part);
    const std::size_t known = part.head.size();
    const std::uint64_t until = std::min<std::uint64_t>(content.end(), Pieces::kEndBytes);
    if (known < until) {
      part.head.resize(until);
      content.copy(known, until, part.head.data() + known);
    }
    if (last) return scan_end(context, part);
  }
  std::vector<Match> found;
  lay_out(part.left, content, {}, part.state.hold, context.work.window);
  const ErrorCode error =
      Scanner::scan(*part.across->rules, *context.scratch, part.state, context.work.window, last, found);
  if (error != ErrorCode::ok) return error;
  part.decided = part.state.hold - std::min<std::uint64_t>(part.state.hold, part.left.size());
  take(context, part, {}, found);
  return ErrorCode::ok;
}

// The piece is complete: what follows it is known or not, and its payload goes on from what is undecided here.
ErrorCode AcrossScan::scan_end(Context& context, Part& part) {
  const inspect::RuleSet& rules = *part.across->rules;
  const ContentView& content = context.work.content;
  const Pieces::Right right = context.pieces.right_of(part.piece->payload, part.begin + part.size, context.now);
  std::vector<Match> found;
  for (const bool last : {false, true}) {
    lay_out(part.left, content, right.bytes, part.state.hold, context.work.window);
    const ErrorCode error = Scanner::scan(rules, *context.scratch, part.state, context.work.window, last, found);
    if (error != ErrorCode::ok) return error;
    if (!last) part.tail_state = part.state;
  }
  part.state.hold = std::min(part.state.hold, part.left.size() + part.size);
  part.through_right = right.whole;
  keep_tail(context, part, right.whole ? right.bytes : Bytes());
  part.decided = part.size;
  part.complete = true;
  take(context, part, right.bytes, found);
  return ErrorCode::ok;
}

// The last bytes of left, body and right, of what there is.
void AcrossScan::keep_tail(Context& context, Part& part, Bytes right) {
  const ContentView& content = context.work.content;
  const std::uint64_t end = part.left.size() + part.size + right.size();
  // Before the content lie bytes that are decided and gone.
  const std::uint64_t known = content.begin() == 0 ? 0 : part.left.size() + content.begin();
  std::uint64_t from = std::max(known, end - std::min<std::uint64_t>(end, Pieces::kEndBytes));
  // A scan that holds more than that begins anew with what is kept of it.
  if (part.tail_state.hold < from)
    part.tail_state = {};
  else
    part.tail_state.hold = std::min(part.tail_state.hold, end) - from;
  lay_out(part.left, content, right, from, context.work.window);
  part.tail.clear();
  for (const Bytes piece : context.work.window) part.tail.insert(part.tail.end(), piece.begin(), piece.end());
}

// Gives what lies in the body, or is complete only with it, to the matches.
void AcrossScan::take(Context& context, const Part& part, Bytes right, std::vector<Match>& found) {
  const std::uint64_t begin = part.left.size();
  const std::uint64_t end = begin + part.size;
  const auto lies_before = [&](const Match& match) { return match.end <= begin; };
  const auto lies_behind = [&](const Match& match) { return match.begin >= end; };
  std::vector<Match> before;
  std::vector<Match> behind;
  if (std::ranges::any_of(found, lies_before))
    before = matches_of(context, *part.across->rules, part.left, part.left_state);
  if (std::ranges::any_of(found, lies_behind)) behind = matches_of(context, *part.across->rules, right, {});
  for (Match match : found) {
    const Match of_right{match.rule, match.begin - std::min(match.begin, end), match.end - std::min(match.end, end)};
    if (lies_before(match) && std::ranges::find(before, match) != before.end()) continue;
    if (lies_behind(match) && std::ranges::find(behind, of_right) != behind.end()) continue;
    match.begin = std::clamp(match.begin, begin, end) - begin;
    match.end = std::max(match.end, begin) - begin;
    context.work.matches.push_back(match);
  }
}

void AcrossScan::keep(Context& context) {
  for (const Part& part : parts_) {
    if (!part.piece || !part.complete) continue;
    context.pieces.add(part.piece->payload,
                       {.begin = part.begin,
                        .size = part.size,
                        .head = part.head,
                        .tail = part.tail,
                        .through_right = part.through_right,
                        .state = part.tail_state},
                       part.across->life, context.now, context.errors);
  }
}

}  // namespace sluice::session
