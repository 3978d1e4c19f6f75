// See problem.h.
#include "rules/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace sluice::rules {
namespace {

constexpr std::size_t kShownBytes = 60;
constexpr std::size_t kMaxComparedBytes = 40;

// Damerau-Levenshtein with adjacent swaps: "serivce" is one slip away from "service".
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

std::string Problem::message() const {
  std::string out =
      line == 0 ? fmt::format("{}: {}", file, text) : fmt::format("{}:{}:{}: {}", file, line, column, text);
  if (!suggestion.empty()) out.append("; ").append(suggestion);
  return out;
}

Error to_error(const Problems& problems) {
  std::string detail;
  for (const Problem& problem : problems) detail.append(detail.empty() ? "" : "\n").append(problem.message());
  return Error{ErrorCode::policy_invalid, std::move(detail)};
}

std::string_view nearest_word(std::string_view text, std::span<const std::string_view> words) {
  if (text.empty() || text.size() > kMaxComparedBytes) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, text.size() / 3) + 1;
  for (const std::string_view word : words) {
    const std::size_t distance = edit_distance(text, word);
    if (distance >= best_distance) continue;
    best = word;
    best_distance = distance;
  }
  return best;
}

std::string suggest_word(std::string_view text, std::span<const std::string_view> words) {
  const std::string_view near = nearest_word(text, words);
  if (!near.empty()) return fmt::format("did you mean \"{}\"?", near);
  return fmt::format("{}{}", words.size() > 1 ? "one of " : "", fmt::join(words, ", "));
}

std::string show(std::string_view text) {
  // A cut never goes through a UTF-8 sequence.
  std::size_t shown = std::min(text.size(), kShownBytes);
  while (shown > 0 && shown < text.size() && (static_cast<unsigned char>(text[shown]) & 0xc0) == 0x80) --shown;
  std::string out = "\"";
  for (const char c : text.substr(0, shown)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  if (shown < text.size()) out += "…";
  return out + "\"";
}

}  // namespace sluice::rules
