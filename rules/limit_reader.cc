// See limit_reader.h.
#include "rules/limit_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "rules/bounds.h"

namespace sluice::rules {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

constexpr Word<LimitPer> kPers[] = {{"principal", LimitPer::principal},
                                    {"source", LimitPer::source},
                                    {"service", LimitPer::service},
                                    {"route", LimitPer::route},
                                    {"rule", LimitPer::rule}};
constexpr Word<LimitOf> kOfs[] = {{"requests", LimitOf::requests},
                                  {"bytes", LimitOf::bytes},
                                  {"concurrent", LimitOf::concurrent},
                                  {"rows", LimitOf::rows},
                                  {"result_bytes", LimitOf::result_bytes}};
constexpr Word<LimitThen> kThens[] = {{"throttle", LimitThen::throttle},
                                      {"hold", LimitThen::hold},
                                      {"deny", LimitThen::deny},
                                      {"observe", LimitThen::observe}};

struct Factor {
  std::string_view word;
  std::uint64_t value;
};
constexpr Factor kSizes[] = {{"KiB", 1ULL << 10U}, {"MiB", 1ULL << 20U}, {"GiB", 1ULL << 30U}, {"B", 1}};
constexpr Factor kPeriods[] = {{"s", kSecondNs}, {"m", 60 * kSecondNs}, {"h", 3600 * kSecondNs}};

std::string_view example_of(LimitOf of) {
  return of == LimitOf::bytes ? "10MiB/s, or per minute (/m) or hour (/h)" : "200/s, or per minute (/m) or hour (/h)";
}

void refuse_rate(Fields& fields, std::string_view of_what, std::string_view instead, Report& report) {
  for (const std::string_view key : {"rate", "burst"})
    if (const YamlNode* node = fields.get(key))
      report.add(node->position, fmt::format("\"{}\" on a limit of {}", key, of_what), std::string(instead));
}

// Of one answer: so much, whoever asks.
void read_answer_amount(Fields& fields, Limit& limit, Report& report) {
  const bool bytes = limit.of == LimitOf::result_bytes;
  if (const YamlNode* most = fields.need("most", bytes ? "most: 64MiB" : "most: 10000")) {
    if (const auto text = read_text(*most, report)) limit.units = parse_units(*text, bytes).value_or(0);
    if (limit.units == 0)
      report.add(most->position, fmt::format("{} is no number of {}", show(most->text), bytes ? "bytes" : "rows"),
                 bytes ? "a size as 64MiB" : "a number as 10000");
  }
  refuse_rate(fields, "what one answer may have", "most alone, or a rate without most", report);
  if (const YamlNode* per = fields.get("per"))
    report.add(per->position, "what one answer may have is the same for all", "remove per");
}

// `of: concurrent` counts what is in flight, everything else what comes in a time.
void read_amount(Fields& fields, Limit& limit, Report& report) {
  if (limit.of == LimitOf::concurrent) {
    if (const YamlNode* most = fields.need("most", "most: 20"))
      limit.units = read_number(*most, 1, kMaxConcurrent, report).value_or(0);
    refuse_rate(fields, "what is in flight at once", "most: 20, without a rate and a burst", report);
    return;
  }
  if (const YamlNode* rate =
          fields.need("rate", fmt::format("rate: {}", limit.of == LimitOf::bytes ? "10MiB/s" : "200/s")))
    read_rate(*rate, limit, report);
  if (const YamlNode* burst = fields.get("burst")) read_burst(*burst, limit, report);
  if (const YamlNode* most = fields.get("most"))
    report.add(most->position, "\"most\" on a limit of what comes in a time",
               "rate and burst, or of: concurrent, rows or result_bytes");
}

void read_per(Fields& fields, Limit& limit, LimitsOf owner, Report& report) {
  if (owner == LimitsOf::principal) {
    if (const YamlNode* per = fields.get("per"))
      report.add(per->position, "a principal's limits are for all that it does together", "remove per");
  } else if (const YamlNode* per = fields.need("per", "per: principal")) {
    limit.per = read_choice(*per, kPers, report).value_or(limit.per);
    if ((limit.of == LimitOf::bytes || limit.of == LimitOf::rows) &&
        (limit.per == LimitPer::route || limit.per == LimitPer::rule))
      report.add(per->position,
                 fmt::format("{} are not counted per {}", EnumNameLimitOf(limit.of), EnumNameLimitPer(limit.per)),
                 "per: principal, source or service");
  }
}

void read_then(Fields& fields, Limit& limit, bool of_answer, Report& report) {
  const YamlNode* then = fields.need("then", "then: deny");
  if (then == nullptr) return;
  limit.then = read_choice(*then, kThens, report).value_or(limit.then);
  if (of_answer && (limit.then == LimitThen::hold || limit.then == LimitThen::throttle))
    report.add(then->position,
               fmt::format("\"{}\" on what one answer may have: the server has done its work by then",
                           EnumNameLimitThen(limit.then)),
               "deny, or observe");
}

Limit read_limit(const YamlNode& node, LimitsOf owner, Report& report) {
  Limit limit;
  limit.position = node.position;
  Fields fields(node, "a limit", report);
  const YamlNode* of = fields.get("of");
  if (of != nullptr) limit.of = read_choice(*of, kOfs, report).value_or(limit.of);
  const bool of_answer =
      limit.of == LimitOf::result_bytes || (limit.of == LimitOf::rows && fields.get("most") != nullptr);
  if (of_answer) {
    read_answer_amount(fields, limit, report);
  } else {
    read_per(fields, limit, owner, report);
    read_amount(fields, limit, report);
  }
  read_then(fields, limit, of_answer, report);
  limit.name = EnumNameLimitOf(limit.of);
  if (owner == LimitsOf::service && !of_answer) limit.name += fmt::format("-per-{}", EnumNameLimitPer(limit.per));
  if (const YamlNode* name = fields.get("name")) limit.name = read_name(*name, "a limit", report).value_or("");
  fields.finish();
  return limit;
}

}  // namespace

