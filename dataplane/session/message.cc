// See message.h.
#include "dataplane/session/message.h"

#include <algorithm>
#include <cstring>

#include "common/assert.h"
#include "common/stage_clock.h"
#include "dataplane/inspect/mask.h"

namespace sluice::session {
namespace {

using enforce::Action;

// Matches in a row are often of one rule.
class RuleOf {
 public:
  explicit RuleOf(const enforce::Snapshot& snapshot) : snapshot_(snapshot) {}
  const enforce::Rule& operator()(const Match& match) {
    if (rule_ == nullptr || index_ != match.rule) rule_ = &snapshot_.rule(index_ = match.rule);
    return *rule_;
  }

 private:
  const enforce::Snapshot& snapshot_;
  const enforce::Rule* rule_ = nullptr;
  RuleIndex index_ = 0;
};

}  // namespace

void Message::begin(const UnitInfo& unit, Direction direction) {
  unit_ = unit;
  active_ = true;
  direction_ = direction;
  scan_ = {};
  decided_ = 0;
  across_.reset();
  if (direction == Direction::request && !unit.service->across.empty()) {
    across_ = std::make_unique<AcrossRequests>();
    across_->scan.begin(*unit.service);
  }
  covers_.reset();
  hits_.clear();
  limit_ = {};
  limit_verdict_ = Verdict::pass;
  held_.reset();
  shown_.reset();
  digest_.reset();
  hold_matches_ = 0;
  rule_holds_ = false;
  hold_rule_ = {};
  masked_ = denied_ = rule_denied_ = unread_ = unrecordable_ = false;
  score_.reset();
  answered_ = failed_ = false;
}

record::Subject Message::subject() const {
  return {.session = unit_.session,
          .service = unit_.service->name,
          .record_class = unit_.service->record_class,
          .principal = unit_.principal.empty() ? kAnonymous : std::string_view(unit_.principal),
          .principal_verified = false,
          .best_effort = unit_.service->record == enforce::RecordMode::best_effort};
}

bool Message::recording() const {
  return unit_.service->record != enforce::RecordMode::off && !unrecordable_;
}

void Message::count_matches(Context& context) {
  const StageScope stage(Stage::enforce);
  const std::vector<Match>& matches = context.work.matches;
  for (auto one = matches.begin(); one != matches.end();) {  // often many in a row are of one rule
    const auto other = std::find_if(one, matches.end(), [&](const Match& match) { return match.rule != one->rule; });
    count(one->rule, static_cast<std::uint32_t>(other - one));
    one = other;
  }
}

const enforce::Rule& Message::count(RuleIndex index, std::uint32_t matches) {
  const enforce::Rule& rule = unit_.policy->snapshot->rule(index);
  const bool enforcing = unit_.service->mode == enforce::Mode::enforce;
  unit_.policy->rules[index]->add(matches);
  auto hit = std::ranges::find(hits_, index, &record::Hit::rule);
  if (hit == hits_.end()) {
    hit = hits_.insert(hits_.end(), record::Hit{index, 0, rule.name});
    if (rule.score != 0) add_score(own_points(*hit));
  }
  hit->count += matches;
  masked_ |= rule.action == Action::mask && rule.masks_wire(direction_);
  rule_denied_ |= rule.action == Action::deny;
  denied_ |= rule_denied_ && enforcing;
  if (rule.action != Action::hold) return rule;
  rule_holds_ = true;
  hold_rule_ = rule.name;
  if (enforcing) hold_matches_ += matches;
  return rule;
}

// Masked copies of all matches are made from the bytes as they came, before any is written back, so
// that overlapping matches of different rules hide the union of what each hides. `drafted`: the content, if it is in
// one piece somewhere.
void Message::make_stars(Context& context, Bytes drafted) {
  const StageScope stage(Stage::inspect);
  Workspace& work = context.work;
  work.stars.clear();
  RuleOf rule_of(*unit_.policy->snapshot);
  for (Match& match : work.matches) {
    const enforce::Rule& rule = rule_of(match);
    std::uint32_t keep_last = rule.keep_last;
    if (match.end > work.content.end()) {  // what it ends with came in an earlier request
      match.end = work.content.end();
      keep_last = 0;
    }
    const std::size_t at = work.stars.size();
    if (drafted.empty()) {
      work.stars.resize(at + (match.end - match.begin));
      work.content.copy(match.begin, match.end, work.stars.data() + at);
    } else {
      const std::uint8_t* const begin = drafted.data() + (match.begin - work.content.begin());
      work.stars.insert(work.stars.end(), begin, begin + (match.end - match.begin));
    }
    inspect::mask_in_place(MutableBytes(work.stars).subspan(at), keep_last,
                           rule.masks_signs ? inspect::Cover::signs : inspect::Cover::letters);
  }
}

// Of content [from, to), which has not left.
void Message::star_wire(Context& context, std::uint64_t from, std::uint64_t to) {
  const StageScope stage(Stage::inspect);
  Workspace& work = context.work;
  RuleOf rule_of(*unit_.policy->snapshot);
  if (unit_.service->mode != enforce::Mode::enforce) return;
  std::size_t at = 0;
  for (const Match& match : work.matches) {
    const std::size_t bytes = match.end - match.begin;
    const enforce::Rule& rule = rule_of(match);
    const std::uint64_t begin = std::max(match.begin, from);
    const std::uint64_t end = std::min(match.end, to);
    if (rule.action == Action::mask && rule.masks_wire(direction_) && begin < end)
      work.content.star(begin, Bytes(work.stars).subspan(at + (begin - match.begin), end - begin));
    at += bytes;
  }
  veil_wire(context, from, to);
}

// `out` holds a copy of content [from, from + out.size()); hides what the rules hide from the record.
void Message::star_record(Context& context, std::uint64_t from, MutableBytes out) {
  const Workspace& work = context.work;
  RuleOf rule_of(*unit_.policy->snapshot);
  const std::uint64_t to = from + out.size();
  std::size_t at = 0;
  for (const Match& match : work.matches) {
    const std::size_t bytes = match.end - match.begin;
    const enforce::Rule& rule = rule_of(match);
    if (rule.mask_record && match.begin < to && match.end > from) {
      const std::uint64_t begin = std::max(match.begin, from);
      const std::uint64_t end = std::min(match.end, to);
      inspect::copy_stars(Bytes(work.stars).subspan(at + (begin - match.begin), end - begin),
                          out.subspan(begin - from, end - begin));
    }
    at += bytes;
  }
  veil_record(from, out);
}

ErrorCode Message::scan_block(Context& context, Bytes block) {
  const StageScope stage(Stage::inspect);
  Workspace& work = context.work;
  work.matches.clear();
  const auto place = enforce::place_of(direction_, Part::head);
  const inspect::RuleSet* rules = unit_.service->scan(place);
  if (rules == nullptr) return ErrorCode::ok;
  inspect::ScanState state;
  const ErrorCode error = inspect::Scanner::scan(*rules, *context.scratch, state, {&block, 1}, true, work.matches);
  if (error == ErrorCode::ok) count_matches(context);
  return error;
}

ErrorCode Message::content(Context& context, Held& held, bool last) {
  const std::uint64_t from = decided_;
  if (last) veil_cut_value(held);
  if (held.content_end() == from && !last) return ErrorCode::ok;
  if (unread_) {
    decided_ = held.content_end();
    return ErrorCode::ok;
  }
  if (!last && waits(held)) return ErrorCode::ok;
  Workspace& work = context.work;
  const StageScope stage(Stage::inspect);
  work.matches.clear();
  work.stars.clear();
  held.view_content(from, work.content);
  const inspect::RuleSet* rules = unit_.service->scan(enforce::place_of(direction_, Part::body));
  const Bytes drafted =
      rules != nullptr && recording() && (covers_ == nullptr || covers_->left_out.empty()) ? draft(context) : Bytes();
  if (drafted.empty()) work.content.spell_out();
  if ((rules == nullptr && across_ == nullptr) || unrecordable_) {
    decided_ = held.content_end();
  } else if (const ErrorCode error = scan_content(context, rules, drafted, last); error != ErrorCode::ok) {
    unrecordable_ = true;
    if (unit_.service->mode == enforce::Mode::enforce) return error;
    work.matches.clear();
    decided_ = held.content_end();
    return ErrorCode::ok;
  }
  if (recording()) record_content(context, from, decided_, false, !drafted.empty());
  if (shown_ != nullptr && !unrecordable_) show_content(context, from, decided_);
  if (digest_ != nullptr) digest_content(context, from, decided_);
  if (work.matches.empty() && covers_ == nullptr) return ErrorCode::ok;
  star_wire(context, from, decided_);
  if (covers_ != nullptr) std::erase_if(covers_->veils, [this](const Veil& veil) { return veil.end <= decided_; });
  if (across_ != nullptr) look_ahead(context);
  return ErrorCode::ok;
}

// What came is cold, and often many pieces. The copy that the record has anyway is one, and warm.
Bytes Message::draft(Context& context) const {
  const ContentView& content = context.work.content;
  const std::uint64_t bytes = content.end() - content.begin();
  if (bytes > record::kMaxSliceBytes) return {};
  const StageScope stage(Stage::record);
  const MutableBytes out = context.recorder.draft(subject(), bytes);
  if (!out.empty()) content.copy(content.begin(), content.end(), out.data());
  return out;
}

// Finds the new matches of all rules; behind them in the workspace lie those that are not yet decided whole.
ErrorCode Message::scan_content(Context& context, const inspect::RuleSet* rules, Bytes drafted, bool last) {
  Workspace& work = context.work;
  decided_ = work.content.end();
  if (rules != nullptr) {
    std::span<const Bytes> window;
    if (!drafted.empty()) {
      work.window.assign(1, drafted.subspan(scan_.hold - work.content.begin()));
      window = work.window;
    } else if (scan_.hold > work.content.begin()) {
      work.content.pieces_from(scan_.hold, work.window);
      window = work.window;
    } else {
      window = work.content.pieces();
    }
    const ErrorCode error = inspect::Scanner::scan(*rules, *context.scratch, scan_, window, last, work.matches);
    if (error != ErrorCode::ok) return error;
    decided_ = scan_.hold;
  }
  if (across_ != nullptr) {
    if (const ErrorCode error = across_->scan.scan(context, last); error != ErrorCode::ok) return error;
    decided_ = std::min(decided_, across_->scan.decided());
  }
  if (!work.matches.empty()) {
    count_matches(context);
    make_stars(context, drafted);
  }
  if (across_ != nullptr) {
    work.matches.insert(work.matches.end(), across_->ahead.begin(), across_->ahead.end());
    work.stars.insert(work.stars.end(), across_->stars.begin(), across_->stars.end());
    across_->ahead.clear();
    across_->stars.clear();
  }
  return ErrorCode::ok;
}

// A piece of a payload is decided at once, so that it makes no difference how it came; unless it comes in so many
// pieces itself that they must go.
bool Message::waits(const Held& held) const {
  return across_ != nullptr && across_->scan.is_piece() && held.content_end() < unit_.service->window_bytes &&
         held.run_count() <= Held::kMaxRuns / 2;
}

// Matches that one scan found in what another has not decided.
void Message::look_ahead(Context& context) {
  const Workspace& work = context.work;
  auto stars = work.stars.begin();
  for (const Match& match : work.matches) {
    const auto end = stars + static_cast<std::ptrdiff_t>(match.end - match.begin);
    if (match.end > decided_) {
      across_->ahead.push_back(match);
      across_->stars.insert(across_->stars.end(), stars, end);
    }
    stars = end;
  }
}

ErrorCode Message::trailers(Context& context, Held& held) {
  Workspace& work = context.work;
  held.view_trailers(work.content);
  const std::uint64_t end = work.content.end();
  if (end == 0) return ErrorCode::ok;
  work.bytes.resize(end);
  work.content.copy(0, end, work.bytes.data());
  if (const ErrorCode error = scan_block(context, work.bytes); error != ErrorCode::ok) {
    unrecordable_ = true;
    return unit_.service->mode == enforce::Mode::enforce ? error : ErrorCode::ok;
  }
  if (digest_ != nullptr) digest_->add(work.bytes);
  make_stars(context);
  if (recording()) record_content(context, 0, end, true);
  star_wire(context, 0, end);  // '*' may stand in names and values alike, so the section stays well-formed
  return ErrorCode::ok;
}

// `drafted`: all of it is one slice, and there already.
void Message::record_content(Context& context, std::uint64_t from, std::uint64_t to, bool trailers, bool drafted) {
  const StageScope stage(Stage::record);
  while (const std::uint64_t end = pass_left_out(from, to)) {
    const std::size_t bytes = std::min<std::uint64_t>(end - from, record::kMaxSliceBytes);
    const MutableBytes out = context.recorder.slice(subject(),
                                                    {.unit = unit_.number,
                                                     .direction = direction_,
                                                     .offset = from - left_out_bytes(),
                                                     .trailers = trailers,
                                                     .drafted = drafted},
                                                    bytes, context.wall);
    if (!out.empty()) {
      if (!drafted) context.work.content.copy(from, from + bytes, out.data());
      star_record(context, from, out);
    }
    from += bytes;
  }
}

// As it came, whatever is masked.
void Message::digest_content(const Context& context, std::uint64_t from, std::uint64_t to) {
  std::uint64_t at = context.work.content.begin();
  for (const Bytes piece : context.work.content.pieces()) {
    const std::uint64_t begin = std::max(at, from);
    const std::uint64_t end = std::min<std::uint64_t>(at + piece.size(), to);
    if (begin < end) digest_->add(piece.subspan(begin - at, end - begin));
    at += piece.size();
  }
}

// Of what was found only that counts for which a request is held: other rules may come and go with a policy.
std::optional<enforce::Fingerprint> Message::fingerprint(const TicketKey& key, std::uint64_t body_bytes) {
  if (digest_ == nullptr) return std::nullopt;
  std::vector<record::Hit> found;
  for (const record::Hit& hit : hits_) {
    const enforce::Rule& rule = unit_.policy->snapshot->rule(hit.rule);
    if (rule.action == Action::hold || rule.score != 0) found.push_back(hit);
  }
  std::ranges::sort(found, {}, &record::Hit::rule_name);
  return digest_->finish(key, body_bytes, found);
}

void Message::show_content(Context& context, std::uint64_t from, std::uint64_t to) {
  std::string& body = shown_->body;
  to = std::min<std::uint64_t>(to, Shown::kMostBytes);
  if (from >= to) return;
  const std::size_t at = body.size();
  body.resize(at + (to - from));
  const MutableBytes out(reinterpret_cast<std::uint8_t*>(body.data()) + at, to - from);
  context.work.content.copy(from, to, out.data());
  star_record(context, from, out);
}

void Message::note_held(const record::Held& held) {
  held_ = std::make_unique<HeldStory>(
      HeldStory{held, std::string(held.cause), std::string(held.by), std::string(held.reason)});
  held_->held.cause = held_->cause;
  held_->held.by = held_->by;
  held_->held.reason = held_->reason;
  if (held.hold != 0) limit_verdict_ = std::max(limit_verdict_, Verdict::hold);
}

void Message::end(Context& context, std::uint64_t body_bytes, Ending ending, ErrorCode error,
                  const AnswerFacts& answer) {
  const StageScope stage(Stage::record);
  Verdict verdict = masked_ ? Verdict::mask : Verdict::pass;
  verdict = std::max(verdict, limit_verdict_);
  if (rule_holds_ && unit_.service->mode == enforce::Mode::observe) verdict = std::max(verdict, Verdict::hold);
  const bool refused = ending == Ending::refused && error != ErrorCode::hold_ticket;
  if (rule_denied_ || score_.denies || refused) verdict = Verdict::deny;
  // How far scans are ahead of each other, and hidden values of them, hangs on how bytes came.
  if (across_ != nullptr || covers_ != nullptr) std::ranges::sort(hits_, {}, &record::Hit::rule);
  if (across_ != nullptr && ending == Ending::complete && !denied_) across_->scan.keep(context);
  if (unit_.service->record != enforce::RecordMode::off) {
    context.recorder.end(subject(),
                         {.unit = unit_.number,
                          .direction = direction_,
                          .verdict = verdict,
                          .error = unrecordable_ && error == ErrorCode::ok ? ErrorCode::scan_failed : error,
                          .policy_version = unit_.policy->snapshot->version(),
                          .body_bytes = body_bytes - left_out_bytes(),
                          .complete = ending == Ending::complete,
                          .observed = unit_.service->mode == enforce::Mode::observe,
                          .hits = hits_,
                          .limit = limit_,
                          .held = held_ == nullptr ? nullptr : &held_->held,
                          .score = told_score(context.work),
                          .duration = answer.duration,
                          .transaction = answer.transaction,
                          .rows = answer.rows,
                          .pipeline = answer.pipeline},
                         context.wall);
  }
  if (unit_.service->risk.has_behaviours) tell_behaviours(context, body_bytes, ending);
  Counter& bytes = direction_ == Direction::request ? unit_.caller->request_bytes : unit_.caller->response_bytes;
  bytes.add(body_bytes);
  active_ = false;
}

}  // namespace sluice::session
