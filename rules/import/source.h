// The rules of another scanner as they stand in its file, before anything is made of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "rules/problem.h"

namespace sluice::rules::import {

// A regular expression and where its first character stands in the file; line 0 when the file does not show it as it
// is.
struct SourceRegex {
  std::string text;
  Position value;
  Position first;

  // 1-based.
  [[nodiscard]] Position position_of(std::size_t character) const {
    if (first.line == 0 || character == 0) return value;
    return {first.line, first.column + static_cast<std::uint32_t>(character) - 1};
  }
};

// What is no finding after all.
struct SourceAllow {
  enum class Target : std::uint8_t { secret, match, line };
  Position at;
  Target target = Target::secret;
  bool all = false;  // only when every kind of condition in it holds
  std::vector<SourceRegex> regexes;
  std::vector<std::string> stopwords;  // the secret holds one, in either case
  std::size_t paths = 0;
  std::size_t commits = 0;
  std::vector<std::string> rules;  // none: all of the file
};

struct SourceRule {
  Position at;
  std::string id;
  std::string about;
  SourceRegex regex;  // empty: by path only
  std::uint32_t secret_group = 0;
  double entropy = 0;                 // a secret has to have more, in bits a byte; 0 for any
  std::vector<std::string> keywords;  // a text without any of them is not looked at
  std::vector<SourceAllow> allow;
  std::string path;
  bool needs_others = false;  // counts only near matches of other rules
  bool helper = false;        // is only there for others to need
};

struct SourceFile {
  std::vector<SourceRule> rules;
  std::vector<SourceAllow> allow;
  std::vector<std::string> remarks;  // on the file as a whole
};

}  // namespace sluice::rules::import
