// See anchor_report.h.
#include "rules/anchor_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "rules/automaton.h"
#include "rules/expression.h"
#include "rules/measured_anchor.h"

namespace sluice::rules {
namespace {

constexpr double kMegabyte = 1e6;

std::string shown(std::uint8_t byte) {
  if (byte == '\\' || byte == '"') return fmt::format("\\{}", static_cast<char>(byte));
  if (byte >= 0x20 && byte < 0x7f) return std::string(1, static_cast<char>(byte));
  return fmt::format("\\x{:02x}", byte);
}

std::string shown(const ByteSet& set) {
  if (set.all()) return "any byte";
  std::string out;
  unsigned members = 0;
  for (unsigned byte = 0; byte < set.size(); ++byte) {
    if (!set[byte]) continue;
    unsigned last = byte;
    while (last + 1 < set.size() && set[last + 1]) ++last;
    members += last - byte + 1;
    if (byte == '-' && last == byte) continue;  // written at the end, where it is no range
    out += shown(static_cast<std::uint8_t>(byte));
    if (last > byte + 1) out += '-';
    if (last > byte) out += shown(static_cast<std::uint8_t>(last));
    byte = last;
  }
  if (set['-'] && !(set['-' - 1] || set['-' + 1])) out += '-';
  return members == 1 ? out : "[" + out + "]";
}

std::string shown(const std::vector<ByteSet>& places) {
  std::string out;
  for (std::size_t i = 0; i < places.size();) {
    std::size_t end = i + 1;
    while (end < places.size() && places[end] == places[i]) ++end;
    out += shown(places[i]);
    if (end - i > 1) out += fmt::format("{{{}}}", end - i);
    i = end;
  }
  return out;
}

std::string shown(const Literal& literal) {
  std::string out;
  for (const char c : literal.bytes) out += shown(static_cast<std::uint8_t>(c));
  return fmt::format("\"{}\"{}", out, literal.caseless ? " in either case" : "");
}

}  // namespace

AnchorReport report_anchor(std::string_view expression, bool caseless, Bytes sample) {
  AnchorReport report;
  const auto tree = parse_expression(expression, caseless);
  if (!tree) return report;
  const auto automaton = Automaton::build(*tree);
  if (!automaton) return report;
  const Anchor anchor = measured_anchor(*tree, *automaton);
  report.kind = anchor.kind;
  report.expected_per_mb = anchor.per_megabyte;
  std::size_t found = 0;
  std::vector<std::vector<ByteSet>> shapes;
  if (anchor.kind == AnchorKind::shape) shapes.push_back(shape_of(*automaton));
  if (anchor.kind == AnchorKind::shapes) shapes = shapes_of(*automaton);
  for (const std::vector<ByteSet>& shape : shapes) {
    report.what += (report.what.empty() ? "" : " or ") + shown(shape);
    found += count_places(shape, sample);
  }
  for (const Literal& literal : anchor.literals) {
    report.what += (report.what.empty() ? "" : " or ") + shown(literal);
    found += count_places(places_of(literal), sample);
  }
  if (!sample.empty())
    report.found_per_mb = static_cast<double>(found) * kMegabyte / static_cast<double>(sample.size());
  return report;
}

std::string describe(const AnchorReport& report) {
  if (report.kind == AnchorKind::pattern) return "no anchor: every byte runs through a database of expressions";
  const bool is_shape = report.kind == AnchorKind::shape || report.kind == AnchorKind::shapes;
  return fmt::format("{} {}, {:.0f} a megabyte", is_shape ? "shape" : "literal", report.what, report.found_per_mb);
}

}  // namespace sluice::rules
