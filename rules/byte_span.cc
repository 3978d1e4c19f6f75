// See byte_span.h.
#include "rules/byte_span.h"

#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sluice::rules {
#if defined(__x86_64__)
#define SLUICE_AVX2 __attribute__((target("avx2")))

struct SpanVectors {
  static bool usable() { return __builtin_cpu_supports("avx2") != 0; }
  SLUICE_AVX2 static __m256i table(const std::array<std::uint8_t, 16>& from) {
    return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(from.data())));
  }
  // Of 32 bytes those that are not of the set, one bit each.
  SLUICE_AVX2 static std::uint32_t others(const ByteSpan& span, const std::uint8_t* at) {
    const __m256i half = _mm256_set1_epi8(0x0f);
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i low = _mm256_and_si256(bytes, half);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half);
    const __m256i row = _mm256_blendv_epi8(_mm256_shuffle_epi8(table(span.lower_rows_), low),
                                           _mm256_shuffle_epi8(table(span.upper_rows_), low), bytes);
    const __m256i bit = _mm256_shuffle_epi8(_mm256_set1_epi64x(static_cast<std::int64_t>(0x8040201008040201U)), high);
    const __m256i missing = _mm256_cmpeq_epi8(_mm256_and_si256(row, bit), _mm256_setzero_si256());
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(missing));
  }
  SLUICE_AVX2 static std::size_t at_begin(const ByteSpan& span, Bytes text, std::size_t most) {
    std::size_t count = 0;
    for (; count < most && count + ByteSpan::kAtOnce <= text.size(); count += ByteSpan::kAtOnce)
      if (const std::uint32_t other = others(span, text.data() + count); other != 0)
        return std::min(most, count + static_cast<std::size_t>(std::countr_zero(other)));
    return count < most ? count + span.at_begin_portable(text.subspan(count, most - count)) : most;
  }
  SLUICE_AVX2 static std::size_t at_end(const ByteSpan& span, Bytes text) {
    std::size_t left = text.size();
    for (; left >= ByteSpan::kAtOnce; left -= ByteSpan::kAtOnce)
      if (const std::uint32_t other = others(span, text.data() + left - ByteSpan::kAtOnce); other != 0)
        return text.size() - left + static_cast<std::size_t>(std::countl_zero(other));
    return text.size() - left + span.at_end_portable(text.first(left));
  }
};
#endif

ByteSpan::ByteSpan(const ByteSet& set) {
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (!set[byte]) continue;
    holds_[byte] = true;
    auto& rows = byte < 128 ? lower_rows_ : upper_rows_;
    rows[byte % 16] = static_cast<std::uint8_t>(rows[byte % 16] | 1U << byte / 16 % 8);
  }
}

std::size_t ByteSpan::many_at_begin(Bytes text, std::size_t most) const {
#if defined(__x86_64__)
  if (text.size() >= kAtOnce && SpanVectors::usable()) return SpanVectors::at_begin(*this, text, most);
#endif
  return at_begin_portable(text.first(most));
}

std::size_t ByteSpan::many_at_end(Bytes text) const {
#if defined(__x86_64__)
  if (text.size() >= kAtOnce && SpanVectors::usable()) return SpanVectors::at_end(*this, text);
#endif
  return at_end_portable(text);
}

std::size_t ByteSpan::at_begin_portable(Bytes text) const {
  std::size_t count = 0;
  while (count < text.size() && holds_[text[count]]) ++count;
  return count;
}

std::size_t ByteSpan::at_end_portable(Bytes text) const {
  std::size_t left = text.size();
  while (left > 0 && holds_[text[left - 1]]) --left;
  return text.size() - left;
}

}  // namespace sluice::rules
