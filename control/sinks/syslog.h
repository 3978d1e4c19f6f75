// An alert as a message of RFC 5424, to the datagram socket of this machine's syslog.
#pragma once

#include <string>
#include <string_view>

#include "common/error.h"
#include "common/time.h"
#include "control/alerts/alert.h"

namespace sluice::control {

inline constexpr std::size_t kMaxSyslogBytes = 2048;  // RFC 5424 section 6.1: what a receiver should take

// "<28>1 2026-11-22T01:02:03.000000Z gateway sluice-control 4711 alert_raised [alert@32473 ...] text". Names that
// callers gave themselves stand in quotes, escaped; nothing in it begins a line of its own.
std::string syslog_message(const AlertEvent& event, unsigned facility, std::string_view host, int pid);

Result<void> send_syslog(const std::string& socket_path, std::string_view message);

}  // namespace sluice::control
