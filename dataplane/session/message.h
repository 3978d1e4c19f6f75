// One message of a unit (a request or a response) on its way: its scan, its findings, its record.
// Owns the order "scan, then record, then mask on the wire": the record never sees what its masks
// hide, and content is only released once it was decided.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/ip_address.h"
#include "common/unit.h"
#include "dataplane/session/across_scan.h"
#include "dataplane/session/carried_score.h"
#include "dataplane/session/context.h"
#include "dataplane/session/fingerprint.h"
#include "dataplane/session/held.h"

namespace sluice::session {

// Who and what a message belongs to; filled when its head is known.
struct UnitInfo {
  PolicyRef policy;
  const enforce::Service* service = nullptr;
  SessionId session = 0;
  std::uint32_t number = 0;
  std::string principal;
  IpAddress client_address;
  CallerRow* caller = nullptr;   // where it is counted
  enforce::Behaviours::Who who;  // where the service looks at behaviour
  std::uint32_t stream = 0;      // which of its caller's streams it may be a piece of
};

// How a message ended: whole, cut short, or refused by Sluice.
enum class Ending : std::uint8_t { complete, cut, refused };

// What the record says of an answer beside its content.
struct AnswerFacts {
  DurationNs duration = 0;       // since all of the request was let go, or came
  std::uint8_t transaction = 0;  // 'I', 'T' or 'E'
  std::uint64_t rows = 0;        // of PostgreSQL: DataRow and CopyData messages
  std::uint32_t pipeline = 0;    // of PostgreSQL: in which it was asked, from 1
};

class Message {
 public:
  // A new message of `unit` begins.
  void begin(const UnitInfo& unit, Direction direction);
  // Forgets the message without a word on the record (an interim response, whose head says all).
  void leave() { active_ = false; }
  [[nodiscard]] bool active() const { return active_; }
  // Content that follows is neither scanned nor recorded; its bytes are counted.
  void look_away() { unread_ = true; }
  [[nodiscard]] bool looks_away() const { return unread_; }
  [[nodiscard]] const UnitInfo& unit() const { return unit_; }
  [[nodiscard]] std::uint64_t decided() const { return decided_; }
  // A rule with action deny matched, and the service enforces.
  [[nodiscard]] bool denied() const { return denied_; }

  // Its content is looked at as that part of a whole which its Content-Range says.
  [[nodiscard]] bool is_ranged() const { return across_ != nullptr && across_->scan.is_ranged(); }

  // A limit had no room for it, and so became of it; `name` lives as long as the unit's policy.
  void note_limit(std::string_view name, Verdict verdict) {
    if (verdict < limit_verdict_) return;
    limit_ = name;
    limit_verdict_ = verdict;
  }
  // An order is about it, in a service that is only observed.
  void note_order(Verdict verdict) { limit_verdict_ = std::max(limit_verdict_, verdict); }
  // It waited for a decision, or an order let it pass; the texts are copied.
  void note_held(const record::Held& held);

  // That is so of it what a rule asks which looks for no text.
  void note_found(RuleIndex rule) { count(rule); }

  // How many matches of rules that hold were found, or of rules whose score is above a line that does, in a service
  // that enforces; and which rule found the last.
  [[nodiscard]] std::uint32_t hold_matches() const { return hold_matches_; }
  [[nodiscard]] std::string_view hold_rule() const { return hold_rule_; }  // empty: its score holds

