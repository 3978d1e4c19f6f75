// One connection to the PostgreSQL server that a session is replayed to, over libpq: one statement at a time, its rows
// one by one, as text. Every wait has a time limit, and ends when control stops; no message that is kept is larger than
// kMostMessageBytes, and what nobody reads has a limit, too.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "control/replay/http_peer.h"
#include "control/replay/postgres_target.h"

struct pg_conn;
struct pg_result;

namespace sluice::control {

struct PgFree {
  void operator()(pg_conn* connection) const;
  void operator()(pg_result* result) const;
};
using PgResult = std::unique_ptr<pg_result, PgFree>;

// A value as it is bound; without bytes it is NULL.
struct BoundValue {
  std::optional<std::string> bytes;
  bool is_binary = false;
};

class PostgresPeer {
 public:
  // What the session had set when it began.
  struct SessionSettings {
    std::string options;  // those of the target come behind them
    std::string client_encoding = "UTF8";
    std::string application_name = "sluice replay";
  };
  struct Settings {
    Target address;
    PostgresTarget target;  // with user and database
    std::string passfile;   // empty: there is no password
    int timeout_seconds = 30;
    SessionSettings session = {};
  };
  static Result<PostgresPeer> connect(const Settings& settings, const std::atomic<bool>& stopping);

  // How long the server may say nothing, and how long all that is asked until the next call may take.
  void be_patient(int seconds) { be_patient(seconds, kMostSilences * seconds); }
  void be_patient(int seconds, int seconds_in_all);

  // Each begins what next() then tells the results of. What was not read of the one before is dropped.
  Result<void> query(const std::string& text);
  Result<void> prepare(const std::string& name, const std::string& text);
  Result<void> describe(const std::string& name);
  Result<void> run(const std::string& name, const std::vector<BoundValue>& values);
  Result<void> set(const std::string& setting, const std::string& value);

  // Ends what was begun, all of which is read then. Without it no more can be asked.
  Result<void> cancel();
  // No more is asked. What the server may still be running is cancelled, if that can be done soon.
  void give_up();
  // Bytes that have come.
  [[nodiscard]] std::uint64_t received() const { return received_; }

  // False: it is in one, and nothing begins.
  Result<bool> begin_transaction();
  // Or rolls back, where it failed before. Why the server refuses; empty: it does not.
  Result<std::string> commit_transaction();
  // It is in none, once all has come.
  [[nodiscard]] bool is_idle() const;
  // Those that wait for its end. Why the server refuses; empty: it does not.
  Result<std::string> check_constraints();
  // The transaction that it is in, if any, fails. True: it is in one that failed.
  Result<bool> fail_transaction();

  // A row, the end of a result, or an error; nothing once all has come.
  Result<PgResult> next();
  // Of a result that says COPY: data in, and its end; data out, nothing at its end.
  Result<void> put_copy(std::string_view bytes);
  Result<void> end_copy(const char* error = nullptr);
  Result<std::optional<std::string>> get_copy();

 private:
  static constexpr int kMostSilences = 10;
  static constexpr int kMostSecondsToGiveUp = 5;
  static constexpr std::uint64_t kMostMessageBytes = 64 * 1024 * 1024;
  static constexpr std::uint64_t kMostDroppedBytes = 1024 * 1024 * 1024;

  PostgresPeer(const Settings& settings, std::unique_ptr<pg_conn, PgFree> connection, const std::atomic<bool>& stopping)
      : settings_(settings), connection_(std::move(connection)), stopping_(&stopping) {}
  Result<void> finish_connecting();
  [[nodiscard]] Result<void> cancel_beside(int seconds) const;
  Result<void> drain();
  Result<std::string> ask(const char* statement);
  Result<void> sent(int ok);
  Result<void> flush();
  Result<void> wait_until_ready(short events);
  Result<void> wait(bool for_room);
  void drop_notifications();
  [[nodiscard]] std::uint64_t count_received() const;
  [[nodiscard]] std::unexpected<Error> problem() const;

  Settings settings_;
  std::unique_ptr<pg_conn, PgFree> connection_;
  std::uint64_t received_ = 0;     // as of the last wait
  std::uint64_t taken_until_ = 0;  // of them, when next() or get_copy() gave something the last time
  int timeout_seconds_ = 0;
  int seconds_in_all_ = 0;
  std::chrono::steady_clock::time_point end_;  // of all
  const std::atomic<bool>* stopping_;
};

}  // namespace sluice::control
