#include "tests/unit/rules/import/gitleaks_oracle.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "rules/import/sample.h"

namespace sluice::rules::import {
namespace {

std::unique_ptr<re2::RE2> compile(const std::string& text) {
  re2::RE2::Options options(re2::RE2::Latin1);
  options.set_max_mem(256 << 20);
  auto regex = std::make_unique<re2::RE2>(text, options);
  EXPECT_TRUE(regex->ok()) << text << ": " << regex->error();
  return regex;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

bool found_in(std::string_view text, const re2::RE2& regex) {
  return regex.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

}  // namespace

GitleaksOracle::GitleaksOracle(const SourceRule& rule, const SourceFile& file)
    : regex_(compile(rule.regex.text)), group_(rule.secret_group), entropy_(rule.entropy) {
  for (const SourceAllow& allow : rule.allow) add(allow);
  for (const SourceAllow& allow : file.allow)
    if (allow.rules.empty() || std::ranges::find(allow.rules, rule.id) != allow.rules.end()) add(allow);
}

void GitleaksOracle::add(const SourceAllow& allow) {
  // Together with a path or a commit nothing is allowed here: a text has neither.
  if (allow.all && allow.paths + allow.commits > 0) return;
  allow_.push_back({allow.target, {}, {}});
  for (const SourceRegex& regex : allow.regexes) allow_.back().regexes.push_back(compile(regex.text));
  for (const std::string& word : allow.stopwords) allow_.back().stopwords.push_back(lower(word));
}

bool GitleaksOracle::allowed(std::string_view secret, std::string_view match) const {
  return std::ranges::any_of(allow_, [&](const Allow& allow) {
    const std::string_view target = allow.target == SourceAllow::Target::secret ? secret : match;
    if (allow.target != SourceAllow::Target::line &&
        std::ranges::any_of(allow.regexes, [&](const auto& regex) { return found_in(target, *regex); }))
      return true;
    const std::string plain = lower(secret);
    return std::ranges::any_of(allow.stopwords, [&](const std::string& word) { return plain.contains(word); });
  });
}

std::vector<Secret> GitleaksOracle::secrets(std::string_view text) const {
  std::vector<Secret> out;
  const re2::StringPiece piece(text.data(), text.size());
  const int groups = regex_->NumberOfCapturingGroups();
  std::vector<re2::StringPiece> found(static_cast<std::size_t>(groups) + 1);
  for (std::size_t from = 0; from <= text.size();) {
    if (!regex_->Match(piece, from, text.size(), re2::RE2::UNANCHORED, found.data(), groups + 1)) break;
    const auto begin = static_cast<std::size_t>(found[0].data() - text.data());
    from = std::max(begin + found[0].size(), from + 1);
    re2::StringPiece secret = found[0];
    for (int i = 1; i <= groups && group_ == 0; ++i)
      if (!found[static_cast<std::size_t>(i)].empty()) {
        secret = found[static_cast<std::size_t>(i)];
        break;
      }
    if (group_ > 0) secret = found[group_];
    const std::string_view value(secret.data(), secret.size());
    if (entropy_ > 0 && entropy_of(value) <= entropy_) continue;
    if (allowed(value, {found[0].data(), found[0].size()})) continue;
    const auto at = static_cast<std::size_t>(secret.data() - text.data());
    out.push_back({at, at + secret.size()});
  }
  return out;
}

}  // namespace sluice::rules::import
