// See postgres_peer.h.
#include "control/replay/postgres_peer.h"

#include <libpq-fe.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "common/file.h"

namespace sluice::control {
namespace {

// Where no file can be: without one libpq takes ~/.pgpass, whose passwords nobody meant for replays.
constexpr const char* kNoPassfile = "/dev/null/none";
constexpr int kSliceMs = 200;  // of a wait, after which it is looked whether control stops

// The first line of libpq's message; what follows are hints, and other attempts.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// libpq's own error, which the server did not say.
bool is_broken(const PGresult& result) {
  const ExecStatusType status = PQresultStatus(&result);
  return (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) &&
         PQresultErrorField(&result, PG_DIAG_SQLSTATE) == nullptr;
}

std::unexpected<Error> broken(const PGresult& result) {
  return fail(ErrorCode::io_failed, first_line(PQresultErrorMessage(&result)));
}

void hear_no_notice(void*, const PGresult*) {}

}  // namespace

void PgFree::operator()(pg_conn* connection) const {
  PQfinish(connection);
}
void PgFree::operator()(pg_result* result) const {
  PQclear(result);
}

std::unexpected<Error> PostgresPeer::problem() const {
  return fail(ErrorCode::io_failed, first_line(PQerrorMessage(connection_.get())));
}

Result<PostgresPeer> PostgresPeer::connect(const Settings& settings, const std::atomic<bool>& stopping) {
  const PostgresTarget& to = settings.target;
  const std::vector<std::pair<const char*, std::string>> parameters = {
      {"host", to.host},  // what a password file and a certificate say
      {"hostaddr", format_address(settings.address.address)},
      {"port", std::to_string(settings.address.port)},
      {"user", to.user},
      {"dbname", to.database},
      {"sslmode", to.sslmode},
      {"options", settings.session.options.empty() ? to.options : settings.session.options + " " + to.options},
      {"passfile", settings.passfile.empty() ? kNoPassfile : settings.passfile},
      {"tcp_user_timeout", std::to_string(settings.timeout_seconds * 1000)},
      {"gssencmode", "disable"},
      {"client_encoding", settings.session.client_encoding},
      {"application_name", settings.session.application_name},
  };
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : parameters) {
    if (value.empty()) continue;
    keys.push_back(key);
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  std::unique_ptr<pg_conn, PgFree> connection(PQconnectStartParams(keys.data(), values.data(), 0));
  PostgresPeer peer(settings, std::move(connection), stopping);
  peer.be_patient(settings.timeout_seconds);
  if (auto connected = peer.finish_connecting(); !connected) return std::unexpected(connected.error());
  if (PQsetnonblocking(peer.connection_.get(), 1) != 0) return peer.problem();
  peer.be_patient(settings.timeout_seconds);
  return peer;
}

// PostgreSQL's manual, "Database Connection Control Functions".
Result<void> PostgresPeer::finish_connecting() {
  if (PQstatus(connection_.get()) == CONNECTION_BAD) return problem();
  PQsetNoticeReceiver(connection_.get(), hear_no_notice, nullptr);
  PostgresPollingStatusType step = PGRES_POLLING_WRITING;
  while (step != PGRES_POLLING_OK) {
    if (step == PGRES_POLLING_FAILED) return problem();
    if (auto ready = wait_until_ready(step == PGRES_POLLING_READING ? POLLIN : POLLOUT); !ready) return ready;
    step = PQconnectPoll(connection_.get());
  }
  return {};
}

void PostgresPeer::be_patient(int seconds, int seconds_in_all) {
  timeout_seconds_ = seconds;
  seconds_in_all_ = seconds_in_all;
  end_ = std::chrono::steady_clock::now() + std::chrono::seconds(seconds_in_all);
}

Result<void> PostgresPeer::wait_until_ready(short events) {
  const int slices = timeout_seconds_ * 1000 / kSliceMs;
  for (int slice = 0; slice < slices; ++slice) {
    if (stopping_->load(std::memory_order_relaxed)) return fail(ErrorCode::conflict, "control stops");
    if (std::chrono::steady_clock::now() >= end_)
      return fail(ErrorCode::io_failed, "the server is not done after " + std::to_string(seconds_in_all_) + " s");
    pollfd descriptor = {.fd = PQsocket(connection_.get()), .events = events, .revents = 0};
    const int ready = ::poll(&descriptor, 1, kSliceMs);
    if (ready < 0 && errno != EINTR) return std::unexpected(system_error("poll"));
    if (ready > 0) return {};
  }
  return fail(ErrorCode::io_failed, "the server says nothing for " + std::to_string(timeout_seconds_) + " s");
}

// Until something has come, or (for_room) may be sent.
Result<void> PostgresPeer::wait(bool for_room) {
  if (auto ready = wait_until_ready(static_cast<short>(for_room ? POLLIN | POLLOUT : POLLIN)); !ready) return ready;
  if (PQconsumeInput(connection_.get()) != 1) return problem();
  drop_notifications();
  received_ = count_received();
  if (received_ - taken_until_ <= kMostMessageBytes) return {};
  return fail(ErrorCode::io_failed, "the server sends a message of more than 64 MiB");
}

// libpq tells nobody how much it keeps of a message that is not whole; the kernel knows what came.
std::uint64_t PostgresPeer::count_received() const {
  tcp_info info = {};
  socklen_t bytes = sizeof info;
  const bool is_known = ::getsockopt(PQsocket(connection_.get()), IPPROTO_TCP, TCP_INFO, &info, &bytes) == 0;
  return is_known ? info.tcpi_bytes_received : received_;
}

// libpq keeps those that nobody takes.
void PostgresPeer::drop_notifications() {
  while (PGnotify* const notification = PQnotifies(connection_.get())) PQfreemem(notification);
}

Result<void> PostgresPeer::drain() {
  const std::uint64_t begin = received_;
  for (;;) {
    const auto result = next();
    if (!result) return std::unexpected(result.error());
    if (received_ - begin > kMostDroppedBytes)
      return fail(ErrorCode::io_failed, "there is more than 1 GiB behind the rows that the session read");
    if (*result == nullptr) return {};
    const ExecStatusType status = PQresultStatus(result->get());
    if (is_broken(**result)) return broken(**result);
    if (status == PGRES_COPY_IN || status == PGRES_COPY_BOTH)
      if (auto ended = end_copy("not replayed"); !ended) return ended;
    while (status == PGRES_COPY_OUT) {
      const auto data = get_copy();
      if (!data) return std::unexpected(data.error());
      if (!*data) break;
      if (received_ - begin > kMostDroppedBytes)
        return fail(ErrorCode::io_failed, "there is more than 1 GiB of data behind what is compared");
    }
  }
}

// Over a connection beside it: libpq's own way of this version waits for the server without any limit. Behind a pooler
// the numbers of processes are not those of the server, so nothing is cancelled there. What the session had set could
// keep it from cancelling: a role, a path on which other functions are, a short time limit.
Result<void> PostgresPeer::cancel_beside(int seconds) const {
  Settings settings = settings_;
  settings.session = {};
  settings.timeout_seconds = seconds;
  auto beside = connect(settings, *stopping_);
  if (!beside) return std::unexpected(beside.error());
  const auto process = [](const PostgresPeer& peer) { return std::to_string(PQbackendPID(peer.connection_.get())); };
  const std::string text = "select case when pg_catalog.pg_backend_pid() = " + process(*beside) +
                           " then pg_catalog.pg_cancel_backend(" + process(*this) + ") end";
  if (auto sent = beside->query(text); !sent) return sent;
  const auto row = beside->next();
  if (!row) return std::unexpected(row.error());
  const bool is_row = PQresultStatus(row->get()) == PGRES_SINGLE_TUPLE && PQnfields(row->get()) == 1;
  if (!is_row || std::string_view(PQgetvalue(row->get(), 0, 0)) != "t")
    return fail(ErrorCode::io_failed, "the server does not cancel it");
  return {};
}

Result<void> PostgresPeer::cancel() {
  if (auto cancelled = cancel_beside(settings_.timeout_seconds); !cancelled) return cancelled;
  return drain();
}

void PostgresPeer::give_up() {
  const bool is_running = PQtransactionStatus(connection_.get()) == PQTRANS_ACTIVE;
  if (is_running) (void)cancel_beside(std::min(settings_.timeout_seconds, kMostSecondsToGiveUp));
}

Result<void> PostgresPeer::flush() {
  for (;;) {
    const int left = PQflush(connection_.get());
    if (left < 0) return problem();
    if (left == 0) return {};
    if (auto waited = wait(true); !waited) return waited;
  }
}

Result<void> PostgresPeer::sent(int ok) {
  if (ok != 1) return problem();
  PQsetSingleRowMode(connection_.get());
  return flush();
}

Result<void> PostgresPeer::query(const std::string& text) {
  if (auto drained = drain(); !drained) return drained;
  return sent(PQsendQuery(connection_.get(), text.c_str()));
}

Result<void> PostgresPeer::prepare(const std::string& name, const std::string& text) {
  if (auto drained = drain(); !drained) return drained;
  return sent(PQsendPrepare(connection_.get(), name.c_str(), text.c_str(), 0, nullptr));
}

Result<void> PostgresPeer::describe(const std::string& name) {
  if (auto drained = drain(); !drained) return drained;
  return sent(PQsendDescribePrepared(connection_.get(), name.c_str()));
}

Result<void> PostgresPeer::run(const std::string& name, const std::vector<BoundValue>& values) {
  if (auto drained = drain(); !drained) return drained;
  std::vector<const char*> bytes;
  std::vector<int> lengths;
  std::vector<int> formats;
  for (const BoundValue& value : values) {
    bytes.push_back(value.bytes ? value.bytes->c_str() : nullptr);
    lengths.push_back(value.bytes ? static_cast<int>(value.bytes->size()) : 0);
    formats.push_back(value.is_binary ? 1 : 0);
  }
  return sent(PQsendQueryPrepared(connection_.get(), name.c_str(), static_cast<int>(values.size()), bytes.data(),
                                  lengths.data(), formats.data(), 0));
}

Result<void> PostgresPeer::set(const std::string& setting, const std::string& value) {
  if (auto drained = drain(); !drained) return drained;
  const std::array<const char*, 2> values = {setting.c_str(), value.c_str()};
  return sent(PQsendQueryParams(connection_.get(), "select pg_catalog.set_config($1, $2, false)", 2, nullptr,
                                values.data(), nullptr, nullptr, 0));
}

// Why it is refused; empty: it was done.
Result<std::string> PostgresPeer::ask(const char* statement) {
  if (auto sent = query(statement); !sent) return std::unexpected(sent.error());
  const auto result = next();
  if (!result) return std::unexpected(result.error());
  if (PQresultStatus(result->get()) == PGRES_COMMAND_OK) return std::string();
  if (PQresultErrorField(result->get(), PG_DIAG_SQLSTATE) == nullptr) return broken(**result);
  return first_line(PQresultErrorMessage(result->get()));
}

bool PostgresPeer::is_idle() const {
  return PQtransactionStatus(connection_.get()) == PQTRANS_IDLE;
}

Result<bool> PostgresPeer::begin_transaction() {
  if (auto drained = drain(); !drained) return std::unexpected(drained.error());
  if (!is_idle()) return false;
  const auto refused = ask("begin");
  if (!refused) return std::unexpected(refused.error());
  if (!refused->empty()) return fail(ErrorCode::io_failed, *refused);
  return true;
}

Result<std::string> PostgresPeer::commit_transaction() {
  return ask("commit");
}

Result<std::string> PostgresPeer::check_constraints() {
  return ask("set constraints all immediate");
}

Result<bool> PostgresPeer::fail_transaction() {
  if (auto drained = drain(); !drained) return std::unexpected(drained.error());
  if (PQtransactionStatus(connection_.get()) == PQTRANS_INTRANS) {
    if (auto sent = query("refused by policy"); !sent) return std::unexpected(sent.error());
    if (auto drained = drain(); !drained) return std::unexpected(drained.error());
  }
  return PQtransactionStatus(connection_.get()) == PQTRANS_INERROR;
}

Result<PgResult> PostgresPeer::next() {
  if (stopping_->load(std::memory_order_relaxed)) return fail(ErrorCode::conflict, "control stops");
  while (PQisBusy(connection_.get()) != 0)
    if (auto waited = wait(false); !waited) return std::unexpected(waited.error());
  taken_until_ = received_;
  return PgResult(PQgetResult(connection_.get()));
}

Result<void> PostgresPeer::put_copy(std::string_view bytes) {
  for (;;) {
    const int put = PQputCopyData(connection_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (put < 0) return problem();
    if (put > 0) return {};
    if (auto waited = wait(true); !waited) return waited;
  }
}

Result<void> PostgresPeer::end_copy(const char* error) {
  for (;;) {
    const int put = PQputCopyEnd(connection_.get(), error);
    if (put < 0) return problem();
    if (put > 0) return flush();
    if (auto waited = wait(true); !waited) return waited;
  }
}

Result<std::optional<std::string>> PostgresPeer::get_copy() {
  for (;;) {
    char* buffer = nullptr;
    const int bytes = PQgetCopyData(connection_.get(), &buffer, 1);
    const std::unique_ptr<char, void (*)(void*)> owned(buffer, PQfreemem);
    if (bytes != 0) taken_until_ = received_;
    if (bytes > 0) return std::string(buffer, static_cast<std::size_t>(bytes));
    if (bytes < 0) return std::optional<std::string>();  // its end, or an error that next() tells
    if (auto waited = wait(false); !waited) return std::unexpected(waited.error());
  }
}

}  // namespace sluice::control
