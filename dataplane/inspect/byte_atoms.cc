// See byte_atoms.h.
#include "dataplane/inspect/byte_atoms.h"

#include <bit>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "common/assert.h"

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

// Bits of `words` from `word` on, `shift` (0 to 63) behind their place.
std::uint64_t behind(const Bitmap& bitmap, std::size_t word, unsigned shift) {
  return bitmap[word] >> shift | bitmap[word + 1] << 1 << (63 - shift);
}

void join_portable(const Bitmap& a, const Bitmap& b, std::size_t words, Bitmap& to) {
  for (std::size_t w = 0; w <= words; ++w) to[w] = a[w] | b[w];
}

void follow_portable(const Bitmap& a, const Bitmap& b, unsigned shift, std::size_t words, Bitmap& to) {
  for (std::size_t w = 0; w < words; ++w) to[w] = a[w] & behind(b, w, shift);
  to[words] = a[words] & b[words] >> shift;
}

std::uint32_t meet_portable(const Bitmap& a, unsigned shift_a, const Bitmap& b, unsigned shift_b, std::size_t words,
                            Bitmap& to) {
  std::uint32_t any = 0;
  for (std::size_t w = 0; w < words; ++w) {
    to[w] = behind(a, w, shift_a) & behind(b, w, shift_b);
    any |= static_cast<std::uint32_t>(to[w] != 0) << w;
  }
  return any;
}

#if defined(__x86_64__)
#define SLUICE_AVX2 __attribute__((target("avx2")))

SLUICE_AVX2 inline __m256i classify(const std::uint8_t* at, __m256i high, __m256i low) {
  const __m256i half = _mm256_set1_epi8(0x0f);
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half);
  // A byte above 127 looks up nothing in `low`: no atom holds it.
  return _mm256_and_si256(_mm256_shuffle_epi8(high, upper), _mm256_shuffle_epi8(low, bytes));
}

// The bits of one atom, brought to the sign of its byte.
template <std::size_t Atom>
SLUICE_AVX2 inline std::uint64_t bits_of(__m256i first, __m256i second) {
  constexpr int kUp = static_cast<int>(kMaxAtoms - 1 - Atom);
  const auto a = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_slli_epi16(first, kUp)));
  const auto b = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_slli_epi16(second, kUp)));
  return a | std::uint64_t{b} << 32;
}

// Unrolled for each number of atoms.
template <std::size_t... Atoms>
SLUICE_AVX2 void find_these_avx2(std::index_sequence<Atoms...> /*atoms*/, const std::uint8_t* data, std::size_t words,
                                 const AtomTables& tables, Bitmap* out, std::size_t word) {
  const __m256i high =
      _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(tables.high.data())));
  const __m256i low = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(tables.low.data())));
  for (; words > 0; --words, data += kWordBytes, ++word) {
    const __m256i first = classify(data, high, low);
    const __m256i second = classify(data + 32, high, low);
    ((out[Atoms][word] = bits_of<Atoms>(first, second)), ...);
  }
}

SLUICE_AVX2 void find_atoms_avx2(const std::uint8_t* data, std::size_t words, const AtomTables& tables, Bitmap* out,
                                 std::size_t word) {
  using Find = void (*)(const std::uint8_t*, std::size_t, const AtomTables&, Bitmap*, std::size_t);
  static constexpr auto kFind = []<std::size_t... Counts>(std::index_sequence<Counts...> /*counts*/) {
    return std::array<Find, sizeof...(Counts)>{
        [](const std::uint8_t* from, std::size_t count, const AtomTables& with, Bitmap* to, std::size_t at) {
          find_these_avx2(std::make_index_sequence<Counts + 1>(), from, count, with, to, at);
        }...};
  }(std::make_index_sequence<kMaxAtoms>());
  if (tables.count > 0) kFind[tables.count - 1](data, words, tables, out, word);
}

SLUICE_AVX2 inline __m256i load(const Bitmap& bitmap, std::size_t word) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bitmap.data() + word));
}

SLUICE_AVX2 inline void store(Bitmap& bitmap, std::size_t word, __m256i bits) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(bitmap.data() + word), bits);
}

