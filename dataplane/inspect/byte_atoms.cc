// See byte_atoms.h.
#include "dataplane/inspect/byte_atoms.h"

#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sluice::inspect {
namespace {

constexpr AtomTables kAll = [] {
  struct Product {
    std::uint16_t high;  // one bit a value of the upper half
    std::uint16_t low;
  };
  constexpr std::array<Product, kMaxAtoms> kProducts = {{
      {0x0008, 0x03ff},  // digits
      {0x0004, 0x2001},  // space and -
      {0x0004, 0x4000},  // .
      {0x0050, 0x007e},  // A-F a-f
      {0x0050, 0xff81},  // @ G-O ` g-o
      {0x00a0, 0xffff},  // P-Z [ \ ] ^ _ p-z { | } ~
      {0x0008, 0xfc00},  // : ; < = > ?
      {0x0004, 0x9ffe},  // ! " # $ % & ' ( ) * + , /
  }};
  AtomTables tables;
  tables.count = kMaxAtoms;
  for (unsigned value = 0; value < 16; ++value)
    for (unsigned atom = 0; atom < kMaxAtoms; ++atom) {
      const auto bit = static_cast<AtomSet>(1U << atom);
      if ((kProducts[atom].high >> value & 1U) != 0) tables.high[value] |= bit;
      if ((kProducts[atom].low >> value & 1U) != 0) tables.low[value] |= bit;
    }
  return tables;
}();

constexpr AtomSet atoms_of_byte(const AtomTables& tables, std::uint8_t byte) {
  return tables.high[byte >> 4] & tables.low[byte & 15];
}

void find_atoms_portable(const std::uint8_t* data, std::size_t words, const AtomTables& tables, Bitmap* out,
                         std::size_t word) {
  for (; words > 0; --words, data += kWordBytes, ++word) {
    for (std::size_t atom = 0; atom < tables.count; ++atom) {
      std::uint64_t bits = 0;
      for (std::size_t i = 0; i < kWordBytes; ++i)
        bits |= std::uint64_t{static_cast<std::uint8_t>(atoms_of_byte(tables, data[i]) >> atom & 1U)} << i;
      out[atom][word] = bits;
    }
  }
}

// Inlined into functions for each CPU, and made vectors of there.
[[gnu::always_inline]] inline void join_inline(const Bitmap& a, const Bitmap& b, Bitmap& to) {
  const std::uint64_t* __restrict x = a.data();
  const std::uint64_t* __restrict y = b.data();
  std::uint64_t* __restrict z = to.data();
  for (std::size_t w = 0; w < kStripWords; ++w) z[w] = x[w] | y[w];
  z[kStripWords] = x[kStripWords] | y[kStripWords];
}

[[gnu::always_inline]] inline void follow_inline(const Bitmap& a, const Bitmap& b, unsigned shift, Bitmap& to) {
  const std::uint64_t* __restrict x = a.data();
  const std::uint64_t* __restrict y = b.data();
  std::uint64_t* __restrict z = to.data();
  for (std::size_t w = 0; w < kStripWords; ++w) z[w] = x[w] & (y[w] >> shift | y[w + 1] << (64 - shift));
  z[kStripWords] = x[kStripWords] & y[kStripWords] >> shift;
}

[[gnu::always_inline]] inline bool intersect_inline(Bitmap& all, const Bitmap& b, unsigned shift) {
  std::uint64_t* __restrict x = all.data();
  const std::uint64_t* __restrict y = b.data();
  std::uint64_t any = 0;
  if (shift == 0) {
    for (std::size_t w = 0; w < kStripWords; ++w) any |= x[w] &= y[w];
  } else {
    for (std::size_t w = 0; w < kStripWords; ++w) any |= x[w] &= y[w] >> shift | y[w + 1] << (64 - shift);
  }
  return any != 0;
}

void join_portable(const Bitmap& a, const Bitmap& b, Bitmap& to) {
  join_inline(a, b, to);
}
void follow_portable(const Bitmap& a, const Bitmap& b, unsigned shift, Bitmap& to) {
  follow_inline(a, b, shift, to);
}
bool intersect_portable(Bitmap& all, const Bitmap& b, unsigned shift) {
  return intersect_inline(all, b, shift);
}

#if defined(__x86_64__)
#define SLUICE_AVX2 __attribute__((target("avx2")))

SLUICE_AVX2 inline __m256i classify(const std::uint8_t* at, __m256i high, __m256i low) {
  const __m256i half = _mm256_set1_epi8(0x0f);
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half);
  return _mm256_and_si256(_mm256_shuffle_epi8(high, upper), _mm256_shuffle_epi8(low, _mm256_and_si256(bytes, half)));
}

