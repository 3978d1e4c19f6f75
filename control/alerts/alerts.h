// Alerts at work: looks at the data plane's reports each second on a thread of its own, keeps what is raised and over,
// pauses whom a rule says, and notes both on the audit. Sinks ask here what there is to tell; none of them is waited
// for.
//
// A pause waits for no store of alerts and for no other pause. One that fails is tried again while its alert is active,
// kPauseAttempts times over some minutes.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "control/alerts/evaluator.h"
#include "control/alerts/store.h"
#include "control/approvals/approvals.h"
#include "control/channel/server.h"

namespace sluice::control {

inline constexpr std::size_t kMaxAlertSessions = 16;  // that an alert names
inline constexpr unsigned kPauseAttempts = 10;
// Orders that alerts made about names that callers gave themselves, of all and of those from one source: so there is
// always room among kMaxOrders for others.
inline constexpr std::size_t kMaxGivenPauses = kMaxOrders / 2;
inline constexpr std::size_t kMaxPausesOfSource = 64;

// How it went with a sink.
struct SinkStatus {
  std::string name = {}, kind = {};
  std::uint64_t told = 0;
  std::uint64_t given_up = 0;
  std::uint64_t lost = 0;    // given up, or forgotten before it was told; since control began, or not said to it yet
  std::string problem = {};  // with what is tried now; empty: none
};

struct AlertsStatus {
  std::vector<std::pair<AlertRule, std::uint64_t>> rules;  // and how many of each are active
  std::vector<SinkStatus> sinks;
  std::uint64_t series = 0, untracked = 0;
  std::uint64_t unpaused = 0;  // pauses that were given up
  std::string file;
  WallNs loaded = 0;
  std::string refused;  // why the file that is there now was not taken; empty: it was
};

class Alerts {
 public:
  struct Sources {
    std::function<ChannelStatus()> status;
    // The latest sessions of a principal at a service, at most kMaxAlertSessions; may take a second.
    std::function<std::vector<SessionId>(const AlertKey& caller)> sessions;
  };

  // `approvals` outlives it. What was active is so again when its rule is set.
  static Result<std::unique_ptr<Alerts>> open(const std::string& path, Approvals& approvals, Sources sources);
  ~Alerts();

  void set_file(const AlertFile& file, const std::string& path);
  // The file on disk is not the one that counts.
  void set_refused(const std::string& why);
  void start();
  void stop();
  // What the thread does again and again, at a monotonic time.
  void step(TimeNs now);

  // --- any thread
  [[nodiscard]] AlertsStatus status();
  Result<std::vector<Alert>> alerts(const AlertQuery& query);
  Result<std::optional<Alert>> alert(AlertId id);
  // Its number now, where there is one.
  std::optional<double> value(const Alert& alert);
  [[nodiscard]] WallNs now() const { return approvals_.now(); }

  // --- sinks
  // What there is to tell after `sequence`; waits up to `wait` for the first of it.
  Result<std::vector<AlertEvent>> events(std::uint64_t sequence, std::uint64_t limit, DurationNs wait);
  Result<std::uint64_t> sink_cursor(const std::string& name);
  Result<void> set_sink_cursor(const std::string& name, std::uint64_t sequence);
  // Of what it is not told, and was not told of: an event that says how much; nothing where there is none.
  Result<std::optional<AlertEvent>> lost_event(const std::string& name);
  Result<void> told_of_lost(const std::string& name, std::uint64_t count);
  Result<void> note_given_up(const std::string& name, std::uint64_t sequence);
  void note_sink(const std::string& name, bool told, bool given_up, const std::string& problem);

 private:
  using Place = std::pair<std::string, AlertKey>;  // rule, whose
  struct Change {
    AlertChange what;
    Alert alert = {};
    bool is_begun = false;  // paused, or not to be
    bool is_ready = false;  // for the store
  };
  struct Pausing {  // a pause that failed
    AlertRule rule;
    AlertKey key;
    std::string reason;
    unsigned attempts = 1;
    TimeNs again = 0;
  };

  Alerts(std::unique_ptr<AlertStore> store, Approvals& approvals, Sources sources)
      : approvals_(approvals), sources_(std::move(sources)), store_(std::move(store)) {}
  Result<void> load();
  void run();
  void evaluate(TimeNs now);
  void settle(TimeNs now);
  void begin(Change& change, TimeNs now);
  void begin_pause(Change& change, TimeNs now);
  void make_ready(Change& change);
  static std::string maker_of(const AlertRule& rule);
  // The order that holds it; what is wrong where none does.
  Result<OrderId> pause(const AlertRule& rule, const AlertKey& key, const std::string& reason, std::string& action);
  void try_pauses_again(TimeNs now);
  bool try_pause_again(Pausing& one, TimeNs now);
  bool is_active(const Place& place);
  bool is_told_still(const AlertRule& rule);  // as it was
  void forget_pause(const Place& place);
  void tell_pause(const Place& place, OrderId order, const std::string& action);
  Result<void> keep(Change& change);

  Approvals& approvals_;
  const Sources sources_;

  std::mutex mutex_;  // guards what follows, but for settling_
  std::condition_variable changed_;
  std::unique_ptr<AlertStore> store_;
  AlertEvaluator evaluator_;
  std::map<Place, AlertId> active_;
  std::deque<AlertChange> changes_;  // not settled yet
  AlertsStatus status_;              // all but what is counted when it is asked for
  bool stopping_ = false;

  std::deque<Change> settling_;   // of the one who steps; those that the store did not take are tried again
  bool store_failed_ = false;     // likewise: it was said
  std::vector<Pausing> pausing_;  // likewise
  std::thread thread_;
};

}  // namespace sluice::control