// behind() of four words; a shift by 64 gives 0 here.
struct Behind {
  explicit Behind(unsigned shift)
      : right(_mm_cvtsi32_si128(static_cast<int>(shift))), left(_mm_cvtsi32_si128(static_cast<int>(64 - shift))) {}
  [[nodiscard]] SLUICE_AVX2 __m256i load_words(const Bitmap& bitmap, std::size_t word) const {
    return _mm256_or_si256(_mm256_srl_epi64(load(bitmap, word), right), _mm256_sll_epi64(load(bitmap, word + 1), left));
  }
  __m128i right;
  __m128i left;
};

SLUICE_AVX2 void join_avx2(const Bitmap& a, const Bitmap& b, std::size_t words, Bitmap& to) {
  for (std::size_t w = 0; w < words; w += 4) store(to, w, _mm256_or_si256(load(a, w), load(b, w)));
  to[words] = a[words] | b[words];
}

SLUICE_AVX2 void follow_avx2(const Bitmap& a, const Bitmap& b, unsigned shift, std::size_t words, Bitmap& to) {
  const Behind behind_b(shift);
  for (std::size_t w = 0; w < words; w += 4) store(to, w, _mm256_and_si256(load(a, w), behind_b.load_words(b, w)));
  to[words] = a[words] & b[words] >> shift;
}

SLUICE_AVX2 std::uint32_t meet_avx2(const Bitmap& a, unsigned shift_a, const Bitmap& b, unsigned shift_b,
                                    std::size_t words, Bitmap& to) {
  const Behind behind_a(shift_a);
  const Behind behind_b(shift_b);
  std::uint32_t none = 0;
  for (std::size_t w = 0; w < words; w += 4) {
    const __m256i bits = _mm256_and_si256(behind_a.load_words(a, w), behind_b.load_words(b, w));
    store(to, w, bits);
    const __m256i empty = _mm256_cmpeq_epi64(bits, _mm256_setzero_si256());
    none |= static_cast<std::uint32_t>(_mm256_movemask_pd(_mm256_castsi256_pd(empty))) << w;
  }
  return ~none & static_cast<std::uint32_t>((std::uint64_t{1} << words) - 1);
}

// By vectors of 64 bytes, or eight words; and shifts over two words at once, as of Ice Lake and Zen 4.
#define SLUICE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi2")))

SLUICE_AVX512 inline __m512i broadcast(const std::array<AtomSet, 16>& from) {
  return _mm512_maskz_broadcast_i32x4(0xffff, _mm_load_si128(reinterpret_cast<const __m128i*>(from.data())));
}

template <std::size_t... Atoms>
SLUICE_AVX512 void find_these_avx512(std::index_sequence<Atoms...> /*atoms*/, const std::uint8_t* data,
                                     std::size_t words, const AtomTables& tables, Bitmap* out, std::size_t word) {
  const __m512i high = broadcast(tables.high);
  const __m512i low = broadcast(tables.low);
  const __m512i half = _mm512_set1_epi8(0x0f);
  for (; words > 0; --words, data += kWordBytes, ++word) {
    const __m512i bytes = _mm512_loadu_si512(data);
    const __m512i upper = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), half);
    const __m512i atoms = _mm512_and_si512(_mm512_shuffle_epi8(high, upper), _mm512_shuffle_epi8(low, bytes));
    ((out[Atoms][word] = _mm512_test_epi8_mask(atoms, _mm512_set1_epi8(static_cast<char>(1U << Atoms)))), ...);
  }
}

SLUICE_AVX512 void find_atoms_avx512(const std::uint8_t* data, std::size_t words, const AtomTables& tables, Bitmap* out,
                                     std::size_t word) {
  using Find = void (*)(const std::uint8_t*, std::size_t, const AtomTables&, Bitmap*, std::size_t);
  static constexpr auto kFind = []<std::size_t... Counts>(std::index_sequence<Counts...> /*counts*/) {
    return std::array<Find, sizeof...(Counts)>{
        [](const std::uint8_t* from, std::size_t count, const AtomTables& with, Bitmap* to, std::size_t at) {
          find_these_avx512(std::make_index_sequence<Counts + 1>(), from, count, with, to, at);
        }...};
  }(std::make_index_sequence<kMaxAtoms>());
  if (tables.count > 0) kFind[tables.count - 1](data, words, tables, out, word);
}

