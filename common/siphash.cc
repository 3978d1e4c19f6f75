// See siphash.h.
#include "common/siphash.h"

namespace sluice {

std::uint64_t siphash(const HashKey& key, Bytes data) {
  SipState state(key);
  const std::size_t whole = data.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, data.data() + i, 8);
    state.absorb(word);
  }
  std::uint64_t last = static_cast<std::uint64_t>(data.size()) << 56;
  for (std::size_t i = whole; i < data.size(); ++i) last |= static_cast<std::uint64_t>(data[i]) << (8 * (i - whole));
  state.absorb(last);
  return state.finish();
}

}  // namespace sluice
