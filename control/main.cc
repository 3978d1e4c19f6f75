// sluice-control: policies, the archive's index and the API. Traffic does not depend on it: the data plane
// goes on without it, and takes up with it again when it is back.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include <functional>
#include <iostream>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "control/api/api.h"
#include "control/api/metrics_server.h"
#include "control/approvals/approvals.h"
#include "control/archive/index.h"
#include "control/archive/index_refresher.h"
#include "control/publish/publisher.h"
#include "control/publish/signing_key.h"
#include "control/sinks/alerting.h"
#include "control/telemetry/prometheus.h"
#include "control/webhooks/webhooks.h"

namespace {

using sluice::Error;
using sluice::ErrorCode;
using sluice::Result;

struct Options {
  std::string state_directory = "/var/lib/sluice/control";
  std::string archive_directory = "/var/lib/sluice/archive";
  std::string run_directory = "/run/sluice";
  std::string pack_directory;
  std::string public_key_path;
  std::string api_group;
  std::string override_group;
  std::string webhooks_path;
  std::string alerts_path;
  std::string metrics_endpoint;
  std::string metrics_token_path;
  std::string replay_passfile;
  bool init_only = false;
};

// No core file may hold a secret, and nobody may read our memory.
Result<void> forbid_dumps() {
  const rlimit none = {0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0 || ::prctl(PR_SET_DUMPABLE, 0) != 0)
    return std::unexpected(sluice::system_error("forbidding core files"));
  return {};
}

// Before any thread: all of them inherit the mask, and only the signalfd takes the signals.
Result<sluice::Fd> block_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return std::unexpected(sluice::system_error("sigmask"));
  sluice::Fd fd(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd.valid()) return std::unexpected(sluice::system_error("signalfd"));
  return fd;
}

// Until it is to end; `reload` at each SIGHUP.
void wait_for_signal(const sluice::Fd& signals, const std::function<void()>& reload) {
  for (;;) {
    signalfd_siginfo info = {};
    const ssize_t got = ::read(signals.get(), &info, sizeof info);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || info.ssi_signo != SIGHUP) return;
    reload();
  }
}

Result<sluice::rules::KeyPair> prepare(const Options& options) {
  if (auto made = sluice::make_directories(options.state_directory, 0700); !made) return std::unexpected(made.error());
  return sluice::control::load_or_make_keys(options.state_directory + "/policy.key", options.public_key_path);
}

// Holds are taken and decided while the channel is there; it is told nothing more before they go.
struct Working {
  Working(sluice::control::Approvals& work, sluice::control::ChannelServer& at) : approvals(work), channel(at) {
    approvals.start(channel);
  }
  ~Working() {
    channel.stop();
    approvals.stop();
  }
  Working(const Working&) = delete;
  Working& operator=(const Working&) = delete;
  sluice::control::Approvals& approvals;
  sluice::control::ChannelServer& channel;
};

// None without an endpoint.
Result<std::unique_ptr<sluice::control::MetricsServer>> serve_metrics(const Options& options,
                                                                      const sluice::control::ApiParts& parts) {
  if (options.metrics_endpoint.empty()) return nullptr;
  return sluice::control::MetricsServer::start(options.metrics_endpoint, options.metrics_token_path, [parts] {
    return sluice::control::prometheus_text(parts.publisher.channel_status(),
                                            sluice::control::alert_gauges(parts.alerts),
                                            sluice::control::approval_gauges(parts.approvals));
  });
}

// None without a file of them.
Result<std::unique_ptr<sluice::control::Alerting>> start_alerts(const Options& options,
                                                                sluice::control::ApiParts& parts) {
  if (options.alerts_path.empty()) return nullptr;
  auto alerting = sluice::control::Alerting::start(options.alerts_path, options.state_directory + "/alerts.db",
                                                   parts.publisher.channel(), parts.approvals, parts.index);
  if (alerting) parts.alerts = &(*alerting)->alerts();
  return alerting;
}