SLUICE_AVX512 inline __m512i load_group(const Bitmap& bitmap, std::size_t word) {
  return _mm512_load_si512(bitmap.data() + word);
}

// The words of a bitmap, group by group, each loaded once, and the word behind them by itself: what was stored a moment
// ago is loaded as it was stored, or the load would wait.
class Groups {
 public:
  SLUICE_AVX512 Groups(const Bitmap& bitmap, std::size_t words)
      : at_(bitmap.data()), end_(at_ + words), here_(_mm512_load_si512(at_)) {}
  // behind() of the next group.
  SLUICE_AVX512 __m512i next(__m512i shift) {
    at_ += kGroupWords;
    const __m512i here = here_;
    here_ = at_ != end_ ? _mm512_load_si512(at_)
                        : _mm512_zextsi128_si512(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at_)));
    return _mm512_shrdv_epi64(here, _mm512_maskz_alignr_epi64(0xff, here_, here, 1), shift);
  }

 private:
  const std::uint64_t* at_;
  const std::uint64_t* end_;
  __m512i here_;
};

SLUICE_AVX512 void join_avx512(const Bitmap& a, const Bitmap& b, std::size_t words, Bitmap& to) {
  for (std::size_t w = 0; w < words; w += kGroupWords)
    _mm512_store_si512(to.data() + w, _mm512_or_si512(load_group(a, w), load_group(b, w)));
  to[words] = a[words] | b[words];
}

SLUICE_AVX512 void follow_avx512(const Bitmap& a, const Bitmap& b, unsigned shift, std::size_t words, Bitmap& to) {
  const __m512i by = _mm512_set1_epi64(static_cast<std::int64_t>(shift));
  Groups behind_b(b, words);
  for (std::size_t w = 0; w < words; w += kGroupWords)
    _mm512_store_si512(to.data() + w, _mm512_and_si512(load_group(a, w), behind_b.next(by)));
  to[words] = a[words] & b[words] >> shift;
}

SLUICE_AVX512 std::uint32_t meet_avx512(const Bitmap& a, unsigned shift_a, const Bitmap& b, unsigned shift_b,
                                        std::size_t words, Bitmap& to) {
  const __m512i by_a = _mm512_set1_epi64(static_cast<std::int64_t>(shift_a));
  const __m512i by_b = _mm512_set1_epi64(static_cast<std::int64_t>(shift_b));
  Groups behind_a(a, words);
  Groups behind_b(b, words);
  std::uint32_t any = 0;
  for (std::size_t w = 0; w < words; w += kGroupWords) {
    const __m512i bits = _mm512_and_si512(behind_a.next(by_a), behind_b.next(by_b));
    _mm512_store_si512(to.data() + w, bits);
    any |= std::uint32_t{_mm512_test_epi64_mask(bits, bits)} << w;
  }
  return any;
}
#endif

constexpr BitmapOperations kPortable = {find_atoms_portable, join_portable, follow_portable, meet_portable};

std::vector<BitmapOperations> find_usable() {
  std::vector<BitmapOperations> usable = {kPortable};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) usable.push_back({find_atoms_avx2, join_avx2, follow_avx2, meet_avx2});
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2"))
    usable.push_back({find_atoms_avx512, join_avx512, follow_avx512, meet_avx512});
#endif
  return usable;
}

}  // namespace

std::span<const BitmapOperations> usable_bitmaps() {
  static const std::vector<BitmapOperations> kUsable = find_usable();
  return kUsable;
}

const BitmapOperations& bitmaps() {
  static const BitmapOperations kChosen = usable_bitmaps().back();
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

AtomSet atoms_within(const AtomTables& tables, const rules::ByteSet& set) {
  unsigned within = (1U << tables.count) - 1;
  for (unsigned byte = 0; byte < 256; ++byte)
    if (!set[byte]) within &= ~unsigned{atoms_of_byte(tables, static_cast<std::uint8_t>(byte))};
  return static_cast<AtomSet>(within);
}

}  // namespace sluice::inspect
