// See client.h.
#include "control/cli/client.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <utility>

namespace sluice::cli {
namespace {

constexpr int kReadTimeoutSeconds = 24 * 3600;  // a replay answers at its end

httplib::Client connect(const std::string& socket_path) {
  httplib::Client client(socket_path);
  client.set_address_family(AF_UNIX);
  client.set_default_headers({{"Host", "sluice-control"}});
  client.set_connection_timeout(5);
  client.set_read_timeout(kReadTimeoutSeconds);
  client.set_write_timeout(60);
  return client;
}

// "a b&c" → "a%20b%26c"
std::string url_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.' || c == '~';
    out += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Answer local_error(Exit exit, const char* error, const std::string& message) {
  return {exit, {{"error", error}, {"message", message}, {"detail", ""}, {"problems", Json::array()}}};
}

Answer unreachable(const std::string& socket_path, httplib::Error error) {
  if (error == httplib::Error::Connection || error == httplib::Error::ConnectionTimeout)
    return local_error(Exit::unreachable, "unreachable",
                       "sluice-control does not answer at " + socket_path + " (is it running, and may you open it?)");
  return local_error(Exit::failed, "channel_closed", "the connection to control broke: " + httplib::to_string(error));
}

Exit exit_of(int status) {
  if (status == 200) return Exit::ok;
  return status >= 500 && status != 502 ? Exit::failed : Exit::refused;  // 502: the data plane refused
}

Answer answer_of(int status, const std::string& body) {
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return local_error(Exit::failed, "io_failed", "control's answer is no JSON");
  return {exit_of(status), std::move(json)};
}

}  // namespace

Answer Client::get(const std::string& path) const {
  auto client = connect(socket_path_);
  const auto result = client.Get(path);
  return result ? answer_of(result->status, result->body) : unreachable(socket_path_, result.error());
}

Answer Client::post(const std::string& path, const std::string& body, const char* content_type) const {
  auto client = connect(socket_path_);
  const auto result = client.Post(path, body, content_type);
  return result ? answer_of(result->status, result->body) : unreachable(socket_path_, result.error());
}

Answer Client::post(const std::string& path, const Json& body) const {
  return post(path, line_of(body), "application/json");
}

Answer Client::remove(const std::string& path) const {
  auto client = connect(socket_path_);
  const auto result = client.Delete(path);
  return result ? answer_of(result->status, result->body) : unreachable(socket_path_, result.error());
}

Answer Client::download(const std::string& path, const std::function<bool(std::string_view)>& sink) const {
  auto client = connect(socket_path_);
  int status = 0;
  std::string error_body;
  bool taken = true;
  const auto result = client.Get(
      path,
      [&](const httplib::Response& response) {
        status = response.status;
        return true;
      },
      [&](const char* data, std::size_t size) {
        if (status == 200) return taken = sink({data, size});
        error_body.append(data, size);
        return error_body.size() < 1024 * 1024;
      });
  if (!taken) return local_error(Exit::failed, "io_failed", "the body could not be written");
  if (!result && status == 200)
    return local_error(Exit::failed, "record_gap", "the recorded body ends early; control's log says where");
  if (!result) return unreachable(socket_path_, result.error());
  return status == 200 ? Answer{Exit::ok, Json::object()} : answer_of(status, error_body);
}

std::string with_query(std::string path, std::initializer_list<Parameter> parameters) {
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    path += std::exchange(separator, '&');
    path.append(name).append("=").append(url_encode(value));
  }
  return path;
}

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sluice::cli
