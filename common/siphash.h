// SipHash-2-4 (Aumasson and Bernstein): the seeded hash for tables keyed by what peers send.
#pragma once

#include <bit>
#include <cstdint>

#include "common/bytes.h"

namespace sluice {

struct HashKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

std::uint64_t siphash(const HashKey& key, Bytes data);

class SipState {
 public:
  explicit SipState(const HashKey& key)
      : v0_(0x736f6d6570736575ULL ^ key.k0),
        v1_(0x646f72616e646f6dULL ^ key.k1),
        v2_(0x6c7967656e657261ULL ^ key.k0),
        v3_(0x7465646279746573ULL ^ key.k1) {}
  void absorb(std::uint64_t word) {
    v3_ ^= word;
    round();
    round();
    v0_ ^= word;
  }
  std::uint64_t finish() {
    v2_ ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_;
  std::uint64_t v1_;
  std::uint64_t v2_;
  std::uint64_t v3_;
};

// The same of a key that is whole words: on the way of every frame it is no call.
template <class... Words>
std::uint64_t siphash_words(const HashKey& key, Words... words) {
  SipState state(key);
  (state.absorb(words), ...);
  state.absorb(std::uint64_t{8 * sizeof...(words)} << 56);
  return state.finish();
}

}  // namespace sluice
