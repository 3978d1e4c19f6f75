// Logging by spdlog; the rest of the code does not see it.
#include "common/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

namespace sluice::log {
namespace {

constexpr const char* kPattern = "%Y-%m-%dT%H:%M:%S.%e%z %n %l %v";

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("sluice", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern(kPattern);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return instance;
}

}  // namespace

void start(std::string_view program) {
  auto named = logger()->clone(std::string(program));
  named->set_pattern(kPattern);
  logger() = named;
}

void info(std::string_view text) {
  logger()->info("{}", text);
}
void warn(std::string_view text) {
  logger()->warn("{}", text);
}
void error(std::string_view text) {
  logger()->error("{}", text);
}

}  // namespace sluice::log
