// See words.h.
#include "workbench/words.h"

#include <fmt/format.h>

#include <array>

namespace sluice::workbench {
namespace {

void add(std::string& list, bool there, std::string_view word) {
  if (there) list.append(list.empty() ? "" : ", ").append(word);
}

}  // namespace

std::string verdict_of(const rules::Rule& rule) {
  std::string on;
  add(on, rule.mask_wire[0], "requests");
  add(on, rule.mask_wire[1], "responses");
  add(on, rule.mask_record, "record");
  const std::string action = EnumNameAction(rule.action);
  if (on.empty()) return action;
  return rule.action == rules::Action::mask ? fmt::format("mask: {}", on) : fmt::format("{}, masked: {}", action, on);
}

std::string places_of(const rules::Rule& rule) {
  static constexpr std::array<std::string_view, rules::kPlaces> kNames = {"request head", "request body",
                                                                          "response head", "response body"};
  std::string places;
  for (std::size_t place = 0; place < rules::kPlaces; ++place) add(places, rule.where[place], kNames[place]);
  return places;
}

std::string_view kind_of(const rules::AnchorReport& anchor) {
  if (anchor.kind == rules::AnchorKind::pattern) return "none";
  return anchor.kind == rules::AnchorKind::literal ? "literal" : "shape";
}

std::string shown(std::string_view text, std::size_t most) {
  std::string out;
  const std::size_t half = most / 2;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.size() > most && i == half) {
      out += "…";
      i = text.size() - half;
    }
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n')
      out += "\\n";
    else if (byte == '\r')
      out += "\\r";
    else if (byte == '\t')
      out += ' ';
    else
      out += byte < 0x20 || byte > 0x7e ? '?' : text[i];
  }
  return out;
}

}  // namespace sluice::workbench