  // A request's score begins with what its caller's behaviour is worth. Before its head.
  void weigh(const enforce::BehaviourPoints& points);
  void note_stream(std::uint32_t stream) { unit_.stream = stream; }
  // It runs what was found in messages before it to be worth so much. That alone was judged where it was found: lines
  // look at it with what is found here, and those that throttle in any case.
  void carry(const CarriedParts& carried);  // lives as long as the message
  // Some of its score is its own; and all that it came from.
  [[nodiscard]] bool adds_to_score() const { return score_.is_own; }
  [[nodiscard]] CarriedParts score_parts() const;
  // Of an answer: the server gives one, or says that it failed.
  void note_answer(bool failed) {
    answered_ = true;
    failed_ |= failed;
  }
  [[nodiscard]] std::uint32_t score() const { return score_.total; }
  // The highest that its score is above, or nullptr.
  [[nodiscard]] const enforce::RiskLine* line() const;
  // The one that says how often it may be done, or nullptr. What was let pass before has a pace all the same.
  [[nodiscard]] const enforce::RiskLine* pacing_line() const;
  // "above 50: behaviour/requests 40, local/wipe 30"
  [[nodiscard]] std::string score_text(Workspace& work) const;
  // Why it is denied().
  [[nodiscard]] ErrorCode denial() const { return rule_denied_ ? ErrorCode::rule_denied : ErrorCode::score_denied; }

  // From here on a copy is kept of what people may be shown, as it is on the record: its head, and the beginning of its
  // body. With `digest` it can be known again, too. Before its head.
  void keep_shown(bool digest) {
    shown_ = std::make_unique<Shown>();
    if (digest) digest_ = std::make_unique<RequestDigest>();
  }
  // Of all of it, once it is decided whole.
  [[nodiscard]] std::optional<enforce::Fingerprint> fingerprint(const TicketKey& key, std::uint64_t body_bytes);
  struct Shown {
    static constexpr std::size_t kMostBytes = 16 * 1024;  // of each
    std::string head;
    std::string body;
  };
  [[nodiscard]] const Shown* shown() const { return shown_.get(); }

  // What was found so far.
  [[nodiscard]] const std::vector<record::Hit>& hits() const { return hits_; }

  // Scans, records and masks a head that is the first run of `held`.
  ErrorCode head(Context& context, const http1::Head& head, Held& held);
  // A head that Sluice wrote itself, or the first line of one that it could not parse, of which no more
  // than kMaxLineBytes are recorded (but all is scanned, so that no match is cut).
  static constexpr std::size_t kMaxLineBytes = 256;
  void plain_head(Context& context, Bytes bytes, bool synthesized);
  // Decides what of the held content can be decided; with `last`, all of it.
  ErrorCode content(Context& context, Held& held, bool last);
  // Decides all of it of a message that ends in the middle of a value. What of that might have become part of a match
  // nobody will ever know, so that it is hidden wherever rules hide.
  ErrorCode cut_content(Context& context, Held& held);
  // Content [begin, end), which is a value that comes, is hidden as a whole by these rules; on the wire, `how` stands
  // in its place.
  void hide(std::span<const RuleIndex> rules, std::uint64_t begin, std::uint64_t end, postgres::Blank how);
  // Content from `offset` on, where it goes on, is not recorded; and again it is. Rules look at it all the same.
  void leave_out_from(std::uint64_t offset);
  void record_from(std::uint64_t offset);
  // The trailer section, whole, before it is released.
  ErrorCode trailers(Context& context, Held& held);
  // Writes the end of the message; nothing follows.
  void end(Context& context, std::uint64_t body_bytes, Ending ending, ErrorCode error, const AnswerFacts& answer = {});

