// What gitleaks finds with a rule in a text, said with RE2, which reads Go's regular expressions: leftmost matches that
// do not overlap, the secret of each, then entropy and allow-lists. Keywords and paths are not looked at.
#pragma once

#include <re2/re2.h>

#include <compare>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/import/source.h"

namespace sluice::rules::import {

struct Secret {
  std::size_t begin = 0;
  std::size_t end = 0;
  auto operator<=>(const Secret&) const = default;
};

class GitleaksOracle {
 public:
  GitleaksOracle(const SourceRule& rule, const SourceFile& file);
  [[nodiscard]] std::vector<Secret> secrets(std::string_view text) const;

 private:
  struct Allow {
    SourceAllow::Target target = SourceAllow::Target::secret;
    std::vector<std::unique_ptr<re2::RE2>> regexes;
    std::vector<std::string> stopwords;
  };
  void add(const SourceAllow& allow);
  [[nodiscard]] bool allowed(std::string_view secret, std::string_view match) const;

  std::unique_ptr<re2::RE2> regex_;
  std::uint32_t group_ = 0;
  double entropy_ = 0;
  std::vector<Allow> allow_;
};

}  // namespace sluice::rules::import
