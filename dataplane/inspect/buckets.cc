// See buckets.h.
#include "dataplane/inspect/buckets.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sluice::inspect {
namespace {

constexpr std::size_t kWordBytes = 64;

#if defined(__x86_64__)
#define SLUICE_AVX2 __attribute__((target("avx2")))

SLUICE_AVX2 inline __m256i table(const std::array<BucketSet, 16>& from) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(from.data())));
}

struct PlaceTables {
  SLUICE_AVX2 explicit PlaceTables(const BucketTables::Place& place) : high(table(place.high)), low(table(place.low)) {}
  // What 32 bytes rule out.
  [[nodiscard]] SLUICE_AVX2 __m256i ruled_out(const std::uint8_t* at) const {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0f));
    return _mm256_or_si256(_mm256_shuffle_epi8(high, upper), _mm256_shuffle_epi8(low, bytes));
  }
  __m256i high;
  __m256i low;
};

SLUICE_AVX2 std::uint32_t find_buckets_avx2(const std::uint8_t* data, std::size_t words, const BucketTables& tables,
                                            std::uint64_t* out) {
  static_assert(kWindowPlaces == 3);
  const PlaceTables first(tables.places[0]);
  const PlaceTables second(tables.places[1]);
  const PlaceTables third(tables.places[2]);
  const __m256i all = _mm256_set1_epi8(-1);
  const auto none_of = [&](const std::uint8_t* at) SLUICE_AVX2 {
    const __m256i ruled_out =
        _mm256_or_si256(_mm256_or_si256(first.ruled_out(at), second.ruled_out(at + 1)), third.ruled_out(at + 2));
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(ruled_out, all)));
  };
  std::uint32_t with = 0;
  for (std::size_t word = 0; word < words; ++word, data += kWordBytes) {
    const std::uint64_t bits = ~(none_of(data) | std::uint64_t{none_of(data + 32)} << 32);
    out[word] = bits;
    with |= std::uint32_t{bits != 0} << word;
  }
  return with;
}
#endif

FindBuckets choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return find_buckets_avx2;
#endif
  return find_buckets_portable;
}

}  // namespace

BucketTables::BucketTables() {
  for (Place& place : places) {
    place.high.fill(0xff);
    place.low.fill(0xff);
  }
}

void BucketTables::add(std::size_t bucket, const std::array<rules::ByteSet, kWindowPlaces>& window) {
  const auto others = static_cast<BucketSet>(~(1U << bucket));
  for (std::size_t i = 0; i < kWindowPlaces; ++i)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      if (!window[i][byte]) continue;
      places[i].high[byte >> 4] &= others;
      if (byte < 0x80) places[i].low[byte & 15] &= others;
    }
}

std::uint32_t find_buckets_portable(const std::uint8_t* data, std::size_t words, const BucketTables& tables,
                                    std::uint64_t* out) {
  std::uint32_t with = 0;
  for (std::size_t word = 0; word < words; ++word, data += kWordBytes) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < kWordBytes; ++i) bits |= std::uint64_t{tables.at(data + i) != 0} << i;
    out[word] = bits;
    with |= std::uint32_t{bits != 0} << word;
  }
  return with;
}

FindBuckets find_buckets() {
  static const FindBuckets kChosen = choose();
  return kChosen;
}

}  // namespace sluice::inspect
