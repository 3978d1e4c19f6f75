// Alerts and sinks by one file: read at the start and again when it is asked for, whole or not at all.
#pragma once

#include <memory>
#include <string>

#include "control/alerts/alerts.h"
#include "control/archive/index.h"
#include "control/sinks/sinks.h"

namespace sluice::control {

class Alerting {
 public:
  // What is wrong with the file is why it does not start. All that is given outlives it.
  static Result<std::unique_ptr<Alerting>> start(const std::string& file, const std::string& database,
                                                 ChannelServer& channel, Approvals& approvals, Index& index);
  ~Alerting();
  Alerting(const Alerting&) = delete;
  Alerting& operator=(const Alerting&) = delete;

  // The file as it is now; where something is wrong with it the one before counts on, and the log and the API say so.
  void reload();
  [[nodiscard]] Alerts& alerts() { return *alerts_; }

 private:
  Alerting(std::string file, std::unique_ptr<Alerts> alerts)
      : file_(std::move(file)), alerts_(std::move(alerts)), sinks_(*alerts_, Sinks::Pace{}) {}
  Result<void> load();

  const std::string file_;
  std::unique_ptr<Alerts> alerts_;
  Sinks sinks_;
};

}  // namespace sluice::control
