// Watches counts by the rules of an alerts file and says what begins and what is over. No clock, no thread, no I/O:
// counts and `now` (monotonic) come in, changes come out.
//
// Always: an alert is raised at most once until it is over. Nothing is concluded from time that was not seen: a gap, a
// data plane that began anew and counts that went back give no numbers, end what was about to be raised, and let what
// is raised stand. At most kMaxSeries numbers are followed at once, kMaxGivenSeries of names that callers gave
// themselves and kMaxSeriesOfSource of those from one source; what finds no room is counted.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/alerts/rule.h"
#include "control/alerts/snapshot.h"
#include "control/alerts/tally.h"

namespace sluice::control {

struct AlertChange {
  bool is_raised = false;
  AlertRule rule = {};
  AlertKey key = {};
  double value = 0;                          // that it was raised or over with
  bool rule_is_gone = false;                 // why it is over
  std::vector<std::string> principals = {};  // with it: whose it is, or who has most of it, the first most
};

class AlertEvaluator {
 public:
  static constexpr std::size_t kMaxSeries = 4096;
  static constexpr std::size_t kMaxGivenSeries = kMaxSeries * 3 / 4;
  static constexpr std::size_t kMaxSeriesOfSource = 256;
  static constexpr std::size_t kMaxRows = 16 * 1024;   // whose counts are remembered
  static constexpr std::size_t kMaxPrincipals = 5;     // that a change names
  static constexpr DurationNs kMaxGap = 10 * kSecond;  // between two reports that follow each other

  // Rules that stay as they are go on; a rule that changed begins anew, with what is raised by it. What was raised by
  // one that is gone is over.
  std::vector<AlertChange> set_rules(const std::vector<AlertRule>& rules);
  // After a start: it was raised before. False when no rule is of that name and kind.
  bool restore(const std::string& rule, const AlertKey& key);

  // Rows of which AlertPer the rules look at, as snapshot_of() takes it, and whether they ask what is held.
  [[nodiscard]] unsigned pers() const;
  [[nodiscard]] bool needs_held() const;
  // The same snapshot again changes nothing.
  std::vector<AlertChange> step(const AlertSnapshot& snapshot, TimeNs now);

  // What there is of it now, where there is a number.
  [[nodiscard]] std::optional<double> value(const std::string& rule, const AlertKey& key) const;
  [[nodiscard]] std::size_t series() const;
  [[nodiscard]] std::uint64_t untracked() const { return untracked_; }  // times that one found no room

 private:
  static constexpr std::size_t kRecent = 6;  // what of callers is remembered to name them

  struct Series {
    Tally window;
    std::optional<Tally> short_window;  // of a burn rate
    std::uint64_t gauge = 0;
    bool is_active = false;
    TimeNs above_since = kNever;
    TimeNs below_since = kNever;
    std::optional<double> value;
  };
  struct Watch {
    AlertRule rule;
    Tally seen;  // ns that reports cover
    std::optional<Tally> short_seen;
    std::map<AlertKey, Series> series;
  };
  struct Level {  // of one number
    std::optional<double> value = {};
    bool is_above = false;
    bool is_below = false;
  };

  static Watch watch(const AlertRule& rule);
  static Series series_of(const AlertRule& rule);
  static bool is_about(const AlertRule& rule, const AlertKey& key);
  static Level level(const Watch& watch, const Series& series);
  static Level burn_level(const Watch& watch, const Series& series);
  // The rows as what was added since the last, which they then replace.
  std::vector<CountRow> differences(const AlertSnapshot& snapshot, bool is_gap);
  void remember(const std::vector<CountRow>& rows);
  void add(Watch& watch, const std::vector<CountRow>& rows, TimeNs now);
  void count_given();
  [[nodiscard]] bool has_room(const AlertKey& key) const;
  void judge(Watch& watch, TimeNs now, std::vector<AlertChange>& changes);
  [[nodiscard]] std::vector<std::string> principals(const AlertRule& rule, const AlertKey& key) const;

  std::vector<Watch> watches_;
  std::optional<WallNs> epoch_;
  WallNs last_wall_ = 0;
  std::map<AlertKey, CountRow> before_;
  bool had_too_many_ = false;                               // rows: one that is not among `before_` need not be new
  std::map<AlertKey, std::array<double, kRecent>> recent_;  // of principals; fades
  std::map<std::uint64_t, std::size_t> given_;              // series of names that callers gave themselves, by source
  std::size_t all_given_ = 0;
  std::uint64_t untracked_ = 0;
};

}  // namespace sluice::control
