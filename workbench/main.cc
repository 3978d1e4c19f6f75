// sluice-rules: what rules find, are and cost, on text at hand. `sluice rules` runs it; it speaks to neither process.
#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>

#include "common/file.h"
#include "rules/sample_text.h"
#include "workbench/cost_command.h"
#include "workbench/explain_command.h"
#include "workbench/test_command.h"

namespace {

using sluice::Result;
using sluice::workbench::CostOptions;

// As `sluice` exits.
constexpr int kOk = 0;
constexpr int kNo = 1;
constexpr int kUsage = 2;
constexpr int kRefused = 3;
constexpr std::size_t kMaxCorpusBytes = 256 * 1024 * 1024;

struct Options {
  CostOptions cost;  // names and json are those of every command
  std::string file;
  std::string rule;
};

int complain(const sluice::Error& error) {
  std::cerr << "error: " << error.message() << "\n";
  return kRefused;
}

int exit_of(const Result<bool>& answer) {
  if (!answer) return complain(answer.error());
  return *answer ? kOk : kNo;
}

int test(const Options& options) {
  const auto& names = options.cost.names;
  if (options.file.empty()) return exit_of(sluice::workbench::test_samples(names, options.cost.json, std::cout));
  if (options.file == "-") return exit_of(sluice::workbench::test_text(names, std::cin, options.cost.json, std::cout));
  std::ifstream file(options.file, std::ios::binary);
  if (!file.is_open()) return complain(sluice::system_error("opening " + options.file));
  return exit_of(sluice::workbench::test_text(names, file, options.cost.json, std::cout));
}

int tell(const Result<std::string>& report) {
  if (!report) return complain(report.error());
  std::cout << *report;
  return kOk;
}

int cost(const Options& options) {
  if (options.file.empty())
    return tell(sluice::workbench::cost_report(options.cost, sluice::as_bytes(sluice::rules::sample_text())));
  const auto text = sluice::read_file(options.file == "-" ? "/dev/stdin" : options.file, kMaxCorpusBytes);
  if (!text) return complain(text.error());
  return tell(sluice::workbench::cost_report(options.cost, *text));
}

void add_names(CLI::App& command, Options& options) {
  command.add_option("--policy", options.cost.names.policies, "the rules of this policy file; may be given again")
      ->allow_extra_args(false);
  command.add_option("--pack", options.cost.names.packs, "the rules of this pack; may be given again; else all packs")
      ->allow_extra_args(false);
  command.add_option("--packs", options.cost.names.pack_directory, "where packs are");
  command.add_flag("--json", options.cost.json, "answers as JSON");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  int exit = kOk;
  CLI::App app("sluice-rules: what rules find, are and cost, on text at hand", "sluice rules");
  app.set_version_flag("--version", SLUICE_VERSION);
  app.require_subcommand(1);
  CLI::App* test_command = app.add_subcommand("test", "what rules find in a text; without one, their own samples");
  add_names(*test_command, options);
  test_command->add_option("FILE", options.file, "the text; - for standard input");
  test_command->callback([&] { exit = test(options); });
  CLI::App* explain = app.add_subcommand("explain", "what a rule looks for, how, and what is done then");
  add_names(*explain, options);
  explain->add_option("RULE", options.rule, "pack/rule or local/rule")->required();
  explain->callback(
      [&] { exit = tell(sluice::workbench::explain_rule(options.cost.names, options.rule, options.cost.json)); });
  CLI::App* cost_command = app.add_subcommand("cost", "what each rule costs on a text, the dearest first");
  add_names(*cost_command, options);
  cost_command->add_option("FILE", options.file,
                           "the text, - for standard input; else generated JSON, SQL, logs and prose");
  cost_command->add_flag("!--quick", options.cost.shares, "leaves out the share of each rule, which takes longest");
  cost_command->callback([&] { exit = cost(options); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return kRefused;
  }
  return exit;
}
