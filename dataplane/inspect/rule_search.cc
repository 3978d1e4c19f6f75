#include "dataplane/inspect/rule_search.h"

#include <algorithm>

#include "dataplane/inspect/validator.h"

namespace sluice::inspect {
namespace {

// Starts that are tried on one view: it must hold a byte before, and a widest match and a byte behind.
constexpr std::uint32_t kBlockStarts = Content::kViewBytes - kMaxWidth - 2;
constexpr std::size_t kWorkspaceInts = 16 * 1024;

}  // namespace

DfaScratch::DfaScratch() : context(pcre2_match_context_create(nullptr)), workspace(kWorkspaceInts) {
  if (context == nullptr) return;
  pcre2_set_heap_limit(context.get(), 0);
  pcre2_set_depth_limit(context.get(), 1);
}

bool DfaScratch::grow_for(std::uint32_t max_width) {
  const std::uint32_t wanted = max_width + 1;
  if (context == nullptr) return false;
  if (wanted <= ends) return true;
  PcreMatchData grown(pcre2_match_data_create(wanted, nullptr));
  if (grown == nullptr) return false;
  match_data = std::move(grown);
  ends = wanted;
  return true;
}

ErrorCode RuleSearch::run(const Anchors& anchors, std::uint32_t position) {
  const std::uint32_t length = content_.length();
  undecided_ = length;
  Step step = Step::done;
  if (anchors.whole(position)) {
    step = search(from_, length);
  } else {
    for (std::uint32_t at = anchors.first_range(position); at != Anchors::kNone && step == Step::done;) {
      const Anchors::Range& range = anchors.range(at);
      step = search(range.first, range.last);
      at = range.next;
    }
    // What Hyperscan cannot report yet: matches that need bytes to come.
    if (step == Step::done && !last_) step = search(length - std::min(length, rule_.spec.max_width), length);
  }
  return step == Step::failed ? ErrorCode::scan_failed : ErrorCode::ok;
}

RuleSearch::Step RuleSearch::search(std::uint32_t first, std::uint32_t last_start) {
  from_ = std::max(from_, first);
  last_start = std::min(last_start, content_.length());
  while (from_ <= last_start && from_ < content_.length()) {
    const Step step = search_block(std::min(last_start, from_ + kBlockStarts - 1));
    if (step != Step::done) return step;
  }
  return Step::done;
}

// Decides the starts from_ .. last_start and moves from_ behind them, or behind the last match.
RuleSearch::Step RuleSearch::search_block(std::uint32_t last_start) {
  const std::uint32_t begin = from_ - std::min(from_, 1U);
  const std::uint32_t end = std::min(content_.length(), last_start + rule_.spec.max_width + 1);
  const bool at_content_end = end == content_.length();
  const Bytes subject = content_.view(begin, end);
  // Where the view is cut short a match must not take the cut for the end of the text either.
  const std::uint32_t options = at_content_end && last_ ? 0 : PCRE2_PARTIAL_HARD;
  while (from_ <= last_start) {
    const int count =
        pcre2_dfa_match(rule_.code.get(), subject.data(), subject.size(), from_ - begin, options, dfa_.match_data.get(),
                        dfa_.context.get(), dfa_.workspace.data(), dfa_.workspace.size());
    if (count == PCRE2_ERROR_NOMATCH) break;
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(dfa_.match_data.get());
    if (count == PCRE2_ERROR_PARTIAL) {
      const std::uint32_t start = begin + static_cast<std::uint32_t>(offsets[0]);
      if (at_content_end) {
        undecided_ = start;
        return Step::undecided;
      }
      if (start <= last_start) return Step::failed;  // wider than its rule says
      break;
    }
    if (count <= 0) return Step::failed;  // a limit, or more ends than the widest match has bytes
    if (!take_longest(subject, begin, count)) from_ = begin + static_cast<std::uint32_t>(offsets[0]) + 1;
  }
  from_ = std::max(from_, last_start + 1);
  return Step::done;
}

// Takes the longest match at the start found that the validator accepts.
bool RuleSearch::take_longest(Bytes subject, std::uint32_t subject_begin, int count) {
  const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(dfa_.match_data.get());
  const std::size_t start = offsets[0];
  for (int i = 0; i < count; ++i) {
    const std::size_t end = offsets[2 * i + 1];
    if (end <= start || !accepts(rule_.spec.validator, subject.subspan(start, end - start))) continue;
    matches_.push_back({rule_.spec.index, base_ + subject_begin + start, base_ + subject_begin + end});
    from_ = subject_begin + static_cast<std::uint32_t>(end);
    return true;
  }
  return false;
}

}  // namespace sluice::inspect
