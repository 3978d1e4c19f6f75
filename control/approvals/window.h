// Hours of the day within which a grant counts: "22:00-06:00, mon-fri, Europe/Berlin". A window belongs to the day on
// which it opens, also when it goes on past midnight. Hours are those of the zone's clocks: a time that a change of the
// clocks leaves out is the moment of the change; of one that comes twice, opening takes the first and closing the last.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/time.h"

namespace sluice::control {

struct DailyWindow {
  std::uint16_t from_minute = 0;  // of the day
  std::uint16_t to_minute = 0;    // the same as from: 24 hours
  std::uint8_t days = 0;          // bit n: opens on weekday n, 0 is Sunday; none: there is no window, it is always open
  std::string zone;               // as the tz database names it; kept with each window, also UTC

  bool operator==(const DailyWindow&) const = default;
};

// "22:00-06:00"; "mon-fri", "sat,sun", "mon,wed-fri" or empty for all; a zone, empty for UTC. bad_argument says what
// would be right.
Result<DailyWindow> parse_window(std::string_view hours, std::string_view days, std::string_view zone);
std::string format_window(const DailyWindow& window);  // "22:00-06:00 mon-fri Europe/Berlin"; empty: always open

struct WindowState {
  bool is_open = true;
  WallNs next_edge = ~WallNs{0};  // when that changes
};
WindowState window_at(const DailyWindow& window, WallNs now);

}  // namespace sluice::control
