// SipHash-2-4: the seeded hash for tables keyed by what peers send.
#pragma once

#include <cstdint>

#include "common/bytes.h"

namespace sluice {

struct HashKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

std::uint64_t siphash(const HashKey& key, Bytes data);

}  // namespace sluice
