// See pack.h.
#include "rules/pack.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <system_error>

#include "rules/bounds.h"
#include "rules/fields.h"
#include "rules/rule_reader.h"
#include "rules/yaml_tree.h"

namespace sluice::rules {
namespace {

constexpr std::string_view kExtension = ".yaml";

bool is_pack_name(std::string_view name) {
  return is_name(name) && name != "local";
}

}  // namespace

std::filesystem::path default_pack_directory() {
  std::error_code ignored;
  const std::filesystem::path installed = SLUICE_PACK_INSTALL_DIR;
  return std::filesystem::is_directory(installed, ignored) ? installed : std::filesystem::path(SLUICE_PACK_SOURCE_DIR);
}

PackSource::PackSource(std::filesystem::path directory) : directory_(std::move(directory)) {}

std::vector<std::string> PackSource::names() const {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory_, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::filesystem::path& path = entry->path();
    if (path.extension() == kExtension && is_pack_name(path.stem().string())) names.push_back(path.stem().string());
  }
  std::ranges::sort(names);
  return names;
}

std::filesystem::path PackSource::path_of(std::string_view name) const {
  return is_pack_name(name) ? directory_ / fmt::format("{}{}", name, kExtension) : std::filesystem::path();
}

Result<std::string> PackSource::read(std::string_view name) const {
  const std::filesystem::path path = path_of(name);
  std::error_code error;
  if (path.empty() || !std::filesystem::is_regular_file(path, error))
    return fail(ErrorCode::not_found, fmt::format("pack {}", show(name)));
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxYamlBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) return fail(ErrorCode::io_failed, fmt::format("reading {}", path.string()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;  // one byte too many is for parse_yaml to refuse
}

std::expected<Pack, Problems> parse_pack(std::string_view yaml, std::string_view name, std::string_view file_name) {
  const auto root = parse_yaml(yaml, file_name);
  if (!root) return std::unexpected(root.error());
  Report report(file_name);
  Fields fields(*root, "a pack", report);
  Pack pack;
  if (const YamlNode* node = fields.need("pack", fmt::format("pack: {}", name))) {
    pack.name = read_text(*node, report).value_or("");
    if (pack.name != name)
      report.add(node->position, fmt::format("pack {} in the file of pack {}", show(pack.name), show(name)),
                 "a pack is called as its file");
  }
  if (const YamlNode* node = fields.get("about")) pack.about = read_text(*node, report).value_or("");
  if (const YamlNode* node = fields.need("rules", "rules: [...]")) pack.rules = read_rules(*node, name, true, report);
  fields.finish();
  if (!report.empty()) return std::unexpected(report.take());
  return pack;
}

}  // namespace sluice::rules
