// See metrics_server.h.
#include "control/api/metrics_server.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include <httplib.h>

#include "common/bytes.h"
#include "common/file.h"
#include "common/ip_address.h"
#include "control/api/task_queue.h"
#include "control/telemetry/prometheus.h"

namespace sluice::control {
namespace {

constexpr std::size_t kThreads = 2;
constexpr std::size_t kMaxWaiting = 16;
constexpr std::size_t kMaxRequestBytes = 4096;
constexpr int kTimeoutSeconds = 10;
constexpr std::size_t kMaxTokenFileBytes = 4096;
constexpr std::size_t kMinTokenBytes = 16;
constexpr std::string_view kScheme = "Bearer ";

Result<std::string> read_token(const std::string& path) {
  auto token = read_secret_file(path, kMaxTokenFileBytes);
  if (!token) return token;
  token->resize(std::min(token->find_first_of("\r\n"), token->size()));
  if (token->size() < kMinTokenBytes)
    return fail(ErrorCode::bad_argument, path + " must hold a token of at least " + std::to_string(kMinTokenBytes) +
                                             " characters, for example of: openssl rand -hex 32");
  return token;
}

// In a time that tells nothing of the token but its length.
bool is_token(std::string_view given, std::string_view token) {
  return given.size() == token.size() && CRYPTO_memcmp(given.data(), token.data(), token.size()) == 0;
}

}  // namespace

struct MetricsServer::Impl {
  ~Impl() {
    server.stop();
    if (thread.joinable()) thread.join();
    OPENSSL_cleanse(token.data(), token.size());
  }

  void serve(const httplib::Request& request, httplib::Response& response) const {
    const std::string given = request.get_header_value("Authorization");
    if (!given.starts_with(kScheme) || !is_token(std::string_view(given).substr(kScheme.size()), token)) {
      response.status = 401;
      response.set_header("WWW-Authenticate", "Bearer");
      response.set_content("the token is missing or wrong\n", "text/plain");
      return;
    }
    response.set_content(text(), kPrometheusType);
  }

  std::string token;
  std::function<std::string()> text;
  httplib::Server server;
  std::uint16_t port = 0;
  std::thread thread;
};

MetricsServer::MetricsServer() : impl_(std::make_unique<Impl>()) {}

MetricsServer::~MetricsServer() = default;

std::uint16_t MetricsServer::port() const {
  return impl_->port;
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const std::string& endpoint, const std::string& token_path,
                                                            std::function<std::string()> text) {
  const auto where = split_host_and_port(endpoint);
  if (!where) return fail(ErrorCode::bad_argument, endpoint + " is no address with a port: for example 127.0.0.1:9464");
  auto token = read_token(token_path);
  if (!token) return std::unexpected(token.error());
  std::unique_ptr<MetricsServer> made(new MetricsServer);
  Impl& impl = *made->impl_;
  impl.token = std::move(*token);
  impl.text = std::move(text);
  impl.server.new_task_queue = [] { return new BoundedTaskQueue(kThreads, kMaxWaiting); };
  impl.server.set_payload_max_length(kMaxRequestBytes);
  impl.server.set_read_timeout(kTimeoutSeconds);
  impl.server.set_write_timeout(kTimeoutSeconds);
  impl.server.set_keep_alive_timeout(kTimeoutSeconds);
  impl.server.Get("/metrics", [&impl](const httplib::Request& request, httplib::Response& response) {
    impl.serve(request, response);
  });
  const int port = where->port != 0 ? (impl.server.bind_to_port(where->host, where->port) ? where->port : -1)
                                    : impl.server.bind_to_any_port(where->host);
  if (port < 0) return fail(ErrorCode::io_failed, "cannot listen at " + endpoint + " for metrics");
  impl.port = static_cast<std::uint16_t>(port);
  impl.thread = std::thread([&impl] { impl.server.listen_after_bind(); });
  while (!impl.server.is_running()) std::this_thread::yield();  // stop() before that would be lost
  return made;
}

}  // namespace sluice::control
