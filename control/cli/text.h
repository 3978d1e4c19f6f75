// Text for people: aligned tables, sizes, times. What comes from the wire cannot steer the terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cli {

// Control characters (but for tab and newline) as '?'; CR before LF goes.
std::string printable(std::string_view text);

// Every line behind `indent`, and ended.
std::string indented(std::string_view text, std::string_view indent = "    ");

// "1.5 MiB"
std::string human_bytes(std::uint64_t bytes);
// "0.4 ms", "12.4 ms", "1.5 s"
std::string human_duration(std::uint64_t ns);
// "2026-11-20T23:49:43.123456789Z" → "2026-11-20 23:49:43.123"; "-" for none.
std::string human_time(std::string_view iso_time);
// "90s", "10m", "2h", "1d" in nanoseconds.
std::optional<std::uint64_t> duration_ns(const std::string& text);
// So long before now, as nanoseconds since the epoch.
std::uint64_t wall_ns_before(std::uint64_t duration);

// Columns as wide as their widest cell; columns whose cells are all numbers or sizes align to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> titles) : rows_{std::move(titles)} {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] bool empty() const { return rows_.size() == 1; }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace sluice::cli
