// Dates and times as PostgreSQL prints them (ISO): counted from 2000-01-01, in days or in microseconds.
#include <cstdint>
#include <limits>
#include <string>
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

void append_padded(std::int64_t number, std::size_t width, BoundedText& out) {
  const std::string digits = std::to_string(number);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out.append(digits);
}

// True: the year is one before Christ, and " BC" has to follow all of it. (Howard Hinnant's civil_from_days.)
bool append_date(std::int64_t days_since_2000, BoundedText& out) {
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
  append_padded(year > 0 ? year : 1 - year, 4, out);
  out.push_back('-');
  append_padded(month, 2, out);
  out.push_back('-');
  append_padded(day, 2, out);
  return year <= 0;
}

void append_time(std::int64_t micros, BoundedText& out) {
  constexpr std::int64_t kSecondsPerHour = 3600;
  const std::int64_t seconds = micros / kMicrosPerSecond;
  append_padded(seconds / kSecondsPerHour, 2, out);
  out.push_back(':');
  append_padded(seconds / 60 % 60, 2, out);
  out.push_back(':');
  append_padded(seconds % 60, 2, out);
  std::int64_t fraction = micros % kMicrosPerSecond;
  if (fraction == 0) return;
  std::size_t width = 6;
  for (; fraction % 10 == 0; fraction /= 10) --width;
  out.push_back('.');
  append_padded(fraction, width, out);
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
  const bool is_before_christ = append_date(days, out);
  out.push_back(' ');
  append_time(micros - days * kMicrosPerDay, out);
  out.append(zone);
  if (is_before_christ) out.append(" BC");
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
  if (append_date(days, out)) out.append(" BC");
  return ErrorCode::ok;
}

ErrorCode time_text(Bytes value, BoundedText& out) {
  if (value.size() != 8) return ErrorCode::postgres_bad_value;
  const std::int64_t micros = load_be64(value.data());
  if (micros < 0 || micros > kMicrosPerDay) return ErrorCode::postgres_bad_value;  // 24:00:00 is one
  append_time(micros, out);
  return ErrorCode::ok;
}

ErrorCode timestamp_text(Bytes value, BoundedText& out) {
  return append_timestamp(value, {}, out);
}

ErrorCode timestamptz_text(Bytes value, BoundedText& out) {
  return append_timestamp(value, "+00", out);
}

}  // namespace sluice::postgres
