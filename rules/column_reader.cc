// See column_reader.h.
#include "rules/column_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace sluice::rules {
namespace {

// src/include/catalog/pg_type.dat; any other is named by its OID.
constexpr Word<std::uint32_t> kTypes[] = {
    {"bool", 16},     {"bytea", 17},       {"name", 19},          {"int8", 20},       {"int2", 21},
    {"int4", 23},     {"text", 25},        {"oid", 26},           {"json", 114},      {"xml", 142},
    {"cidr", 650},    {"float4", 700},     {"float8", 701},       {"macaddr8", 774},  {"money", 790},
    {"macaddr", 829}, {"inet", 869},       {"bpchar", 1042},      {"varchar", 1043},  {"date", 1082},
    {"time", 1083},   {"timestamp", 1114}, {"timestamptz", 1184}, {"interval", 1186}, {"timetz", 1266},
    {"bit", 1560},    {"varbit", 1562},    {"numeric", 1700},     {"uuid", 2950},     {"jsonb", 3802}};

std::optional<std::uint32_t> parse_oid(std::string_view text) {
  std::uint32_t oid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), oid);
  if (error != std::errc{} || end != text.data() + text.size() || oid == 0) return std::nullopt;
  return oid;
}

std::string read_pattern(const YamlNode& node, Report& report) {
  auto text = read_text(node, report);
  if (!text) return "";
  if (text->empty() || text->size() > kMaxColumnNameBytes || text->find('.') != std::string::npos) {
    report.add(node.position, fmt::format("{} is no name of a column", show(*text)),
               fmt::format("the name alone, at most {} bytes: card or \"*_ssn\"; a table is known by its OID only: "
                           "{{table: 16402, name: card}}",
                           kMaxColumnNameBytes));
    return "";
  }
  if (std::ranges::any_of(*text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    report.add(node.position,
               fmt::format("{} is not ASCII, and clients choose the encoding in which names come", show(*text)),
               "name the column by its table and number: {table: 16402, attribute: 3}");
    return "";
  }
  for (char& c : *text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return *std::move(text);
}

ColumnPattern read_map(const YamlNode& node, Report& report) {
  ColumnPattern pattern;
  Fields fields(node, "a column", report);
  if (const YamlNode* name = fields.get("name")) pattern.name = read_pattern(*name, report);
  if (const YamlNode* table = fields.get("table"))
    pattern.table = read_number(*table, 1, std::numeric_limits<std::uint32_t>::max(), report).value_or(0);
  if (const YamlNode* attribute = fields.get("attribute")) {
    pattern.attribute = static_cast<std::uint16_t>(read_number(*attribute, 1, 1600, report).value_or(0));
    if (pattern.table == 0)
      report.add(attribute->position, "an attribute's number says nothing without its table",
                 "{table: 16402, attribute: 3}");
  }
  if (const YamlNode* type = fields.get("type")) {
    const auto oid = parse_oid(type->text);
    pattern.type = oid ? *oid : read_choice(*type, kTypes, report).value_or(0);
  }
  fields.finish();
  if (node.children.empty()) report.add(node.position, "a column that is any column", "name: card");
  return pattern;
}

}  // namespace

std::vector<ColumnPattern> read_columns(const YamlNode& node, Report& report) {
  std::vector<ColumnPattern> columns;
  const auto items = is_map(node) ? std::span<const YamlNode>(&node, 1) : read_one_or_list(node, "columns", report);
  if (items.size() > kMaxColumns)
    report.add(node.position, fmt::format("{} columns", items.size()),
               fmt::format("at most {}; * in a name stands for any characters", kMaxColumns));
  for (const YamlNode& item : items.first(std::min(items.size(), kMaxColumns)))
    columns.push_back(is_map(item) ? read_map(item, report) : ColumnPattern{.name = read_pattern(item, report)});
  return columns;
}

std::string text_of(const ColumnPattern& pattern) {
  std::string out = pattern.name;
  if (pattern.attribute != 0) out += fmt::format("{}attribute {}", out.empty() ? "" : " as ", pattern.attribute);
  if (out.empty()) out = "any";
  if (pattern.table != 0) out += fmt::format(" of table {}", pattern.table);
  if (pattern.type == 0) return out;
  const auto* const known = std::ranges::find(kTypes, pattern.type, &Word<std::uint32_t>::value);
  return out + " of type " + (known == std::end(kTypes) ? std::to_string(pattern.type) : std::string(known->word));
}

}  // namespace sluice::rules
