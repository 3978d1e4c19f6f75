// See test_command.h.
#include "workbench/test_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "dataplane/inspect/mask.h"
#include "workbench/sql_trial.h"
#include "workbench/trial.h"
#include "workbench/words.h"

namespace sluice::workbench {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kAround = 24;  // bytes that are shown before and behind a match
constexpr std::size_t kMostShown = 72;

std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

rules::AnchorReport anchor_of(const rules::Rule& rule) {
  return rules::report_anchor(rule.expression, rule.caseless, {});
}

// Bytes that the scanner has released, with everything hidden that a rule hides.
class Shown {
 public:
  // What follows the bytes so far. A match lies in the bytes of one call.
  void add(std::string_view released, const std::vector<Match>& matches, const std::vector<rules::Rule>& rules) {
    const std::size_t keep = std::min(text_.size(), kAround);
    text_.erase(0, text_.size() - keep);
    begin_ = end_ - keep;
    end_ += released.size();
    text_ += released;
    const std::string plain = text_;
    for (const Match& match : matches) {
      const rules::Rule& rule = rules[match.rule];
      if (rule.action != rules::Action::mask && !rule.mask_record) continue;
      const Bytes bytes = as_bytes(plain).subspan(match.begin - begin_, match.end - match.begin);
      const std::size_t length = inspect::masked_length(bytes, rule.keep_last);
      inspect::mask_all({reinterpret_cast<std::uint8_t*>(text_.data()) + (match.begin - begin_), length},
                        rule.conditions.group != 0 ? inspect::Cover::signs : inspect::Cover::letters);
    }
  }
  [[nodiscard]] std::string around(const Match& match) const {
    const std::size_t from = std::max(begin_, match.begin - std::min<std::uint64_t>(match.begin, kAround)) - begin_;
    const std::size_t to = std::min<std::uint64_t>(end_, match.end + kAround) - begin_;
    return shown(std::string_view(text_).substr(from, to - from), kMostShown);
  }

 private:
  std::string text_;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

class Report {
 public:
  Report(const std::vector<rules::Rule>& rules, bool json, std::ostream& out) : rules_(rules), json_(json), out_(out) {}

  void add(const Match& match, const std::string& excerpt) {
    const rules::Rule& rule = rules_[match.rule];
    const bool first = met_.insert(match.rule).second;
    if (json_) {
      found_.push_back({{"rule", rule.name},
                        {"begin", match.begin},
                        {"end", match.end},
                        {"anchor", anchor_of(rule).what},
                        {"verdict", verdict_of(rule)},
                        {"excerpt", excerpt}});
      return;
    }
    if (first && met_.size() == 1) out_ << fmt::format("{:<17} {:<27} {:<25} {}\n", "BYTES", "RULE", "VERDICT", "TEXT");
    out_ << fmt::format("{:<17} {:<27} {:<25} {}\n", fmt::format("{}-{}", match.begin, match.end), rule.name,
                        verdict_of(rule), excerpt);
  }
  void finish(std::uint64_t bytes) {
    if (json_) {
      out_ << dump({{"bytes", bytes}, {"matches", found_}});
      return;
    }
    for (const RuleIndex index : met_)
      out_ << fmt::format("{} is looked for by its {}\n", rules_[index].name, describe(anchor_of(rules_[index])));
    out_ << fmt::format("{} rules, {} of them found something in {} bytes\n", rules_.size(), met_.size(), bytes);
  }
  [[nodiscard]] bool any() const { return !met_.empty(); }

 private:
  static std::string describe(const rules::AnchorReport& anchor) {
    if (anchor.kind == rules::AnchorKind::pattern) return "expression alone";
    return fmt::format("{} {}", kind_of(anchor), anchor.what);
  }

  const std::vector<rules::Rule>& rules_;
  bool json_;
  std::ostream& out_;
  std::set<RuleIndex> met_;
  Json found_ = Json::array();
};

Json sample_json(const rules::Rule& rule, const std::string& sample, bool hit) {
  return {{"rule", rule.name}, {"sample", sample}, {"expected", hit ? "a match" : "none"}};
}

}  // namespace

Result<bool> test_text(const GivenNames& names, std::istream& text, bool json, std::ostream& out) {
  auto rules = read_given(names);
  if (!rules) return std::unexpected(rules.error());
  keep_looking(*rules);
  if (rules->empty()) return fail(ErrorCode::not_found, "none of these rules looks for something in a text");
  auto trial = Trial::of(*rules);
  if (!trial) return std::unexpected(trial.error());
  Report report(*rules, json, out);
  Shown shown;
  inspect::ScanState state;
  std::string held;  // from state.hold on
  std::vector<Match> matches;
  for (bool last = false; !last;) {
    const std::size_t before = held.size();
    held.resize(before + kReadBytes);
    text.read(held.data() + before, kReadBytes);
    held.resize(before + static_cast<std::size_t>(text.gcount()));
    if (text.bad()) return fail(ErrorCode::io_failed, "reading the text");
    last = !text.good();
    const std::uint64_t hold = state.hold;
    matches.clear();
    if (trial->feed(state, as_bytes(held), last, matches) != ErrorCode::ok)
      return fail(ErrorCode::scan_failed, fmt::format("near byte {}", hold));
    shown.add(std::string_view(held).substr(0, state.hold - hold), matches, *rules);
    held.erase(0, state.hold - hold);
    for (const Match& match : matches) report.add(match, shown.around(match));
  }
  report.finish(state.hold);
  return report.any();
}

Result<bool> test_samples(const GivenNames& names, bool json, std::ostream& out) {
  const auto rules = read_given(names);
  if (!rules) return std::unexpected(rules.error());
  Json wrong = Json::array();
  std::size_t samples = 0;
  for (const rules::Rule& rule : *rules) {
    std::vector<rules::Rule> alone{rule};
    keep_looking(alone);
    auto trial = Trial::of(alone);
    if (!trial) return std::unexpected(trial.error());
    const auto finds = [&](const std::string& sample) {
      std::vector<Match> matches;
      return rule.sql ? is_so(*rule.sql, sample) : trial->scan(as_bytes(sample), matches) && !matches.empty();
    };
    for (const bool hit : {true, false})
      for (const std::string& sample : hit ? rule.hits : rule.misses) {
        ++samples;
        if (finds(sample) == hit) continue;
        wrong.push_back(sample_json(rule, sample, hit));
        if (!json) out << fmt::format("{} {} {}\n", rule.name, hit ? "misses" : "finds", shown(sample, kMostShown));
      }
  }
  if (json)
    out << dump({{"rules", rules->size()}, {"samples", samples}, {"wrong", wrong}});
  else
    out << fmt::format("{} rules, {} samples, {} not as they should be\n", rules->size(), samples, wrong.size());
  return wrong.empty();
}

}  // namespace sluice::workbench
