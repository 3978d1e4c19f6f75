// What a process tells its operator, on stderr, a line at a time. Never payload, never a secret.
#pragma once

#include <string_view>

namespace sluice::log {

// Names the process in every line; without it lines carry no name. Once, before threads start.
void start(std::string_view program);

void info(std::string_view text);
void warn(std::string_view text);
void error(std::string_view text);

}  // namespace sluice::log
