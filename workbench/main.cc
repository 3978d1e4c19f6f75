// sluice-rules: what rules find, are, and cost, on text at hand. `sluice rules` runs it; it needs neither process.
#include <CLI/CLI.hpp>
#include <iostream>
#include <iterator>

#include "common/file.h"
#include "rules/sample_text.h"
#include "workbench/cost_command.h"

namespace {

constexpr std::size_t kMaxCorpusBytes = 256 * 1024 * 1024;

}  // namespace

int main(int argc, char** argv) {
  using namespace sluice;
  CLI::App app("sluice-rules");
  workbench::CostOptions options;
  std::string corpus;
  CLI::App* cost = app.add_subcommand("cost");
  cost->add_option("--policy", options.names.policies);
  cost->add_option("--pack", options.names.packs);
  cost->add_option("--packs", options.names.pack_directory);
  cost->add_flag("--json", options.json);
  cost->add_flag("!--no-shares", options.shares);
  cost->add_option("FILE", corpus);
  CLI11_PARSE(app, argc, argv);
  std::vector<std::uint8_t> file;
  if (!corpus.empty()) {
    auto read = read_file(corpus, kMaxCorpusBytes);
    if (!read) return 3;
    file = std::move(*read);
  }
  const auto report = workbench::cost_report(options, corpus.empty() ? as_bytes(rules::sample_text()) : Bytes(file));
  if (!report) {
    std::cerr << report.error().message() << "\n";
    return 3;
  }
  std::cout << *report;
}
