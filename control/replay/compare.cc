// See compare.h.
#include "control/replay/compare.h"

#include <algorithm>
#include <set>

namespace sluice::control {
namespace {

constexpr std::size_t kKeepBytes = 64 * 1024;
constexpr std::size_t kExcerptBefore = 40;
constexpr std::size_t kExcerptBytes = 160;

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool matches_byte(char recorded, char replayed, bool is_masked) {
  return recorded == replayed || (is_masked && recorded == '*' && is_letter_or_digit(replayed));
}

std::size_t common_prefix(std::string_view recorded, std::string_view replayed, bool is_masked) {
  const std::size_t size = std::min(recorded.size(), replayed.size());
  std::size_t same = 0;
  while (same < size && matches_byte(recorded[same], replayed[same], is_masked)) ++same;
  return same;
}

std::vector<std::string> values_of(const HttpHead& head, std::string_view name) {
  std::vector<std::string> values;
  for (const HeaderField& field : head.headers)
    if (field.name == name) values.push_back(field.value);
  return values;
}

std::string joined(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) out += (out.empty() ? "" : ", ") + value;
  return out;
}

bool same_values(const std::vector<std::string>& recorded, const std::vector<std::string>& replayed, bool is_masked) {
  return std::ranges::equal(
      recorded, replayed, [&](const std::string& a, const std::string& b) { return matches_masked(a, b, is_masked); });
}

std::string excerpt(std::string_view text, std::uint64_t at) {
  const std::size_t begin = at > kExcerptBefore ? at - kExcerptBefore : 0;
  return std::string(begin < text.size() ? text.substr(begin, kExcerptBytes) : std::string_view());
}

}  // namespace

const std::vector<std::string>& ignored_headers() {
  static const std::vector<std::string> kNames = {"age",        "connection",    "content-length",   "date",
                                                  "etag",       "expires",       "keep-alive",       "last-modified",
                                                  "set-cookie", "server-timing", "transfer-encoding"};
  return kNames;
}

bool matches_masked(std::string_view recorded, std::string_view replayed, bool is_masked) {
  return recorded.size() == replayed.size() && common_prefix(recorded, replayed, is_masked) == recorded.size();
}

std::vector<HeaderDifference> compare_headers(const HttpHead& recorded, const HttpHead& raw, const HttpHead& shown,
                                              bool is_masked) {
  std::set<std::string> names;
  for (const HttpHead* head : {&recorded, &raw})
    for (const HeaderField& field : head->headers) names.insert(field.name);
  for (const std::string& name : ignored_headers()) names.erase(name);
  std::vector<HeaderDifference> differences;
  for (const std::string& name : names) {
    const auto before = values_of(recorded, name);
    if (!same_values(before, values_of(raw, name), is_masked))
      differences.push_back({name, joined(before), joined(values_of(shown, name))});
  }
  return differences;
}

void BodyComparison::Side::add(Bytes more, bool wait) {
  const std::string_view text = as_text(more);
  bytes += text.size();
  if (beginning.size() < kKeepBytes) beginning.append(text.substr(0, kKeepBytes - beginning.size()));
  if (wait) waiting.append(text);
}

void BodyComparison::add_recorded(Bytes bytes) {
  recorded_.add(bytes, !differs_);
  compare_waiting();
}

void BodyComparison::add_replayed(Bytes bytes) {
  replayed_.add(bytes, !differs_);
  compare_waiting();
}

void BodyComparison::compare_waiting() {
  const std::size_t both = std::min(recorded_.waiting.size(), replayed_.waiting.size());
  const std::size_t same = common_prefix(recorded_.waiting, replayed_.waiting, is_masked_);
  compared_ += same;
  differs_ = differs_ || same < both;
  for (Side* side : {&recorded_, &replayed_}) {
    if (differs_)
      side->waiting.clear();
    else
      side->waiting.erase(0, same);
  }
}

BodyDifference BodyComparison::finish(const Redactor& redactor) {
  BodyDifference out;
  out.differs = differs_ || recorded_.bytes != replayed_.bytes;
  out.recorded_bytes = recorded_.bytes;
  out.replayed_bytes = replayed_.bytes;
  if (!out.differs) return out;
  out.first_difference = compared_;
  out.recorded_excerpt = excerpt(recorded_.beginning, compared_);
  std::string shown = redactor.redact(replayed_.beginning);
  // What begins near the cut may be part of a match that was not seen.
  if (replayed_.bytes > shown.size()) shown.resize(shown.size() - std::min(shown.size(), redactor.max_width()));
  out.replayed_excerpt = excerpt(shown, compared_);
  return out;
}

}  // namespace sluice::control
