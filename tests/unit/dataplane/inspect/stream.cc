#include "tests/unit/dataplane/inspect/stream.h"

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace sluice::inspect {

std::size_t Stream::held_bytes() const {
  std::size_t sum = 0;
  for (const std::string& piece : held_) sum += piece.size();
  return sum;
}

bool Stream::feed(const std::vector<std::string_view>& pieces, bool last) {
  for (const std::string_view piece : pieces) held_.emplace_back(piece);
  std::vector<Bytes> window;
  for (const std::string& piece : held_) window.push_back(as_bytes(piece));
  const std::uint64_t old_hold = state_.hold;
  const std::uint64_t end = old_hold + held_bytes();
  const std::size_t known = matches_.size();
  code_ = Scanner::scan(rules_, scratch_, state_, window, last, matches_);
  if (code_ != ErrorCode::ok) {
    if (matches_.size() != known) broken_ = "a failed scan left matches";
    return false;
  }
  check(old_hold, known, end, last);
  if (broken_.empty()) release(state_.hold - old_hold);
  return true;
}

void Stream::check(std::uint64_t old_hold, std::size_t known, std::uint64_t end, bool last) {
  const auto broken = [this](const char* what) {
    if (broken_.empty()) broken_ = what;
  };
  if (state_.hold < old_hold) broken("hold went back");
  if (state_.hold > end) broken("hold lies behind the content");
  if (last && state_.hold != end) broken("bytes are held after the last call");
  for (std::size_t i = known; i < matches_.size(); ++i) {
    const Match& match = matches_[i];
    if (match.begin >= match.end) broken("a match is empty");
    if (match.begin < old_hold) broken("a match begins in bytes that were released before");
    if (match.end > state_.hold) broken("a match ends in bytes that are held");
    if (i > 0 && std::tie(matches_[i - 1].begin, matches_[i - 1].end, matches_[i - 1].rule) >=
                     std::tie(match.begin, match.end, match.rule)) {
      broken("matches are out of order");
    }
  }
}

void Stream::release(std::uint64_t count) {
  while (count > 0) {
    const std::uint64_t here = std::min<std::uint64_t>(count, held_.front().size());
    held_.front().erase(0, here);
    if (held_.front().empty()) held_.pop_front();
    count -= here;
  }
}

std::vector<Match> scan_cut(const RuleSet& rules, Scratch& scratch, std::string_view content,
                            const std::vector<std::size_t>& cuts) {
  Stream stream(rules, scratch);
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t end = i == cuts.size() ? content.size() : cuts[i];
    if (!stream.feed(content.substr(begin, end - begin), i == cuts.size())) throw std::runtime_error("scan failed");
    if (!stream.broken().empty()) throw std::runtime_error(stream.broken());
    begin = end;
  }
  return stream.matches();
}

}  // namespace sluice::inspect
