// See import.h.
#include "rules/import/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "rules/bounds.h"
#include "rules/import/convert.h"
#include "rules/import/gitleaks.h"
#include "rules/import/pack_text.h"
#include "rules/pack.h"

namespace sluice::rules::import {
namespace {

// An id as a name of ours: lower case, '-' for what a name can not have, cut, and none twice.
class Names {
 public:
  std::string take(std::string_view id) {
    std::string name;
    for (const char c : id) {
      const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      const bool fits = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '_';
      if (fits || (!name.empty() && name.back() != '-')) name += fits ? lower : '-';
    }
    while (!name.empty() && name.back() == '-') name.pop_back();
    if (name.empty()) name = "rule";
    name.resize(std::min(name.size(), kMaxNameBytes));
    std::string fresh = name;
    for (std::size_t next = 2; !taken_.insert(fresh).second; ++next) {
      const std::string suffix = fmt::format("-{}", next);
      fresh = name.substr(0, kMaxNameBytes - suffix.size()) + suffix;
    }
    return fresh;
  }

 private:
  std::set<std::string> taken_;
};

std::string head_of(const Imported& imported, std::string_view file_name) {
  std::string shown = show(file_name);
  return fmt::format(
      "# Made by `sluice rules import` from {}: {} of {} rules. What is found is hidden in the record and nowhere\n"
      "# else; change `where`, `action` and `mask` to your liking.\n",
      shown, imported.reports.size() - imported.count(Outcome::refused), imported.reports.size());
}

void add_file_remarks(const SourceFile& file, std::vector<std::string>& remarks) {
  std::size_t by_origin = 0;
  for (const SourceAllow& allow : file.allow) by_origin += allow.paths + allow.commits;
  if (by_origin > 0)
    remarks.push_back(
        fmt::format("{} paths and commits that the whole file allows are left out: traffic has neither", by_origin));
}

}  // namespace

std::size_t Imported::count(Outcome outcome) const {
  return static_cast<std::size_t>(std::ranges::count(reports, outcome, &RuleReport::outcome));
}

std::expected<Imported, Problems> import_gitleaks(std::string_view toml, std::string_view file_name,
                                                  std::string_view pack_name) {
  auto file = read_gitleaks(toml, file_name);
  if (!file) return std::unexpected(std::move(file.error()));
  Imported out;
  out.remarks = file->remarks;
  add_file_remarks(*file, out.remarks);
  std::map<std::string, std::size_t> last;
  for (std::size_t i = 0; i < file->rules.size(); ++i) last[file->rules[i].id] = i;
  Names names;
  std::vector<NewRule> rules;
  for (std::size_t i = 0; i < file->rules.size(); ++i) {
    const SourceRule& source = file->rules[i];
    RuleReport report{.id = source.id, .at = source.at};
    if (const std::size_t counts = last[source.id]; counts != i) {
      report.outcome = Outcome::refused;
      report.notes.other(fmt::format("it is given again in line {}, which counts", file->rules[counts].at.line));
    } else {
      for (NewRule& rule : convert(source, *file, report)) {
        rule.name = names.take(source.id);
        report.names.push_back(rule.name);
        rules.push_back(std::move(rule));
      }
    }
    out.reports.push_back(std::move(report));
  }
  out.rules = rules.size();
  if (rules.empty())
    return std::unexpected(Problems{
        {std::string(file_name), 0, 0, "no rule of it can be taken", out.remarks.empty() ? "" : out.remarks.front()}});
  out.pack = pack_text(pack_name, fmt::format("Imported from {}", file_name), head_of(out, file_name), rules);
  // What the import writes, the policy takes.
  const auto read = parse_pack(out.pack, pack_name, fmt::format("{}.yaml", pack_name));
  if (!read) return std::unexpected(read.error());
  return out;
}

}  // namespace sluice::rules::import