 private:
  ErrorCode scan_block(Context& context, Bytes block);
  void count_matches(Context& context);
  const enforce::Rule& count(RuleIndex rule, std::uint32_t matches = 1);
  void add_score(std::uint32_t points);
  [[nodiscard]] std::uint32_t own_points(const record::Hit& hit) const;
  void count_line(const enforce::RiskLine& line);
  [[nodiscard]] const record::Score* told_score(Workspace& work) const;
  void tell_behaviours(Context& context, std::uint64_t body_bytes, Ending ending) const;
  // A copy of the content where its record will lie, to be scanned; empty when it is better scanned where it is.
  [[nodiscard]] Bytes draft(Context& context) const;
  ErrorCode scan_content(Context& context, const inspect::RuleSet* rules, Bytes drafted, bool last);
  [[nodiscard]] bool waits(const Held& held) const;
  void make_stars(Context& context, Bytes drafted = {});
  [[nodiscard]] std::uint64_t pass_left_out(std::uint64_t& from, std::uint64_t to);
  void record_content(Context& context, std::uint64_t from, std::uint64_t to, bool trailers, bool drafted = false);
  void star_record(Context& context, std::uint64_t from, MutableBytes out);
  void hide_head(Context& context, const http1::Head& head, MutableBytes out);
  void digest_content(const Context& context, std::uint64_t from, std::uint64_t to);
  void show_content(Context& context, std::uint64_t from, std::uint64_t to);
  void star_wire(Context& context, std::uint64_t from, std::uint64_t to);
  void look_ahead(Context& context);
  void veil_cut_value(Held& held);
  void veil_wire(Context& context, std::uint64_t from, std::uint64_t to);
  void veil_record(std::uint64_t from, MutableBytes out) const;
  [[nodiscard]] record::Subject subject() const;
  [[nodiscard]] bool recording() const;

  UnitInfo unit_;
  bool active_ = false;
  Direction direction_ = Direction::request;
  inspect::ScanState scan_;
  std::uint64_t decided_ = 0;  // content before it may go
  // Of a request to a service whose rules look across requests; then scans may be ahead of each other, and matches
  // wait with their stars until all of their bytes are decided.
  struct AcrossRequests {
    AcrossScan scan;
    std::vector<Match> ahead;
    std::vector<std::uint8_t> stars;
  };
  std::unique_ptr<AcrossRequests> across_;
  // Values that are hidden as a whole, in the order of content, as long as not all of them is decided.
  struct Veil {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    postgres::Blank how = postgres::Blank::stars;
    bool wire = false;
    bool record = false;
  };
  struct LeftOut {
    static constexpr std::uint64_t kOpen = ~std::uint64_t{0};
    std::uint64_t begin = 0;
    std::uint64_t end = kOpen;
  };
  struct Covers {
    std::vector<Veil> veils;
    std::vector<LeftOut> left_out;     // what is not decided of what is not recorded, in the order of content
    std::uint64_t left_out_bytes = 0;  // that were
  };
  std::unique_ptr<Covers> covers_;  // of the few messages that have some
  Covers& covers() {
    if (covers_ == nullptr) covers_ = std::make_unique<Covers>();
    return *covers_;
  }
  [[nodiscard]] std::uint64_t left_out_bytes() const { return covers_ == nullptr ? 0 : covers_->left_out_bytes; }
  std::vector<record::Hit> hits_;
  std::string_view limit_;
  Verdict limit_verdict_ = Verdict::pass;
  struct HeldStory {
    record::Held held;
    std::string cause, by, reason;
  };
  std::unique_ptr<HeldStory> held_;
  std::unique_ptr<Shown> shown_;
  std::unique_ptr<RequestDigest> digest_;
  struct Score {
    enforce::BehaviourPoints behaviour{};
    const CarriedParts* carried = nullptr;
    std::uint32_t total = 0;
    std::uint8_t crossed = 0;  // lines, by what was found here
    bool is_own = false;       // some of it is of this message
    bool denies = false;       // also in observe mode

    void reset() { *this = {}; }
  };
  Score score_;
  bool answered_ = false;  // of a response: by the server
  bool failed_ = false;    // likewise
  std::uint32_t hold_matches_ = 0;
  bool rule_holds_ = false;  // also in observe mode
  std::string_view hold_rule_;
  bool masked_ = false;
  bool denied_ = false;
  bool rule_denied_ = false;   // also in observe mode
  bool unread_ = false;        // from here on nothing looks
  bool unrecordable_ = false;  // the scanner gave up: what cannot be masked is not recorded
};

}  // namespace sluice::session
