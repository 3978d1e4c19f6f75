// See cost_command.h.
#include "workbench/cost_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "rules/anchor_report.h"
#include "workbench/census.h"
#include "workbench/trial.h"
#include "workbench/words.h"

namespace sluice::workbench {
namespace {

constexpr double kMegabyte = 1e6;
constexpr std::chrono::milliseconds kLong{60};  // of rounds, so that some meet a quiet machine

struct Row {
  std::string rule;
  rules::AnchorReport anchor;
  Census census;
  std::size_t matches = 0;
  double alone_ns_per_kb = 0;
  double share = 0;
};

// The quickest of many scans of each, taken in turn: what else the machine does only adds, and adds to all alike.
Result<std::vector<double>> ns_per_kb(std::vector<Trial*> trials, Bytes text, std::vector<Match>& matches) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> best(trials.size());
  const Clock::time_point end = Clock::now() + kLong * trials.size();
  do {
    for (std::size_t i = 0; i < trials.size(); ++i) {
      matches.clear();
      const Clock::time_point begin = Clock::now();
      if (!trials[i]->scan(text, matches)) return fail(ErrorCode::scan_failed, "the text cannot be decided");
      const std::chrono::duration<double, std::nano> spent = Clock::now() - begin;
      const double ns = spent.count() * 1e3 / static_cast<double>(text.size());
      if (best[i] == 0 || ns < best[i]) best[i] = ns;
    }
  } while (Clock::now() < end);
  return best;
}

Result<Row> row_of(const rules::Rule& rule, Bytes text) {
  Row row;
  row.rule = rule.name;
  row.anchor = rules::report_anchor(rule.expression, rule.caseless, text);
  row.census = take_census(rule, text);
  auto trial = Trial::of({rule});
  if (!trial) return std::unexpected(trial.error());
  std::vector<Match> matches;
  const auto alone = ns_per_kb({&*trial}, text, matches);
  if (!alone) return std::unexpected(alone.error());
  row.alone_ns_per_kb = alone->front();
  row.matches = matches.size();
  return row;
}

// How much less the set costs without it.
Result<double> share_of(std::size_t position, const std::vector<rules::Rule>& all, Trial& whole, Bytes text) {
  std::vector<rules::Rule> others = all;
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(position));
  if (others.empty()) return 1.0;
  auto without = Trial::of(others);
  if (!without) return std::unexpected(without.error());
  std::vector<Match> matches;
  const auto both = ns_per_kb({&whole, &*without}, text, matches);
  if (!both) return std::unexpected(both.error());
  return std::clamp(1 - both->back() / both->front(), 0.0, 1.0);
}

double per_mb(std::uint64_t count, Bytes text) {
  return static_cast<double>(count) * kMegabyte / static_cast<double>(text.size());
}

std::string table_of(const std::vector<Row>& rows, double whole, bool shares, Bytes text) {
  std::string out = fmt::format("{:<28} {:<8} {:>10} {:>10} {:>10} {:>10} {:>9} {:>7}\n", "RULE", "ANCHOR",
                                "ANCHORS/MB", "STARTS/MB", "STEPS/MB", "MATCHES/MB", "ALONE", "SHARE");
  for (const Row& row : rows)
    out += fmt::format("{:<28} {:<8} {:>10.0f} {:>10.0f} {:>10.0f} {:>10.2f} {:>9.1f} {:>7}\n", row.rule,
                       kind_of(row.anchor), per_mb(row.census.anchors, text), per_mb(row.census.starts, text),
                       per_mb(row.census.steps, text), per_mb(row.matches, text), row.alone_ns_per_kb,
                       shares ? fmt::format("{:.1f} %", row.share * 100) : "-");
  out += fmt::format(
      "{} rules together {:.1f} ns a kB ({:.1f} Gbit/s) on {} bytes. ALONE: ns a kB of the rule by itself; SHARE: how "
      "much "
      "less the set costs without it.\n",
      rows.size(), whole, 8e3 / whole, text.size());
  return out;
}

std::string json_of(const std::vector<Row>& rows, double whole, bool shares, Bytes text) {
  nlohmann::ordered_json out = {
      {"bytes", text.size()}, {"ns_per_kb", whole}, {"rules", nlohmann::ordered_json::array()}};
  for (const Row& row : rows) {
    nlohmann::ordered_json one = {{"rule", row.rule},
                                  {"anchor", kind_of(row.anchor)},
                                  {"looked_for", row.anchor.what},
                                  {"anchors_per_mb", per_mb(row.census.anchors, text)},
                                  {"starts_per_mb", per_mb(row.census.starts, text)},
                                  {"steps_per_mb", per_mb(row.census.steps, text)},
                                  {"matches_per_mb", per_mb(row.matches, text)},
                                  {"alone_ns_per_kb", row.alone_ns_per_kb}};
    if (shares) one["share"] = row.share;
    out["rules"].push_back(std::move(one));
  }
  return out.dump(2) + "\n";
}

}  // namespace

Result<std::string> cost_report(const CostOptions& options, Bytes text) {
  auto given = read_given(options.names);
  if (!given) return std::unexpected(given.error());
  keep_looking(*given);
  if (given->empty()) return fail(ErrorCode::not_found, "none of these rules looks for something in a text");
  if (text.empty()) return fail(ErrorCode::not_found, "the text is empty");
  auto whole = Trial::of(*given);
  if (!whole) return std::unexpected(whole.error());
  std::vector<Row> rows;
  for (std::size_t i = 0; i < given->size(); ++i) {
    auto row = row_of((*given)[i], text);
    if (!row) return std::unexpected(row.error());
    if (options.shares) {
      const auto share = share_of(i, *given, *whole, text);
      if (!share) return std::unexpected(share.error());
      row->share = *share;
    }
    rows.push_back(std::move(*row));
  }
  std::vector<Match> matches;
  const auto together = ns_per_kb({&*whole}, text, matches);
  if (!together) return std::unexpected(together.error());
  std::ranges::sort(rows, [&](const Row& a, const Row& b) {
    return options.shares && a.share != b.share ? a.share > b.share : a.alone_ns_per_kb > b.alone_ns_per_kb;
  });
  return options.json ? json_of(rows, together->front(), options.shares, text)
                      : table_of(rows, together->front(), options.shares, text);
}

}  // namespace sluice::workbench