SLUICE_AVX2 void find_atoms_avx2(const std::uint8_t* data, std::size_t words, const AtomTables& tables, Bitmap* out,
                                 std::size_t word) {
  const __m256i high =
      _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(tables.high.data())));
  const __m256i low = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(tables.low.data())));
  const std::size_t count = tables.count;
  for (; words > 0; --words, data += kWordBytes, ++word) {
    const __m256i first = classify(data, high, low);
    const __m256i second = classify(data + 32, high, low);
    for (std::size_t atom = 0; atom < count; ++atom) {
      const __m128i up = _mm_cvtsi32_si128(static_cast<int>(kMaxAtoms - 1 - atom));  // to the sign of its byte
      const auto a = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_sll_epi16(first, up)));
      const auto b = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_sll_epi16(second, up)));
      out[atom][word] = a | std::uint64_t{b} << 32;
    }
  }
}
SLUICE_AVX2 void join_avx2(const Bitmap& a, const Bitmap& b, Bitmap& to) {
  join_inline(a, b, to);
}
SLUICE_AVX2 void follow_avx2(const Bitmap& a, const Bitmap& b, unsigned shift, Bitmap& to) {
  follow_inline(a, b, shift, to);
}
SLUICE_AVX2 bool intersect_avx2(Bitmap& all, const Bitmap& b, unsigned shift) {
  return intersect_inline(all, b, shift);
}
#endif

BitmapOperations choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return {find_atoms_avx2, join_avx2, follow_avx2, intersect_avx2};
#endif
  return kPortableBitmaps;
}

}  // namespace

constinit const BitmapOperations kPortableBitmaps = {find_atoms_portable, join_portable, follow_portable,
                                                     intersect_portable};

const BitmapOperations& bitmaps() {
  static const BitmapOperations kChosen = choose();
  return kChosen;
}

const AtomTables& all_atoms() {
  return kAll;
}

std::optional<AtomSet> atoms_of(const rules::ByteSet& set) {
  AtomSet atoms = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (!set[byte]) continue;
    const AtomSet of_byte = atoms_of_byte(kAll, static_cast<std::uint8_t>(byte));
    if (of_byte == 0) return std::nullopt;
    atoms |= of_byte;
  }
  return atoms;
}

AtomTables merge_atoms(std::span<AtomSet> classes) {
  const auto alike = [&](unsigned a, unsigned b) {
    for (const AtomSet set : classes)
      if ((set >> a & 1U) != (set >> b & 1U)) return false;
    return true;
  };
  AtomTables merged;
  std::array<AtomSet, kMaxAtoms> becomes{};  // 0: in no class
  for (unsigned atom = 0; atom < kMaxAtoms; ++atom) {
    bool used = false;
    for (const AtomSet set : classes) used = used || (set >> atom & 1U) != 0;
    for (unsigned other = 0; used && other < atom && becomes[atom] == 0; ++other)
      if (becomes[other] != 0 && alike(atom, other)) becomes[atom] = becomes[other];
    if (used && becomes[atom] == 0) becomes[atom] = static_cast<AtomSet>(1U << merged.count++);
    for (std::size_t value = 0; value < 16; ++value) {
      if ((kAll.high[value] >> atom & 1U) != 0) merged.high[value] |= becomes[atom];
      if ((kAll.low[value] >> atom & 1U) != 0) merged.low[value] |= becomes[atom];
    }
  }
  for (AtomSet& set : classes) {
    AtomSet now = 0;
    for (unsigned left = set; left != 0; left &= left - 1)
      now |= becomes[static_cast<std::size_t>(std::countr_zero(left))];
    set = now;
  }
  return merged;
}

}  // namespace sluice::inspect
