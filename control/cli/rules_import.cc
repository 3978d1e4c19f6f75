// See rules_import.h.
#include "control/cli/rules_import.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

#include "control/cli/text.h"
#include "rules/bounds.h"
#include "rules/import/gitleaks.h"
#include "rules/import/import.h"

namespace sluice::cli {
namespace {

namespace import = rules::import;

struct Wish {
  std::string file;
  std::string pack;
  std::string out;
};

// One byte more than may be read is for the reader to refuse.
std::optional<std::string> read_input(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file.is_open() || std::filesystem::is_directory(path)) return std::nullopt;
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::string text(import::kMaxTomlBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return std::nullopt;
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

// What is asked for, or else what the file to be written is called.
std::string pack_name(const Wish& wish) {
  if (!wish.pack.empty()) return wish.pack;
  return wish.out.empty() ? "gitleaks" : std::filesystem::path(wish.out).stem().string();
}

Json report_json(const import::Imported& imported) {
  Json rules = Json::array();
  for (const import::RuleReport& report : imported.reports) {
    Json notes = Json::array();
    for (const import::Note& note : report.notes.all())
      notes.push_back({{"text", note.text}, {"other_matches", note.other_matches}});
    rules.push_back({{"id", report.id},
                     {"line", report.at.line},
                     {"outcome", import::name_of(report.outcome)},
                     {"names", report.names},
                     {"notes", std::move(notes)}});
  }
  return {{"rules", std::move(rules)}, {"remarks", imported.remarks}, {"rules_in_pack", imported.rules}};
}

Exit run(const Wish& wish, const Shared& shared) {
  const auto text = read_input(wish.file);
  if (!text) return complain(shared, Exit::refused, "cannot read " + wish.file);
  const std::string name = pack_name(wish);
  if (!rules::is_name(name) || name == "local")
    return complain(shared, Exit::usage,
                    fmt::format("{} is no name of a pack: 1 to {} of a-z, 0-9, '-' and '_'; give one with --pack",
                                rules::show(name), rules::kMaxNameBytes));
  const std::string shown = wish.file == "-" ? "stdin" : wish.file;
  const auto imported = import::import_gitleaks(*text, shown, name);
  if (!imported) return complain(shared, Exit::refused, rules::to_error(imported.error()).detail);
  std::ofstream file;
  if (!wish.out.empty()) {
    file.open(wish.out, std::ios::binary | std::ios::trunc);
    if (!file.is_open()) return complain(shared, Exit::refused, "cannot write " + wish.out);
  }
  std::ostream& out = wish.out.empty() ? std::cout : file;
  out << imported->pack << std::flush;
  if (!out.good()) return complain(shared, Exit::failed, "writing the pack failed");
  // Beside the pack, never in it.
  std::ostream& report = wish.out.empty() ? std::cerr : std::cout;
  report << (shared.json ? report_json(*imported).dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                         : printable(import::report_text(*imported, shown)));
  return Exit::ok;
}

}  // namespace

void add_rules_import(CLI::App& rules, const Shared& shared, Exit& exit) {
  const auto wish = std::make_shared<Wish>();
  CLI::App* command = rules.add_subcommand("import", "gitleaks' rules (TOML) as a pack, with a report rule by rule");
  command->add_option("FILE", wish->file, "TOML; - for standard input")->required();
  command->add_option("--pack", wish->pack, "name of the pack; or else that of the file it is written to");
  command->add_option("-o,--out", wish->out, "NAME.yaml; or else standard output");
  command->callback([wish, &shared, &exit] { exit = run(*wish, shared); });
}

}  // namespace sluice::cli
