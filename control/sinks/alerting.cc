// See alerting.h.
#include "control/sinks/alerting.h"

#include "common/log.h"
#include "control/alerts/latest_sessions.h"
#include "control/alerts/rule_reader.h"

namespace sluice::control {

Result<std::unique_ptr<Alerting>> Alerting::start(const std::string& file, const std::string& database,
                                                  ChannelServer& channel, Approvals& approvals, Index& index) {
  Alerts::Sources sources;
  sources.status = [&channel] { return channel.status(); };
  sources.sessions = [&channel, &approvals, &index](const AlertKey& caller) {
    return latest_sessions(channel, index, caller, approvals.now(), kMaxAlertSessions);
  };
  auto alerts = Alerts::open(database, approvals, std::move(sources));
  if (!alerts) return std::unexpected(alerts.error());
  std::unique_ptr<Alerting> alerting(new Alerting(file, std::move(*alerts)));
  if (auto loaded = alerting->load(); !loaded) return std::unexpected(loaded.error());
  alerting->alerts_->start();
  return alerting;
}

Alerting::~Alerting() {
  alerts_->stop();
}

Result<void> Alerting::load() {
  const auto file = read_alerts(file_);
  if (!file) return std::unexpected(file.error());
  auto sinks = make_sinks(file->sinks);
  if (!sinks) return std::unexpected(sinks.error());
  alerts_->set_file(*file, file_);
  sinks_.set(std::move(*sinks));
  return {};
}

void Alerting::reload() {
  const auto loaded = load();
  if (loaded) return log::info("alerts are those of " + file_ + " now");
  log::error("alerts stay as they were: " + loaded.error().message());
  alerts_->set_refused(loaded.error().message());
}

}  // namespace sluice::control
