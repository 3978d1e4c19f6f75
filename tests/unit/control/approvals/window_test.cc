// Hours of a grant: across midnight, in zones, over changes of the clocks.
#include "control/approvals/window.h"

#include <gtest/gtest.h>

#include <ctime>

namespace sluice::control {
namespace {

// "2026-03-28 21:00" UTC
WallNs utc(const char* text) {
  tm parts = {};
  EXPECT_NE(::strptime(text, "%Y-%m-%d %H:%M", &parts), nullptr) << text;
  return static_cast<WallNs>(::timegm(&parts)) * kSecond;
}

DailyWindow window(const char* hours, const char* days, const char* zone) {
  const auto parsed = parse_window(hours, days, zone);
  EXPECT_TRUE(parsed) << parsed.error().detail;
  return parsed.value_or(DailyWindow());
}

TEST(Window, NoneIsAlwaysOpen) {
  const WindowState state = window_at({}, utc("2026-11-21 12:00"));
  EXPECT_TRUE(state.is_open);
  EXPECT_EQ(state.next_edge, ~WallNs{0});
}

TEST(Window, AcrossMidnightInAZone) {
  const DailyWindow nights = window("22:00-06:00", "mon-fri", "Europe/Berlin");
  // Friday the 20th of November 2026: Berlin is one hour ahead.
  EXPECT_FALSE(window_at(nights, utc("2026-11-20 20:59")).is_open);
  EXPECT_EQ(window_at(nights, utc("2026-11-20 20:59")).next_edge, utc("2026-11-20 21:00"));
  EXPECT_TRUE(window_at(nights, utc("2026-11-20 21:00")).is_open);
  // It opened on Friday and goes on into Saturday.
  EXPECT_TRUE(window_at(nights, utc("2026-11-21 04:59")).is_open);
  EXPECT_EQ(window_at(nights, utc("2026-11-21 04:59")).next_edge, utc("2026-11-21 05:00"));
  // Saturday night and Sunday night are none; Monday's opens.
  EXPECT_FALSE(window_at(nights, utc("2026-11-21 05:00")).is_open);
  EXPECT_EQ(window_at(nights, utc("2026-11-21 05:00")).next_edge, utc("2026-11-23 21:00"));
  EXPECT_FALSE(window_at(nights, utc("2026-11-23 01:00")).is_open);
}

TEST(Window, TheNightInWhichClocksGoForwardIsAnHourShorter) {
  const DailyWindow nights = window("22:00-06:00", "", "Europe/Berlin");
  EXPECT_TRUE(window_at(nights, utc("2026-03-28 21:00")).is_open);                           // 22:00 at +1
  EXPECT_EQ(window_at(nights, utc("2026-03-28 21:00")).next_edge, utc("2026-03-29 04:00"));  // 06:00 at +2
}

TEST(Window, TheNightInWhichClocksGoBackIsAnHourLonger) {
  const DailyWindow nights = window("22:00-06:00", "", "Europe/Berlin");
  EXPECT_EQ(window_at(nights, utc("2026-10-24 20:00")).next_edge, utc("2026-10-25 05:00"));
}

TEST(Window, EdgesInAnHourThatIsLeftOutOrComesTwice) {
  // 02:00 to 03:00 does not exist in Berlin on 2026-03-29: 01:00 UTC is the moment of the change.
  EXPECT_EQ(window_at(window("02:30-05:00", "", "Europe/Berlin"), utc("2026-03-29 00:00")).next_edge,
            utc("2026-03-29 01:00"));
  EXPECT_EQ(window_at(window("01:00-02:30", "", "Europe/Berlin"), utc("2026-03-29 00:30")).next_edge,
            utc("2026-03-29 01:00"));
  // What lies within it whole is no time on that day.
  EXPECT_EQ(window_at(window("02:10-02:50", "", "Europe/Berlin"), utc("2026-03-29 00:30")).next_edge,
            utc("2026-03-30 00:10"));
  // 02:30 comes twice on 2026-10-25: it opens at the first (00:30 UTC), closes at the second (01:30 UTC).
  EXPECT_EQ(window_at(window("02:30-05:00", "", "Europe/Berlin"), utc("2026-10-24 23:00")).next_edge,
            utc("2026-10-25 00:30"));
  EXPECT_EQ(window_at(window("01:00-02:30", "", "Europe/Berlin"), utc("2026-10-24 23:30")).next_edge,
            utc("2026-10-25 01:30"));
}

TEST(Window, DaysThatJoinAreOne) {
  const WindowState always = window_at(window("00:00-24:00", "", ""), utc("2026-11-21 12:00"));
  EXPECT_TRUE(always.is_open);
  EXPECT_GT(always.next_edge, utc("2026-11-28 00:00"));
  const WindowState weekdays = window_at(window("00:00-24:00", "mon-fri", ""), utc("2026-11-18 12:00"));
  EXPECT_EQ(weekdays.next_edge, utc("2026-11-21 00:00"));
}

// Whatever minute it is asked at, the next edge is where the answer changes, and not before.
TEST(Window, TheNextEdgeIsWhereItChanges) {
  for (const auto* zone : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"})
    for (const auto* hours : {"22:00-06:00", "02:15-02:45", "09:00-17:30"}) {
      const DailyWindow some = window(hours, "mon-fri,sun", zone);
      for (WallNs now = utc("2026-10-22 00:00"); now < utc("2026-10-28 00:00"); now += 17 * 60 * kSecond) {
        const WindowState state = window_at(some, now);
        ASSERT_GT(state.next_edge, now);
        EXPECT_EQ(window_at(some, state.next_edge - 1).is_open, state.is_open) << zone << hours << now;
        EXPECT_NE(window_at(some, state.next_edge).is_open, state.is_open) << zone << hours << now;
      }
    }
}

TEST(Window, WhatIsWrittenIsReadBack) {
  EXPECT_EQ(format_window(window("22:00-06:00", "mon-fri", "Europe/Berlin")), "22:00-06:00 mon-fri Europe/Berlin");
  EXPECT_EQ(format_window(window("08:00-09:00", "tue,fri-mon", "UTC")), "08:00-09:00 mon-tue,fri-sun UTC");
  EXPECT_EQ(format_window(window("00:00-24:00", "", "")), "00:00-00:00 UTC");
  EXPECT_EQ(window("08:00-09:00", "fri-mon", "").days, 0b1100011);
  for (const auto& [hours, days, zone] : {std::array{"22-6", "", ""},
                                          {"25:00-06:00", "", ""},
                                          {"24:01-06:00", "", ""},
                                          {"22:00", "", ""},
                                          {"22:00-06:00", "monday", ""},
                                          {"22:00-06:00", "mon,", ""},
                                          {"22:00-06:00", "", "Europe/Bonn"},
                                          {"22:00-06:00", "", "../etc/passwd"}})
    EXPECT_EQ(parse_window(hours, days, zone).error().code, ErrorCode::bad_argument) << hours << days << zone;
}

TEST(Window, AZoneThatIsGoneIsNeverOpen) {
  DailyWindow lost = window("00:00-24:00", "", "");
  lost.zone = "Europe/Atlantis";
  EXPECT_FALSE(window_at(lost, utc("2026-11-21 12:00")).is_open);
}

}  // namespace
}  // namespace sluice::control
