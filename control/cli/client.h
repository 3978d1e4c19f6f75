// The CLI's way to control: HTTP/JSON over its Unix socket.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace sluice::cli {

using Json = nlohmann::ordered_json;

// What `sluice` exits with; documented in docs/operating.md.
enum class Exit : int {
  ok = 0,
  negative = 1,     // it worked, and the answer is no: differences, an invalid policy was not asked for
  usage = 2,        // the command line is wrong
  refused = 3,      // control refused: invalid input, not found, a conflict
  unreachable = 4,  // control could not be reached
  failed = 5,       // anything else
};

struct Answer {
  Exit exit = Exit::failed;
  Json json;  // the answer, or the error as control says it
};

class Client {
 public:
  explicit Client(std::string socket_path) : socket_path_(std::move(socket_path)) {}

  [[nodiscard]] Answer get(const std::string& path) const;
  [[nodiscard]] Answer post(const std::string& path, const std::string& body, const char* content_type) const;
  [[nodiscard]] Answer post(const std::string& path, const Json& body) const;
  [[nodiscard]] Answer remove(const std::string& path) const;
  // A body of any size, piece by piece; `sink` returns false when it cannot take more.
  [[nodiscard]] Answer download(const std::string& path, const std::function<bool(std::string_view)>& sink) const;

 private:
  std::string socket_path_;
};

struct Parameter {
  const char* name;
  std::string value;  // empty: left out
};

// "/v1/flows", {{"service", "a b"}, {"limit", "9"}} → "/v1/flows?service=a%20b&limit=9"
std::string with_query(std::string path, std::initializer_list<Parameter> parameters);

// On one line; bytes that are no UTF-8 are replaced.
std::string line_of(const Json& json);

}  // namespace sluice::cli
