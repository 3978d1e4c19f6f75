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

SLUICE_AVX2 inline __m256i broadcast(const std::array<BucketSet, 16>& from) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(from.data())));
}

// 32 bytes, and the upper halves of each.
struct Text {
  SLUICE_AVX2 explicit Text(const std::uint8_t* at)
      : bytes(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))),
        upper(_mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0f))) {}
  __m256i bytes;
  __m256i upper;
};

struct PlaceTables {
  SLUICE_AVX2 explicit PlaceTables(const BucketTable::Place& place)
      : high(broadcast(place.high)), low(broadcast(place.low)) {}
  [[nodiscard]] SLUICE_AVX2 __m256i ruled_out(const Text& text) const {
    return _mm256_or_si256(_mm256_shuffle_epi8(high, text.upper), _mm256_shuffle_epi8(low, text.bytes));
  }
  __m256i high;
  __m256i low;
};

// Written out, so that all of it stays in registers.
template <std::size_t Places>
struct Tables {
  static_assert(kWindowPlaces == 4 && (Places == 3 || Places == 4));
  SLUICE_AVX2 explicit Tables(const BucketTable& table)
      : first(table.places[0]), second(table.places[1]), third(table.places[2]), fourth(table.places[3]) {}
  [[nodiscard]] SLUICE_AVX2 __m256i none(const Text& a, const Text& b, const Text& c, const std::uint8_t* at) const {
    __m256i ruled_out = _mm256_or_si256(_mm256_or_si256(first.ruled_out(a), second.ruled_out(b)), third.ruled_out(c));
    if constexpr (Places == 4) ruled_out = _mm256_or_si256(ruled_out, fourth.ruled_out(Text(at + 3)));
    return _mm256_cmpeq_epi8(ruled_out, _mm256_set1_epi8(-1));
  }
  PlaceTables first;
  PlaceTables second;
  PlaceTables third;
  PlaceTables fourth;
};

template <std::size_t Places>
SLUICE_AVX2 inline std::uint32_t none_of(const std::uint8_t* at, const Tables<Places>& table) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(table.none(Text(at), Text(at + 1), Text(at + 2), at)));
}

template <std::size_t Places>
SLUICE_AVX2 inline std::uint32_t none_of(const std::uint8_t* at, const Tables<Places>& one,
                                         const Tables<Places>& other) {
  const Text a(at);
  const Text b(at + 1);
  const Text c(at + 2);
  return static_cast<std::uint32_t>(
      _mm256_movemask_epi8(_mm256_and_si256(one.none(a, b, c, at), other.none(a, b, c, at))));
}

// By one or two tables at once. With `more`, `out` holds what others told.
template <class... Each>
SLUICE_AVX2 std::uint32_t find_with(const std::uint8_t* data, std::size_t words, bool more, std::uint64_t* out,
                                    const Each&... tables) {
  std::uint32_t with = 0;
  for (std::size_t word = 0; word < words; ++word, data += kWordBytes) {
    std::uint64_t bits = ~(none_of(data, tables...) | std::uint64_t{none_of(data + 32, tables...)} << 32);
    if (more) bits |= out[word];
    out[word] = bits;
    with |= std::uint32_t{bits != 0} << word;
  }
  return with;
}

template <std::size_t Places>
SLUICE_AVX2 std::uint32_t find_places(const std::uint8_t* data, std::size_t words, std::span<const BucketTable> tables,
                                      std::uint64_t* out) {
  using Made = Tables<Places>;
  std::uint32_t with = 0;
  for (std::size_t i = 0; i < tables.size(); i += 2)
    with = i + 1 < tables.size() ? find_with(data, words, i > 0, out, Made(tables[i]), Made(tables[i + 1]))
                                 : find_with(data, words, i > 0, out, Made(tables[i]));
  return with;
}

SLUICE_AVX2 std::uint32_t find_buckets_avx2(const std::uint8_t* data, std::size_t words,
                                            std::span<const BucketTable> tables, std::size_t places,
                                            std::uint64_t* out) {
  return places == kWindowPlaces ? find_places<4>(data, words, tables, out) : find_places<3>(data, words, tables, out);
}
#endif

FindBuckets choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return find_buckets_avx2;
#endif
  return find_buckets_portable;
}

}  // namespace

BucketTable::BucketTable() {
  for (Place& place : places) {
    place.high.fill(0xff);
    place.low.fill(0xff);
  }
}

void BucketTable::add(std::size_t bucket, const rules::WindowHalves& window) {
  const auto others = static_cast<BucketSet>(~(1U << bucket));
  for (std::size_t i = 0; i < kWindowPlaces; ++i)
    for (unsigned value = 0; value < 16; ++value) {
      if ((window[i].high >> value & 1U) != 0) places[i].high[value] &= others;
      if ((window[i].low >> value & 1U) != 0) places[i].low[value] &= others;
    }
}

std::uint32_t find_buckets_portable(const std::uint8_t* data, std::size_t words, std::span<const BucketTable> tables,
                                    std::size_t /*places*/, std::uint64_t* out) {
  std::uint32_t with = 0;
  for (std::size_t word = 0; word < words; ++word, data += kWordBytes) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < kWordBytes; ++i)
      for (const BucketTable& table : tables) bits |= std::uint64_t{table.at(data + i) != 0} << i;
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
