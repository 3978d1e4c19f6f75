// See buckets.h.
#include "dataplane/inspect/buckets.h"

#include <vector>

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

// By tables of 64 entries, as of Ice Lake and Zen 4: one lookup a place, by the lower six bits of a byte.
#define SLUICE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi")))

// The buckets of one table that the bytes from here on keep.
template <std::size_t Places>
struct LowBitTables {
  static_assert(kWindowPlaces == 4 && (Places == 3 || Places == 4));
  SLUICE_AVX512 explicit LowBitTables(const BucketTable& table)
      : first(_mm512_load_si512(table.places[0].low_bits.data())),
        second(_mm512_load_si512(table.places[1].low_bits.data())),
        third(_mm512_load_si512(table.places[2].low_bits.data())),
        fourth(_mm512_load_si512(table.places[3].low_bits.data())) {}
  [[nodiscard]] SLUICE_AVX512 __m512i kept(__m512i a, __m512i b, __m512i c, const std::uint8_t* at) const {
    __m512i out = _mm512_and_si512(_mm512_and_si512(look_up(first, a), look_up(second, b)), look_up(third, c));
    if constexpr (Places == 4) out = _mm512_and_si512(out, look_up(fourth, _mm512_loadu_si512(at + 3)));
    return out;
  }
  SLUICE_AVX512 static __m512i look_up(__m512i table, __m512i bytes) {
    return _mm512_maskz_permutexvar_epi8(~__mmask64{0}, bytes, table);
  }
  __m512i first;
  __m512i second;
  __m512i third;
  __m512i fourth;
};

// As find_with(), 64 bytes at once.
template <class... Each>
SLUICE_AVX512 std::uint32_t find_by_low_bits(const std::uint8_t* data, std::size_t words, bool more, std::uint64_t* out,
                                             const Each&... tables) {
  std::uint32_t with = 0;
  for (std::size_t word = 0; word < words; ++word, data += kWordBytes) {
    const __m512i a = _mm512_loadu_si512(data);
    const __m512i b = _mm512_loadu_si512(data + 1);
    const __m512i c = _mm512_loadu_si512(data + 2);
    __m512i kept = _mm512_setzero_si512();
    ((kept = _mm512_or_si512(kept, tables.kept(a, b, c, data))), ...);
    std::uint64_t bits = _mm512_test_epi8_mask(kept, kept);
    if (more) bits |= out[word];
    out[word] = bits;
    with |= std::uint32_t{bits != 0} << word;
  }
  return with;
}

template <std::size_t Places>
SLUICE_AVX512 std::uint32_t find_places_by_low_bits(const std::uint8_t* data, std::size_t words,
                                                    std::span<const BucketTable> tables, std::uint64_t* out) {
  using Made = LowBitTables<Places>;
  std::uint32_t with = 0;
  for (std::size_t i = 0; i < tables.size(); i += 2)
    with = i + 1 < tables.size() ? find_by_low_bits(data, words, i > 0, out, Made(tables[i]), Made(tables[i + 1]))
                                 : find_by_low_bits(data, words, i > 0, out, Made(tables[i]));
  return with;
}

SLUICE_AVX512 std::uint32_t find_buckets_avx512(const std::uint8_t* data, std::size_t words,
                                                std::span<const BucketTable> tables, std::size_t places,
                                                std::uint64_t* out) {
  return places == kWindowPlaces ? find_places_by_low_bits<4>(data, words, tables, out)
                                 : find_places_by_low_bits<3>(data, words, tables, out);
}
#endif

std::uint32_t find_buckets_portable(const std::uint8_t* data, std::size_t words, std::span<const BucketTable> tables,
                                    std::size_t /*places*/, std::uint64_t* out) {
  std::uint32_t with = 0;
  for (std::size_t word = 0; word < words; ++word, data += kWordBytes) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < kWordBytes; ++i)
      for (const BucketTable& table : tables) bits |= std::uint64_t{table.by_halves(data + i) != 0} << i;
    out[word] = bits;
    with |= std::uint32_t{bits != 0} << word;
  }
  return with;
}

std::vector<BucketFinder> find_usable() {
  std::vector<BucketFinder> usable = {{find_buckets_portable, &BucketTable::by_halves}};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) usable.push_back({find_buckets_avx2, &BucketTable::by_halves});
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi"))
    usable.push_back({find_buckets_avx512, &BucketTable::by_low_bits});
#endif
  return usable;
}

}  // namespace

BucketTable::BucketTable() {
  for (Place& place : places) {
    place.high.fill(0xff);
    place.low.fill(0xff);
  }
}

void BucketTable::add(std::size_t bucket, const rules::WindowHalves& halves, const rules::Window& window) {
  const auto one = static_cast<BucketSet>(1U << bucket);
  const auto others = static_cast<BucketSet>(~one);
  for (std::size_t i = 0; i < kWindowPlaces; ++i) {
    Place& place = places[i];
    for (unsigned value = 0; value < 16; ++value) {
      if ((halves[i].high >> value & 1U) != 0) place.high[value] &= others;
      if ((halves[i].low >> value & 1U) != 0) place.low[value] &= others;
    }
    for (unsigned byte = 0; byte < 256; ++byte)
      if (window[i][byte] && rules::passes(halves[i], byte)) place.low_bits[byte % place.low_bits.size()] |= one;
  }
}

std::span<const BucketFinder> bucket_finders() {
  static const std::vector<BucketFinder> kUsable = find_usable();
  return kUsable;
}

}  // namespace sluice::inspect
