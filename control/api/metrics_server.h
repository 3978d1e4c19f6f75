// GET /metrics over TCP, for a Prometheus that scrapes it: who asks must know the token. Nothing else is served there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/error.h"

namespace sluice::control {

class MetricsServer {
 public:
  // `endpoint`: 127.0.0.1:9464 or [::1]:9464. `token_path`: a file that only its owner may read, with the token in its
  // first line, of at least 16 characters. `text` is called on the server's threads.
  static Result<std::unique_ptr<MetricsServer>> start(const std::string& endpoint, const std::string& token_path,
                                                      std::function<std::string()> text);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;

 private:
  MetricsServer();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::control
