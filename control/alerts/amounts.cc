// Times and numbers of an alerts file. See rule_reader.h.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "control/alerts/rule_reader.h"

namespace sluice::control {
namespace {

using rules::Report;
using rules::show;
using rules::YamlNode;

struct Factor {
  std::string_view word;
  double value;
};
constexpr Factor kTimes[] = {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
constexpr Factor kPeriods[] = {{"/s", 1}, {"/m", 60}, {"/h", 3600}};
constexpr Factor kSizes[] = {{"KiB", 1024}, {"MiB", 1024.0 * 1024}, {"GiB", 1024.0 * 1024 * 1024}, {"B", 1}};
constexpr Factor kPercent[] = {{"%", 0.01}};
constexpr double kMostAmount = 1e15;

// A number that is not negative, at the beginning of `text`, which is taken from it.
std::optional<double> take_number(std::string_view& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(number) || std::signbit(number) || number > kMostAmount)
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return number;
}

std::optional<double> factor_of(std::string_view word, std::span<const Factor> factors) {
  for (const Factor& factor : factors)
    if (factor.word == word) return factor.value;
  return std::nullopt;
}

// "10MiB/s" behind its number: both factors.
std::optional<double> byte_rate_factor(std::string_view word) {
  const std::size_t slash = std::min(word.find('/'), word.size());
  const auto size = factor_of(word.substr(0, slash), kSizes);
  const auto period = factor_of(word.substr(slash), kPeriods);
  return size && period ? std::optional(*size / *period) : std::nullopt;
}

std::optional<double> factor_for(std::string_view word, AlertUnit unit) {
  switch (unit) {
    case AlertUnit::per_second: {
      const auto period = factor_of(word, kPeriods);
      return period ? std::optional(1 / *period) : std::nullopt;
    }
    case AlertUnit::bytes_per_second:
      return byte_rate_factor(word);
    case AlertUnit::share:
      return factor_of(word, kPercent);
    case AlertUnit::seconds:
      return factor_of(word, kTimes);
    case AlertUnit::count:
    case AlertUnit::budgets:
      break;
  }
  return word.empty() ? std::optional(1.0) : std::nullopt;
}

const char* example_of(AlertUnit unit) {
  constexpr std::array<const char*, 6> kExamples = {"200/s, or per minute (/m) or hour (/h)",
                                                    "10MiB/s, or per minute (/m) or hour (/h)",
                                                    "5%, of the requests",
                                                    "250ms or 2s",
                                                    "a plain number, as 10",
                                                    "a plain number, as 14.4"};
  return kExamples[static_cast<std::size_t>(unit)];
}

}  // namespace

std::optional<double> read_amount(const YamlNode& node, AlertUnit unit, Report& report) {
  const auto text = read_text(node, report);
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  const auto number = take_number(rest);
  const auto factor = number ? factor_for(rest, unit) : std::nullopt;
  if (factor && (unit != AlertUnit::share || *number <= 100)) return *number * *factor;
  report.add(node.position, fmt::format("{} is no number for this measure", show(*text)),
             fmt::format("for example {}", example_of(unit)));
  return std::nullopt;
}

std::optional<DurationNs> read_duration(const YamlNode& node, DurationNs low, DurationNs high, Report& report) {
  const auto text = read_text(node, report);
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  const auto number = take_number(rest);
  const auto factor = number ? factor_of(rest, kTimes) : std::nullopt;
  if (factor) {
    const double ns = std::round(*number * *factor * 1e9);
    if (ns >= static_cast<double>(low) && ns <= static_cast<double>(high)) return static_cast<DurationNs>(ns);
  }
  report.add(node.position, fmt::format("{} is no time that fits here", show(*text)),
             fmt::format("from {} to {}, with ms, s, m, h or d", format_duration(low), format_duration(high)));
  return std::nullopt;
}

std::string format_duration(DurationNs duration) {
  constexpr std::pair<std::string_view, DurationNs> kUnits[] = {
      {"d", 86'400 * kSecond}, {"h", 3600 * kSecond}, {"m", 60 * kSecond}, {"s", kSecond}};
  for (const auto& [word, ns] : kUnits)
    if (duration >= ns && duration % ns == 0) return fmt::format("{}{}", duration / ns, word);
  return duration == 0 ? "0s" : fmt::format("{}ms", duration / kMillisecond);
}

}  // namespace sluice::control
