// Dates and times as PostgreSQL prints them (ISO): counted from 2000-01-01, in days or in microseconds.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "dataplane/protocol/postgres/value_texts.h"

namespace sluice::postgres {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
constexpr std::int64_t kFirstDay = -2'451'545;    // 4714-11-24 BC: day 0 of the Julian count
constexpr std::int64_t kDaysEnd = 2'145'031'949;  // the first day behind 5874897-12-31
constexpr std::int64_t kFirstMicros = -211'813'488'000'000'000;
constexpr std::int64_t kMicrosEnd = 9'223'371'331'200'000'000;

std::int64_t load_be64(const std::uint8_t* p) {
  return static_cast<std::int64_t>(std::uint64_t{load_be32(p)} << 32U | load_be32(p + 4));
}

// The text of a time is put together here, and appended at once.
class TimeText {
 public:
  void push_back(char c) { *end_++ = c; }
  void append(std::string_view text) { end_ = std::ranges::copy(text, end_).out; }
  // A number that has at most `width` digits, in so many.
  void append_padded(std::int64_t number, std::size_t width) {
    auto left = static_cast<std::uint32_t>(number);
    for (std::size_t i = width; i-- > 0; left /= 10) end_[i] = static_cast<char>('0' + left % 10);
    end_ += width;
  }
  void drop_zeros() {
    while (end_[-1] == '0') --end_;
  }
  [[nodiscard]] std::string_view text() const { return {bytes_.data(), end_}; }

 private:
  std::array<char, 48> bytes_;  // the longest has 32
  char* end_ = bytes_.data();
};

// True: the year is one before Christ, and " BC" has to follow all of it. (Howard Hinnant's civil_from_days.)
bool append_date(std::int64_t days_since_2000, TimeText& out) {
  constexpr std::int64_t kDaysPerEra = 146'097;         // 400 years
  const std::int64_t days = days_since_2000 + 730'425;  // since 0000-03-01
  const std::int64_t era = (days >= 0 ? days : days - (kDaysPerEra - 1)) / kDaysPerEra;
  const std::int64_t day_of_era = days - era * kDaysPerEra;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const std::int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const std::int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  const std::int64_t shown_year = year > 0 ? year : 1 - year;
  std::size_t year_digits = 4;
  for (std::int64_t end = 10'000; shown_year >= end; end *= 10) ++year_digits;
  out.append_padded(shown_year, year_digits);
  out.push_back('-');
  out.append_padded(month, 2);
  out.push_back('-');
  out.append_padded(day, 2);
  return year <= 0;
}

void append_time(std::int64_t micros, TimeText& out) {
  constexpr std::int64_t kSecondsPerHour = 3600;
  const std::int64_t seconds = micros / kMicrosPerSecond;
  out.append_padded(seconds / kSecondsPerHour, 2);
  out.push_back(':');
  out.append_padded(seconds / 60 % 60, 2);
  out.push_back(':');
  out.append_padded(seconds % 60, 2);
  const std::int64_t fraction = micros % kMicrosPerSecond;
  if (fraction == 0) return;
  out.push_back('.');
  out.append_padded(fraction, 6);
  out.drop_zeros();
}

ErrorCode append_timestamp(Bytes value, std::string_view zone, BoundedText& out) {
  if (value.size() != 8) return ErrorCode::postgres_bad_value;
  const std::int64_t micros = load_be64(value.data());
  if (micros == std::numeric_limits<std::int64_t>::max() || micros == std::numeric_limits<std::int64_t>::min()) {
    out.append(micros > 0 ? "infinity" : "-infinity");
    return ErrorCode::ok;
  }
  if (micros < kFirstMicros || micros >= kMicrosEnd) return ErrorCode::postgres_bad_value;
  const std::int64_t days = (micros >= 0 ? micros : micros - (kMicrosPerDay - 1)) / kMicrosPerDay;
  TimeText text;
  const bool is_before_christ = append_date(days, text);
  text.push_back(' ');
  append_time(micros - days * kMicrosPerDay, text);
  text.append(zone);
  if (is_before_christ) text.append(" BC");
  out.append(text.text());
  return ErrorCode::ok;
}

}  // namespace

ErrorCode date_text(Bytes value, BoundedText& out) {
  if (value.size() != 4) return ErrorCode::postgres_bad_value;
  const auto days = static_cast<std::int32_t>(load_be32(value.data()));
  if (days == std::numeric_limits<std::int32_t>::max() || days == std::numeric_limits<std::int32_t>::min()) {
    out.append(days > 0 ? "infinity" : "-infinity");
    return ErrorCode::ok;
  }
  if (days < kFirstDay || days >= kDaysEnd) return ErrorCode::postgres_bad_value;
  TimeText text;
  if (append_date(days, text)) text.append(" BC");
  out.append(text.text());
  return ErrorCode::ok;
}

ErrorCode time_text(Bytes value, BoundedText& out) {
  if (value.size() != 8) return ErrorCode::postgres_bad_value;
  const std::int64_t micros = load_be64(value.data());
  if (micros < 0 || micros > kMicrosPerDay) return ErrorCode::postgres_bad_value;  // 24:00:00 is one
  TimeText text;
  append_time(micros, text);
  out.append(text.text());
  return ErrorCode::ok;
}

ErrorCode timestamp_text(Bytes value, BoundedText& out) {
  return append_timestamp(value, {}, out);
}

ErrorCode timestamptz_text(Bytes value, BoundedText& out) {
  return append_timestamp(value, "+00", out);
}

}  // namespace sluice::postgres
