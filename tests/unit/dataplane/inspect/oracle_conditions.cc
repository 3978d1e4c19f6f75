#include "tests/unit/dataplane/inspect/oracle_conditions.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace sluice::inspect {
namespace {

bool passes_luhn(std::string_view text) {
  std::vector<int> digits;
  for (const char c : text) {
    if (c >= '0' && c <= '9') digits.push_back(c - '0');
  }
  if (digits.size() < 12 || digits.size() > 19) return false;
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const bool every_second = (digits.size() - 1 - i) % 2 == 1;
    const int value = every_second ? digits[i] * 2 : digits[i];
    sum += value / 10 + value % 10;
  }
  return sum % 10 == 0;
}

bool is_alnum(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool passes_mod97(std::string_view text) {
  std::string account;
  for (const char c : lower(text))
    if (is_alnum(c)) account += c;
  if (account.size() < 15 || account.size() > 34) return false;
  const auto digit = [&](std::size_t i) { return account[i] >= '0' && account[i] <= '9'; };
  if (digit(0) || digit(1) || !digit(2) || !digit(3)) return false;
  const int check = std::stoi(account.substr(2, 2));
  if (check < 2 || check > 98) return false;
  std::string number;
  for (const char c : account.substr(4) + account.substr(0, 4))
    number += c >= 'a' ? std::to_string(c - 'a' + 10) : std::string(1, c);
  int left = 0;
  for (const char c : number) left = (left * 10 + (c - '0')) % 97;
  return left == 1;
}

// A bit at a time; what is left over at the end belongs to no byte.
bool passes_jwt(std::string_view text) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot % 4 == 1) return false;
  std::string bits;
  for (const char c : text.substr(0, dot)) {
    const std::size_t value = kDigits.find(c);
    if (value == std::string_view::npos) return false;
    for (int bit = 5; bit >= 0; --bit) bits += (value >> bit & 1U) != 0 ? '1' : '0';
  }
  std::string header;
  for (std::size_t at = 0; at + 8 <= bits.size(); at += 8)
    header += static_cast<char>(std::stoi(bits.substr(at, 8), nullptr, 2));
  return header.starts_with("{\"") && header.ends_with("}");
}

// Every end of `word` at `at`, the blanks of a word being one of a few bytes or none.
void word_ends(std::string_view word, std::string_view content, std::size_t at, std::vector<std::size_t>& ends) {
  if (word.empty()) return ends.push_back(at);
  const bool more = at < content.size();
  if (word.front() == ' ') {
    word_ends(word.substr(1), content, at, ends);
    if (more && std::string_view(" \t_-").find(content[at]) != std::string_view::npos)
      word_ends(word.substr(1), content, at + 1, ends);
  } else if (more && lower(word.substr(0, 1)) == lower(content.substr(at, 1))) {
    word_ends(word.substr(1), content, at + 1, ends);
  }
}

bool is_part_of_word(char c) {
  return is_alnum(c) || static_cast<unsigned char>(c) >= 0x80;
}

bool begins_word(std::string_view content, std::size_t at) {
  if (at == 0 || !is_part_of_word(content[at - 1])) return true;
  return at >= 2 && content[at - 2] == '\\' &&
         std::string_view("nrtbf").find(content[at - 1]) != std::string_view::npos;
}

bool holds_word(const std::vector<std::string>& words, std::string_view content, std::size_t from, std::size_t to) {
  for (std::size_t at = from; at < to; ++at) {
    if (!begins_word(content, at)) continue;
    std::vector<std::size_t> ends;
    for (const std::string& word : words) word_ends(word, content, at, ends);
    for (const std::size_t end : ends)
      if (end <= to && (end == content.size() || !is_part_of_word(content[end]))) return true;
  }
  return false;
}

}  // namespace

bool oracle_validates(Validator validator, std::string_view text) {
  switch (validator) {
    case Validator::luhn:
      return passes_luhn(text);
    case Validator::mod97:
      return passes_mod97(text);
    case Validator::jwt:
      return passes_jwt(text);
    case Validator::none:
      return true;
  }
  return true;
}

double oracle_entropy(std::string_view text) {
  std::map<char, double> counts;
  for (const char c : text) counts[c] += 1;
  const auto bytes = static_cast<double>(text.size());
  double bits = 0;
  for (const auto& [c, count] : counts) bits -= count / bytes * std::log2(count / bytes);
  return bits;
}

bool oracle_near(const rules::ContextSpec& context, std::string_view content, std::size_t begin, std::size_t end) {
  if (holds_word(context.words, content, begin - std::min<std::size_t>(begin, context.within), begin)) return true;
  return context.both_sides &&
         holds_word(context.words, content, end, std::min<std::size_t>(content.size(), end + context.within));
}

bool oracle_allows(const rules::AllowSpec& allow, std::string_view text) {
  const auto holds = [&](const std::string& word) { return lower(text).find(lower(word)) != std::string::npos; };
  return std::ranges::find(allow.values, text) != allow.values.end() || std::ranges::any_of(allow.contain, holds);
}

}  // namespace sluice::inspect
