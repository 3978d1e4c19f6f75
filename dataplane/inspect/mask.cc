#include "dataplane/inspect/mask.h"

#include <emmintrin.h>

#include "common/assert.h"

namespace sluice::inspect {
namespace {

// ASCII only and without a locale: what a mask covers must not depend on where it runs.
constexpr bool is_letter_or_digit(std::uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

constexpr bool is_covered(std::uint8_t byte, Cover cover) {
  if (cover == Cover::letters) return is_letter_or_digit(byte) || byte >= 0x80;
  return byte >= 0x20 && byte != 0x7f;
}

// Bytes that are looked at together.
struct Whole {
  static constexpr std::size_t kBytes = 16;
  static __m128i load(const std::uint8_t* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
  static void store(std::uint8_t* at, __m128i bytes) { _mm_storeu_si128(reinterpret_cast<__m128i*>(at), bytes); }
};
struct Half {
  static constexpr std::size_t kBytes = 8;
  static __m128i load(const std::uint8_t* at) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)); }
  static void store(std::uint8_t* at, __m128i bytes) { _mm_storel_epi64(reinterpret_cast<__m128i*>(at), bytes); }
};

// 0xff where low <= byte <= low + span, unsigned.
inline __m128i is_within(__m128i bytes, std::uint8_t low, std::uint8_t span) {
  const __m128i above = _mm_sub_epi8(bytes, _mm_set1_epi8(static_cast<char>(low)));
  return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8(static_cast<char>(span))), above);
}

// is_covered() of 16 bytes.
template <Cover kCover>
inline __m128i are_covered(__m128i bytes) {
  if constexpr (kCover == Cover::signs)
    return _mm_andnot_si128(is_within(bytes, 0x7f, 0), is_within(bytes, 0x20, 0xff - 0x20));
  const __m128i letters = is_within(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z' - 'a');
  const __m128i beyond_ascii = _mm_cmpgt_epi8(_mm_setzero_si128(), bytes);
  return _mm_or_si128(letters, _mm_or_si128(is_within(bytes, '0', 9), beyond_ascii));
}

// Writes '*' wherever `where` has 0xff.
template <class Lane>
void star(std::uint8_t* at, __m128i where) {
  const __m128i kept = _mm_andnot_si128(where, Lane::load(at));
  Lane::store(at, _mm_or_si128(kept, _mm_and_si128(where, _mm_set1_epi8('*'))));
}

// Calls fn for lanes that cover `bytes`, as many as that are at least; the last may overlap the one before.
template <class Lane, class Fn>
void for_lanes(std::size_t bytes, Fn&& fn) {
  for (std::size_t at = 0; at + Lane::kBytes < bytes; at += Lane::kBytes) fn(Lane(), at);
  fn(Lane(), bytes - Lane::kBytes);
}

// Calls wide(lane, offset), or narrow(offset) for each of a few bytes.
template <class Wide, class Narrow>
void for_bytes(std::size_t bytes, Wide&& wide, Narrow&& narrow) {
  if (bytes >= Whole::kBytes) return for_lanes<Whole>(bytes, wide);
  if (bytes >= Half::kBytes) return for_lanes<Half>(bytes, wide);
  for (std::size_t at = 0; at < bytes; ++at) narrow(at);
}

// What is masked twice is the same.
template <Cover kCover>
void mask_with(MutableBytes bytes) {
  std::uint8_t* const to = bytes.data();
  for_bytes(
      bytes.size(),
      [&]<class Lane>(Lane, std::size_t at) { star<Lane>(to + at, are_covered<kCover>(Lane::load(to + at))); },
      [&](std::size_t at) {
        if (is_covered(to[at], kCover)) to[at] = '*';
      });
}

}  // namespace

std::size_t masked_length(Bytes match, std::uint32_t keep_last) {
  std::size_t length = match.size();
  while (keep_last > 0 && length > 0) {
    if (is_letter_or_digit(match[--length])) --keep_last;
  }
  return length;
}

void mask_all(MutableBytes bytes, Cover cover) {
  cover == Cover::signs ? mask_with<Cover::signs>(bytes) : mask_with<Cover::letters>(bytes);
}

void copy_stars(Bytes masked, MutableBytes out) {
  SLUICE_ASSERT(masked.size() == out.size());
  for_bytes(
      out.size(),
      [&]<class Lane>(Lane, std::size_t at) {
        star<Lane>(out.data() + at, _mm_cmpeq_epi8(Lane::load(masked.data() + at), _mm_set1_epi8('*')));
      },
      [&](std::size_t at) {
        if (masked[at] == '*') out[at] = '*';
      });
}

void mask_in_place(MutableBytes match, std::uint32_t keep_last, Cover cover) {
  mask_all(match.first(masked_length(match, keep_last)), cover);
}

}  // namespace sluice::inspect
