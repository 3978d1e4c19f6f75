// See text.h.
#include "control/cli/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "common/clock.h"

namespace sluice::cli {
namespace {

bool is_number(const std::string& cell) {
  return !cell.empty() && (cell == "-" || (cell[0] >= '0' && cell[0] <= '9' && cell.find(':') == std::string::npos &&
                                           cell.find_first_not_of("0123456789. KMGTiB") == std::string::npos));
}

// In characters, so that names in any script align.
std::size_t width_of(const std::string& cell) {
  return static_cast<std::size_t>(
      std::ranges::count_if(cell, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (c == '\r' && next == '\n') continue;
    if (c == 0xc2 && next >= 0x80 && next < 0xa0) {  // C1 controls in UTF-8
      out += '?';
      ++i;
      continue;
    }
    out += (c < 0x20 && c != '\t' && c != '\n') || c == 0x7f ? '?' : text[i];
  }
  return out;
}

std::string indented(std::string_view text, std::string_view indent) {
  std::string out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    out.append(indent).append(text.substr(0, end)).append("\n");
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string human_duration(std::uint64_t ns) {
  const double seconds = static_cast<double>(ns) / 1e9;
  if (seconds >= 1) return fmt::format("{:.1f} s", seconds);
  return ns >= 1'000'000 ? fmt::format("{:.1f} ms", seconds * 1e3) : fmt::format("{:.1f} µs", seconds * 1e6);
}

std::string human_time(std::string_view iso_time) {
  constexpr std::size_t kToMilliseconds = 23;
  if (iso_time.size() < kToMilliseconds) return "-";
  std::string out(iso_time.substr(0, kToMilliseconds));
  out[10] = ' ';
  return out;
}

std::optional<std::uint64_t> duration_ns(const std::string& text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end + 1 != text.data() + text.size()) return std::nullopt;
  const std::uint64_t seconds = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : 0;
  if (seconds == 0 || count > 1'000'000'000 / seconds) return std::nullopt;
  return count * seconds * 1'000'000'000;
}

std::uint64_t wall_ns_before(std::uint64_t duration) {
  const WallNs now = wall_ns();
  return now - std::min(now, duration);
}

std::string Table::text() const {
  const std::size_t columns = rows_[0].size();
  std::vector<std::size_t> widths(columns, 0);
  std::vector<bool> to_right(columns, rows_.size() > 1);
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      widths[c] = std::max(widths[c], width_of(rows_[r][c]));
      if (r > 0 && !is_number(rows_[r][c])) to_right[c] = false;
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t c = 0; c < columns; ++c) {
      const std::string padding(widths[c] - width_of(row[c]), ' ');
      line += to_right[c] ? padding + row[c] : row[c] + padding;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace sluice::cli
