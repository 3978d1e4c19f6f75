// Which of many values are binary, as the head of a message says it on the record: without it nobody could read them
// again, or bind them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/protocol/postgres/message.h"

namespace sluice::session {

// " binary" where all are, " binary $1 $3" where these are (`sign` before each number), " binary some" where they are
// too many to tell; nothing where all are text. One format is that of all values.
inline std::string binary_text(const std::vector<std::uint16_t>& formats, std::string_view sign) {
  constexpr std::size_t kMostListed = 16;
  const auto binary = static_cast<std::size_t>(std::ranges::count(formats, postgres::kBinaryFormat));
  if (binary == 0) return {};
  if (binary == formats.size()) return " binary";
  if (binary > kMostListed) return " binary some";
  std::string out = " binary";
  for (std::size_t i = 0; i < formats.size(); ++i)
    if (formats[i] == postgres::kBinaryFormat) out.append(" ").append(sign).append(std::to_string(i + 1));
  return out;
}

}  // namespace sluice::session
