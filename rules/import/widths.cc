// How wide the matches of a regular expression are.
#include <algorithm>

#include "rules/import/regex.h"

namespace sluice::rules::import {
namespace {

std::uint64_t capped(std::uint64_t width) {
  return std::min<std::uint64_t>(width, kNoBound);
}

}  // namespace

std::uint64_t least_width(const Regex& regex) {
  std::uint64_t width = regex.kind == Regex::Kind::bytes ? 1 : 0;
  if (regex.kind == Regex::Kind::choice) {
    width = kNoBound;
    for (const Regex& part : regex.parts) width = std::min(width, least_width(part));
    return width;
  }
  for (const Regex& part : regex.parts) width = capped(width + least_width(part));
  return regex.kind == Regex::Kind::repeat ? capped(width * regex.min) : width;
}

std::uint64_t most_width(const Regex& regex) {
  std::uint64_t width = regex.kind == Regex::Kind::bytes ? 1 : 0;
  for (const Regex& part : regex.parts) {
    const std::uint64_t most = most_width(part);
    width = regex.kind == Regex::Kind::choice ? std::max(width, most) : capped(width + most);
  }
  if (regex.kind != Regex::Kind::repeat || width == 0) return width;
  return regex.max == kNoBound ? kNoBound : capped(width * regex.max);
}

}  // namespace sluice::rules::import
