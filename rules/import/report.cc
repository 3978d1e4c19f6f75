// The report on an import, for people.
#include <fmt/format.h>

#include "rules/import/import.h"

namespace sluice::rules::import {

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::as_it_is:
      return "as it is";
    case Outcome::anew:
      return "written anew, finds the same";
    case Outcome::changed:
      return "with a change";
    case Outcome::refused:
      return "not taken";
  }
  return "";
}

std::string report_text(const Imported& imported, std::string_view file_name) {
  std::string out;
  for (const RuleReport& report : imported.reports) {
    out += fmt::format("{}:{}: {}: {}\n", file_name, report.at.line, show(report.id), name_of(report.outcome));
    if (report.names.size() > 1)
      out += fmt::format("    becomes {} rules: {}\n", report.names.size(), fmt::join(report.names, ", "));
    else if (report.names.size() == 1 && report.names.front() != report.id)
      out += fmt::format("    is called {}\n", report.names.front());
    for (const Note& note : report.notes.all())
      out += fmt::format("    {} {}\n", note.other_matches ? "!" : "-", note.text);
  }
  for (const std::string& remark : imported.remarks) out += fmt::format("{}: {}\n", file_name, remark);
  out += fmt::format(
      "{} rules: {} as they are, {} written anew and finding the same, {} with a change, {} not taken; {} rules in the "
      "pack\n",
      imported.reports.size(), imported.count(Outcome::as_it_is), imported.count(Outcome::anew),
      imported.count(Outcome::changed), imported.count(Outcome::refused), imported.rules);
  return out;
}

}  // namespace sluice::rules::import
