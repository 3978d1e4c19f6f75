// See window.h.
#include "control/approvals/window.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>

namespace sluice::control {
namespace {

using date::local_days;
using date::local_time;
using date::sys_time;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr unsigned kMinutesOfDay = 24 * 60;
constexpr unsigned kEveryDay = 0x7f;
constexpr std::array<std::string_view, 7> kDays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr int kDaysAhead = 10;  // one open day a week is found within

std::optional<unsigned> number(std::string_view text, unsigned largest) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.size() != 2 || error != std::errc{} || end != text.data() + text.size() || value > largest)
    return std::nullopt;
  return value;
}

std::optional<std::uint16_t> minute_of(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = number(text.substr(0, 2), 24);
  const auto minute = number(text.substr(3), 59);
  if (!hour || !minute || *hour * 60 + *minute > kMinutesOfDay) return std::nullopt;
  return static_cast<std::uint16_t>((*hour * 60 + *minute) % kMinutesOfDay);
}

std::optional<unsigned> day_of(std::string_view text) {
  const auto found = std::ranges::find(kDays, text);
  if (found == kDays.end()) return std::nullopt;
  return static_cast<unsigned>(found - kDays.begin());
}

// "mon", "mon-fri", "fri-mon"
std::optional<unsigned> day_range(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = day_of(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : day_of(text.substr(dash + 1));
  if (!first || !last) return std::nullopt;
  unsigned days = 0;
  for (unsigned day = *first;; day = (day + 1) % 7) {
    days |= 1U << day;
    if (day == *last) return days;
  }
}

std::optional<unsigned> days_of(std::string_view text) {
  if (text.empty()) return kEveryDay;
  unsigned days = 0;
  for (;;) {
    const auto comma = text.find(',');
    const auto range = day_range(text.substr(0, comma));
    if (!range) return std::nullopt;
    days |= *range;
    if (comma == std::string_view::npos) return days;
    text.remove_prefix(comma + 1);
  }
}

// The library throws for what it does not know.
const date::time_zone* zone_of(const std::string& name) {
  try {
    return date::locate_zone(name);
  } catch (const std::exception&) {
    return nullptr;
  }
}

enum class Edge { opens, closes };

sys_time<seconds> moment(const date::time_zone& zone, local_time<seconds> local, Edge edge) {
  const auto info = zone.get_info(local);
  if (info.result == date::local_info::nonexistent) return info.first.end;
  const auto offset =
      info.result == date::local_info::ambiguous && edge == Edge::closes ? info.second.offset : info.first.offset;
  return sys_time<seconds>(local.time_since_epoch() - offset);
}

WallNs wall_of(sys_time<seconds> time) {
  return static_cast<WallNs>(std::chrono::duration_cast<nanoseconds>(time.time_since_epoch()).count());
}

}  // namespace

Result<DailyWindow> parse_window(std::string_view hours, std::string_view days, std::string_view zone) {
  DailyWindow window;
  const auto dash = hours.find('-');
  const auto from = minute_of(hours.substr(0, dash));
  const auto to = dash == std::string_view::npos ? std::nullopt : minute_of(hours.substr(dash + 1));
  if (!from || !to) return fail(ErrorCode::bad_argument, "a window looks like 22:00-06:00, from 00:00 to 24:00");
  const auto mask = days_of(days);
  if (!mask) return fail(ErrorCode::bad_argument, "days look like mon-fri or sat,sun");
  window.from_minute = *from;
  window.to_minute = *to;
  window.days = static_cast<std::uint8_t>(*mask);
  window.zone = zone.empty() ? "UTC" : std::string(zone.substr(0, 64));
  if (zone_of(window.zone) == nullptr)
    return fail(ErrorCode::bad_argument, "this machine knows no zone '" + window.zone + "'; one is Europe/Berlin");
  return window;
}

std::string format_window(const DailyWindow& window) {
  if (window.days == 0) return {};
  const auto opens = [&](unsigned day) { return day <= 7 && (window.days >> day % 7 & 1U) != 0; };  // 1 is Monday
  std::string days;
  for (unsigned day = 1; day <= 7 && window.days != kEveryDay; ++day) {
    if (!opens(day)) continue;
    const unsigned first = day;
    while (opens(day + 1)) ++day;
    days += (days.empty() ? "" : ",") + std::string(kDays[first % 7]);
    if (day > first) days += "-" + std::string(kDays[day % 7]);
  }
  return fmt::format("{:02}:{:02}-{:02}:{:02} {}{}{}", window.from_minute / 60, window.from_minute % 60,
                     window.to_minute / 60, window.to_minute % 60, days, days.empty() ? "" : " ", window.zone);
}

WindowState window_at(const DailyWindow& window, WallNs now) {
  if (window.days == 0) return {};
  const date::time_zone* zone = zone_of(window.zone);
  if (zone == nullptr) return {.is_open = false, .next_edge = ~WallNs{0}};  // gone from this machine: nothing is open
  const auto today = date::floor<date::days>(
      zone->to_local(date::floor<seconds>(sys_time<nanoseconds>(nanoseconds(static_cast<std::int64_t>(now))))));
  const bool past_midnight = window.to_minute <= window.from_minute;
  WindowState state{.is_open = false, .next_edge = ~WallNs{0}};
  for (int n = -1; n < kDaysAhead; ++n) {
    const local_days day = today + date::days(n);
    if ((window.days >> date::weekday(day).c_encoding() & 1U) == 0) continue;
    const auto closing_day = past_midnight ? day + date::days(1) : day;
    const WallNs opens = wall_of(moment(*zone, day + minutes(window.from_minute), Edge::opens));
    const WallNs closes = wall_of(moment(*zone, closing_day + minutes(window.to_minute), Edge::closes));
    if (opens >= closes) continue;  // the clocks left it out
    if (opens > (state.is_open ? state.next_edge : now)) {
      if (!state.is_open) state.next_edge = opens;
      break;
    }
    if (closes <= now) continue;
    state.next_edge = state.is_open ? std::max(state.next_edge, closes) : closes;  // one that joins it goes on
    state.is_open = true;
  }
  return state;
}

}  // namespace sluice::control
