// See syslog.h.
#include "control/sinks/syslog.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

#include "common/fd.h"
#include "common/file.h"
#include "common/session_id.h"

namespace sluice::control {
namespace {

constexpr unsigned kSeverities = 8;  // RFC 5424 section 6.2.1: PRI is facility times 8 and severity
constexpr unsigned kWarning = 4;
constexpr unsigned kNotice = 5;
constexpr std::size_t kMaxHostBytes = 255;  // section 6.2.4
constexpr std::size_t kMaxValueBytes = 256;
constexpr std::size_t kShownSessions = 4;

unsigned severity_of(const AlertEvent& event) {
  constexpr std::array<unsigned, 3> kRaised = {6, 4, 2};  // info, warning, critical
  return event.is_raised ? kRaised[static_cast<std::size_t>(event.alert.severity)] : kNotice;
}

// RFC 5424 section 6.3.3: `"`, `\` and `]` are escaped. Control characters are no part of what we say.
std::string quoted(std::string_view value) {
  std::string out;
  for (const char c : value.substr(0, kMaxValueBytes)) {
    if (c == '"' || c == '\\' || c == ']') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return '"' + out + '"';
}

// PRINTUSASCII, and `-` for nothing.
std::string host_name(std::string_view host) {
  std::string out(host.substr(0, kMaxHostBytes));
  std::ranges::replace_if(out, [](unsigned char c) { return c <= 0x20 || c >= 0x7f; }, '_');
  return out.empty() ? "-" : out;
}

std::string time_text(WallNs wall) {
  return fmt::format("{:%FT%T}.{:06}Z", fmt::gmtime(static_cast<std::time_t>(wall / kSecond)),
                     wall % kSecond / kMicrosecond);
}

}  // namespace

std::string syslog_message(const AlertEvent& event, unsigned facility, std::string_view host, int pid) {
  const Alert& alert = event.alert;
  if (event.lost != 0)
    return fmt::format("<{}>1 - {} sluice-control {} events_lost [alert@32473 lost=\"{}\"] {}",
                       facility * kSeverities + kWarning, host_name(host), pid, event.lost, lost_text(event.lost));
  std::string out = fmt::format("<{}>1 {} {} sluice-control {} {} [alert@32473 id=\"{}\" name={} severity={}",
                                facility * kSeverities + severity_of(event),
                                time_text(event.is_raised ? alert.raised : alert.cleared), host_name(host), pid,
                                event.is_raised ? "alert_raised" : "alert_cleared", alert.id, quoted(alert.rule),
                                quoted(severity_name(alert.severity)));
  if (!alert.key.service.empty()) out += " service=" + quoted(alert.key.service);
  for (const std::string& principal : alert.principals) out += " principal=" + quoted(principal);
  for (std::size_t i = 0; i < std::min(alert.sessions.size(), kShownSessions); ++i)
    out += " session=" + quoted(format_session_id(alert.sessions[i]));
  if (alert.order != 0) out += fmt::format(" order=\"{}\"", alert.order);
  Alert then = alert;
  if (event.is_raised) then.cleared = 0;
  out += "] " + alert_text(then);
  if (!alert.action.empty() && event.is_raised) out += "; " + alert.action;
  return out.substr(0, kMaxSyslogBytes);
}

Result<void> send_syslog(const std::string& socket_path, std::string_view message) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path)
    return fail(ErrorCode::bad_argument, socket_path + " is too long for a socket's path");
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return std::unexpected(system_error("a socket for syslog"));
  if (::sendto(socket.get(), message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
               sizeof address) < 0)
    return std::unexpected(system_error("sending to " + socket_path));
  return {};
}

}  // namespace sluice::control
