// How often a text holds another one.
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::test {

inline std::size_t occurrences(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; at += what.size()) ++count;
  return count;
}

}  // namespace sluice::test