Result<void> serve(const Options& options, const sluice::Fd& signals) {
  namespace control = sluice::control;
  const auto state_lock = sluice::lock_file(options.state_directory + "/lock");
  if (!state_lock) return std::unexpected(state_lock.error());
  auto keys = prepare(options);
  if (!keys) return std::unexpected(keys.error());
  auto store = control::PolicyStore::open(options.state_directory + "/policies.db");
  if (!store) return std::unexpected(store.error());
  auto index = control::Index::open(options.state_directory + "/archive-index.db", options.archive_directory);
  if (!index) return std::unexpected(index.error());
  if (auto made = sluice::make_directories(options.run_directory, options.api_group.empty() ? 0750 : 0755); !made)
    return made;

  auto packs =
      options.pack_directory.empty() ? sluice::rules::PackSource() : sluice::rules::PackSource(options.pack_directory);
  control::Publisher publisher(std::move(packs), std::move(*keys), std::move(*store));
  std::vector<control::Webhook> webhooks;
  if (!options.webhooks_path.empty()) {
    auto read = control::read_webhooks(options.webhooks_path);
    if (!read) return std::unexpected(read.error());
    webhooks = std::move(*read);
  }
  auto approvals = control::Approvals::open(
      options.state_directory + "/approvals.db",
      [&] { return control::approval_terms(publisher, options.override_group); }, sluice::wall_ns);
  if (!approvals) return std::unexpected(approvals.error());
  if (auto listening = publisher.listen(options.run_directory + "/channel.sock", approvals->get()); !listening)
    return listening;
  const Working working(**approvals, publisher.channel());
  const control::IndexRefresher refresher(**index);
  control::ApiParts parts{publisher, **index, **approvals, sluice::wall_ns()};
  parts.replay_passfile = options.replay_passfile;
  const auto alerting = start_alerts(options, parts);
  if (!alerting) return std::unexpected(alerting.error());
  const auto api = control::Api::start(parts, options.run_directory + "/api.sock", options.api_group);
  if (!api) return std::unexpected(api.error());
  const control::Webhooks telling(std::move(webhooks), **approvals, {});
  const auto metrics = serve_metrics(options, parts);
  if (!metrics) return std::unexpected(metrics.error());
  sluice::log::info("sluice-control " SLUICE_VERSION " serves at " + options.run_directory);
  wait_for_signal(signals, [&] {
    if (*alerting) (*alerting)->reload();
  });
  sluice::log::info("stops");
  return {};
}

Result<void> run(const Options& options) {
  if (auto forbidden = forbid_dumps(); !forbidden) return forbidden;
  ::umask(0077);
  const auto signals = block_signals();
  if (!signals) return std::unexpected(signals.error());
  if (auto made = sluice::make_directories(options.state_directory, 0700); !made) return made;
  if (!options.init_only) return serve(options, *signals);
  const auto keys = prepare(options);
  if (!keys) return std::unexpected(keys.error());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("sluice-control: the control process of a Sluice appliance");
  app.set_version_flag("--version", SLUICE_VERSION);
  app.add_option("--state", options.state_directory, "keys, policies and the archive's index")->capture_default_str();
  app.add_option("--archive", options.archive_directory, "where the data plane records")->capture_default_str();
  app.add_option("--run", options.run_directory, "where the sockets are")->capture_default_str();
  app.add_option("--packs", options.pack_directory, "rule packs; those installed with it otherwise");
  app.add_option("--public-key", options.public_key_path, "what the data plane trusts; <state>/policy.pub otherwise");
  app.add_option("--api-group", options.api_group, "a group that may use the API, beside root");
  app.add_option("--override-group", options.override_group, "a group that may override approvals, beside root");
  app.add_option("--webhooks", options.webhooks_path, "a YAML file of webhooks that are told of holds");
  app.add_option("--alerts", options.alerts_path, "a YAML file of alerts and who is told; read again at SIGHUP");
  CLI::Option* metrics = app.add_option("--metrics", options.metrics_endpoint,
                                        "serve Prometheus at this address and port, for example 127.0.0.1:9464");
  metrics->needs(app.add_option("--metrics-token", options.metrics_token_path,
                                "the file, of mode 0600, with the token that Prometheus sends"));
  app.add_option(
      "--replay-passfile", options.replay_passfile,
      "a file, of mode 0600, of passwords for replays to PostgreSQL, as ~/.pgpass is; who may open the API uses them");
  app.add_flag("--init", options.init_only, "make the signing key if there is none, and exit");
  CLI11_PARSE(app, argc, argv);
  if (options.public_key_path.empty()) options.public_key_path = options.state_directory + "/policy.pub";

  sluice::log::start("sluice-control");
  if (const auto done = run(options); !done) {
    sluice::log::error(done.error().message());
    return done.error().code == ErrorCode::already_running ? 3 : 1;
  }
  return 0;
}
