// A recorded session as a HAR file (HTTP Archive 1.2), as browsers and proxies write it, and what gzip -6 makes of it.
#pragma once

#include <string>

#include "control/archive/exchange.h"

namespace sluice::bench {

std::string har_of(const control::Exchanges& exchanges);
// Bytes of a .gz file.
std::size_t gzipped_bytes(const std::string& text);

}  // namespace sluice::bench