std::optional<std::uint64_t> parse_units(std::string_view text, bool bytes) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number == 0) return std::nullopt;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  std::uint64_t factor = 1;
  if (bytes) {
    const auto* const size = std::ranges::find(kSizes, unit, &Factor::word);
    if (size == std::end(kSizes)) return std::nullopt;
    factor = size->value;
  } else if (!unit.empty()) {
    return std::nullopt;
  }
  if (number > kMaxLimitUnits / factor) return std::nullopt;
  return number * factor;
}

void read_rate(const YamlNode& node, Limit& limit, Report& report) {
  const auto text = read_text(node, report);
  if (!text) return;
  const std::size_t slash = text->find('/');
  if (slash != std::string::npos) {
    const auto units = parse_units(std::string_view(*text).substr(0, slash), limit.of == LimitOf::bytes);
    const auto* const period = std::ranges::find(kPeriods, std::string_view(*text).substr(slash + 1), &Factor::word);
    if (units && period != std::end(kPeriods)) {
      limit.units = *units;
      limit.period_ns = period->value;
      limit.burst = *units;
      return;
    }
  }
  report.add(node.position, fmt::format("{} is no rate of {}", show(*text), EnumNameLimitOf(limit.of)),
             fmt::format("for example {}", example_of(limit.of)));
}

void read_burst(const YamlNode& node, Limit& limit, Report& report) {
  const auto text = read_text(node, report);
  if (!text) return;
  const bool bytes = limit.of == LimitOf::bytes;
  const auto burst = parse_units(*text, bytes);
  if (!burst) {
    report.add(node.position, fmt::format("{} is no burst of {}", show(*text), EnumNameLimitOf(limit.of)),
               bytes ? "a size as 4MiB" : "a number as 400");
    return;
  }
  limit.burst = *burst;
  if (limit.units == 0) return;  // reported
  // How long it takes to fill is part of what a bucket must be able to say.
  const std::uint64_t periods = *burst / limit.units;
  if (periods > kMaxLimitRefillSeconds * kSecondNs / limit.period_ns)
    report.add(node.position, fmt::format("a burst of {} takes more than a year to grow back at this rate", *text),
               "a smaller burst, or a higher rate");
}

std::vector<Limit> read_limits(const YamlNode& list, LimitsOf owner, Report& report) {
  std::vector<Limit> limits;
  if (list.children.size() > kMaxLimits) {
    report.add(list.position, fmt::format("{} limits", list.children.size()), fmt::format("at most {}", kMaxLimits));
    return limits;
  }
  for (const YamlNode& node : read_list(list, "limits", report)) {
    Limit limit = read_limit(node, owner, report);
    const auto same = std::ranges::find(limits, limit.name, &Limit::name);
    if (same != limits.end() && !limit.name.empty())
      report.add(limit.position, fmt::format("limit {} is given twice", show(limit.name)),
                 fmt::format("it already stands in line {}; give one of them another name", same->position.line));
    limits.push_back(std::move(limit));
  }
  return limits;
}

}  // namespace sluice::rules
